"""`serve`: opens what the settings name, and runs the house until it is told to stop."""

import argparse
import asyncio
import logging
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from bot.adapters.cloud.api import CloudApi
from bot.adapters.cluster.fleet import KubeClusters
from bot.adapters.cluster.live import LiveCluster
from bot.adapters.store import migrate, open_store
from bot.commands.house import House, Parts
from bot.commands.slack_client import SlackClient, slack_session
from bot.commands.socket import SocketLostError
from bot.config import Settings, load
from bot.config.logs import log_to

log = logging.getLogger(__name__)

LOST = 1
"""Exit status: the process gave itself up, for a new one to take its place."""
_TALKATIVE = ("aiohttp.access", "alembic")
"""Loggers whose information is nobody's."""


def run(args: argparse.Namespace) -> int:
    """Run the bot; the exit status is 0 when it was asked to stop."""
    del args
    settings = load(os.environ, Path.cwd())
    log_to()
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    for warning in settings.warnings:
        log.warning(warning)
    return asyncio.run(serve(settings))


async def serve(settings: Settings) -> int:
    """Run until SIGTERM or SIGINT; return the exit status."""
    async with AsyncExitStack() as stack:
        stop = asyncio.Event()
        for sign in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(sign, stop.set)
        house = House(settings, await open_parts(settings, stack))
        return await _until(stop, asyncio.create_task(house.live()))


async def _until(stop: asyncio.Event, living: asyncio.Task[None]) -> int:
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({living, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    living.cancel()
    try:
        await living
    except asyncio.CancelledError:
        log.info("stopped")
    except ExceptionGroup as group:
        lost = group.subgroup(SocketLostError)
        if lost is None:
            raise _first(group) from group
        log.critical("%s; ending, so that a new process is started", _first(lost))
        return LOST
    return 0


async def open_parts(settings: Settings, stack: AsyncExitStack) -> Parts:
    """Open what must be closed again; nothing is asked of anybody yet."""
    clouds_session = await stack.enter_async_context(aiohttp.ClientSession())
    session = await stack.enter_async_context(slack_session())
    url = settings.database_url.reveal
    store = open_store(url)
    stack.push_async_callback(store.close)
    clouds = {
        name: CloudApi(cluster.cloud, session=clouds_session)
        for name, cluster in settings.clusters.items()
        if cluster.cloud and cluster.cloud.credentials
    }
    clusters = KubeClusters(
        [LiveCluster(each, cloud=clouds.get(name)) for name, each in settings.clusters.items()]
    )
    stack.push_async_callback(clusters.close)
    return Parts(
        client=SlackClient(settings.slack, session),
        session=session,
        store=store,
        migrate=lambda: migrate(url()),
        clusters=clusters,
        clouds=clouds,
    )


def _first(error: BaseException) -> BaseException:
    """The fault in a group of one, however deep it lies."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
