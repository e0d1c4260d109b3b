import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.adapters.store import open_store
from bot.domain.change import Approval, Change, EventKind, ServiceRef
from bot.ports import AlreadyOpen, Job, NotFound, Stale, Store
from tests.adapters.store.examples import AT, CHECKOUT, a_change, an_event

CART = ServiceRef(cluster="prod", namespace="shop", name="cart")
BLOG = ServiceRef(cluster="prod", namespace="web", name="blog")


async def opened(store: Store, change: Change | None = None) -> Change:
    """Store a proposal."""
    return await store.changes.open(change or a_change(), an_event(), jobs=[])


def rejected(change: Change, by: str = "U0BOB002") -> Change:
    """The change after somebody's no."""
    return change.after(an_event(EventKind.REJECTED, by), decided_by=by)


class TestChanges:
    """What every store promises of its changes."""

    async def test_a_proposal_comes_back_as_it_was_stored(self, store: Store) -> None:
        """Every field, with the number that the store gave it."""
        stored = await opened(store)
        assert stored == replace(a_change(), number=stored.number)
        assert stored.number >= 1
        assert await store.changes.get("c-1") == stored

    async def test_a_proposal_that_is_refused_takes_no_number(self, store: Store) -> None:
        """Nor does one that is delivered again: a number that is missing would look like a change that was."""
        first = await store.changes.open(a_change(), an_event(), jobs=[])
        for _ in range(3):
            with pytest.raises(AlreadyOpen):
                await store.changes.open(a_change("c-2"), an_event(), jobs=[])
            await store.changes.open(a_change(), an_event(), jobs=[])
        second = await store.changes.open(a_change("c-3", CART), an_event(), jobs=[])
        assert second.number == first.number + 1

    async def test_numbers_count_up(self, store: Store) -> None:
        """People say CHG-7, and a later one has a higher number."""
        first = await opened(store, a_change("c-1", CART))
        second = await opened(store, a_change("c-2", BLOG))
        assert second.number > first.number

    async def test_a_proposal_commits_with_its_jobs_and_its_event(self, store: Store) -> None:
        """All of it, in one transaction."""
        await store.changes.open(a_change(), an_event(), jobs=[Job(key="card:c-1", kind="card")])
        assert [leased.job.key for leased in await store.jobs.claim(limit=9, lease=9)] == ["card:c-1"]
        assert await store.changes.events("c-1") == [an_event()]

    async def test_the_same_proposal_twice_is_one(self, store: Store) -> None:
        """Slack delivers a submission again when it saw no answer."""
        first = await opened(store)
        again = await store.changes.open(
            replace(a_change(), reason="another"), an_event(), jobs=[Job(key="second", kind="card")]
        )
        assert again == first
        assert await store.changes.events("c-1") == [an_event()]
        assert await store.jobs.next_due() is None

    async def test_a_service_has_one_open_change(self, store: Store) -> None:
        """The second proposal learns of the first, and leaves nothing behind."""
        first = await opened(store)
        with pytest.raises(AlreadyOpen) as refused:
            await store.changes.open(a_change("c-2"), an_event(), jobs=[Job(key="k", kind="card")])
        assert (refused.value.change_id, refused.value.number) == ("c-1", first.number)
        with pytest.raises(NotFound):
            await store.changes.get("c-2")
        assert await store.changes.events("c-2") == []
        assert await store.jobs.next_due() is None

    async def test_every_service_of_a_group_is_held(self, store: Store) -> None:
        """Under IPVS a change is about all Services on the load balancer."""
        await opened(store, a_change("c-1", CHECKOUT, CART))
        with pytest.raises(AlreadyOpen):
            await opened(store, a_change("c-2", CART))
        assert (await opened(store, a_change("c-3", BLOG))).phase == "proposed"

    async def test_two_groups_on_one_load_balancer_exclude_each_other(self, store: Store) -> None:
        """Even when they have no Service in common."""
        await opened(store, a_change("c-1", CHECKOUT, CART))
        other = ServiceRef(cluster="prod", namespace="web", name="shop")
        with pytest.raises(AlreadyOpen):
            await opened(store, a_change("c-2", BLOG, other))

    async def test_the_same_name_in_another_cluster_is_another_service(self, store: Store) -> None:
        """Nothing is shared between clusters."""
        await opened(store)
        elsewhere = replace(CHECKOUT, cluster="staging")
        change = replace(a_change("c-2", elsewhere), cluster="staging")
        assert (await opened(store, change)).cluster == "staging"

    async def test_a_move_sets_appends_and_submits(self, store: Store) -> None:
        """The phase, the event and the job are there together."""
        before = await opened(store)
        event = an_event(EventKind.APPROVED, "U0BOB002")
        approval = Approval(by="U0BOB002", at=AT)
        after = before.after(event, approvals=(approval,), decided_by="U0BOB002")
        await store.changes.move(before, after, event, jobs=[Job(key="baseline:c-1", kind="baseline")])
        assert await store.changes.get("c-1") == after
        assert await store.changes.events("c-1") == [an_event(), event]
        assert [leased.job.kind for leased in await store.jobs.claim(limit=9, lease=9)] == ["baseline"]

    async def test_a_move_from_an_old_version_is_refused_whole(self, store: Store) -> None:
        """Somebody else decided first: nothing of the second decision is kept."""
        before = await opened(store)
        await store.changes.move(before, rejected(before), an_event(EventKind.REJECTED))
        event = an_event(EventKind.APPROVED)
        with pytest.raises(Stale, match="it is rejected now"):
            await store.changes.move(
                before, before.after(event), event, jobs=[Job(key="apply", kind="apply")]
            )
        assert (await store.changes.get("c-1")).phase == "rejected"
        assert len(await store.changes.events("c-1")) == 2
        assert await store.jobs.next_due() is None

    async def test_a_move_must_count_the_version_up(self, store: Store) -> None:
        """Else the next compare-and-set would compare nothing."""
        before = await opened(store)
        with pytest.raises(ValueError, match="version"):
            await store.changes.move(before, replace(before, reason="x"), an_event())

    async def test_moving_what_is_not_there_says_so(self, store: Store) -> None:
        """A button of a change that retention took away."""
        with pytest.raises(NotFound):
            await store.changes.move(a_change(), rejected(a_change()), an_event())

    async def test_an_ended_change_frees_its_services(self, store: Store) -> None:
        """The next proposal is welcome."""
        before = await opened(store, a_change("c-1", CHECKOUT, CART))
        await store.changes.move(before, rejected(before), an_event(EventKind.REJECTED))
        assert (await opened(store, a_change("c-2", CART, CHECKOUT))).open

    async def test_a_change_that_moves_on_keeps_its_services(self, store: Store) -> None:
        """Approved is not ended."""
        before = await opened(store)
        event = an_event(EventKind.APPROVED)
        await store.changes.move(before, before.after(event), event)
        with pytest.raises(AlreadyOpen):
            await opened(store, a_change("c-2"))

    async def test_a_note_is_stored_without_an_event(self, store: Store) -> None:
        """It counts the version up, so that no move overwrites it unseen."""
        before = await opened(store)
        job = Job(key="card:c-1", kind="card", again=True)
        noted = await store.changes.note(before, replace(before, progress="measuring"), jobs=[job])
        assert noted == replace(before, progress="measuring", version=before.version + 1)
        assert await store.changes.get("c-1") == noted
        assert await store.changes.events("c-1") == [an_event()]
        assert await store.jobs.next_due() is not None
        with pytest.raises(Stale):
            await store.changes.move(before, rejected(before), an_event(EventKind.REJECTED))

    async def test_a_note_on_an_old_version_is_refused(self, store: Store) -> None:
        """Read again, then note."""
        before = await opened(store)
        await store.changes.note(before, replace(before, progress="first"))
        with pytest.raises(Stale):
            await store.changes.note(before, replace(before, progress="second"))
        assert (await store.changes.get("c-1")).progress == "first"

    async def test_a_note_cannot_move(self, store: Store) -> None:
        """A phase without an event would be a hole in the audit log."""
        before = await opened(store)
        with pytest.raises(ValueError, match="cannot move"):
            await store.changes.note(before, rejected(before))

    async def test_an_unknown_change_is_not_found(self, store: Store) -> None:
        """Buttons outlive rows."""
        with pytest.raises(NotFound):
            await store.changes.get("c-404")

    async def test_changes_are_found_newest_first(self, store: Store) -> None:
        """By cluster, namespace, name, and whether they are open."""
        first = await opened(store, a_change("c-1", CHECKOUT, BLOG))
        await store.changes.move(first, rejected(first), an_event(EventKind.REJECTED))
        await opened(store, a_change("c-2", CHECKOUT))
        await opened(store, a_change("c-3", BLOG, at=AT + timedelta(hours=1)))

        async def ids(
            *, cluster: str | None = None, namespace: str | None = None, name: str | None = None
        ) -> list[str]:
            found = await store.changes.find(cluster=cluster, namespace=namespace, name=name)
            return [change.id for change in found]

        assert await ids() == ["c-3", "c-2", "c-1"]
        assert await ids(cluster="prod", namespace="shop", name="checkout") == ["c-2", "c-1"]
        assert await ids(namespace="web") == ["c-3", "c-1"]
        assert await ids(cluster="staging") == []
        assert [c.id for c in await store.changes.find(limit=1)] == ["c-3"]
        still_open = await store.changes.find(name="checkout", open_only=True)
        assert [c.id for c in still_open] == ["c-2"]

    async def test_the_namespace_and_name_belong_to_one_service(self, store: Store) -> None:
        """A group of shop/checkout and web/blog is no change of shop/blog."""
        await opened(store, a_change("c-1", CHECKOUT, BLOG))
        assert await store.changes.find(namespace="shop", name="blog") == []

    async def test_of_many_racing_decisions_one_wins(self, store: Store) -> None:
        """Twenty people click at the same moment; one event, one phase, one job."""
        before = await opened(store)

        async def click(number: int) -> bool:
            kind = (EventKind.APPROVED, EventKind.REJECTED)[number % 2]
            event = an_event(kind, f"U0CLICK{number}")
            job = Job(key=f"after-{number}", kind="card")
            try:
                await store.changes.move(before, before.after(event), event, jobs=[job])
            except Stale:
                return False
            return True

        assert sum(await asyncio.gather(*(click(number) for number in range(20)))) == 1
        events = await store.changes.events("c-1")
        assert len(events) == 2
        (leased,) = await store.jobs.claim(limit=30, lease=9)
        assert leased.job.key == f"after-{events[1].by.removeprefix('U0CLICK')}"

    async def test_of_many_racing_proposals_one_wins(self, store: Store) -> None:
        """The others learn which."""

        async def propose(number: int) -> str:
            services = (CHECKOUT, CART) if number % 2 else (CART, CHECKOUT)
            try:
                return (await opened(store, a_change(f"c-{number}", *services))).id
            except AlreadyOpen as refused:
                return refused.change_id

        winners = await asyncio.gather(*(propose(number) for number in range(12)))
        assert len(set(winners)) == 1
        assert [c.id for c in await store.changes.find()] == [winners[0]]

    async def test_of_many_deliveries_of_one_proposal_one_is_stored(self, store: Store) -> None:
        """And all get the same answer."""
        answers = await asyncio.gather(*(opened(store) for _ in range(8)))
        assert len({answer.number for answer in answers}) == 1
        assert len(await store.changes.events("c-1")) == 1


async def test_replicas_racing_for_one_decision_have_one_winner(url: str) -> None:
    """Each with connections of its own, on one database."""
    replicas = [open_store(url) for _ in range(3)]
    before = await opened(replicas[0])

    async def click(number: int) -> bool:
        event = an_event(EventKind.WITHDRAWN, f"U0CLICK{number}")
        try:
            await replicas[number % 3].changes.move(before, before.after(event), event)
        except Stale:
            return False
        return True

    wins = await asyncio.gather(*(click(number) for number in range(18)))
    for replica in replicas:
        await replica.close()
    assert sum(wins) == 1
