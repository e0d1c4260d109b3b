"""A pause: honoured by every replica before every write and every probe, and told to whoever waits for it."""

from bot.domain.change import Phase, ServiceRef
from bot.domain.objects import Ref
from bot.operations.jobs import click_job
from bot.operations.pause import pause, resume
from bot.ports import Forbidden
from tests.fakes.world import (
    BOB,
    CHECKOUT,
    IPVS,
    KEY,
    LEAD,
    MALLORY,
    START,
    Cluster,
    Town,
    caller,
    service,
    shop,
    slices,
)

APPROVE = "change:approve"
BASKET = Ref("shop", "basket")


async def test_the_card_says_by_whom_and_since_when_it_is_paused() -> None:
    """A proposal's and an approved change's; once it is resumed neither says so any more."""
    town = Town()
    change = await town.propose()
    await town.order(LEAD, "pause", "prod")
    held = "paused by <@U0LEAD> since 14:00 UTC; it goes on when an operator resumes"
    assert held in town.card(change).text
    await town.click(BOB, APPROVE, change)
    assert held in town.card(change).text
    assert town.now(change).phase is Phase.APPROVED
    await town.order(LEAD, "resume", "prod")
    assert "paused" not in town.card(change).text


async def test_a_proposal_made_in_a_pause_says_so() -> None:
    """The card shows the rows as they are."""
    town = Town()
    await town.order(LEAD, "pause", "")
    assert "paused by <@U0LEAD>" in town.card(await town.propose()).text


async def test_who_waits_for_a_change_is_told_once_that_it_waits_and_once_that_it_goes_on() -> None:
    """Requester and approvers are named in the thread; a second pause is told again."""
    town = Town()
    change = await town.approved()
    await town.order(LEAD, "pause", "prod")
    await town.order(LEAD, "pause", "prod")
    await town.order(LEAD, "resume", "prod")
    await town.order(LEAD, "resume", "prod")
    _, waits, goes_on = town.thread(change)
    assert waits == "<@U0ALICE> <@U0BOB>: CHG-1 waits. prod was paused by <@U0LEAD> at 14:00 UTC."
    assert goes_on == "CHG-1 goes on: prod was resumed by <@U0LEAD>."
    await town.later(60)
    await town.order(LEAD, "pause", "prod")
    assert len(town.thread(change)) == 4


async def test_a_proposal_that_nobody_decided_is_not_said_to_wait() -> None:
    """A pause holds up nothing of it yet."""
    town = Town()
    change = await town.propose()
    await town.order(LEAD, "pause", "prod")
    assert town.thread(change) == []


async def test_the_incident_channel_hears_of_a_pause_and_of_its_end() -> None:
    """Once each, with what waits for it."""
    town = Town()
    await town.approved()
    said = len(town.incidents())
    await town.order(LEAD, "pause", "")
    await town.order(LEAD, "resume", "")
    paused, resumed = [posted.text for posted in town.incidents()[said:]]
    assert paused == (
        "Every cluster is paused by <@U0LEAD>: nothing is written and no probe is sent until an operator resumes. "
        "CHG-1 waits."
    )
    assert resumed == "Every cluster is resumed by <@U0LEAD>. Changes that waited go on."


async def test_what_stays_paused_is_not_said_to_go_on() -> None:
    """All clusters are paused besides: resuming one of them changes nothing yet."""
    town = Town()
    change = await town.approved()
    await town.order(LEAD, "pause", "prod")
    await town.later(1)
    await town.order(LEAD, "pause", "")
    said = len(town.incidents())
    await town.order(LEAD, "resume", "prod")
    assert len(town.incidents()) == said
    assert not any("goes on" in text for text in town.thread(change))
    assert "paused by <@U0LEAD>" in town.card(change).text


async def test_who_is_no_operator_pauses_nothing() -> None:
    """The person is told who may."""
    town = Town()
    await town.order(MALLORY, "pause", "")
    assert "Only operators may pause and resume. <@U0LEAD> may." in town.messenger.said_to(MALLORY)[0]
    assert await town.store.pauses.paused("prod") is None


async def test_another_replica_honours_a_pause_between_the_rehearsal_and_the_patch() -> None:
    """Paused on one replica while another is about to write: it does not."""
    town = Town()
    change = await town.propose()
    await paused_at(town, rehearsals=1)
    await town.click(BOB, APPROVE, change)
    assert town.now(change).phase is Phase.APPLYING
    assert town.cluster.landed == []
    await town.pass_time(60)
    assert town.cluster.landed == []
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.VERIFYING
    assert len(town.cluster.landed) == 1


async def test_a_pause_between_two_services_of_a_set_holds_the_second() -> None:
    """Half applied is how it waits; resuming completes it."""
    town = Town(clusters=[pair()])
    change = await town.propose()
    # Both are rehearsed first, and each once more before its own patch.
    await paused_at(town, rehearsals=4)
    await town.click(BOB, APPROVE, change)
    assert [str(ref) for ref, _ in town.cluster.landed] == ["shop/basket"]
    assert "paused by <@U0LEAD>" in town.card(change).text
    await town.order(LEAD, "resume", "")
    assert [str(ref) for ref, _ in town.cluster.landed] == ["shop/basket", "shop/checkout"]
    assert town.now(change).phase is Phase.VERIFYING


async def test_a_pause_holds_putting_back_too() -> None:
    """It stops every write; what is to be put back is put back when it is over."""
    town = Town(clusters=[pair()])
    change = await town.propose()
    real = town.cluster.patch

    async def refusing(ref: ServiceRef, *args: object, dry_run: bool, **kwargs: object) -> object:
        if ref.name == "checkout" and not dry_run:
            await town.store.pauses.pause("*", LEAD, START)
            raise Forbidden("can't modify service elb")
        return await real(ref, *args, dry_run=dry_run, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    town.cluster.patch = refusing  # type: ignore[assignment, method-assign]  # the second Service refuses
    await town.click(BOB, APPROVE, change)
    await town.pass_time(60)
    assert town.now(change).phase is Phase.APPLYING
    assert town.cluster.annotations(BASKET)[KEY] == "true"
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert KEY not in town.cluster.annotations(BASKET)


async def test_a_rollback_waits_for_the_end_of_a_pause() -> None:
    """No write is exempt; the proposal stands, approved."""
    town = Town()
    first = await town.done()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, "change:rollback", first)
    assert town.cluster.annotations(CHECKOUT)[KEY] == "true"
    await town.order(LEAD, "resume", "")
    assert KEY not in town.cluster.annotations(CHECKOUT)


async def test_every_replica_reads_the_pause_from_the_store_each_time() -> None:
    """Two replicas, one paused at: the other performs nothing that was due to it."""
    town = Town()
    change = await town.propose()
    other = town.replica()
    await pause(town.world, caller(LEAD), "prod")
    await town.store.jobs.submit(click_job("d-other", APPROVE, change.id, "", caller(BOB)))
    await town.work(other)
    assert town.now(change).phase is Phase.APPROVED
    await town.work(other)
    await resume(other, caller(LEAD), "prod")
    await town.work()
    assert town.now(change).phase is Phase.VERIFYING


async def paused_at(town: Town, *, rehearsals: int) -> None:
    """Let somebody pause on another replica right after so many rehearsals from now on."""
    real, left = town.cluster.patch, [rehearsals]

    async def patch(*args: object, dry_run: bool, **kwargs: object) -> object:
        live = await real(*args, dry_run=dry_run, **kwargs)  # type: ignore[arg-type]  # passed on as it came
        left[0] -= dry_run
        if dry_run and not left[0]:
            await pause(town.replica(), caller(LEAD), "")
        return live

    town.cluster.patch = patch  # type: ignore[assignment, method-assign]  # for this story


def pair() -> Cluster:
    """A cluster in IPVS mode with two Services on one load balancer."""
    cluster = shop(given=IPVS)
    cluster.put(service("shop", "basket", port=8000))
    cluster.put(slices("basket", "node-a"))
    return cluster
