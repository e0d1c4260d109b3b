from dataclasses import replace

from bot.config.settings import Clients, VerificationSettings
from bot.domain.change import Phase
from bot.domain.verification import Outcome
from bot.operations.jobs import advance_job
from tests.fakes.store import MemoryRuns
from tests.fakes.world import ALICE, BOB, Town

PROBING = VerificationSettings(clients=Clients.PROBE)


def measuring() -> Town:
    """A town whose verifications are played step by step."""
    town = Town(verification=PROBING)
    town.store.runs = MemoryRuns(town.store.jobs)
    return town


async def test_how_it_was_is_measured_before_the_patch() -> None:
    """Approved, and the first measurement under way: nothing is patched yet, and the thread shows how far it is."""
    town = measuring()
    change = await town.approved()
    assert change.phase is Phase.APPROVED
    assert town.cluster.landed == []
    assert any("Verifying" in text and " of 5: " in text for text in town.thread(change))


async def test_a_withdrawn_change_ends_its_measurement() -> None:
    """No probe is left, and the Service can be verified again."""
    town = measuring()
    change = await town.approved()
    await town.click(ALICE, "change:withdraw", change)
    (run,) = town.store.runs.rows.values()
    assert not run.open
    assert "sweep_probes" in town.cluster.calls or not run.bursts
    assert town.cluster.landed == []


async def test_another_verification_of_the_service_is_waited_for() -> None:
    """One at a time; the card says what is waited for, and goes on when it is over."""
    town = measuring()
    await town.order(ALICE, "verify")
    change = await town.approved()
    assert change.progress == "waiting for another verification of this Service to end"
    (other,) = town.store.runs.rows.values()
    await town.click(ALICE, "verification:stop", other.id)
    await town.pass_time(120)
    assert len(town.store.runs.rows) == 2


async def test_what_nobody_can_measure_is_inconclusive() -> None:
    """No plan: applied, and said to be unproven."""
    town = Town()
    change = await town.propose()
    town.store.changes.rows[change.id] = replace(change, plan=None)
    await town.click(BOB, "change:approve", change)
    now = town.now(change)
    assert now.phase is Phase.INCONCLUSIVE
    assert "Nothing was measured" in town.card(change).text


async def test_a_change_without_a_plan_is_watched_no_longer() -> None:
    """There is no time of watching either."""
    town = Town()
    change = await town.done(Outcome.SUCCEEDED)
    town.store.changes.rows[change.id] = replace(change, plan=None)
    await town.store.jobs.submit(advance_job(change.id))
    await town.work()
    assert town.store.jobs.waiting("advance") == []
