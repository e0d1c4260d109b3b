"""Everything that runs in one process of `serve`, built once and kept alive until it is stopped."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

import aiohttp
from slack_bolt.authorization import AuthorizeResult

from bot.adapters.resolver import SystemResolver
from bot.adapters.slack import SlackMessenger
from bot.adapters.store import UPKEEP, SqlStore
from bot.commands.identity import learn
from bot.commands.metrics import Metrics
from bot.commands.slack_client import SlackClient
from bot.commands.socket import Socket
from bot.commands.web import Door, listening, web_app
from bot.config import Settings
from bot.listeners.app import build_app
from bot.listeners.desk import Desk
from bot.operations.perform import performers
from bot.operations.sweep import sweep_jobs
from bot.operations.world import World
from bot.ports import Cloud, Clusters, Unavailable
from bot.render import Renderer
from bot.watch import Watch
from bot.worker import Worker

log = logging.getLogger(__name__)

LONGEST_REST = 5.0
"""Seconds between two looks for a database that was not there at the start."""
OPENS_AFTER = 3.0
"""Seconds after which questions are answered, whether or not the database is there."""
_NO_SCHEMA = "it has not been brought to the current schema yet"


class Fleet(Clusters, Protocol):
    """Clusters that watch by themselves, once they are told to."""

    def start(self) -> None:
        """Begin to watch, and return at once."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What was opened for the process, and is closed by whoever opened it."""

    client: SlackClient
    session: aiohttp.ClientSession
    """For calls to Slack."""
    store: SqlStore
    migrate: Callable[[], object]
    """Brings the database to the current schema; blocks, and raises Unavailable where there is none."""
    clusters: Fleet
    clouds: Mapping[str, Cloud]
    gap: float = 1.0
    """Seconds between two messages to one channel; Slack allows about one a second."""


class House:
    """Serves: health at once; commands when Slack says who the bot is; jobs when the database is there."""

    def __init__(self, settings: Settings, parts: Parts) -> None:
        self._settings = settings
        self._parts = parts
        self._metrics = Metrics(parts.clusters)
        self._door = Door(self._metrics, settings.slack.signing_secret)
        self._socket: Socket | None = None
        self._database_is = _NO_SCHEMA
        self.url = ""
        """Of the web server, once it listens."""
        self.serving = asyncio.Event()
        """Set once commands are taken."""

    async def live(self) -> None:
        """Serve until cancelled.

        Raises:
            ExceptionGroup: of one of these.
            ConfigurationError: Slack refuses the token.
            SocketLostError: Socket Mode has been without a connection for too long.
            OSError: nobody can listen on HOST and PORT.
        """
        slack, wire = self._settings.slack, (self._settings.host, self._settings.port)
        app = web_app(self._door, self._metrics, self.ready, events=not slack.socket_mode)
        async with listening(app, *wire) as self.url, asyncio.TaskGroup() as group:
            log.info("listening on %s", self.url)
            self._parts.clusters.start()
            prepared = group.create_task(self._prepare(), name="database")
            identity = await learn(self._parts.client)
            # Questions need no database; but nobody need be told that it is away while it is being prepared.
            await asyncio.wait({prepared}, timeout=OPENS_AFTER)
            await self._serve(identity, prepared)

    async def _serve(self, identity: AuthorizeResult, prepared: asyncio.Task[None]) -> None:
        world, messenger = self._world(identity)
        desk = Desk(world, messenger)
        app = build_app(desk, self._parts.client, identity=lambda: identity)
        self._door.app = app
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._work(world, prepared), name="work")
                watch = Watch(world, observe=self._metrics.incidents)
                self._metrics.findings, self._metrics.unheard = watch.findings, watch.unheard
                world.standings.update({name: each.lookout.verdicts for name, each in watch.clusters.items()})
                world.traps.update({name: each.lookout.found for name, each in watch.clusters.items()})
                group.create_task(watch.run(), name="watch")
                if world.settings.slack.app_token is not None:
                    token = world.settings.slack.app_token
                    self._socket = Socket(app, self._parts.client, token.reveal)
                    group.create_task(self._socket.run(), name="socket")
                log.info("serving as %s", world.settings.team)
                self.serving.set()
        finally:
            self._door.app = None
            await desk.tasks.close()

    def _world(self, identity: AuthorizeResult) -> tuple[World, SlackMessenger]:
        settings = self._settings if self._settings.team else replace(self._settings, team=identity.team_id)
        if not settings.team:
            log.error(
                "Slack does not say which workspace this is: set `team:`, until then nobody has any rights"
            )
        elif identity.team_id and settings.team != identity.team_id:
            log.warning(
                "the configuration says team: %s, Slack says %s: people of the first alone have rights",
                settings.team,
                identity.team_id,
            )
        messenger = SlackMessenger(
            self._parts.client,
            session=self._parts.session,
            team=settings.team or "",
            response_hosts=settings.slack.response_hosts,
            gap=self._parts.gap,
        )
        world = World(
            settings=settings,
            clusters=self._parts.clusters,
            clouds=self._parts.clouds,
            store=self._parts.store,
            messenger=messenger,
            renderer=Renderer(settings.templates),
            clock=lambda: datetime.now(UTC),
            resolver=SystemResolver(),
        )
        return world, messenger

    async def _work(self, world: World, prepared: asyncio.Task[None]) -> None:
        """Perform jobs, as soon as there is a database to take them from."""
        await prepared
        upkeep = self._parts.store.upkeep(retention=world.settings.retention)
        worker = Worker(
            self._parts.store.jobs,
            {**performers(world), **upkeep.performers()},
            observe=self._metrics.observe,
            yields_to=self._door.busy,
        )
        await worker.run()

    async def _prepare(self) -> None:
        rest = 0.25
        while True:
            try:
                await asyncio.to_thread(self._parts.migrate)
                await self._parts.store.take_over()
                await self._parts.store.jobs.submit(*UPKEEP, *sweep_jobs(self._parts.clusters.names()))
            except Unavailable as error:
                self._database_is = str(error)
                log.warning("%s; asking again", error)
            else:
                self._database_is = ""
                log.info("the database is ready")
                return
            await asyncio.sleep(rest)
            rest = min(LONGEST_REST, rest * 2)

    async def ready(self) -> tuple[bool, dict[str, object]]:
        """Whether this replica can do its work; a cluster that does not answer is named, and no reason not to."""
        slack, database = await self._slack(), await self._database()
        clusters = {
            name: self._parts.clusters.get(name).freshness().problem or "ok"
            for name in self._parts.clusters.names()
        }
        fine = slack == "ok" and database == "ok"
        return fine, {"slack": slack, "database": database, "clusters": clusters}

    async def _slack(self) -> str:
        if self._door.app is None:
            return "not serving: Slack has not said who the bot is"
        if self._settings.slack.socket_mode and not (self._socket and await self._socket.connected()):
            return "not connected by Socket Mode"
        return "ok"

    async def _database(self) -> str:
        if self._database_is:
            return self._database_is
        try:
            await self._parts.store.ping()
        except Unavailable as error:
            return str(error)
        return "ok"
