"""An office: the house with its real Bolt application and SQLite store, a Slack workspace, and clusters in memory."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from bot.adapters.store import migrate, open_store
from bot.commands.house import House, Parts
from bot.commands.slack_client import SlackClient, slack_session
from bot.config.secret import Secret
from bot.config.settings import Clients, ClusterSettings, Settings, SlackSettings, VerificationSettings
from bot.demo.slack import Workspace
from bot.demo.slack.message import Message
from bot.demo.slack.rate import NONE
from bot.demo.slack.view import View
from bot.domain.policy import Policy
from tests.fakes.cluster import MemoryClusters
from tests.fakes.world import Cluster, service, shop, slices

ALICE, BOB, MALLORY, GUEST = "U01ALICE", "U02BOB", "U03MALLORY", "U04GUEST"
OPS, INCIDENTS, RANDOM = "C01OPS", "C02INC", "C04RANDOM"
BOT_TOKEN, APP_TOKEN, SECRET = "xoxb-office", "xapp-office", "office-secret"
POLICY = Policy(
    propose=(ALICE, "S0SRE"), approve=("S0SRE",), break_glass=("S0PLATFORM",), view=(ALICE, BOB, MALLORY)
)


class Fleet(MemoryClusters):
    """Clusters in memory need no starting."""

    def start(self) -> None:
        """Do nothing."""


class Office:
    """Starts the house as `serve` does; people act through `slack`, and tests look at what they see."""

    def __init__(
        self,
        directory: Path,
        *,
        clusters: tuple[Cluster, ...] = (),
        socket_mode: bool = False,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self.clusters = clusters or (two_services(),)
        self.database = directory / "office.sqlite3"
        self.slack = Workspace(
            bot_token=BOT_TOKEN,
            signing_secret=SECRET,
            app_token=APP_TOKEN if socket_mode else None,
            rates=NONE,
            retries=(0.0, 0.0),
            patience=60.0,
        )
        self._socket_mode = socket_mode
        self._changed = settings or {}
        self._stack = AsyncExitStack()
        self.house: House | None = None
        self._living: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Start everything, and wait until commands are taken."""
        await self.slack.start()
        self._stack.push_async_callback(self.slack.stop)
        session = await self._stack.enter_async_context(slack_session())
        settings = self.settings()
        url = settings.database_url.reveal()
        store = open_store(url)
        self._stack.push_async_callback(store.close)
        parts = Parts(
            client=SlackClient(settings.slack, session),
            session=session,
            store=store,
            migrate=lambda: migrate(url),
            clusters=Fleet(*self.clusters),
            clouds={},
            gap=0.0,
        )
        self.house = House(settings, parts)
        self._living = asyncio.create_task(self.house.live())
        async with asyncio.timeout(60):
            await self.house.serving.wait()
        self.slack.request_url = f"{self.house.url}/slack/events"
        if self._socket_mode:
            await self.slack.wait_for(lambda: self.slack.socket.connections)

    async def close(self) -> None:
        """Stop everything; what the house raised is raised here."""
        if self._living is not None:
            self._living.cancel()
            with suppress(asyncio.CancelledError):
                await self._living
        await self._stack.aclose()

    def settings(self) -> Settings:
        """What is configured."""
        clusters = {
            each.name: ClusterSettings(
                name=each.name,
                incident_channel=INCIDENTS,
                verification=VerificationSettings(clients=Clients.NONE, baseline=0.1, window=0.1, period=0.1),
            )
            for each in self.clusters
        }
        settings = Settings(
            slack=SlackSettings(
                bot_token=Secret("SLACK_BOT_TOKEN", BOT_TOKEN),
                signing_secret=Secret("SLACK_SIGNING_SECRET", SECRET),
                app_token=Secret("SLACK_APP_TOKEN", APP_TOKEN) if self._socket_mode else None,
                api_url=self.slack.api_url,
                response_hosts=frozenset({self.slack.response_host}),
            ),
            database_url=Secret("DATABASE_URL", f"sqlite:///{self.database}"),
            clusters=clusters,
            port=0,
            operators=("S0PLATFORM",),
            policies=(POLICY,),
        )
        return replace(settings, **self._changed)

    # -- what people see

    async def told(self, user: str, *, count: int = 1, after: int = 0) -> list[Message]:
        """Wait until a person alone was told something, in a channel; return it."""
        await self.slack.wait_for(lambda: len(self.slack.ephemerals(user)) >= after + count)
        return self.slack.ephemerals(user)[after:]

    async def answer(self, user: str, text: str, channel: str = OPS) -> str:
        """Give a command; return what its person reads as the answer."""
        before = len(self.slack.ephemerals(user))
        ack = await self.slack.command(user, channel, text)
        assert ack.ok, ack
        (message,) = await self.told(user, after=before)
        return self.slack.readable(message, user)

    async def click(self, user: str, target: Any, action: str, **more: Any) -> str:
        """Click; return what the person reads."""
        before = len(self.slack.ephemerals(user))
        ack = await self.slack.click(user, target, action, **more)
        assert ack.ok, ack
        (message,) = await self.told(user, after=before)
        return self.slack.readable(message, user)

    async def message(self, channel: str, fits: Callable[[Message], bool]) -> Message:
        """Wait for a message in a channel."""
        return await self.slack.wait_for(
            lambda: next((m for m in self.slack.messages(channel) if fits(m)), None)
        )

    async def reply(self, channel: str, ts: str, fits: Callable[[Message], bool]) -> Message:
        """Wait for a message in a thread."""
        return await self.slack.wait_for(
            lambda: next((m for m in self.slack.thread(channel, ts)[1:] if fits(m)), None)
        )

    async def card(self, command: str = "enable shop/checkout TLS errors") -> Message:
        """Propose as Alice; return the card once it is there."""
        assert (await self.slack.command(ALICE, OPS, command)).ok
        return await self.message(OPS, lambda m: "CHG-" in m.text or "CHG-" in str(m.blocks))

    async def changed(self, card: Message, words: str) -> Message:
        """Wait until a card reads like that."""

        def now() -> Message | None:
            message = self.slack.message(card.channel, card.ts)
            return message if message and words in self.slack.readable(message) else None

        return await self.slack.wait_for(now)

    async def modal(self, user: str) -> View:
        """Wait for a person's modal."""
        return (await self.slack.wait_for(lambda: self.slack.views(user)))[-1]


def two_services() -> Cluster:
    """The cluster `prod`: shop/checkout, which is off, and default/nginx, which is on by the vendor's own example."""
    cluster = shop()
    cluster.put(
        service("default", "nginx", policy="Local", value="true", elb="elb-2", ip="10.9.0.10", port=80)
    )
    cluster.put(slices("nginx", "node-a", namespace="default"))
    return cluster
