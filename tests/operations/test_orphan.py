"""A cluster that is taken out of the configuration while changes of it are open: each of them ends, and says why."""

import pytest

from bot.config.settings import Clients, VerificationSettings
from bot.domain.change import Change, Phase
from bot.operations.orphan import WAITS
from bot.ports import Unavailable
from tests.fakes.world import ALICE, BOB, CAROL, CHECKOUT, INCIDENTS, KEY, LEAD, Town, shop

APPROVE = "change:approve"
TARGET = "prod/shop/checkout"
LONG = 4000.0
"""Seconds; longer than what is due later waits, and than the attempts that are made."""
GONE = "The cluster prod is not configured here any more."


def towns() -> Town:
    """Two clusters, one of which will go."""
    return Town(clusters=[shop(), shop("other")], changed={"incident_channel": INCIDENTS})


def forget(town: Town) -> None:
    """Restart the only replica, with a configuration that has the other cluster alone."""
    town.clusters = [town.clusters[1]]
    town.world = town.replica()


async def approved(town: Town) -> Change:
    """Approved, and held before anything is patched."""
    change = await town.propose(target=TARGET)
    await town.store.pauses.pause("*", LEAD, town.clock())
    await town.click(BOB, APPROVE, change)
    town.store.pauses.by.clear()
    return town.now(change)


async def applying(town: Town, *, sent: bool) -> Change:
    """The API server does not answer: the rehearsal is not answered, or the patch is not."""
    change = await approved(town)
    real = town.cluster.patch

    async def silent(*args: object, dry_run: bool, **kwargs: object) -> object:
        if dry_run and sent:
            return await real(*args, dry_run=dry_run, **kwargs)  # type: ignore[arg-type]  # passed on as it came
        raise Unavailable("prod does not answer")

    town.cluster.patch = silent  # type: ignore[assignment, method-assign]  # from now on
    await town.later(6)
    assert town.now(change).phase is Phase.APPLYING
    return town.now(change)


async def test_a_click_on_a_proposal_is_answered() -> None:
    """Nothing is decided about what cannot be read; a moment of a rolling restart is told apart."""
    town = towns()
    change = await town.propose(target=TARGET)
    forget(town)
    said = await town.click(BOB, APPROVE, change)
    assert said.startswith("The cluster prod is not configured here, so CHG-1 cannot be approved.")
    assert town.now(change).phase is Phase.PROPOSED


@pytest.mark.parametrize(
    ("who", "action", "phase"),
    [(CAROL, "change:reject", Phase.REJECTED), (ALICE, "change:withdraw", Phase.WITHDRAWN)],
)
async def test_a_proposal_can_be_closed_by_hand(who: str, action: str, phase: Phase) -> None:
    """Saying no needs no cluster, and the card says it."""
    town = towns()
    change = await town.propose(target=TARGET)
    forget(town)
    await town.click(who, action, change)
    assert town.now(change).phase is phase
    assert phase.capitalize() in town.card(change).text.splitlines()[0]


async def test_a_proposal_expires_and_its_card_says_so() -> None:
    """Nothing about time needs the cluster."""
    town = towns()
    change = await town.propose(target=TARGET)
    forget(town)
    await town.pass_time(100_000)
    assert town.now(change).phase is Phase.EXPIRED
    assert "Expired" in town.card(change).text.splitlines()[0]
    assert await town.store.jobs.next_due() is None


async def test_its_card_offers_nothing_that_cannot_be_done() -> None:
    """Drawn again by a replica that has known no such cluster for a while: withdraw is all that is left."""
    town = Town(clusters=[shop(), shop("other")])
    change = await town.propose(target=TARGET)
    forget(town)
    await town.order(LEAD, "pause", "")
    await town.later(1)
    assert "change:approve" in str(town.card(change).message.blocks)
    await town.pass_time(LONG)
    blocks = str(town.card(change).message.blocks)
    assert "change:approve" not in blocks
    assert "change:withdraw" in blocks
    assert "prod is not configured here any more: nobody can approve this." in town.card(change).text


async def test_what_was_approved_is_not_applied() -> None:
    """Nothing was patched, and the requester hears so in the thread."""
    town = towns()
    change = await approved(town)
    forget(town)
    await town.pass_time(LONG)
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert town.now(change).note == f"{GONE} Nothing was patched."
    assert f"{GONE} Nothing was patched." in town.thread(change)
    assert town.incidents() == []


@pytest.mark.parametrize(
    ("sent", "said"),
    [(False, "Nothing was patched."), (True, "Whether the patch is on shop/checkout is not known")],
)
async def test_what_was_being_applied_says_what_is_known_of_the_patch(said: str, *, sent: bool) -> None:
    """One that may be there is an alarm: nobody else will look."""
    town = towns()
    change = await applying(town, sent=sent)
    forget(town)
    await town.pass_time(LONG)
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert said in town.now(change).note
    assert bool(town.incidents()) is sent


async def test_what_was_being_verified_is_inconclusive() -> None:
    """It is patched, and what that did is not known; the run holds its Service no longer."""
    town = towns()
    change = await town.approved(target=TARGET)
    assert town.now(change).phase is Phase.VERIFYING
    forget(town)
    await town.pass_time(LONG)
    assert town.now(change).phase is Phase.INCONCLUSIVE
    assert "not measured to the end" in town.card(change).text
    assert town.thread(change)[-1].startswith(GONE)


async def test_what_has_succeeded_rests() -> None:
    """The watch for a revert ends, and nothing can be rolled back."""
    town = towns()
    change = await town.concluded(await town.approved(target=TARGET))
    forget(town)
    said = await town.click(CAROL, "change:rollback", change)
    assert "prod is not configured here, so CHG-1 cannot be rolled back" in said
    await town.pass_time(100_000)
    assert town.now(change).phase is Phase.SUCCEEDED
    assert await town.store.jobs.next_due() is None


async def test_a_replica_that_does_not_know_the_cluster_yet_ends_nothing() -> None:
    """A cluster is added by a rolling restart: what the old replicas pick up is left to the new ones."""
    town = towns()
    change = await approved(town)
    prod, new = town.cluster, town.world
    forget(town)
    await town.pass_time(WAITS / 2)
    assert town.now(change).phase is Phase.APPROVED
    await town.work(new)
    town.world = new
    await town.later(2)
    assert town.now(change).phase is Phase.VERIFYING
    assert KEY in prod.annotations(CHECKOUT)


async def test_a_verification_ends_with_what_it_has_seen() -> None:
    """It holds its Service no longer, and its verdict is in its thread."""
    town = Town(clusters=[shop(), shop("other")], verification=VerificationSettings(clients=Clients.PROBE))
    await town.order(ALICE, "verify", TARGET)
    (run,) = town.runs.rows.values()
    assert run.open
    forget(town)
    await town.pass_time(LONG)
    (run,) = town.runs.rows.values()
    assert not run.open
    assert "Inconclusive" in town.messenger.posts[-1].text
