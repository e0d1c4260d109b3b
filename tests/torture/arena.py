"""The arena: one simulated world and workspace, several replicas of the bot, and what goes wrong."""

import asyncio
import random
from pathlib import Path
from typing import Any

from bot.demo.bot_process import BotNotReadyError, BotProcess, free_port
from bot.demo.scenario import NodeSpec, Scenario, deployment, nodes, service
from bot.demo.slack import Channel, Person, UserGroup, Workspace
from bot.demo.slack.people import App, default_people
from bot.demo.slack.rate import NONE
from bot.demo.stage import BOT_TOKEN, SIGNING_SECRET
from bot.demo.world import World
from tests.torture.front import Front

KEY = "kubernetes.io/elb.pass-through"
APPROVERS = ("U02BOB", "U06CAROL", "U07DAVE")
REQUESTER = "U01ALICE"
CHANNELS = 40
"""The bot keeps to one message a second in a channel, so that many channels are faster."""


class Arena:
    """Starts everything; `patched` counts, per Service, how often the annotation really came or went."""

    def __init__(self, directory: Path, *, changes: int, replicas: int, database_url: str, seed: int) -> None:
        self.dice = random.Random(seed)
        self.world = World(_scenario(changes))
        self.slack = Workspace(
            bot_token=BOT_TOKEN,
            signing_secret=SIGNING_SECRET,
            people=(
                *default_people(),
                Person(id="U06CAROL", name="Carol", real_name="Carol"),
                Person(id="U07DAVE", name="Dave", real_name="Dave"),
            ),
            channels=_channels(),
            groups=(UserGroup(id="S0SRE", handle="sre", name="SRE", users=APPROVERS),),
            rates=NONE,
            retries=(),
        )
        self.patched: dict[str, int] = {}
        self.killed = 0
        self._directory = directory
        self._count = replicas
        self._database_url = database_url
        self._before: dict[str, str | None] = {}
        self._replicas: list[BotProcess] = []
        self._front = Front(lambda: [bot.request_url for bot in self._replicas], seed=seed)
        self._port = free_port()
        self._coming: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start the world, the workspace and every replica."""
        await self.world.start()
        await self.slack.start()
        self.world.objects.subscribe("services", self._seen)
        await self._front.start(self._port)
        self.slack.request_url = f"http://127.0.0.1:{self._port}/slack/events"
        for number in range(self._count):
            place = self._directory / f"replica-{number}"
            place.mkdir()
            self._replicas.append(
                BotProcess(
                    place, config=self._config(), kubeconfig=self.world.kubeconfig(), environ=self._environ()
                )
            )
        await asyncio.gather(*(bot.start() for bot in self._replicas))

    async def stop(self) -> None:
        """Stop everything."""
        await asyncio.gather(*self._coming, return_exceptions=True)
        await asyncio.gather(*(bot.stop() for bot in self._replicas))
        await self._front.stop()
        await self.slack.stop()
        await self.world.stop()

    def kill(self) -> None:
        """End one replica as a power cut would; it comes back by itself."""
        if self._coming and len(self._coming) >= len(self._replicas):
            return
        bot = self.dice.choice(self._replicas)
        bot.kill()
        self.killed += 1
        task = asyncio.create_task(_back(bot))
        self._coming.add(task)
        task.add_done_callback(self._coming.discard)

    async def all_back(self) -> None:
        """Wait until every replica runs."""
        while self._coming:
            await asyncio.wait(set(self._coming))

    def logs(self) -> list[str]:
        """What the replicas logged."""
        return [bot.log.read_text(encoding="utf-8", errors="replace") for bot in self._replicas]

    def _seen(self, _event: str, body: dict[str, Any]) -> None:
        name = body["metadata"]["name"]
        value = body["metadata"].get("annotations", {}).get(KEY)
        if value != self._before.get(name):
            self.patched[name] = self.patched.get(name, 0) + 1
            self._before[name] = value

    def _environ(self) -> dict[str, str]:
        return {
            "SLACK_BOT_TOKEN": BOT_TOKEN,
            "SLACK_SIGNING_SECRET": SIGNING_SECRET,
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_RESPONSE_HOSTS": self.slack.response_host,
            "DATABASE_URL": self._database_url,
        }

    def _config(self) -> dict[str, Any]:
        return {
            "clusters": {
                self.world.scenario.name: {
                    "context": self.world.scenario.name,
                    "category": "standard",
                    "kubeProxyMode": "iptables",
                    "verification": {
                        "clients": "none",
                        "period": "1s",
                        "baseline": "1s",
                        "window": "1s",
                        "watch": "1s",
                    },
                }
            },
            "policies": [
                {"match": {"cluster": "*", "namespace": "*"}, "propose": [REQUESTER], "approve": ["S0SRE"]}
            ],
        }


async def _back(bot: BotProcess) -> None:
    await bot.gone()
    while True:
        try:
            await bot.start()
        except BotNotReadyError:
            bot.kill()
            await bot.gone()
        else:
            return


def name_of(number: int) -> str:
    """The Service that a change is about."""
    return f"web-{number:03}"


def channel_of(number: int) -> str:
    """The channel that a change is proposed in."""
    return f"C0T{number % CHANNELS:03}"


def _channels() -> tuple[Channel, ...]:
    everybody = frozenset({REQUESTER, *APPROVERS, App().user})
    return tuple(Channel(id=f"C0T{n:03}", name=f"torture-{n}", members=everybody) for n in range(CHANNELS))


def _scenario(changes: int) -> Scenario:
    spec: tuple[NodeSpec, ...] = nodes(2)
    services = (
        service("shop", name_of(n), port=80, target=8080, class_="union", autocreate='{"type":"inner"}')
        for n in range(changes)
    )
    return Scenario(
        mode="iptables",
        nodes=spec,
        namespaces=("shop", "elb-passthrough"),
        manifests=(deployment("shop", "web", replicas=2, image="registry.example/web", port=8080), *services),
    )
