from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.adapters.store import open_store
from bot.adapters.store.retention import remove_older
from bot.domain.change import ServiceRef
from bot.domain.explanation import Severity
from bot.domain.incident import Incident, Member, Phase, What
from bot.domain.incident_act import Known
from bot.domain.objects import Ref
from bot.ports import Job, NotFound, Stale, Store
from tests.adapters.store.examples import AT

CHECKOUT = ServiceRef(cluster="prod", namespace="shop", name="checkout")
JOB = Job(key="incident:i-1", kind="incident", again=True)


def an_incident(id_: str = "i-1", cluster: str = "prod", **changed: object) -> Incident:
    """Somebody changed the annotation."""
    member = Member(service=CHECKOUT, text="pass-through was removed", uid="u", was="true")
    return replace(
        Incident(
            id=id_,
            cluster=cluster,
            group="elb:elb-1",
            rule="pass-through-changed",
            title="pass-through was changed",
            severity=Severity.WARNING,
            since=AT,
            members=(member,),
        ),
        **changed,  # type: ignore[arg-type]  # replace() checks the names itself
    )


class TestIncidents:
    """What every store promises of its incidents."""

    async def test_an_incident_comes_back_as_it_was_stored(self, store: Store) -> None:
        """With the job that tells it."""
        assert await store.incidents.open(an_incident(), jobs=[JOB]) == an_incident()
        assert await store.incidents.get("i-1") == an_incident()
        assert await store.jobs.next_due() is not None

    async def test_a_key_has_one_live_incident(self, store: Store) -> None:
        """Two replicas that both believe to be the one that tells open one, and submit one job."""
        await store.incidents.open(an_incident())
        assert (await store.incidents.open(an_incident("i-2"), jobs=[JOB])).id == "i-1"
        assert [row.id for row in await store.incidents.live()] == ["i-1"]
        assert await store.jobs.next_due() is None

    async def test_what_is_over_makes_room_for_the_next(self, store: Store) -> None:
        """And stays there to be read."""
        first = await store.incidents.open(an_incident())
        over = await store.incidents.save(first, first.after(What.ENDED, over_at=AT, closed_at=AT))
        assert not over.live
        assert await store.incidents.live() == []
        assert (await store.incidents.open(an_incident("i-2"))).id == "i-2"
        assert (await store.incidents.get("i-1")).phase is Phase.CLOSED

    async def test_what_is_over_cannot_come_back_beside_the_next(self, store: Store) -> None:
        """One key, one live incident."""
        first = await store.incidents.open(an_incident())
        over = await store.incidents.save(first, first.after(What.ENDED, over_at=AT))
        await store.incidents.open(an_incident("i-2"))
        with pytest.raises(Stale):
            await store.incidents.save(over, over.after(What.CAME_BACK, over_at=None))

    async def test_saving_an_old_version_is_refused(self, store: Store) -> None:
        """Whoever saw less than the row holds must look again; no job is left behind."""
        row = await store.incidents.open(an_incident())
        saved = await store.incidents.save(row, replace(row, acknowledged_by="U0BOB", acknowledged_at=AT))
        assert saved.version == 1
        assert await store.incidents.get("i-1") == saved
        with pytest.raises(Stale):
            await store.incidents.save(row, row.after(What.ENDED), jobs=[JOB])
        assert (await store.incidents.get("i-1")).acknowledged_by == "U0BOB"
        assert await store.jobs.next_due() is None

    async def test_an_unknown_incident_is_not_found(self, store: Store) -> None:
        """Neither read nor saved."""
        with pytest.raises(NotFound):
            await store.incidents.get("i-404")
        with pytest.raises(NotFound):
            await store.incidents.save(an_incident(), an_incident())

    async def test_the_last_of_a_key_is_the_live_one(self, store: Store) -> None:
        """Else the one that was saved last."""
        first = await store.incidents.open(an_incident())
        key = first.key
        first = await store.incidents.save(first, first.after(What.ENDED, over_at=AT))
        assert await store.incidents.last(key) == first
        second = await store.incidents.open(an_incident("i-2"))
        assert await store.incidents.last(key) == second
        assert await store.incidents.last("prod|elb:other|pass-through-changed") is None

    async def test_live_incidents_are_those_of_a_cluster(self, store: Store) -> None:
        """Or of all."""
        await store.incidents.open(an_incident())
        await store.incidents.open(an_incident("i-2", "staging"))
        assert [row.id for row in await store.incidents.live("staging")] == ["i-2"]
        assert [row.id for row in await store.incidents.live()] == ["i-1", "i-2"]

    async def test_what_another_replica_saved_is_seen(self, store: Store) -> None:
        """Rows that are read again and again are read anew when they moved."""
        first = await store.incidents.open(an_incident())
        assert await store.incidents.live() == [first]
        saved = await store.incidents.save(first, replace(first, acknowledged_by="U0BOB", acknowledged_at=AT))
        assert await store.incidents.live("prod") == [saved]
        await store.incidents.save(saved, saved.after(What.ENDED, over_at=AT))
        assert await store.incidents.live() == []
        second = await store.incidents.open(an_incident("i-2"))
        assert await store.incidents.live("staging") == []
        assert await store.incidents.live() == [second]

    async def test_incidents_told_together_are_found_together(self, store: Store) -> None:
        """Over or not, by their message's key."""
        await store.incidents.open(an_incident(folded="fold:C0INC:7"))
        other = await store.incidents.open(an_incident("i-2", "staging", folded="fold:C0INC:7"))
        await store.incidents.save(other, other.after(What.ENDED, over_at=AT))
        await store.incidents.open(an_incident("i-3", "test"))
        assert [row.id for row in await store.incidents.folded("fold:C0INC:7")] == ["i-1", "i-2"]


@pytest.mark.parametrize("seconds", [-60.0, 86400.0])
async def test_retention_removes_what_is_over_and_nothing_else(url: str, seconds: float) -> None:
    """Once it is old enough."""
    store = open_store(url)
    over = await store.incidents.open(an_incident())
    await store.incidents.save(over, over.after(What.ENDED, over_at=AT))
    await store.incidents.open(an_incident("i-2"))
    await remove_older(store.database, seconds=seconds)
    left = [row.id for row in (await store.incidents.last(an_incident().key),) if row]
    assert left == ["i-2"]
    if seconds < 0:
        with pytest.raises(NotFound):
            await store.incidents.get("i-1")
    else:
        assert not (await store.incidents.get("i-1")).live
    await store.close()


class TestTelling:
    """What every store promises to those who tell."""

    async def test_one_replica_holds_a_cluster(self, store: Store) -> None:
        """Until it gives it back, or its time is over."""
        assert await store.incidents.hold("prod", "a", seconds=60)
        assert await store.incidents.hold("prod", "a", seconds=60)
        assert not await store.incidents.hold("prod", "b", seconds=60)
        assert await store.incidents.hold("staging", "b", seconds=60)
        await store.incidents.release("prod", "b")
        assert not await store.incidents.hold("prod", "b", seconds=60)
        await store.incidents.release("prod", "a")
        assert await store.incidents.hold("prod", "b", seconds=-1)
        assert await store.incidents.hold("prod", "a", seconds=60)

    async def test_a_cluster_begins_once(self, store: Store) -> None:
        """What is so then is recorded with the digest's job, by whoever holds it."""
        standing = an_incident(phase=Phase.STANDING)
        assert not await store.incidents.begin("prod", [standing], at=AT)
        await store.incidents.hold("prod", "a", seconds=60)
        assert await store.incidents.begun("prod") is None
        assert await store.incidents.begin("prod", [standing], at=AT, jobs=[JOB])
        assert await store.incidents.begun("prod") == AT
        assert await store.incidents.live("prod") == [standing]
        assert not await store.incidents.begin("prod", [an_incident("i-2")], at=datetime.now(UTC))
        assert await store.incidents.begun("prod") == AT
        assert await store.jobs.next_due() is not None

    async def test_messages_to_a_channel_are_counted(self, store: Store) -> None:
        """Each channel by itself, from 1."""
        minute, first = await store.incidents.admit("C0INC")
        later, second = await store.incidents.admit("C0INC")
        assert first == 1
        assert second == (2 if later == minute else 1)
        assert (await store.incidents.admit("C0OTHER"))[1] == 1

    async def test_what_annotations_were_is_remembered(self, store: Store) -> None:
        """Those that are noted again are other ones; a Service that is gone is forgotten; clusters are apart."""
        await store.incidents.hold("prod", "a", seconds=60)
        await store.incidents.hold("test", "a", seconds=60)
        assert await store.incidents.recall("prod") is None
        on, off = Known(uid="u-1", value="true"), Known(uid="u-2", value=None)
        web, api, old = Ref("shop", "web"), Ref("shop", "api"), Ref("old", "web")
        await store.incidents.note("prod", {web: on, api: off, old: on}, at=AT)
        assert await store.incidents.recall("prod") == (AT, {web: on, api: off, old: on})
        later = AT + timedelta(minutes=1)
        await store.incidents.note("prod", {web: off, old: None}, at=later)
        assert await store.incidents.recall("prod") == (later, {web: off, api: off})
        await store.incidents.note("prod", {}, at=AT)
        assert await store.incidents.recall("prod") == (AT, {web: off, api: off})
        assert await store.incidents.recall("test") is None

    async def test_a_whole_clusters_annotations_are_remembered(self, store: Store) -> None:
        """Also where they are more than are written at once."""
        await store.incidents.hold("prod", "a", seconds=60)
        known = {Ref("shop", f"s{number}"): Known(uid=f"u-{number}", value=None) for number in range(1_001)}
        await store.incidents.note("prod", known, at=AT)
        assert await store.incidents.recall("prod") == (AT, known)
