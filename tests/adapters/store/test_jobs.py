import asyncio

import pytest

from bot.adapters.store import SqlStore, open_store
from bot.ports import Job, Leased, Store
from tests.fakes.store import MemoryStore

LONG = 3600.0


async def claim_one(store: Store, *, lease: float = LONG) -> Leased:
    """Lease the one job that is due."""
    (leased,) = await store.jobs.claim(limit=10, lease=lease)
    return leased


class TestJobs:
    """What every store promises of its jobs. A lease of 0 seconds has ended when it begins."""

    async def test_a_submitted_job_is_claimed_with_its_payload(self, store: Store) -> None:
        """What went in comes out, on the first attempt."""
        await store.jobs.submit(Job(key="k", kind="apply", payload={"change": "c-1", "n": [1, None, "é"]}))
        leased = await claim_one(store)
        assert (leased.job.key, leased.job.kind, leased.attempt) == ("k", "apply", 1)
        assert leased.job.payload == {"change": "c-1", "n": [1, None, "é"]}

    async def test_nothing_is_claimed_where_nothing_is_due(self, store: Store) -> None:
        """A delayed job waits, and an empty submission is none."""
        await store.jobs.submit()
        assert await store.jobs.next_due() is None
        await store.jobs.submit(Job(key="k", kind="remind", delay=LONG))
        assert await store.jobs.claim(limit=10, lease=LONG) == []

    async def test_the_next_due_time_is_told_in_seconds(self, store: Store) -> None:
        """The worker sleeps until then."""
        await store.jobs.submit(
            Job(key="late", kind="a", delay=LONG), Job(key="later", kind="b", delay=2 * LONG)
        )
        due = await store.jobs.next_due()
        assert due is not None
        assert LONG - 60 < due <= LONG
        await store.jobs.submit(Job(key="now", kind="a"))
        assert await store.jobs.next_due() == pytest.approx(0, abs=1e-3)

    async def test_a_held_job_is_not_claimed_again(self, store: Store) -> None:
        """One lease of one key at a time."""
        await store.jobs.submit(Job(key="k", kind="a"))
        await claim_one(store)
        assert await store.jobs.claim(limit=10, lease=LONG) == []

    async def test_a_job_whose_lease_ended_is_taken_over(self, store: Store) -> None:
        """Whoever held it may have died; the attempt says that half of it may be done."""
        await store.jobs.submit(Job(key="k", kind="a"))
        await claim_one(store, lease=0)
        assert (await claim_one(store)).attempt == 2

    async def test_a_renewed_lease_goes_on(self, store: Store) -> None:
        """The heartbeat keeps others away."""
        await store.jobs.submit(Job(key="k", kind="a"))
        leased = await claim_one(store, lease=0)
        assert await store.jobs.renew(leased, lease=LONG)
        assert await store.jobs.claim(limit=10, lease=LONG) == []

    async def test_a_lost_lease_cannot_be_renewed(self, store: Store) -> None:
        """The old holder learns that somebody else has the job."""
        await store.jobs.submit(Job(key="k", kind="a"))
        old = await claim_one(store, lease=0)
        new = await claim_one(store)
        assert not await store.jobs.renew(old, lease=LONG)
        assert await store.jobs.renew(new, lease=LONG)

    async def test_an_old_holder_cannot_finish(self, store: Store) -> None:
        """Its finish, and what would follow, have no effect."""
        await store.jobs.submit(Job(key="k", kind="a"))
        old = await claim_one(store, lease=0)
        new = await claim_one(store, lease=0)
        await store.jobs.finish(old, then=[Job(key="next", kind="b")])
        await store.jobs.retry(old, delay=LONG, error="late")
        assert (await claim_one(store)).attempt == 3
        assert new.job.key == "k"

    async def test_a_finished_job_is_done_and_submits_what_follows(self, store: Store) -> None:
        """Both in one transaction."""
        await store.jobs.submit(Job(key="k", kind="a"))
        await store.jobs.finish(await claim_one(store), then=[Job(key="next", kind="b")])
        assert (await claim_one(store)).job.key == "next"

    async def test_a_click_is_not_submitted_twice(self, store: Store) -> None:
        """A key that is waiting, held or done stays what it is."""
        click = Job(key="click", kind="decide", payload={"by": "bob"})
        await store.jobs.submit(click, Job(key="click", kind="decide", payload={"by": "mallory"}))
        leased = await claim_one(store)
        assert leased.job.payload == {"by": "bob"}
        await store.jobs.submit(click)
        await store.jobs.finish(leased)
        await store.jobs.submit(click)
        assert await store.jobs.next_due() is None

    async def test_a_job_wanted_again_while_it_waits_is_performed_once(self, store: Store) -> None:
        """The newest payload and the earliest time win."""
        await store.jobs.submit(Job(key="card", kind="post", payload={"v": 1}, delay=LONG, again=True))
        await store.jobs.submit(Job(key="card", kind="post", payload={"v": 2}, again=True))
        await store.jobs.submit(Job(key="card", kind="post", payload={"v": 3}, delay=LONG, again=True))
        leased = await claim_one(store)
        assert leased.job.payload == {"v": 3}
        await store.jobs.finish(leased)
        assert await store.jobs.next_due() is None

    async def test_a_job_wanted_again_while_it_is_held_is_due_once_more(self, store: Store) -> None:
        """Never two leases at once; the second run is a first attempt, one generation on."""
        await store.jobs.submit(Job(key="card", kind="post", again=True))
        first = await claim_one(store)
        await store.jobs.submit(Job(key="card", kind="post", payload={"v": 2}, again=True))
        assert await store.jobs.claim(limit=10, lease=LONG) == []
        await store.jobs.finish(first)
        second = await claim_one(store)
        assert (second.attempt, second.generation) == (1, first.generation + 1)
        assert second.job.payload == {"v": 2}
        await store.jobs.finish(second)
        assert await store.jobs.next_due() is None

    async def test_a_job_wanted_again_after_it_is_done_is_due(self, store: Store) -> None:
        """A message is brought up to date as often as it is asked for."""
        card = Job(key="card", kind="post", again=True)
        await store.jobs.submit(card)
        await store.jobs.finish(await claim_one(store))
        await store.jobs.submit(card)
        assert (await claim_one(store)).attempt == 1

    async def test_a_job_may_ask_for_itself_later(self, store: Store) -> None:
        """As `then` of its own finish."""
        tick = Job(key="tick", kind="tick", again=True)
        await store.jobs.submit(tick)
        leased = await claim_one(store)
        await store.jobs.finish(leased, then=[Job(key="tick", kind="tick", again=True, delay=LONG)])
        due = await store.jobs.next_due()
        assert due is not None
        assert due > LONG - 60

    async def test_a_wish_for_later_outlives_a_failure_of_the_run_in_hand(self, store: Store) -> None:
        """The re-run that somebody asked for is not lost when the holder retries."""
        await store.jobs.submit(Job(key="card", kind="post", again=True))
        leased = await claim_one(store)
        await store.jobs.submit(Job(key="card", kind="post", again=True, delay=LONG))
        await store.jobs.retry(leased, delay=0, error="Unavailable")
        await store.jobs.finish(await claim_one(store))
        assert await store.jobs.next_due() is not None

    async def test_a_retried_job_keeps_count_of_its_failures(self, store: Store) -> None:
        """The attempt sets the pace of the next."""
        await store.jobs.submit(Job(key="k", kind="a"))
        await store.jobs.retry(await claim_one(store), delay=0, error="Unavailable: \0 no answer")
        assert (await claim_one(store)).attempt == 2

    async def test_a_job_that_asked_to_be_called_again_starts_counting_anew(self, store: Store) -> None:
        """It did not fail."""
        await store.jobs.submit(Job(key="k", kind="a"))
        await store.jobs.retry(await claim_one(store), delay=0)
        assert (await claim_one(store)).attempt == 1

    async def test_a_retried_job_waits(self, store: Store) -> None:
        """It is not due before its delay is over."""
        await store.jobs.submit(Job(key="k", kind="a"))
        await store.jobs.retry(await claim_one(store), delay=LONG, error="Unavailable")
        assert await store.jobs.claim(limit=10, lease=LONG) == []

    async def test_of_several_wishes_for_a_held_job_the_earliest_counts(self, store: Store) -> None:
        """Whatever order they came in."""
        await store.jobs.submit(Job(key="card", kind="post", again=True))
        leased = await claim_one(store)
        await store.jobs.submit(Job(key="card", kind="post", again=True))
        await store.jobs.submit(Job(key="card", kind="post", again=True, delay=LONG))
        await store.jobs.finish(leased)
        await store.jobs.finish(await claim_one(store))
        assert await store.jobs.next_due() is None

    async def test_a_wish_for_now_shortens_the_wait_of_the_holder(self, store: Store) -> None:
        """A click that comes while the job is held need not wait for the holder's next look."""
        await store.jobs.submit(Job(key="advance", kind="advance", again=True))
        leased = await claim_one(store)
        await store.jobs.submit(Job(key="advance", kind="advance", payload={"n": 2}, again=True))
        await store.jobs.retry(leased, delay=LONG)
        second = await claim_one(store)
        assert (second.job.payload, second.attempt) == ({"n": 2}, 1)
        await store.jobs.finish(second)
        assert await store.jobs.next_due() is None

    async def test_no_more_than_the_limit_is_claimed(self, store: Store) -> None:
        """The rest is left to others."""
        await store.jobs.submit(*(Job(key=f"k{n}", kind="a") for n in range(7)))
        first = await store.jobs.claim(limit=4, lease=LONG)
        second = await store.jobs.claim(limit=4, lease=LONG)
        assert (len(first), len(second)) == (4, 3)
        assert len({leased.job.key for leased in (*first, *second)}) == 7

    async def test_only_known_kinds_are_claimed(self, store: Store) -> None:
        """The rest waits for a replica that knows them."""
        await store.jobs.submit(Job(key="new", kind="from-a-newer-version"), Job(key="old", kind="apply"))
        (leased,) = await store.jobs.claim(limit=10, lease=LONG, kinds={"apply"})
        assert leased.job.key == "old"
        await store.jobs.finish(leased)
        assert await store.jobs.next_due(kinds={"apply"}) is None
        assert await store.jobs.next_due() is not None

    async def test_subscribers_hear_of_submitted_jobs(self, store: Store) -> None:
        """The worker need not poll for what its own process submits."""
        pokes: list[str] = []
        store.jobs.subscribe(lambda: pokes.append("poke"))
        await store.jobs.submit(Job(key="k", kind="a"))
        assert pokes == ["poke"]
        await store.jobs.finish(await claim_one(store))
        assert pokes == ["poke"]

    async def test_competing_claims_share_the_jobs(self, store: Store) -> None:
        """Every job goes to exactly one of them."""
        await store.jobs.submit(*(Job(key=f"k{n:02}", kind="a") for n in range(40)))
        claims = await asyncio.gather(*(store.jobs.claim(limit=10, lease=LONG) for _ in range(8)))
        keys = [leased.job.key for claimed in claims for leased in claimed]
        assert len(keys) == len(set(keys))
        while claimed := await store.jobs.claim(limit=10, lease=LONG):
            keys += [leased.job.key for leased in claimed]
        assert sorted(keys) == [f"k{n:02}" for n in range(40)]


async def test_two_replicas_share_the_jobs(url: str) -> None:
    """Each with connections of its own, on one database."""
    replicas = [open_store(url), open_store(url)]
    await replicas[0].jobs.submit(*(Job(key=f"k{n:03}", kind="a") for n in range(100)))

    async def drain(replica: SqlStore) -> list[str]:
        keys: list[str] = []
        while await replica.jobs.next_due() == 0:
            keys += [leased.job.key for leased in await replica.jobs.claim(limit=3, lease=LONG)]
        return keys

    shares = await asyncio.gather(*(drain(replica) for replica in replicas))
    for replica in replicas:
        await replica.close()
    assert sorted(shares[0] + shares[1]) == [f"k{n:03}" for n in range(100)]


async def test_the_twin_lets_time_pass_on_demand() -> None:
    """A test of an operation needs no waiting."""
    store = MemoryStore(clock=lambda: 0.0)
    await store.jobs.submit(Job(key="remind", kind="remind", delay=LONG), Job(key="now", kind="post"))
    assert [job.key for job in store.jobs.waiting()] == ["now", "remind"]
    store.advance(LONG)
    assert len(await store.jobs.claim(limit=10, lease=1)) == 2
