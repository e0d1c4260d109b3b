"""The arena: one simulated world and workspace, several replicas of the bot, and what stands between them."""

import asyncio
import os
import random
from collections.abc import Coroutine, Mapping
from pathlib import Path
from time import monotonic
from typing import Any

from sqlalchemy import make_url

from bot.demo.bot_process import BotNotReadyError, BotProcess
from bot.demo.scenario import BOT_TOKEN as CLUSTER_TOKEN
from bot.demo.slack import Channel, Person, UserGroup, Workspace
from bot.demo.slack.people import App, default_people
from bot.demo.slack.rate import NONE
from bot.demo.stage import BOT_TOKEN, SIGNING_SECRET
from bot.demo.world import World
from tests.adapters.store.databases import hang_up
from tests.torture import next_version
from tests.torture.ambush import POINTS, POSTGRESQL_POINTS, SQLITE_POINTS, Ambush
from tests.torture.cable import Cable
from tests.torture.front import Front
from tests.torture.gate import Gate
from tests.torture.subject import APPROVERS, CHANNELS, GROUP, REQUESTER, TWICE, Subject, scenario, subject
from tests.torture.witness import Witness

_REST = 0.1
"""Seconds between the return of a replica and the next death."""
_MEASURING = {"clients": "none", "period": "1s", "baseline": "1s", "window": "1s", "watch": "1s"}


class _Replica(BotProcess):
    """One replica, of this version or of the next one."""

    tree: Path | None = None
    """Where the next version is; None: it is this one."""

    async def start(self) -> None:
        """Start it as the version that it is now."""
        first = [str(self.tree)] if self.tree else []
        given = [*first, *filter(None, [os.environ.get("PYTHONPATH")])]
        self._environ["PYTHONPATH"] = os.pathsep.join(given)
        await super().start()


class Arena:
    """Starts everything, and brings back who was killed."""

    def __init__(
        self,
        directory: Path,
        *,
        changes: int,
        replicas: int,
        database_url: str,
        seed: int,
        quota: int,
        versions: bool = False,
    ) -> None:
        self.dice = random.Random(seed)
        self.subjects = [subject(number) for number in range(changes)]
        """Those that there are Services for; `proposed` of them people are about, or were."""
        self.proposed: list[Subject] = []
        self.world = World(scenario(changes))
        self.slack = _workspace()
        self.witness = Witness(self.world, self.slack, self.subjects)
        self.killed = 0
        """At random; the ambush counts its own."""
        self.rolled = 0
        """Restarts by SIGTERM, one replica after the other."""
        self.failed_over = 0
        """How often the database server ended every connection."""
        self.cables: list[Cable] = []
        self._url = make_url(database_url)
        self._server = self._url.get_backend_name() == "postgresql"
        points = (
            *POINTS,
            *(SQLITE_POINTS if replicas == 1 else ()),
            *(POSTGRESQL_POINTS if self._server else ()),
        )
        self.ambush = Ambush(points, quota=quota, dice=random.Random(seed + 1), kill=self._kill)
        self._directory = directory
        self._next = next_version.make(directory / "next") if versions else None
        """Where the next version is, if every other replica is of it."""
        self._gates = [Gate(n, ambush=self.ambush, witness=self.witness) for n in range(replicas)]
        self._replicas: list[_Replica] = []
        self._front = Front(
            lambda: [bot.request_url for bot in self._replicas], dice=self.dice, ambush=self.ambush
        )
        self._coming: set[asyncio.Task[None]] = set()
        self._away: set[BotProcess] = set()
        self._returning: dict[BotProcess, asyncio.Task[None]] = {}
        """Those that were killed, while they are away."""
        self._watching: asyncio.Task[None] | None = None
        self._free_at = 0.0

    async def start(self) -> None:
        """Start the world, the workspace and every replica."""
        await self.world.start()
        await self.slack.start()
        self._watching = asyncio.create_task(self.witness.watch())
        await self.witness.ready()
        self.slack.request_url = await self._front.start()
        for number, gate in enumerate(self._gates):
            await gate.start(api=self.world.api.url, slack=self.slack.url)
            bot = await self._replica(number, gate)
            bot.tree = self._next if number % 2 else None
            self._replicas.append(bot)
        if len(self._gates) == 1:
            self.slack.reached_at = self._gates[0].slack_url
        await asyncio.gather(*(_started(bot) for bot in self._replicas))
        self.ambush.armed = True

    async def stop(self) -> None:
        """Stop everything."""
        self.ambush.armed = False
        await asyncio.gather(*self._coming, return_exceptions=True)
        await asyncio.gather(*(bot.stop() for bot in self._replicas))
        if self._watching is not None:
            self._watching.cancel()
        parts: tuple[Front | Gate | Cable, ...] = (self._front, *self._gates, *self.cables)
        for part in parts:
            await part.stop()
        await self.slack.stop()
        await self.world.stop()

    def kill_any(self) -> None:
        """End one replica as a power cut would; it comes back by itself."""
        self.killed += self._kill(self.dice.randrange(len(self._replicas)), modest=False)

    def roll(self) -> None:
        """Restart the replicas one after the other, as a rolling upgrade does: each as the other version, if there are two."""
        self._background(self._roll())

    def fail_over(self) -> None:
        """Let the database server end every connection, in the middle of whatever is said over it."""
        self.failed_over += 1
        self._background(asyncio.to_thread(hang_up, self._url.render_as_string(hide_password=False)))

    async def calm(self) -> None:
        """Let everything work from now on, and wait until every replica runs."""
        self.ambush.armed = False
        self.world.api.faults.clear()
        self.slack.faults.clear()
        while self._coming:
            await asyncio.wait(set(self._coming))

    def tracebacks(self) -> list[str]:
        """What the replicas logged that nobody had thought of."""
        return [
            line[:300]
            for bot in self._replicas
            for line in bot.log.read_text(encoding="utf-8", errors="replace").splitlines()
            if "Traceback (most recent call last)" in line and '"level": "error"' in line
        ]

    def _kill(self, replica: int, modest: bool) -> bool:  # noqa: FBT001 - the ambush calls it by position
        """End a replica, unless it is away already, or is the last of several, or the only one has just come back.

        `modest`: or anybody is away.
        """
        bot, alone = self._replicas[replica], len(self._replicas) == 1
        if bot in self._away or len(self._away) >= max(1, len(self._replicas) - 1):
            return False
        if modest and self._away:
            return False
        if alone and monotonic() < self._free_at:
            return False
        self._away.add(bot)
        bot.kill()
        self._returning[bot] = self._background(self._back(bot))
        return True

    def _background(self, doing: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(doing)
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)
        return task

    async def _roll(self) -> None:
        for bot in self._replicas:
            while bot in self._away:
                await asyncio.wait({self._returning[bot]})
            self._away.add(bot)
            await bot.stop()
            bot.tree = None if bot.tree else self._next
            await _started(bot)
            self._away.discard(bot)
            self.rolled += 1

    async def _back(self, bot: BotProcess) -> None:
        await bot.gone()
        await _started(bot)
        self._away.discard(bot)
        self._free_at = monotonic() + _REST

    async def _replica(self, number: int, gate: Gate) -> _Replica:
        place = self._directory / f"replica-{number}"
        place.mkdir()
        hosts = f"{self.slack.response_host},{gate.slack_url.removeprefix('http://')}"
        kubeconfig = self.world.api.kubeconfig(CLUSTER_TOKEN, context=self.world.scenario.name)
        kubeconfig["clusters"][0]["cluster"]["server"] = gate.api_url
        environ = {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_API_URL": f"{gate.slack_url}/api/",
            "SLACK_RESPONSE_HOSTS": hosts,
            "DATABASE_URL": await self._database(number),
        }
        return _Replica(place, config=self._config(), kubeconfig=kubeconfig, environ=environ)

    async def _database(self, number: int) -> str:
        url = self._url
        if self._server:
            cable = Cable(number, host=url.host or "127.0.0.1", port=url.port or 5432, ambush=self.ambush)
            self.cables.append(cable)
            url = url.set(host="127.0.0.1", port=await cable.start())
        return url.render_as_string(hide_password=False)

    def _config(self) -> Mapping[str, Any]:
        rights = {"propose": [REQUESTER], "approve": [GROUP]}
        cluster = {
            "context": self.world.scenario.name,
            "category": "standard",
            "kubeProxyMode": "ipvs",
            "verification": _MEASURING,
        }
        return {
            "clusters": {self.world.scenario.name: cluster},
            "policies": [
                {"match": {"cluster": "*", "namespace": TWICE}, **rights, "approvals": 2},
                {"match": {"cluster": "*", "namespace": "*"}, **rights},
            ],
        }


async def _started(bot: BotProcess) -> None:
    """Start a replica, as often as it takes: on a busy machine it may not be ready in time."""
    while True:
        try:
            await bot.start()
        except BotNotReadyError:
            bot.kill()
            await bot.gone()
        else:
            return


class _Town(Workspace):
    """A workspace whose response URLs lead through a gate, once there is one."""

    reached_at = ""

    @property
    def url(self) -> str:
        """The URL that the bot is told."""
        return self.reached_at or super().url


def _workspace() -> _Town:
    everybody = frozenset({REQUESTER, *APPROVERS, App().user})
    return _Town(
        bot_token=BOT_TOKEN,
        signing_secret=SIGNING_SECRET,
        people=(
            *default_people(),
            Person(id="U06CAROL", name="Carol", real_name="Carol"),
            Person(id="U07DAVE", name="Dave", real_name="Dave"),
        ),
        channels=tuple(
            Channel(id=f"C0T{n:03}", name=f"torture-{n}", members=everybody) for n in range(CHANNELS)
        ),
        groups=(UserGroup(id=GROUP, handle="sre", name="SRE", users=APPROVERS),),
        rates=NONE,
        retries=(),
    )
