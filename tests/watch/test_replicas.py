"""Replicas on a real database, each sure that it is the one that tells: everything is told once all the same."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from bot.adapters.store import SqlStore, migrate, open_store
from bot.domain.incident import Phase
from bot.operations.perform import performers
from bot.operations.world import World
from bot.ports import Later
from bot.watch import Watch
from tests.adapters.store.databases import BACKENDS, empty_database
from tests.fakes.world import CHECKOUT, IPVS, Town, service, shop, slices

REPLICAS = 3
SETTLE = 120.0


@dataclass(slots=True)
class Replica:
    """A process of its own: its own connections, its own watch, its own worker."""

    store: SqlStore
    world: World
    watch: Watch

    async def live(self) -> None:
        """Look as one that holds the lease, and do whatever job it gets hold of."""
        watched = self.watch.clusters["prod"]
        watched.held, watched._renewed = True, self.world.clock() + timedelta(days=1)
        await watched.once()
        doing = performers(self.world)
        while claimed := await self.store.jobs.claim(limit=1, lease=30.0):
            try:
                await doing[claimed[0].job.kind](claimed[0])
            except Later as later:
                await self.store.jobs.retry(claimed[0], delay=later.delay)
            else:
                await self.store.jobs.finish(claimed[0])


@dataclass(slots=True)
class Crowd:
    """Several replicas over one cluster, one channel and one database."""

    town: Town
    replicas: list[Replica] = field(default_factory=list)

    async def wait(self, seconds: float) -> None:
        """Let time pass; all of them look, and work, at the same time."""
        for _ in range(round(seconds / 30)):
            self.town.clock.now += timedelta(seconds=30)
            await asyncio.gather(*(each.live() for each in self.replicas))

    @property
    def told(self) -> list[str]:
        """What the incident channel has now."""
        return [posted.text for posted in self.town.incidents()]


def apart(town: Town, number: int) -> Callable[[], datetime]:
    """The clock of one replica: none sees anything at the same moment as another."""
    return lambda: town.clock.now + timedelta(seconds=0.7 * number)


@pytest.fixture(params=BACKENDS)
async def crowd(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Crowd]:
    """Replicas that have looked for the first time."""
    found = Crowd(Town(clusters=[shop(given=IPVS)]))
    async with AsyncExitStack() as stack:
        where = stack.enter_context(empty_database(request.param, tmp_path))
        migrate(where)
        for number in range(REPLICAS):
            store = open_store(where)
            stack.push_async_callback(store.close)
            world = found.town.replica(store=store, clock=apart(found.town, number))
            watch = Watch(world, holder=f"replica-{number}", steady=found.town.clock.seconds)
            found.replicas.append(Replica(store=store, world=world, watch=watch))
        await found.replicas[0].store.incidents.hold("prod", "replica-0", seconds=60)
        await found.wait(SETTLE + 60)
        yield found


async def test_each_incident_is_one_row_and_one_message(crowd: Crowd) -> None:
    """Of a state and of an act, opened and closed by whoever comes first; and again, when they come back."""
    town = crowd.town
    other = service(name="blog", elb="elb-2", ip="10.9.0.10")
    town.cluster.put(other)
    town.cluster.put(slices("blog", "node-a", "node-b"))
    await crowd.wait(60)
    town.cluster.put(slices("checkout"))
    town.cluster.annotate(other_ref := CHECKOUT._replace(name="blog"), "true")
    await crowd.wait(300)
    assert sorted(text[:1] for text in crowd.told) == ["🔴", "🟠"]
    town.cluster.put(slices("checkout", "node-a"))
    town.cluster.annotate(other_ref, None)
    await crowd.wait(1200)
    assert [text[:1] for text in crowd.told] == ["⚪", "⚪"]
    town.cluster.put(slices("checkout"))
    await crowd.wait(300)
    assert sorted(text[:1] for text in crowd.told) == ["⚪", "⚪", "🔴"]
    rows = [await crowd.replicas[0].store.incidents.get(p.key.partition(":")[2]) for p in town.incidents()]
    assert sorted(row.phase for row in rows) == [Phase.CLOSED, Phase.CLOSED, Phase.OPEN]
    assert len({row.id for row in rows}) == len(rows)


async def test_of_many_that_ask_at_once_one_holds_a_cluster(crowd: Crowd) -> None:
    """And when it gives the cluster back, one of the others."""
    first, *_ = stores = [each.store.incidents for each in crowd.replicas]
    await first.release("prod", "replica-0")
    for _ in range(5):
        held = await asyncio.gather(
            *(store.hold("prod", f"replica-{number}", seconds=60) for number, store in enumerate(stores))
        )
        assert held.count(True) == 1
        await first.release("prod", f"replica-{held.index(True)}")
