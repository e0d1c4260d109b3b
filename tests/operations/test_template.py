"""A patch template that is changed on disk while a change is open: what was approved is applied, or nothing is."""

from pathlib import Path

import pytest

from bot.domain.change import Change, Phase
from bot.render import Renderer, shipped_templates
from tests.fakes.world import ALICE, BOB, CHECKOUT, KEY, LEAD, Town

PATH = Path("patches") / "pass-through.json.j2"
SHIPPED = (shipped_templates() / PATH).read_text(encoding="utf-8")
COMMENTED = "{# reviewed by the platform team #}" + SHIPPED
MORE = SHIPPED.replace('"annotations": {', '"annotations": {"my.org/seen": "yes",')
BROKEN = "{{"


def town() -> Town:
    """A town whose team may set a key of its own."""
    return Town(changed={"patches_allow": frozenset({"my.org/seen"})})


def restart(town: Town, template: str, folder: Path) -> None:
    """Restart the only replica with a template of the team's own."""
    (folder / PATH).parent.mkdir(parents=True, exist_ok=True)
    (folder / PATH).write_text(template, encoding="utf-8")
    town.world = town.replica(renderer=Renderer(folder))


async def held(town: Town) -> Change:
    """Approved, and held before it is patched."""
    change = await town.propose()
    await town.store.pauses.pause("*", LEAD, town.clock())
    await town.click(BOB, "change:approve", change)
    town.store.pauses.by.clear()
    return change


@pytest.mark.parametrize("template", [MORE, BROKEN, COMMENTED])
async def test_a_click_on_another_template_than_was_proposed_from_supersedes_it(
    tmp_path: Path, template: str
) -> None:
    """Nobody approves by today's card what yesterday's template made: its source is in the digest, comments and all."""
    place = town()
    change = await place.propose()
    restart(place, template, tmp_path)
    said = await place.click(BOB, "change:approve", change)
    assert "The patch template is another than when CHG-1 was proposed." in said
    assert place.now(change).phase is Phase.SUPERSEDED


async def test_the_new_proposal_is_what_the_template_makes_now(tmp_path: Path) -> None:
    """With what the team wants beside it."""
    place = town()
    change = await place.propose()
    restart(place, MORE, tmp_path)
    await place.pass_time(61)
    assert place.now(change).phase is Phase.SUPERSEDED
    new = place.changes()[1]
    assert new.steps[0].after == {KEY: "true", "my.org/seen": "yes"}


@pytest.mark.parametrize("template", [MORE, BROKEN, COMMENTED])
async def test_what_was_approved_is_not_applied_once_the_template_is_another(
    tmp_path: Path, template: str
) -> None:
    """Approvals are for the digest that was shown, and the template's source is in it."""
    place = town()
    change = await held(place)
    restart(place, template, tmp_path)
    await place.later(6)
    assert place.now(change).phase is Phase.SUPERSEDED
    assert place.cluster.landed == []


async def test_the_same_template_from_elsewhere_voids_nothing(tmp_path: Path) -> None:
    """A team's own copy of the shipped one, letter for letter."""
    place = town()
    change = await held(place)
    restart(place, SHIPPED, tmp_path)
    await place.later(6)
    assert place.now(change).phase is Phase.VERIFYING


async def test_undoing_asks_no_template(tmp_path: Path) -> None:
    """The values from before were captured."""
    place = town()
    first = await place.done()
    restart(place, BROKEN, tmp_path)
    await place.click(BOB, "change:rollback", first)
    assert KEY not in place.cluster.annotations(CHECKOUT)
    assert place.changes()[1].requested_by == BOB != ALICE
    assert place.changes()[1].template_digest == ""
    restart(place, SHIPPED, tmp_path)
    await place.pass_time(61)
    assert place.changes()[1].phase is not Phase.SUPERSEDED
