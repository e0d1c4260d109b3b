"""What a patch template sees of a Service: what the page of settings names, and not a word more."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from bot.render import Renderer
from tests.fakes.world import ALICE, CHECKOUT, KEY, Cluster, Town, service, shop

PAGE = (Path(__file__).parents[2] / "docs/configuration.md").read_text(encoding="utf-8")
SECRET = "hunter2"


def town(tmp_path: Path, text: str) -> Town:
    """A town whose team has a patch template of its own; checkout carries things that nobody should read."""
    raw: dict[str, Any] = service()
    raw["metadata"]["labels"] = {"app": "checkout"}
    raw["metadata"]["annotations"] |= {
        "kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": SECRET}),
        "my.org/token": SECRET,
    }
    raw["metadata"]["managedFields"] = [{"manager": SECRET}]
    cluster: Cluster = shop()
    cluster.put(raw)
    own = tmp_path / "patches/pass-through.json.j2"
    own.parent.mkdir(parents=True)
    own.write_text(text)
    made = Town(clusters=[cluster], changed={"patches_allow": frozenset({"my.org/seen"})})
    made.world = made.replica(renderer=Renderer(tmp_path))
    return made


def template(shown: str) -> str:
    """A patch that shows something."""
    return f'{{"metadata": {{"annotations": {{"{KEY}": {{% if value is none %}}null{{% else %}}"{{{{ value }}}}"{{% endif %}}, "my.org/seen": {{{{ {shown} }}}}}}}}}}'


async def test_a_template_sees_what_the_page_says(tmp_path: Path) -> None:
    """The names of the page are the names of the object."""
    named = set(re.findall(r"`service\.(\w+)`", PAGE[PAGE.index("## Templates of your own") :]))
    change = await town(tmp_path, template('(service.keys() | sort | join(",")) | tojson')).propose()
    assert set(str(change.steps[0].after["my.org/seen"]).split(",")) == named


async def test_a_template_sees_no_other_annotation(tmp_path: Path) -> None:
    """Neither last-applied-configuration nor a token that somebody keeps in an annotation."""
    change = await town(tmp_path, template("(service | tojson) | tojson")).propose()
    seen = str(change.steps[0].after["my.org/seen"])
    assert '"name": "checkout"' in seen
    assert SECRET not in seen
    assert "last-applied" not in seen


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (template("nobody"), "'nobody' is undefined"),
        (
            template("service.name | tojson").replace("my.org/seen", "my.org/other"),
            "patches.allow does not list",
        ),
        ('{"metadata": {"annotations": {"my.org/seen": "x"}}}', "leaves pass-through as it is"),
        (
            f'{{"metadata": {{"annotations": {{"{KEY}": null}}}}}}',
            "removes pass-through where the change sets it",
        ),
        (f'{{"metadata": {{"annotations": {{"{KEY}": true}}}}}}', "pass-through may only be set"),
        ('{"spec": {"type": "ClusterIP"}}', "the patch may hold metadata and nothing else"),
        (
            "{% for i in range(999) %}{% for j in range(999) %}{% endfor %}{% endfor %}",
            "it takes too much work",
        ),
    ],
)
async def test_a_wrong_template_is_one_sentence_to_the_person(tmp_path: Path, text: str, said: str) -> None:
    """And nothing is proposed."""
    made = town(tmp_path, text)
    await made.order(ALICE, "enable")
    (told,) = made.messenger.said_to(ALICE)
    assert told.startswith("The patch template is refused: ")
    assert told.endswith(" Nothing was proposed.")
    assert said in told
    assert made.store.changes.rows == {}
    assert made.cluster.annotations(CHECKOUT).get(KEY) is None
