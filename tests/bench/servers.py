"""The servers that are measured, each in a process of its own: `serve`, and what it is held against."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bot.demo.bot_process import free_port
from bot.demo.slack import Workspace
from bot.demo.stage import BOT_TOKEN, SIGNING_SECRET, Stage


@asynccontextmanager
async def serve(sink: str, database_url: str = "") -> AsyncIterator[Stage]:
    """The bot itself, over the simulated world, on an SQLite file of its own or on the database named."""
    host = sink.removeprefix("http://").partition("/")[0]
    given = {"DATABASE_URL": database_url} if database_url else {}
    stage = Stage(environ={"SLACK_RESPONSE_HOSTS": host, **given})
    try:
        await stage.start()
        yield stage
    finally:
        await stage.stop()


@asynccontextmanager
async def baseline(kind: str, argument: str = "-") -> AsyncIterator[str]:
    """One of `tests.bench.baselines`, by its name; gives where it takes requests."""
    port = free_port()
    arguments = ("-m", "tests.bench.baselines", kind, str(port), SIGNING_SECRET, argument)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments)
    try:
        await _listening(port)
        yield f"http://127.0.0.1:{port}/slack/events"
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def slack() -> AsyncIterator[str]:
    """A workspace for a framework that asks who it is; gives the base URL of its Web API."""
    workspace = Workspace(bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET)
    await workspace.start()
    try:
        yield workspace.api_url
    finally:
        await workspace.stop()


async def _listening(port: int) -> None:
    async with asyncio.timeout(20):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return
