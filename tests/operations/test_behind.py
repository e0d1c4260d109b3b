"""A verification that fails later leads to the change that made it so, and offers the way back."""

import pytest

from bot.domain.change import Change
from bot.domain.policy import Policy
from bot.domain.verification import Outcome
from tests.fakes.messenger import Posted
from tests.fakes.world import BOB, CHECKOUT, INCIDENTS, MALLORY, PLATFORM, SRE, Town
from tests.operations.measured_town import MeasuredTown

LONG = 3600.0


def buttons(posted: Posted) -> list[tuple[str, str]]:
    """What can be pressed on a message, and what that sends."""
    rows = (block["elements"] for block in posted.message.blocks if block["type"] == "actions")
    return [(each["action_id"], each["value"]) for row in rows for each in row]


async def broken(*, verified_by: str = BOB) -> tuple[MeasuredTown, Change, Posted]:
    """Enabled and verified; then a node goes its own way, and somebody verifies again: the verdict."""
    town = MeasuredTown()
    # In this town everybody may measure.
    town.policies = (Policy(propose=(PLATFORM,), approve=(SRE,), verify=("*",)),)
    town.world = town.replica()
    change = await town.approved()
    await town.pass_time(LONG)
    town.stuck["node-a"] = False
    await town.order(verified_by, "verify")
    await town.pass_time(LONG)
    (run,) = town.runs_of("")
    assert run.verdict is not None
    assert run.verdict.outcome is Outcome.FAILED
    (said,) = town.messenger.keyed(f"verdict:{run.id}")
    return town, change, said


def card_link(town: Town, change: Change) -> str:
    """Where the card is."""
    place = town.card(change).place
    return f"https://slack.test/archives/{place.channel}/p{place.ts.replace('.', '')}"


async def test_a_later_failure_can_be_rolled_back_where_it_is_read() -> None:
    """In the thread and in the channel: the link to the change, and its button."""
    town, change, said = await broken()
    assert f"<{card_link(town, change)}|CHG-1>" in said.text
    assert buttons(said) == [("change:rollback", change.id)]
    assert said.broadcast
    await town.click(BOB, "change:rollback", change)
    await town.pass_time(LONG)
    assert town.changes()[-1].rolls_back == change.id
    assert "kubernetes.io/elb.pass-through" not in town.here.annotations(CHECKOUT)


async def test_the_incident_channel_is_told_of_it_too() -> None:
    """With the Service, the reason, the change and the button; once."""
    town, change, said = await broken()
    (notice,) = [posted for posted in town.incidents() if posted.key.startswith("failed:")]
    assert notice.place.channel == INCIDENTS
    assert "Verification failed*   shop/checkout · prod: " in notice.text
    assert f"<{card_link(town, change)}|CHG-1>" in notice.text
    assert buttons(notice) == buttons(said)
    await town.store.jobs.submit(town.store.jobs.rows[notice.key].job)
    await town.pass_time(LONG)
    assert len(town.messenger.keyed(notice.key)) == 1


async def test_who_may_not_roll_back_reads_who_may() -> None:
    """And gets no button that would only refuse."""
    town, change, said = await broken(verified_by=MALLORY)
    assert buttons(said) == []
    assert f"<{card_link(town, change)}|CHG-1>" in said.text
    assert f"<!subteam^{SRE}> may roll it back." in said.text


@pytest.mark.parametrize("value", [None, "false"])
async def test_what_somebody_else_set_is_no_change_of_ours(value: str | None) -> None:
    """Undoing ours would overwrite it."""
    town, _, _ = await broken()
    town.cluster.annotate(CHECKOUT, value)
    town.stuck = dict.fromkeys(("node-a", "node-b", "node-c"), True)
    await town.order(BOB, "verify")
    await town.pass_time(LONG)
    last = town.runs_of("")[-1]
    (said,) = town.messenger.keyed(f"verdict:{last.id}")
    assert last.verdict is not None
    assert last.verdict.outcome is Outcome.FAILED
    assert "CHG-1" not in said.text
    assert buttons(said) == []


async def test_what_is_undone_already_has_no_button() -> None:
    """Of a rollback there is none; it is linked."""
    town, change, _ = await broken()
    await town.click(BOB, "change:rollback", change)
    await town.pass_time(LONG)
    town.stuck = dict.fromkeys(("node-a", "node-b", "node-c"), True)
    await town.order(BOB, "verify")
    await town.pass_time(LONG)
    last = town.runs_of("")[-1]
    (said,) = town.messenger.keyed(f"verdict:{last.id}")
    assert "|CHG-2> left it (roll back pass-through" in said.text
    assert buttons(said) == []
