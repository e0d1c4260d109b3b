"""Every message and view, as it was when somebody last read it.

After a wanted change, write them anew and read the difference before it is committed:

    ELB_PASSTHROUGH_GOLDEN=write .venv/bin/pytest tests/render/test_golden.py
"""

import os
from pathlib import Path

import pytest

from bot.demo.slack import limits
from bot.render import shipped_templates
from tests.render.samples import MESSAGES, VIEWS
from tests.render.wire import pretty

GOLDEN = Path(__file__).parent / "golden"
WRITE = os.environ.get("ELB_PASSTHROUGH_GOLDEN") == "write"


def compare(name: str, rendered: str) -> None:
    """Hold a text against its golden file, or write that."""
    file = GOLDEN / f"{name}.json"
    if WRITE:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(rendered, encoding="utf-8")
    assert rendered == file.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", MESSAGES)
async def test_a_message_reads_as_it_did(name: str) -> None:
    """To the letter, and within Slack's limits."""
    rendered = await MESSAGES[name]()
    assert limits.of_blocks(rendered["blocks"]) == []
    compare(f"messages/{name}", pretty(rendered))


@pytest.mark.parametrize("name", VIEWS)
async def test_a_view_reads_as_it_did(name: str) -> None:
    """To the letter, and within Slack's limits."""
    rendered = await VIEWS[name]()
    assert limits.of_view(rendered) == []
    compare(f"views/{name}", pretty(rendered))


def test_every_template_has_a_golden_file() -> None:
    """And no golden file is left over."""
    for kind, samples in (("messages", MESSAGES), ("views", VIEWS)):
        templates = {file.name.removesuffix(".json.j2") for file in (shipped_templates() / kind).iterdir()}
        covered = {
            max((t for t in templates if name.startswith(t)), key=len, default=name) for name in samples
        }
        assert covered == {t for t in templates if not t.startswith("_")}
        assert {file.stem for file in (GOLDEN / kind).iterdir()} == set(samples)
