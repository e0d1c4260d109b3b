"""What `tests.bench.watching` runs in processes of their own: the bot's reader, and the official client's.

python -m tests.bench.watcher ours|typed PORT
"""

import asyncio
import gc
import json
import logging
import random
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic, perf_counter, thread_time
from typing import Any

import aiohttp
from kubernetes.aio.client import ApiClient, Configuration, CoreV1Api, DiscoveryV1Api

from bot.adapters.cluster.fleet import KubeClusters
from bot.adapters.cluster.live import LiveCluster
from bot.adapters.store import migrate, open_store
from bot.config.secret import Secret
from bot.config.settings import ClusterSettings, IncidentSettings, Settings, SlackSettings
from bot.domain.change import Place
from bot.domain.cluster_facts import Mode
from bot.listeners.typeahead import options
from bot.operations import ask
from bot.operations.caller import Caller
from bot.operations.perform import performers
from bot.operations.rights import rights_of
from bot.operations.world import World
from bot.ports import Message
from bot.render import Renderer
from bot.watch import Watch
from bot.worker import Worker
from tests.bench.large_cluster import NODES, PAGE, PODS, SERVICES, SLICES_EACH
from tests.fakes.messenger import TEAM, MemoryMessenger

Json = dict[str, Any]
# The client's classes carry no annotations; Any says so once, here.
_Core: Any = CoreV1Api
_Discovery: Any = DiscoveryV1Api
_Client: Any = ApiClient
_Configuration: Any = Configuration

OBJECTS = SERVICES * (1 + SLICES_EACH) + NODES + PODS
SETTLE = 5.0
CUT = tuple(number * 8 for number in range(20))
"""Services that lose every endpoint, each on a load balancer of its own."""
RATE, SECONDS = 1_000, 12
FLOOD = 20_000
SUSTAINED, SUSTAINED_SECONDS = 2_000, 5
ALICE = Caller(user="U0ALICE", team=TEAM, channel="C0OPS", response_url="")
_SAMPLE = 0.002
"""Seconds between two looks at whether the event loop is held."""


def resident() -> int:
    """Bytes of memory that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@dataclass(slots=True)
class Holds:
    """How long the event loop was held, in seconds: by the clock, and computing."""

    wall: list[float] = field(default_factory=list)
    computing: list[float] = field(default_factory=list)

    async def sample(self) -> None:
        """Look, until cancelled."""
        while True:
            begun, cpu = perf_counter(), thread_time()
            await asyncio.sleep(_SAMPLE)
            self.wall.append(max(0.0, perf_counter() - begun - _SAMPLE))
            self.computing.append(thread_time() - cpu)

    def told(self) -> Json:
        """Tell p99 and maximum, in milliseconds; the clock's count the machine's other work too."""
        wall, computing = sorted(self.wall), sorted(self.computing)
        return {
            "p99": wall[int(len(wall) * 0.99)] * 1000,
            "max": wall[-1] * 1000,
            "computing": computing[-1] * 1000,
        }


@asynccontextmanager
async def holding() -> AsyncIterator[Holds]:
    """Watch the event loop for a while."""
    holds = Holds()
    task = asyncio.create_task(holds.sample())
    try:
        yield holds
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


class Channel(MemoryMessenger):
    """A workspace that notes when each message was posted, on the machine's monotonic clock."""

    def __init__(self) -> None:
        super().__init__()
        self.at: dict[str, float] = {}
        """By the message's text."""

    async def post(self, channel: str, message: Message, **given: Any) -> Place:
        """Post, and note the time."""
        self.at[message.text] = monotonic()
        return await super().post(channel, message, **given)


# --- ours ------------------------------------------------------------------------------------------------


class Ours:
    """The bot without Slack's and the cloud's wires: caches, watch, worker, database."""

    def __init__(self, port: int, home: Path) -> None:
        self._server = f"http://127.0.0.1:{port}"
        self._url = f"sqlite:///{home / 'bench.sqlite3'}"
        settings = ClusterSettings(
            name="prod",
            kubeconfig=_kubeconfig(home, self._server),
            incident_channel="C0INC",
            # As the CCE API or the configuration says it; unknown, every look weighs all modes.
            kube_proxy_mode=Mode.IPVS,
        )
        self._cluster = LiveCluster(settings)
        self._clusters = KubeClusters([self._cluster])
        self._messenger = Channel()
        self._settings = Settings(
            slack=SlackSettings(),
            database_url=Secret("DATABASE_URL", self._url),
            clusters={"prod": settings},
            team=TEAM,
            incidents=IncidentSettings(settle=SETTLE, per_minute=10_000),
        )

    async def measure(self) -> Json:
        """Go through all phases."""
        migrate(self._url)
        store = open_store(self._url)
        self._messenger.add("ALICE")
        self._messenger.channels |= {"C0INC", "C0OPS"}
        world = World(
            settings=self._settings,
            clusters=self._clusters,
            clouds={},
            store=store,
            messenger=self._messenger,
            renderer=Renderer(),
            clock=lambda: datetime.now(UTC),
        )
        watch, worker = Watch(world), Worker(store.jobs, performers(world))
        found: Json = {"sync": await self._sync()}
        tasks = [asyncio.create_task(watch.run()), asyncio.create_task(worker.run())]
        try:
            found["look"] = await self._first_look(watch)
            found["questions"] = await self._questions(world)
            found["flood"] = await self._flood()
            found["sustained"] = await self._churn(SUSTAINED * SUSTAINED_SECONDS, SUSTAINED)
            found["resident"] = resident()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._clusters.close()
            await store.close()
        return found

    async def _sync(self) -> Json:
        gc.collect()
        before, begun, cpu = resident(), perf_counter(), thread_time()
        async with holding() as holds:
            self._clusters.start()
            await self._cluster.synced()
            seconds, computing = perf_counter() - begun, thread_time() - cpu
        inventory = self._cluster.snapshot().inventory
        kept = (inventory.services, inventory.slices, inventory.nodes, inventory.pods)
        objects = sum(len(table) for table in kept)
        if objects != OBJECTS:
            raise SystemExit(f"{objects} objects arrived instead of {OBJECTS}")
        return {
            "seconds": seconds,
            "computing": computing,
            "memory": resident() - before,
            "holds": holds.told(),
        }

    async def _first_look(self, watch: Watch) -> Json:
        begun = perf_counter()
        watched = watch.clusters["prod"]
        async with holding() as holds:
            await _until(lambda: watched.lookout.synced_at is not None)
            seconds = perf_counter() - begun
            await _until(lambda: watched._begun)
        return {"seconds": seconds, "holds": holds.told()}

    async def _questions(self, world: World) -> Json:
        """Ask and type while things happen, and take endpoints away half way."""
        rights = await rights_of(world, ALICE)
        typing = {"action_id": "ask:service", "value": "s12"}

        async def status() -> None:
            number = random.randrange(SERVICES)  # noqa: S311 - which one is nobody's secret
            await ask.status(world, ALICE, f"team-{number % 100}/s{number}")

        async def type_ahead() -> None:
            options(world, rights, typing)

        async with holding() as holds, asyncio.TaskGroup() as group:
            churn = group.create_task(self._churn(RATE * SECONDS, RATE))
            asked = group.create_task(_sampled(status, churn))
            typed = group.create_task(_sampled(type_ahead, churn))
            await asyncio.sleep(SECONDS / 4)
            cut = await self._order("cut", services=",".join(map(str, CUT)))
            await churn
        await _until(lambda: len(self._lags(cut)) == len(CUT))
        return {
            "status": asked.result(),
            "typeahead": typed.result(),
            "churn": churn.result(),
            "lags": self._lags(cut),
            "holds": holds.told(),
        }

    def _lags(self, cut: Json) -> list[float]:
        """Seconds from each loss to its notice, the settling time taken off."""
        wanted = {f"team-{int(number) % 100}/s{number} ·": at for number, at in cut.items()}
        return [
            posted - at - SETTLE
            for start, at in wanted.items()
            for text, posted in self._messenger.at.items()
            if start in text
        ]

    async def _flood(self) -> Json:
        async with holding() as holds:
            told = await self._churn(FLOOD, 0)
        return {**told, "holds": holds.told()}

    async def _churn(self, number: int, rate: float) -> Json:
        """Let things happen, and wait until the cache has all of them."""
        told = await self._order("churn", count=str(number), rate=str(rate))
        last = int(told["version"])
        informers = [each for each in self._cluster._informers if each.kind.plural in _BUSY]

        def there() -> bool:
            versions = [int(each.version) for each in informers]
            return max(versions) >= last and min(versions) > last - _MIXED

        await _until(there)
        return {
            "rate": number / (monotonic() - told["begun"]),
            "behind": monotonic() - told["ended"],
            "sent": number / (told["ended"] - told["begun"]),
        }

    async def _order(self, what: str, **query: str) -> Json:
        async with aiohttp.ClientSession() as session:
            timeout = aiohttp.ClientTimeout(total=120)
            url = f"{self._server}/control/{what}"
            async with session.post(url, params=query, timeout=timeout) as reply:
                answer: Json = await reply.json()
                return answer


_BUSY = {"services", "endpointslices", "nodes", "pods"}
_MIXED = 100
"""Versions within which every busy kind has had an event."""
_PATIENCE = 60.0


async def _until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(_PATIENCE):
        while not reached():  # noqa: ASYNC110 - what is measured must not know of it
            await asyncio.sleep(0.01)


async def _sampled(once: Callable[[], Awaitable[None]], until: asyncio.Task[Any]) -> Json:
    """Do something again and again; tell how long it took in milliseconds, waiting for the event loop included."""
    took = []
    while not until.done():
        # Slack's request arrives whenever it arrives: it waits for the loop first.
        asked = perf_counter()
        await asyncio.sleep(0)
        await once()
        took.append((perf_counter() - asked) * 1000)
        await asyncio.sleep(0.02)
    took.sort()
    return {
        "asked": len(took),
        "p50": took[len(took) // 2],
        "p99": took[int(len(took) * 0.99)],
        "max": took[-1],
    }


def _kubeconfig(home: Path, server: str) -> Path:
    path = home / "kubeconfig"
    body = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    path.write_text(json.dumps(body))
    return path


# --- the official client ---------------------------------------------------------------------------------


async def typed(port: int) -> Json:
    """LIST the same four kinds at the same time, in pages, as the official client's models."""
    client = _Client(_Configuration(host=f"http://127.0.0.1:{port}"))
    core, discovery = _Core(client), _Discovery(client)
    gc.collect()
    before, begun, cpu = resident(), perf_counter(), thread_time()
    async with holding() as holds:
        kept = await asyncio.gather(
            _pages(core.list_service_for_all_namespaces),
            _pages(discovery.list_endpoint_slice_for_all_namespaces),
            _pages(core.list_node),
            _pages(core.list_pod_for_all_namespaces),
        )
        seconds, computing = perf_counter() - begun, thread_time() - cpu
    if sum(map(len, kept)) != OBJECTS:
        raise SystemExit(f"{sum(map(len, kept))} objects arrived instead of {OBJECTS}")
    found = {
        "seconds": seconds,
        "computing": computing,
        "memory": resident() - before,
        "holds": holds.told(),
    }
    await client.close()
    return found


async def _pages(call: Any) -> list[Any]:
    found: list[Any] = []
    more: str | None = None
    while True:
        given = {"_continue": more} if more else {}
        page = await call(limit=PAGE, **given)
        found += page.items
        more = page.metadata._continue
        if not more:
            return found


def main() -> None:
    """Measure, and print one line of JSON."""
    logging.disable(logging.WARNING)
    which, port = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as home:
        found = asyncio.run(typed(port) if which == "typed" else Ours(port, Path(home)).measure())
    print(json.dumps(found))


if __name__ == "__main__":
    main()
