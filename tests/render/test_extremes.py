"""Whatever it holds, Slack takes it: each message and view with the longest and the worst that may stand in it."""

import pytest

from bot.demo.slack import limits
from tests.render.extremes import EXTREMES
from tests.render.samples import MESSAGES, VIEWS
from tests.render.test_escaping import check_marks
from tests.render.validators import faults

CASES = [(kind, name) for kind, makers in EXTREMES.items() for name in makers]


@pytest.mark.parametrize(("kind", "name"), CASES)
async def test_slack_takes_it(kind: str, name: str) -> None:
    """By three tables of limits that share nothing, and it names nobody whom we do not name."""
    rendered = await EXTREMES[kind][name]()
    assert faults(rendered) == []
    refused = limits.of_view(rendered) if "type" in rendered else limits.of_blocks(rendered["blocks"])
    assert refused == []
    check_marks(rendered)


@pytest.mark.parametrize("name", [*MESSAGES, *VIEWS])
async def test_slack_takes_what_is_ordinary_too(name: str) -> None:
    """The very messages of the golden files."""
    assert faults(await {**MESSAGES, **VIEWS}[name]()) == []
