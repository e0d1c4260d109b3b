"""Runs the script against the real caches, watch, worker's jobs and database, and compares."""

import asyncio
import gc
import os
import random
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from bot.adapters import objects
from bot.adapters.cluster.connection import Connection
from bot.adapters.cluster.fleet import KubeClusters
from bot.adapters.cluster.informer import State
from bot.adapters.cluster.kind import Kind
from bot.adapters.cluster.live import LiveCluster
from bot.adapters.cluster.pace import Timing
from bot.adapters.store import SqlStore, migrate, open_store
from bot.config.settings import ClusterSettings, IncidentSettings
from bot.demo.kubernetes import ApiServer
from bot.domain.cluster_facts import Category, Mode
from bot.domain.incident import Incident
from bot.domain.objects import Ref, Value
from bot.watch import Watch
from tests.fakes.messenger import Posted
from tests.fakes.world import INCIDENTS, START, Town
from tests.soak.script import SETTLE, STEP, Episode, What, drawn
from tests.soak.stage import SHOP, Stage

QUICK = Timing(
    call=5.0, silence=30.0, heartbeat=0.02, answer=5.0, first=0.005, longest=0.03, denied=0.05, facts=0.05
)
PATIENCE = 60.0
"""Seconds in which the cache must have what the server has."""
LATE = 4 * STEP
"""Seconds by which a time that is told may be later than what the script says."""
KINDS = ("services", "endpointslices", "nodes", "pods", "ingresses", "networkpolicies")
MOST_GROWTH = 0.1
"""Share by which the bot's own objects may have become more since the first third: not all Pods are the same."""
_LEEWAY = 400
MOST_MORE = 48 << 20
"""Bytes of resident memory that may have come since the first third; the simulated servers live in this process too."""


@dataclass(slots=True, kw_only=True)
class Report:
    """What was, what was told, and every difference."""

    seconds: float
    episodes: Sequence[Episode]
    told: Sequence[Incident]
    troubles: dict[str, int]
    jumps: int
    restarts: int
    kept: tuple[int, int] = (0, 0)
    """The bot's own objects in memory, after a third and at the end."""
    resident: tuple[int, int] = (0, 0)
    """The process' resident memory in bytes, at the same times; 0 where the system does not tell."""
    differences: list[str] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether there is no difference."""
        return not self.differences

    def lines(self) -> list[str]:
        """Say it."""
        counted = Counter(episode.what.value for episode in self.episodes)
        said = [
            f"{self.seconds / 60:.0f} minutes: "
            + ", ".join(f"{n} {what}" for what, n in sorted(counted.items())),
            "trouble: "
            + ", ".join(f"{count} {what}" for what, count in sorted(self.troubles.items()))
            + f", {self.jumps} clock jumps, {self.restarts} restarts",
            f"told: {len(self.told)} incidents, of {sum(bool(e.rule) for e in self.episodes)} that were to be told",
            f"the bot's objects in memory: {self.kept[0]} after a third, {self.kept[1]} at the end",
            f"resident memory: {self.resident[0] >> 20} MiB after a third, {self.resident[1] >> 20} MiB at the end",
        ]
        return said + [f"DIFFERENT: {each}" for each in self.differences]


@dataclass(slots=True)
class Time:
    """Time that passes, and a clock that may be set."""

    passed: float = 0.0
    set_by: float = 0.0

    def wall(self) -> datetime:
        """The time of day."""
        return START + timedelta(seconds=self.passed + self.set_by)

    def steady(self) -> float:
        """What passed."""
        return self.passed


class Forgetful:
    """A cache that loses a change now and then: what the soak is there to find."""

    def __init__(self, cache: Any, every: int) -> None:
        self._cache, self._every, self._seen = cache, every, 0

    def put(self, kind: Kind, value: Value) -> None:
        """Take an object, or lose it."""
        self._seen += 1
        if self._seen % self._every:
            self._cache.put(kind, value)

    def remove(self, kind: Kind, ref: Ref) -> None:
        """Forget an object."""
        self._cache.remove(kind, ref)

    def moved(self) -> None:
        """Tell who waits."""
        self._cache.moved()


class Soak:
    """One run; `seed` decides everything that happens. `forget`: lose every so-manieth change on purpose."""

    def __init__(
        self, *, seed: int, services: int, seconds: float, forget: int = 0, patience: float = PATIENCE
    ) -> None:
        self._forget, self._patience = forget, patience
        self._dice = random.Random(seed)
        self._services, self._seconds = services, seconds
        self.episodes = drawn(self._dice, services=services, seconds=seconds)
        self.time = Time()
        self.jumps: list[tuple[float, float]] = []
        """When the clock was set, and by how much."""
        self.restarts = 0
        self.resident = (0, 0)
        self.watches: list[Watch] = []
        self.town: Town
        self.cluster: LiveCluster
        self.store: SqlStore
        self.stage: Stage

    async def run(self) -> Report:
        """Go through the script, and compare."""
        async with self._opened():
            try:
                kept = await self._play()
            except TimeoutError:
                report = await self.report((0, 0))
                report.differences.insert(0, f"the cache did not catch up, {self.time.passed:.0f} s on")
                return report
            return await self.report(kept)

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        api = ApiServer(bookmarks=0.05)
        await api.start()
        api.objects.create("namespaces", {"metadata": {"name": SHOP}}, manager="soak")
        self.stage = Stage(api, self._dice, services=self._services)
        with tempfile.TemporaryDirectory() as home:
            url = f"sqlite:///{home}/soak.sqlite3"
            migrate(url)
            self.store = open_store(url)
            clusters = KubeClusters([self._cluster(api, Path(home))], timing=QUICK)
            self._build(clusters)
            if self._forget:
                for informer in self.cluster._informers:
                    informer.sink = Forgetful(informer.sink, self._forget)
            clusters.start()
            try:
                yield
            finally:
                for watch in self.watches:
                    for watched in watch.clusters.values():
                        await watched.stop()
                await clusters.close()
                await self.store.close()
                await api.stop()

    def _cluster(self, api: ApiServer, home: Path) -> LiveCluster:
        path = home / "kubeconfig"
        path.write_text(yaml.safe_dump(api.kubeconfig()))
        settings = ClusterSettings(
            name="prod",
            kubeconfig=path,
            category=Category.STANDARD,
            kube_proxy_mode=Mode.IPVS,
            incident_channel=INCIDENTS,
        )
        connection = Connection(settings, environment={})
        self.cluster = LiveCluster(settings, timing=QUICK, connection=connection, clock=self.time.steady)
        return self.cluster

    def _build(self, clusters: KubeClusters) -> None:
        incidents = IncidentSettings(settle=SETTLE, per_minute=10_000)
        settings = {"incidents": incidents, "clusters": {"prod": self.cluster.settings}}
        self.town = Town(clouds={"prod": self.stage.sky}, changed=settings)
        self.town.store = self.store  # type: ignore[assignment]  # the real one
        self.town.world = self.town.replica(clusters=clusters, store=self.store, clock=self.time.wall)
        self.watches = [self._watch(), self._watch()]

    def _watch(self) -> Watch:
        return Watch(self.town.world, steady=self.time.steady)

    # -- playing

    async def _play(self) -> tuple[int, int]:
        third = resident = 0
        while self.time.passed < self._seconds:
            self._act()
            await self._settled()
            await self._look()
            if not third and self.time.passed >= self._seconds / 3:
                third, resident = bots_objects(), resident_bytes()
            self.time.passed += STEP
        end = bots_objects()
        self.resident = resident, resident_bytes()
        return third, end

    def _act(self) -> None:
        now = self.time.passed
        for episode in self.episodes:
            if episode.begin == now:
                self.stage.begin(episode)
            elif episode.begin < now < episode.end:
                self.stage.go_on(episode, now)
            elif episode.end == now:
                self.stage.end(episode)
        if self._refusing() or now > self._seconds - 200:
            return
        self.stage.stir()
        if self._dice.random() < 0.3:
            self.stage.trouble()
        self._set_clock(now)

    def _set_clock(self, now: float) -> None:
        """Set it by an hour or by minutes, but not while a slip is remembered in a row, by the clock."""
        acts = (What.SLIP, What.MEDDLING)
        if any(e.what in acts and e.begin <= now <= e.end for e in self.episodes):
            return
        if self._dice.random() < 0.01:
            by = self._dice.choice([3600.0, 600.0, -120.0])
            self.time.set_by += by
            self.jumps.append((now, by))

    def _refusing(self) -> bool:
        return self.stage.api.faults.refusing

    async def _settled(self) -> None:
        """Wait until the cache has what the server has, or knows that it is refused."""
        async with asyncio.timeout(self._patience):
            if self._refusing():
                await self.cluster.until(lambda _: bool(self.cluster.freshness().problem))
                return
            await self.cluster.until(lambda _: self._caught_up())

    def _caught_up(self) -> bool:
        live = all(each.state is State.LIVE and each.version for each in self.cluster._informers)
        freshness = self.cluster.freshness()
        # Heard of at this very step: since when nothing is seen is to be exact.
        fresh = freshness.age == 0 and not freshness.problem
        return live and fresh and not self.cache_differences()

    async def _look(self) -> None:
        self._maybe_restart()
        for watch in self.watches:
            for watched in watch.clusters.values():
                await watched.once()
                await watched.ask_cloud()
        await self.town.work()

    def _maybe_restart(self) -> None:
        """Replace the replica that does not tell by a new one, which knows nothing yet."""
        if self._dice.random() < 0.02 and not self._refusing():
            spare = next(w for w in self.watches if not w.clusters["prod"].held)
            spare.clusters["prod"]._unsubscribe()
            self.watches[self.watches.index(spare)] = self._watch()
            self.restarts += 1

    # -- comparing

    async def report(self, kept: tuple[int, int]) -> Report:
        """Compare what is there with what must be."""
        told = [await self._row(posted) for posted in self.posts()]
        report = Report(
            seconds=self._seconds,
            episodes=self.episodes,
            told=[row for row in told if row],
            troubles=self.stage.troubles,
            jumps=len(self.jumps),
            restarts=self.restarts,
            kept=kept,
            resident=self.resident,
        )
        report.differences += self.cache_differences()
        report.differences += self.incident_differences(report.told)
        strangers = [post.text for post, row in zip(self.posts(), told, strict=True) if row is None]
        report.differences += [f"a message of no incident: {text}" for text in strangers]
        report.differences += self.memory_differences(kept)
        return report

    def posts(self) -> list[Posted]:
        """Everything that the incident channel was told."""
        return self.town.incidents()

    async def _row(self, posted: Posted) -> Incident | None:
        kind, _, id_ = posted.key.partition(":")
        return await self.store.incidents.get(id_) if kind == "incident" else None

    def cache_differences(self) -> list[str]:
        """Compare every object in the cache with the server's, read anew."""
        inventory = self.cluster.snapshot().inventory
        tables: dict[str, Any] = {
            "services": inventory.services,
            "endpointslices": inventory.slices,
            "nodes": {Ref("", name): node for name, node in inventory.nodes.items()},
            "pods": inventory.pods,
            "ingresses": inventory.ingresses,
            "networkpolicies": inventory.policies,
        }
        found = []
        for kind in KINDS:
            truth = {}
            for raw in self.stage.api.objects.scan(kind):
                value = objects.PARSERS[raw["kind"]](raw)
                truth[Ref(raw["metadata"].get("namespace", ""), raw["metadata"]["name"])] = value
            if truth != tables[kind]:
                odd = {
                    ref
                    for ref in truth.keys() | tables[kind].keys()
                    if truth.get(ref) != tables[kind].get(ref)
                }
                found.append(f"{kind} in the cache: {', '.join(sorted(map(str, odd)))}")
        return found

    def incident_differences(self, told: Sequence[Incident]) -> list[str]:
        """Hold each incident that was told against the script: one for each episode, at its time, and no other."""
        left = list(told)
        found = []
        for episode in self.episodes:
            if not episode.rule:
                continue
            row = next((row for row in left if self._tells(row, episode)), None)
            if row is None:
                found.append(f"not told: {episode}")
                continue
            left.remove(row)
            if row.live:
                found.append(f"never over: {episode}")
        return found + [
            f"told, and never was: {row.rule} of {row.services} since {row.since}" for row in left
        ]

    def _tells(self, row: Incident, episode: Episode) -> bool:
        services = {ref.name for ref in row.services}
        if (row.rule, services) != (episode.rule, episode.services):
            return False
        begun = self._passed_at(row.since, episode.wrong_from)
        if not -STEP <= begun - episode.wrong_from <= LATE:
            return False
        if row.over_at is None:
            return True
        return (
            -STEP - 20
            <= self._passed_at(row.over_at, episode.end) - episode.end
            <= LATE + self._set_within(episode)
        )

    def _set_within(self, episode: Episode) -> float:
        """By how much the clock was set while it lasted: what a row says of its begin is by the clock of then."""
        return sum(abs(by) for at, by in self.jumps if episode.begin <= at <= episode.end + SETTLE)

    def _passed_at(self, wall: datetime, near: float) -> float:
        """Translate a time of day into what had passed then; `near` says which of several it is."""
        seconds = (wall - START).total_seconds()
        offsets = [0.0]
        for _, by in self.jumps:
            offsets.append(offsets[-1] + by)
        return min((seconds - offset for offset in offsets), key=lambda passed: abs(passed - near))

    def memory_differences(self, kept: tuple[int, int]) -> list[str]:
        """Say what the watch still holds though all is quiet, and whether memory has grown."""
        found = []
        for watch in self.watches:
            lookout = watch.clusters["prod"].lookout
            held = {
                name: len(getattr(lookout, name))
                for name in (
                    "_tracks",
                    "_of",
                    "_dirty",
                    "_pressing",
                    "_writes",
                    "_born",
                    "acts",
                    "_gone",
                    "_lost",
                    "_turned",
                )
            }
            if any(held.values()):
                found.append(f"the watch still holds {held}")
        third, end = kept
        if end > third * (1 + MOST_GROWTH) + _LEEWAY:
            found.append(f"the bot's objects have grown from {third} to {end}")
        before, after = self.resident
        if after > before + MOST_MORE:
            found.append(f"resident memory has grown from {before >> 20} to {after >> 20} MiB")
        return found


def resident_bytes() -> int:
    """Read the process' resident memory, as the system counts it."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0


def bots_objects() -> int:
    """Count the objects in memory whose type is the bot's own."""
    gc.unfreeze()
    gc.collect()
    return sum(_own(str(type(each).__module__)) for each in gc.get_objects())


def _own(module: str) -> bool:
    return module.startswith("bot.") and not module.startswith("bot.demo")
