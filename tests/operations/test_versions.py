"""What only a newer version understands waits for it, and everything else goes on."""

from bot.domain.change import Change, Phase
from bot.operations.jobs import click_job, say_job
from bot.ports import Unreadable
from tests.fakes.world import BOB, Town, caller, service, shop, slices

APPROVE = "change:approve"


async def test_clicks_on_what_cannot_be_read_wait_and_others_are_answered() -> None:
    """The worker goes on with other changes; the click is answered by a replica that knows better."""
    cluster = shop()
    cluster.put(service("shop", "basket", elb="elb-2", ip="10.9.0.10"))
    cluster.put(slices("basket", "node-a"))
    town = Town(clusters=[cluster])
    strange = await town.propose()
    other = await town.propose(target="shop/basket")
    ordinary = town.store.changes.get

    async def half_read(change_id: str) -> Change:
        if change_id == strange.id:
            raise Unreadable(strange.label)
        return await ordinary(change_id)

    town.store.changes.get = half_read  # type: ignore[method-assign]  # one row is of another version
    told = len(town.messenger.said_to(BOB))
    for change in (strange, other):
        await town.store.jobs.submit(click_job(f"c-{change.label}", APPROVE, change.id, "", caller(BOB)))
    await town.pass_time(60)
    assert town.now(other).phase is Phase.VERIFYING
    assert town.now(strange) == strange
    assert [text for text in town.messenger.said_to(BOB)[told:] if strange.label in text] == []
    town.store.changes.get = ordinary  # type: ignore[method-assign]  # a replica that knows it takes over
    await town.pass_time(60)
    assert town.now(strange).phase is Phase.VERIFYING
    assert len([text for text in town.messenger.said_to(BOB)[told:] if strange.label in text]) == 1


async def test_what_only_a_newer_version_can_say_is_left_to_it() -> None:
    """Its job waits, with the reason; the thread goes on without it."""
    town = Town()
    change = await town.propose()
    job = say_job(change.id, "a word of tomorrow")
    await town.store.jobs.submit(job)
    await town.click(BOB, APPROVE, change)
    waiting = town.store.jobs.rows[job.key]
    assert (
        "“a word of tomorrow”, which is to be said of CHG-1, was written by another version" in waiting.error
    )
    assert len(town.thread(change)) == 1
