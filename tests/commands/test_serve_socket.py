"""The Socket Mode connection: renewed, watched, and given up when it stays away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from time import perf_counter
from typing import Any

import pytest
from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands.serve import LOST, _until
from bot.commands.socket import Socket, SocketLostError
from bot.demo.slack import Workspace
from bot.demo.slack.rate import NONE
from tests.commands.serving import APP_TOKEN, BOT_TOKEN, SECRET

ALICE, OPS = "U01ALICE", "C01OPS"


def application(client: AsyncWebClient) -> AsyncApp:
    """An application that acknowledges every command."""

    async def authorize(**_: Any) -> AuthorizeResult:
        return AuthorizeResult(enterprise_id=None, team_id="T01TEAM", bot_token=BOT_TOKEN)

    app = AsyncApp(client=client, authorize=authorize, process_before_response=True)

    @app.command("/elb-passthrough")
    async def command(ack: AsyncAck) -> None:
        await ack("taken")

    return app


def socket(api_url: str, **given: float) -> Socket:
    """A connection that is looked at often."""
    client = AsyncWebClient(token=BOT_TOKEN, base_url=api_url)
    times = {"look_every": 0.05, "give_up_after": 20.0, "ping_interval": 0.4, **given}
    return Socket(application(client), client, lambda: APP_TOKEN, **times)


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    """A workspace that the bot connects to."""
    made = Workspace(
        bot_token=BOT_TOKEN, signing_secret=SECRET, app_token=APP_TOKEN, rates=NONE, patience=60.0
    )
    await made.start()
    yield made
    await made.stop()


async def ended(task: asyncio.Task[None]) -> None:
    """Stop a task."""
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def works(slack: Workspace) -> bool:
    """Whether a command is acknowledged."""
    return (await slack.command(ALICE, OPS, "help")).ok


async def test_it_connects_and_is_ready_only_then(slack: Workspace) -> None:
    """Readiness follows the connection, not the wish for one."""
    connection = socket(slack.api_url)
    assert not await connection.connected()
    task = asyncio.create_task(connection.run())
    await slack.wait_for(lambda: slack.socket.connections)
    assert await works(slack)
    assert await connection.connected()
    await ended(task)
    assert not await connection.connected()
    await slack.wait_for(lambda: not slack.socket.connections)


@pytest.mark.parametrize("reason", ["refresh_requested", "warning", "too_many_websockets"])
async def test_slacks_own_renewal_is_followed(slack: Workspace, reason: str) -> None:
    """Every few hours Slack asks for a new connection, and where there are too many of them."""
    task = asyncio.create_task(socket(slack.api_url).run())
    await slack.wait_for(lambda: slack.socket.connections)
    opened = len(slack.log(name="apps.connections.open"))
    await slack.socket.refresh(reason)
    await slack.wait_for(
        lambda: len(slack.log(name="apps.connections.open")) > opened and slack.socket.connections == 1
    )
    assert await works(slack)
    await ended(task)


async def test_a_connection_that_is_cut_is_made_anew(slack: Workspace) -> None:
    """Even when Slack is away for a while meanwhile."""
    task = asyncio.create_task(socket(slack.api_url).run())
    await slack.wait_for(lambda: slack.socket.connections)
    slack.faults.add("apps.connections.open", "500", count=2)
    await slack.socket.close()
    await slack.wait_for(lambda: not slack.faults.pending() and slack.socket.connections)
    assert await works(slack)
    await ended(task)


@pytest.mark.parametrize("error", ["too_many_websockets", "missing_scope", "unknown_method", "ratelimited"])
async def test_where_no_connection_is_given_it_is_asked_for_again(
    slack: Workspace, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With a line in the log that says what Slack says, and never the token."""
    slack.faults.add("apps.connections.open", "error", error=error)
    task = asyncio.create_task(socket(slack.api_url).run())
    await slack.wait_for(lambda: slack.socket.connections)
    assert await works(slack)
    await ended(task)
    (line,) = [r.getMessage() for r in caplog.records if "does not connect" in r.getMessage()]
    assert error in line
    assert APP_TOKEN not in caplog.text


async def test_slacks_wish_to_be_asked_later_is_granted(slack: Workspace) -> None:
    """To the second; other trouble is tried again at once."""
    slack.faults.add("apps.connections.open", "429", seconds=2)
    began = perf_counter()
    task = asyncio.create_task(socket(slack.api_url).run())
    await slack.wait_for(lambda: slack.socket.connections)
    assert perf_counter() - began >= 2.0
    await ended(task)


async def test_after_too_long_without_a_connection_it_gives_up(slack: Workspace) -> None:
    """So that whoever runs the process starts a new one."""
    slack.faults.down()
    with pytest.raises(SocketLostError, match="no Socket Mode connection for 0 s"):
        await socket(slack.api_url, give_up_after=0.2).run()


async def test_a_lost_connection_ends_the_process_with_its_own_status() -> None:
    """And one line in the log; anything else that ends the house is told as it is."""

    async def lose() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_raise(SocketLostError("gone")))

    async def fail() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(_raise(OSError("no port")))

    assert await _until(asyncio.Event(), asyncio.create_task(lose())) == LOST != 0
    with pytest.raises(OSError, match="no port"):
        await _until(asyncio.Event(), asyncio.create_task(fail()))
    stop = asyncio.Event()
    stop.set()
    assert await _until(stop, asyncio.create_task(asyncio.Event().wait())) == 0  # type: ignore[arg-type] # what it returns is not read


async def _raise(error: Exception) -> None:
    raise error


class Deaf:
    """A Slack whose connections say hello and then nothing, not even to a ping."""

    def __init__(self) -> None:
        self.opened = 0
        self.again = asyncio.Event()
        self.url = ""

    async def open(self, _: web.Request) -> web.Response:
        """Answer apps.connections.open."""
        return web.json_response({"ok": True, "url": f"{self.url.replace('http', 'ws')}/link"})

    async def link(self, request: web.Request) -> web.WebSocketResponse:
        """Accept a connection and fall silent."""
        link = web.WebSocketResponse(autoping=False)
        await link.prepare(request)
        self.opened += 1
        if self.opened > 1:
            self.again.set()
        with suppress(asyncio.CancelledError):
            async for _ in link:
                pass
        return link


async def test_a_connection_that_died_silently_is_noticed() -> None:
    """It is open, and nobody answers on it; a new one is made."""
    deaf = Deaf()
    app = web.Application()
    app.add_routes([web.post("/api/apps.connections.open", deaf.open), web.get("/link", deaf.link)])
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    deaf.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    task = asyncio.create_task(socket(f"{deaf.url}/api/").run())
    async with asyncio.timeout(60):
        await deaf.again.wait()
    await ended(task)
    await runner.cleanup()
    assert deaf.opened >= 2
