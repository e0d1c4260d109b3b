"""`serve`: builds the world once, from the settings, and runs it until it is told to stop."""

import argparse
import asyncio
import logging
import os
import signal
from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.adapters.cloud.api import CloudApi
from bot.adapters.cluster.fleet import KubeClusters
from bot.adapters.cluster.live import LiveCluster
from bot.adapters.slack import SlackMessenger
from bot.adapters.store import SqlStore, migrate, open_store
from bot.adapters.store.upkeep import JOBS as UPKEEP
from bot.commands.identity import learn
from bot.commands.metrics import Metrics
from bot.commands.socket import Socket
from bot.commands.web import Door, web_app
from bot.config import Settings, load
from bot.config.logs import log_to
from bot.listeners.app import build_app
from bot.listeners.desk import Desk
from bot.operations.perform import performers
from bot.operations.world import World
from bot.ports import Unavailable
from bot.render import Renderer
from bot.worker import Worker

log = logging.getLogger(__name__)


def run(args: argparse.Namespace) -> int:
    """Run the bot; the exit status is 0 when it was asked to stop."""
    del args
    settings = load(os.environ, Path.cwd())
    log_to()
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    for warning in settings.warnings:
        log.warning(warning)
    migrate(settings.database_url.reveal())
    asyncio.run(serve(settings))
    return 0


async def serve(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    async with AsyncExitStack() as stack:
        house = await House.build(settings, stack)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, stop.set)
        living = asyncio.create_task(house.live())
        stopping = asyncio.create_task(stop.wait())
        await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        living.cancel()
        try:
            await living
        except asyncio.CancelledError:
            log.info("stopped")


class House:
    """Everything that runs in one process."""

    def __init__(
        self,
        settings: Settings,
        *,
        client: AsyncWebClient,
        store: SqlStore,
        clusters: KubeClusters,
        clouds: Mapping[str, CloudApi],
        session: aiohttp.ClientSession,
    ) -> None:
        self._settings = settings
        self._client = client
        self._store = store
        self._clusters = clusters
        self._clouds = clouds
        self._session = session
        self._metrics = Metrics(clusters)
        self._door = Door(self._metrics, settings.slack.signing_secret)
        self._socket: Socket | None = None

    @classmethod
    async def build(cls, settings: Settings, stack: AsyncExitStack) -> "House":
        """Open what must be closed again; nothing is asked of anybody yet."""
        session = await stack.enter_async_context(aiohttp.ClientSession())
        store = open_store(settings.database_url.reveal())
        stack.push_async_callback(store.close)
        clouds = {
            name: CloudApi(c.cloud, session=session)
            for name, c in settings.clusters.items()
            if c.cloud and c.cloud.credentials
        }
        clusters = KubeClusters(
            [LiveCluster(c, cloud=clouds.get(name)) for name, c in settings.clusters.items()]
        )
        stack.push_async_callback(clusters.close)
        client = _Client(settings, session)
        return cls(settings, client=client, store=store, clusters=clusters, clouds=clouds, session=session)

    async def live(self) -> None:
        """Serve; health first, then whatever answers."""
        runner = web.AppRunner(
            web_app(self._door, self._metrics, self.ready, events=not self._settings.slack.socket_mode)
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, self._settings.host, self._settings.port).start()
            log.info("listening on http://%s:%d", self._settings.host, self._settings.port)
            self._clusters.start()
            await self._work(await learn(self._client))
        finally:
            await runner.cleanup()

    async def _work(self, identity: AuthorizeResult) -> None:
        settings = self._settings if self._settings.team else replace(self._settings, team=identity.team_id)
        messenger = SlackMessenger(
            self._client,
            session=self._session,
            team=settings.team or "",
            response_hosts=settings.slack.response_hosts,
        )
        world = World(
            settings=settings,
            clusters=self._clusters,
            clouds=self._clouds,
            store=self._store,
            messenger=messenger,
            renderer=Renderer(settings.templates),
            clock=lambda: datetime.now(UTC),
        )
        desk = Desk(world, messenger)
        app = build_app(desk, self._client, identity=lambda: identity)
        self._door.app = app
        try:
            await self._run(world, app)
        finally:
            await desk.tasks.close()

    async def _run(self, world: World, app: AsyncApp) -> None:
        upkeep = self._store.upkeep(retention=world.settings.retention)
        worker = Worker(
            self._store.jobs,
            {**performers(world), **upkeep.performers()},
            lease=9.0,
            heartbeat=3.0,
            observe=self._metrics.observe,
            yields_to=self._door.busy,
        )
        await self._store.jobs.submit(*UPKEEP)
        async with asyncio.TaskGroup() as group:
            group.create_task(worker.run())
            token = world.settings.slack.app_token
            if token is not None:
                self._socket = Socket(app, self._client, token.reveal())
                group.create_task(self._socket.run())
            log.info("ready as %s", world.settings.team)

    async def ready(self) -> tuple[bool, dict[str, object]]:
        """Whether this replica can do its work; a cluster that does not answer is named, and no reason not to."""
        slack = self._door.app is not None and (self._socket is None or await self._socket.connected())
        database = await self._database()
        clusters = {
            name: self._clusters.get(name).freshness().problem or "ok" for name in self._clusters.names()
        }
        return slack and database == "ok", {
            "slack": "ok" if slack else "not connected",
            "database": database,
            "clusters": clusters,
        }

    async def _database(self) -> str:
        try:
            await self._store.ping()
        except Unavailable as error:
            return str(error)
        return "ok"


class _Client(AsyncWebClient):
    """The Web API's client. Nothing is sent again by itself: jobs do that, and look first.

    A token from a file is read again when the file changes.
    """

    def __init__(self, settings: Settings, session: aiohttp.ClientSession) -> None:
        self._secret = settings.slack.bot_token
        super().__init__(
            token=self._secret.reveal() if self._secret else None,
            base_url=settings.slack.api_url,
            session=session,
            timeout=10,
            retry_handlers=[],
        )

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        """Call a method with the token as it is now."""
        if self._secret is not None:
            self.token = self._secret.reveal()
        return await super().api_call(api_method, **arguments)
