"""Slack's published TypeScript types, held against everything that is sent and against the app's manifest.

They know what the models of the SDK for Python do not: which texts may have marks, which elements stand where, which
scopes and events there are. The versions are pinned in typescript/package-lock.json.
"""

import fcntl
import json
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.render.extremes import EXTREMES
from tests.render.samples import MESSAGES, VIEWS
from tests.render.test_validators import actions, button, modal, mrkdwn, section

Json = dict[str, Any]
ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent / "typescript"
NODE_MODULES = HERE / "node_modules"
WAITS = 180
"""Seconds for the registry; the packages are some 40 MB."""
HEAD = """\
import type { KnownBlock, HomeView, ModalView } from "@slack/types";
import type { AppsManifestValidateArguments } from "@slack/web-api";
// Slack's own unions also take any object with a type, which would excuse every block.
type Known<V> = Omit<V, "blocks"> & { blocks: KnownBlock[] };
type Message = { text: string; blocks: KnownBlock[] };
type Modal = Known<ModalView>;
type Home = Known<HomeView>;
type App = AppsManifestValidateArguments["manifest"];
"""
OPTIONS = ("--noEmit", "--strict", "--skipLibCheck", "--types", "node", "--module", "nodenext")


@pytest.fixture(scope="module")
def compiler() -> Path:
    """TypeScript's compiler, with Slack's types beside it; installed once, by whoever comes first."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed: Slack's TypeScript types are not held against what is sent")
    with (HERE / "package.json").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        installed, wanted = NODE_MODULES / ".package-lock.json", HERE / "package-lock.json"
        if not installed.exists() or installed.stat().st_mtime < wanted.stat().st_mtime:
            _install(npm)
            installed.touch()
    return NODE_MODULES / ".bin" / "tsc"


def _install(npm: str) -> None:
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent"]
    try:
        subprocess.run(command, cwd=HERE, check=True, capture_output=True, timeout=WAITS)  # noqa: S603  npm, pinned
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"npm cannot install Slack's TypeScript types: {type(error).__name__}")


def complaints(compiler: Path, directory: Path, values: Mapping[str, tuple[str, Json]]) -> list[str]:
    """Let the compiler look at values, each by the name of its type; return what it says."""
    lines = [
        f"/* {name} */ ({json.dumps(value)}) satisfies {kind};" for name, (kind, value) in values.items()
    ]
    source = directory / "sent.ts"
    source.write_text(HEAD + "\n".join(lines) + "\nexport {};\n", encoding="utf-8")
    (directory / "node_modules").symlink_to(NODE_MODULES)
    done = subprocess.run(  # noqa: S603  the compiler, pinned
        [compiler, *OPTIONS, source],
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=WAITS,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0 or "sent.ts(" in said, said
    names, first = list(values), HEAD.count("\n") + 1
    found = [line for line in said.splitlines() if line.startswith("sent.ts(")]
    assert all(line.startswith("sent.ts(") for line in said.splitlines() if "error TS" in line), said
    at = [int(line.removeprefix("sent.ts(").partition(",")[0]) - first for line in found]
    assert min(at, default=0) >= 0, said  # a negative line is one of ours above
    return [f"{names[number]}: {line[:300]}" for number, line in zip(at, found, strict=True)]


def kind_of(rendered: Json) -> str:
    """The name of the type that a message or a view must have."""
    return {"modal": "Modal", "home": "Home"}.get(rendered.get("type", ""), "Message")


async def test_slacks_types_take_everything_that_is_sent(compiler: Path, tmp_path: Path) -> None:
    """Ordinary and at its worst."""
    makers = {**MESSAGES, **VIEWS}
    makers |= {f"{kind} {name}": make for kind, some in EXTREMES.items() for name, make in some.items()}
    rendered = {name: await make() for name, make in makers.items()}
    values = {name: (kind_of(value), value) for name, value in rendered.items()}
    assert complaints(compiler, tmp_path, values) == []


def manifest() -> Json:
    """The manifest as it is shipped."""
    loaded: Json = yaml.safe_load((ROOT / "app-manifest.yml").read_text(encoding="utf-8"))
    return loaded


def test_slacks_types_take_the_manifest(compiler: Path, tmp_path: Path) -> None:
    """Every scope and every event in it is one that Slack knows, which its schema does not tell."""
    assert complaints(compiler, tmp_path, {"manifest": ("App", manifest())}) == []


def test_slacks_types_find_what_is_wrong(compiler: Path, tmp_path: Path) -> None:
    """Each of these, among some that are right, so that the two tests above mean something."""
    scoped, eager = manifest(), manifest()
    scoped["oauth_config"]["scopes"]["bot"].append("chat:shout")
    eager["settings"]["event_subscriptions"]["bot_events"].append("anything_at_all")

    def message(*blocks: Json) -> tuple[str, Json]:
        return "Message", {"text": "A sentence.", "blocks": list(blocks)}

    wrong = {
        "an unknown block": message({"type": "surprise"}),
        "an unknown key": message(section(colour="red")),
        "an unknown element": message(actions({"type": "surprise", "action_id": "a"})),
        "a button with marks": message(actions(button(text=mrkdwn("*press*")))),
        "a header with marks": message({"type": "header", "text": mrkdwn("*big*")}),
        "a style": message(actions(button(style="loud"))),
        "no sentence": ("Message", {"blocks": [section()]}),
        "a modal without a title": ("Modal", {"type": "modal", "blocks": [section()]}),
        "a block in a modal": ("Modal", modal({"type": "surprise"})),
        "a scope": ("App", scoped),
        "an event": ("App", eager),
    }
    right = {"right": message(section(), actions(button())), "right too": ("Modal", modal(section()))}
    said = complaints(compiler, tmp_path, {**right, **wrong})
    assert {line.partition(":")[0] for line in said} == set(wrong)
