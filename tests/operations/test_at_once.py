"""In a hurry: the approver wants no measurement before the patch, and the verdict says that there is none."""

from bot.config.settings import Clients, VerificationSettings
from bot.domain.change import Phase
from bot.operations.jobs import AT_ONCE
from bot.operations.verdict import verdict_message
from tests.fakes.store import MemoryRuns
from tests.fakes.world import BOB, Town


def town() -> Town:
    """A town whose verifications are played step by step."""
    here = Town(verification=VerificationSettings(clients=Clients.PROBE))
    here.store.runs = MemoryRuns(here.store.jobs)
    return here


async def test_approved_at_once_is_applied_at_once() -> None:
    """No baseline is waited for; who decided so is in the audit log."""
    here = town()
    change = await here.propose()
    await here.click(BOB, "change:approve", f"{change.id}{AT_ONCE}")
    now = here.now(change)
    assert now.phase is Phase.VERIFYING
    assert now.at_once
    (event,) = [e for e in await here.store.changes.events(change.id) if e.kind == "approved"]
    assert event.detail["atOnce"] == "true"


async def test_its_verdict_says_that_there_is_nothing_to_compare_with() -> None:
    """The run measures after the patch only, and ends with a sentence about what it did not see."""
    here = town()
    change = await here.propose()
    await here.click(BOB, "change:approve", f"{change.id}{AT_ONCE}")
    await here.pass_time(3600)
    (run,) = here.store.runs.rows.values()
    assert not run.comparing
    assert run.verdict is not None
    assert all(row.before is None for row in run.verdict.rows)
    said = str(verdict_message(here.world, run).blocks)
    assert "it was applied at once, so there is nothing to compare with" in said


async def test_the_card_offers_it_only_where_something_is_measured_before() -> None:
    """Without clients to measure from it would make no difference."""
    here = town()
    assert "Approve, apply at once" in here.card(await here.propose()).text
    plain = Town()
    assert "Approve, apply at once" not in plain.card(await plain.propose()).text


async def test_the_digest_is_the_same_either_way() -> None:
    """What is patched, and what is sent afterwards, is what was approved."""
    here = town()
    change = await here.propose()
    await here.click(BOB, "change:approve", f"{change.id}{AT_ONCE}")
    assert here.now(change).digest == change.digest
