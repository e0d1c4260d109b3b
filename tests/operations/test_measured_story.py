"""Changes whose measurements are really played: to a rollback by policy, its own measurement, and late reverts."""

import pytest

from bot.config.settings import OnFailure
from bot.domain.change import Change, Phase
from bot.domain.verification import Outcome, Part, Run, Verdict
from tests.fakes.world import ALICE, BOB, CHECKOUT, KEY
from tests.operations.measured_town import MeasuredTown

LONG = 3600.0
"""Enough for any measurement here."""


async def measured(town: MeasuredTown, change: Change) -> tuple[Change, Run, Verdict]:
    """Let time pass until a change is measured."""
    await town.pass_time(LONG)
    (run,) = town.runs_of(change.id)
    assert run.verdict is not None
    return town.now(change), run, run.verdict


async def test_an_enabled_service_is_measured_before_and_after() -> None:
    """The plain story, and everything that was sent is in its two parts."""
    town = MeasuredTown()
    change, run, verdict = await measured(town, await town.approved())
    assert (change.phase, verdict.outcome) == (Phase.SUCCEEDED, Outcome.SUCCEEDED)
    assert [burst.part for burst in run.bursts] == [Part.BEFORE, Part.BEFORE, Part.AFTER, Part.AFTER]


async def test_a_failure_is_rolled_back_by_policy_and_the_rollback_is_measured_too() -> None:
    """One node never follows: the bot undoes its change by itself, and shows with connections of its own that it did."""
    town = MeasuredTown(on_failure=OnFailure.ROLLBACK)
    town.stuck["node-b"] = False
    first, _, found = await measured(town, await town.approved())
    assert (first.phase, found.outcome) == (Phase.FAILED, Outcome.FAILED)
    assert "node-b" in found.headline
    _, second = town.changes()
    undone, run, verdict = await measured(town, second)
    assert (undone.requested_by, undone.phase) == ("bot", Phase.SUCCEEDED)
    assert KEY not in town.here.annotations(CHECKOUT)
    assert Part.BEFORE not in {burst.part for burst in run.bursts}
    assert {row.expected for row in verdict.rows} == {"past the load balancer"}
    assert all(row.after.attempts and row.after.seen == 0 for row in verdict.rows)
    assert any("goes past the load balancer, as expected" in text for text in town.thread(undone))
    assert any("onFailure: rollback" in text for text in town.thread(first))


async def test_a_rollback_by_policy_that_does_not_take_effect_is_a_failure_of_its_own() -> None:
    """A node goes on sending its clients through the load balancer: said, and not rolled back once more."""
    town = MeasuredTown(on_failure=OnFailure.ROLLBACK)
    town.stuck = {"node-b": False, "node-c": True}
    await town.approved()
    await town.pass_time(2 * LONG)
    _, second = town.changes()
    (run,) = town.runs_of(second.id)
    assert second.phase is Phase.FAILED
    assert run.verdict is not None
    assert "node-c" in run.verdict.headline
    assert any("CHG-2" in posted.text and "node-c" in posted.text for posted in town.incidents())


async def test_a_rollback_by_a_person_is_followed_by_a_control_measurement() -> None:
    """After a success as well: nothing is measured before, for undoing is urgent, and the verdict says so."""
    town = MeasuredTown()
    first, _, _ = await measured(town, await town.approved())
    await town.click(BOB, "change:rollback", first)
    _, second = town.changes()
    undone, run, verdict = await measured(town, second)
    assert (undone.phase, verdict.outcome) == (Phase.SUCCEEDED, Outcome.SUCCEEDED)
    assert not run.comparing
    assert verdict.sure_because == (
        "each client connected, and the counter stayed as it is outside the bursts; "
        "there is no measurement before to compare with"
    )


@pytest.mark.parametrize(
    ("value", "by"), [(None, ""), ("false", "argocd-controller"), ("false", "kubectl-edit")]
)
async def test_a_late_revert_turns_a_measured_success_around(value: str | None, by: str) -> None:
    """By GitOps or a person, within the watch: the change is a reverted one, loudly."""
    town = MeasuredTown()
    change = await town.approved()
    while town.now(change).phase is not Phase.SUCCEEDED:
        await town.pass_time(30)
    town.here.annotate(CHECKOUT, value, by=by)
    await town.pass_time(120)
    now = town.now(change)
    assert now.phase is Phase.REVERTED
    assert by in now.note
    assert any("Reverted" in posted.text for posted in town.incidents())
    assert any(
        posted.broadcast and "Undone on shop/checkout" in posted.text for posted in town.messenger.posts
    )


@pytest.mark.parametrize("part", [Part.BEFORE, Part.AFTER])
async def test_a_revert_while_it_is_measured_is_no_success(part: Part) -> None:
    """Whenever it comes: the measurement shows it, or the watch does."""
    town = MeasuredTown()
    change = await town.approved()
    while part not in {burst.part for run in town.runs_of(change.id) for burst in run.bursts}:
        await town.pass_time(20)
    while KEY not in town.here.annotations(CHECKOUT):
        await town.pass_time(20)
    town.here.annotate(CHECKOUT, "false", by="argocd-controller")
    await town.pass_time(LONG)
    assert town.now(change).phase in {Phase.FAILED, Phase.REVERTED}


async def test_a_verification_at_any_time_measures_what_is() -> None:
    """Without a change: one burst a class, and what is not as it should be is said."""
    town = MeasuredTown()
    await town.order(ALICE, "verify")
    await town.pass_time(LONG)
    (run,) = town.runs_of("")
    assert run.verdict is not None
    assert run.verdict.outcome is Outcome.SUCCEEDED
    assert (
        run.verdict.headline == "in-cluster traffic to shop/checkout goes past the load balancer, as expected"
    )
