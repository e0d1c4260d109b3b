"""Watches every cluster; of several replicas, the one that holds a cluster tells its incidents."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from secrets import token_hex
from time import monotonic

from bot.domain.explanation import Severity
from bot.domain.incident_step import Look
from bot.operations.incident import Seen, begin, settle_of, tell
from bot.operations.incident_jobs import weekly_job
from bot.operations.world import World
from bot.ports import Unavailable, WorldError
from bot.watch import balancers
from bot.watch.lookout import Lookout

log = logging.getLogger(__name__)

LEASE = 15.0
"""Seconds for which a cluster is held; another replica takes over when they ran out."""
RENEWED = timedelta(seconds=5)
QUIET = timedelta(seconds=15)
"""Time between two looks at the stored incidents where nothing happens."""
CLOUD_EVERY = 300.0
"""Seconds between two looks at the load balancers through the cloud's API."""
Observe = Callable[[str, Mapping[Severity, int]], None]
"""Told, by whoever tells a cluster, how many of its incidents are not over; nothing once it no longer does."""
NOTED = timedelta(minutes=1)
"""Time between two notes of what annotations are, where none changed: they say when somebody looked last."""
LATEST = timedelta(hours=12)
"""After this a weekly digest that nobody was there to tell waits for the next week."""
_JUMP = timedelta(seconds=5)
"""By how much the time of day may go before or after what passed until the clock is taken to have been set."""
_TICK = 1.0
_AGAIN = 5.0


def _nobody(cluster: str, live: Mapping[Severity, int]) -> None:
    """Nobody counts."""


class Watch:
    """One for each process; `run` until cancelled."""

    def __init__(
        self,
        world: World,
        *,
        holder: str = "",
        cloud_every: float = CLOUD_EVERY,
        observe: Observe | None = None,
        steady: Callable[[], float] = monotonic,
    ) -> None:
        self._world = world
        self._holder = holder or token_hex(8)
        self._cloud_every = cloud_every
        self.clusters = {
            name: ClusterWatch(world, name, self._holder, observe or _nobody, steady)
            for name in world.clusters.names()
        }

    def findings(self) -> Iterator[tuple[str, str, Severity, int]]:
        """Count the Services of each cluster that have a finding: cluster, code, severity, count."""
        for name, watched in self.clusters.items():
            for (code, severity), services in watched.lookout.findings().items():
                yield name, code, severity, services

    def unheard(self) -> Iterator[tuple[str, int]]:
        """Count the incidents that cannot be posted, of each cluster that this replica tells."""
        for name, watched in self.clusters.items():
            if watched.held:
                yield name, watched.unheard

    async def run(self) -> None:
        """Watch all clusters; one that hangs or fails disturbs no other."""
        try:
            async with asyncio.TaskGroup() as group:
                for watched in self.clusters.values():
                    group.create_task(self._keep(watched, watched.once, watched.tick))
                    group.create_task(self._keep(watched, watched.ask_cloud, self._cloud_pause(watched)))
        finally:
            for watched in self.clusters.values():
                await watched.stop()

    async def _keep(
        self, watched: "ClusterWatch", once: Callable[[], Awaitable[None]], pause: Callable[[], float]
    ) -> None:
        """Do one thing again and again."""
        while True:
            try:
                await once()
            except WorldError as error:
                log.warning("incidents of %s: %s", watched.name, error)
                await asyncio.sleep(_AGAIN)
            except Exception:  # the edge of one cluster: an error of ours costs no other
                log.exception("incidents of %s", watched.name)
                await asyncio.sleep(_AGAIN)
            await asyncio.sleep(pause())

    def _cloud_pause(self, watched: "ClusterWatch") -> Callable[[], float]:
        def pause() -> float:
            # Clusters that started together do not ask together.
            spread = 0.8 + 0.4 * random.random()  # noqa: S311 - spreads load, keeps no secret
            return self._cloud_every * spread if watched.asks else min(_TICK, self._cloud_every)

        return pause


class ClusterWatch:
    """The watch of one cluster."""

    def __init__(
        self,
        world: World,
        name: str,
        holder: str,
        observe: Observe = _nobody,
        steady: Callable[[], float] = monotonic,
    ) -> None:
        self.name = name
        self._steady = steady
        self._clocks: tuple[datetime, float] | None = None
        """Both, as they were at the last look."""
        self.held = False
        self.unheard = 0
        """Incidents that could not be posted where they belong, when they were looked at last."""
        self._world = world
        self._holder = holder
        self._observe = observe
        self._settle = settle_of(world)
        self._begun = False
        self._settling = False
        self._counted = False
        self._watched_before = False
        """Whether what the cloud says next may be news, though this process has not asked before."""
        self._renewed: datetime | None = None
        self._told: datetime | None = None
        self._noted: datetime | None = None
        """When annotations were noted last; None: another replica may have noted them since."""
        self._reminded: datetime | None = None
        """When what stays was due to be told last."""
        self._answered: set[str] = set()
        cluster = world.clusters.get(name)
        self.lookout = Lookout(
            cluster, world.settings.incidents.rules, settle=self._settle, clock=world.clock
        )
        self._unsubscribe = cluster.subscribe(self.lookout.hear)

    def tick(self) -> float:
        """Seconds until the next look: when the next thing is to be told, and every second anyhow."""
        due = self.lookout.turns(self._world.clock())
        return min(_TICK, max(0.05, self._settle.total_seconds() / 10), max(0.05, due))

    async def once(self) -> None:
        """Look, and tell if it is on us to tell.

        Raises:
            Unavailable: the database does not answer; what was seen is not forgotten.
        """
        now = self._world.clock()
        self._compare_clocks(now)
        await self.lookout.look(now)
        if not await self._hold(now):
            self.lookout.age_acts(now)
            return
        quiet = self._told is not None and now - self._told < QUIET
        if quiet and self._begun and not self._settling and not self.lookout.restless(now):
            return
        await self._tell(now)
        self._told = now

    def _compare_clocks(self, now: datetime) -> None:
        """Notice that the clock was set, or the machine slept: nothing has lasted any longer for that."""
        steady = self._steady()
        if self._clocks is not None:
            before, then = self._clocks
            jump = now - before - timedelta(seconds=steady - then)
            if abs(jump) > _JUMP:
                log.warning("the clock was set by %+.0f s", jump.total_seconds())
                self.lookout.shift(jump)
                self._renewed = self._told = None
        self._clocks = now, steady

    async def _tell(self, now: datetime) -> None:
        ready = self.lookout.believed and await self._ready(now)
        if ready and self._noted is None:
            await self._recall(now)
        acts = tuple(self.lookout.acts) if ready else ()
        seen = Seen(
            cluster=self.name,
            tracks=self.lookout.tracks(),
            acts=acts,
            look=Look(now=now, settle=self._settle, synced_at=self.lookout.synced_at or now),
            services=ready,
            pending=self.lookout.pending,
            answered=frozenset(self._answered),
            unsure=self.lookout.unsure,
        )
        told = await tell(self._world, seen)
        self._settling, self.unheard = told.settling, told.unheard
        self._observe(self.name, told.live)
        self._counted = True
        self.lookout.told(acts)
        if ready:
            await self._note(now)
            await self._remind(now)

    async def _remind(self, now: datetime) -> None:
        """Once a week, have told what merely stays as it is."""
        weekly = self._world.settings.incidents.weekly
        if weekly is None:
            return
        due = weekly.last(now)
        if due == self._reminded or now - due > LATEST:
            return
        begun = await self._world.store.incidents.begun(self.name)
        if begun is not None and begun < due:
            await self._world.store.jobs.submit(weekly_job(self.name, due))
        self._reminded = due

    async def _recall(self, now: datetime) -> None:
        """Who takes over looks at what was changed since the one before looked last."""
        noted = await self._world.store.incidents.recall(self.name)
        looked_at, remembered = noted or (now, {})
        self.lookout.recall(remembered, looked_at, now)

    async def _note(self, now: datetime) -> None:
        """Remember what annotations are, after what happened to them is stored as acts."""
        known = self.lookout.to_note()
        if known or self._noted is None or now - self._noted >= NOTED:
            await self._world.store.incidents.note(self.name, known, at=now)
            self.lookout.noted(known)
            self._noted = now

    async def _ready(self, now: datetime) -> bool:
        """Whether the cluster was looked at before; what is so at the very first look is no news."""
        if self._begun:
            return True
        if await self._world.store.incidents.begun(self.name) is None:
            synced = self.lookout.synced_at
            if synced is None or now - synced < self._settle:
                return False
            look = Look(now=now, settle=self._settle, synced_at=synced)
            await begin(
                self._world, Seen(cluster=self.name, tracks=self.lookout.tracks(), acts=(), look=look)
            )
        self._begun = True
        return True

    async def _hold(self, now: datetime) -> bool:
        """Take or keep the right to tell; without the database nobody has it."""
        if self.held and self._renewed and now - self._renewed < RENEWED:
            return True
        self.held = False
        self.held = await self._world.store.incidents.hold(self.name, self._holder, seconds=LEASE)
        self._renewed = now
        if not self.held:
            self._noted = None
        if self._counted and not self.held:
            self._counted = False
            self._observe(self.name, {})
        return self.held

    @property
    def asks(self) -> bool:
        """Whether the cloud is to be asked, and by this replica."""
        return self.name in self._world.clouds and self.held and self._begun and self.lookout.believed

    async def ask_cloud(self) -> None:
        """Ask the cloud about each load balancer, one after the other; only who tells asks."""
        if not self.asks:
            return
        inventory = self._world.clusters.get(self.name).snapshot().inventory
        for group in sorted({*balancers.groups(inventory), *self._answered}):
            await self._ask(group)
        self._answered &= {*balancers.groups(inventory)}
        self._watched_before = False

    async def _ask(self, group: str) -> None:
        asking = balancers.Asking(
            cloud=self._world.clouds[self.name],
            cluster=self.name,
            inventory=self._world.clusters.get(self.name).snapshot().inventory,
            severities=self._world.settings.incidents.rules,
            # Without a backend nobody is healthy: that is told already.
            told=self.lookout.cut_off,
        )
        seen = await balancers.ask(asking, group)
        first = group not in self._answered and not self._watched_before
        self.lookout.take(group, seen, self._world.clock(), first=first)
        if not seen.unsure:
            self._answered.add(group)

    async def stop(self) -> None:
        """Hear no more, and let another replica tell at once."""
        self._unsubscribe()
        if self.held:
            try:
                await self._world.store.incidents.release(self.name, self._holder)
            except Unavailable:
                log.info("%s is given back when its time runs out", self.name)
