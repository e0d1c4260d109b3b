"""Socket Mode: a connection that is watched, for one that died silently answers nobody."""

import asyncio
import logging
from collections.abc import Callable
from http import HTTPStatus
from time import time

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.socket_mode.async_internals import run_async_bolt_app, send_async_response
from slack_bolt.async_app import AsyncApp
from slack_bolt.response import BoltResponse
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.errors import code_of, retry_after

log = logging.getLogger(__name__)
_sdk = logging.getLogger("bot.commands.socket.sdk")
# Its lines hold the address of the connection, whose ticket is a secret; what matters is said here.
_sdk.setLevel(logging.CRITICAL)

LOOK_EVERY = 5.0
"""Seconds between two looks at the connection."""
PATIENCE = 2
"""Looks in a row at a lost connection after which a new one is made; Slack's own renewals take less."""
CONNECTS_WITHIN = 10.0
GIVE_UP_AFTER = 180.0
"""Seconds without a connection after which the process ends, so that whoever runs it starts a new one."""


class SocketLostError(Exception):
    """Socket Mode has been without a connection for too long; a new process is the way out."""


class Socket:
    """Keeps one Socket Mode connection; a dead one is thrown away with its client, and a new one made.

    The client of Slack's SDK connects again by itself, but may hang in that for ever, on an address that is no
    longer good (slackapi/python-slack-sdk issues 1110 and 1446, slackapi/bolt-python issue 1529).
    """

    def __init__(
        self,
        app: AsyncApp,
        client: AsyncWebClient,
        app_token: Callable[[], str],
        *,
        look_every: float = LOOK_EVERY,
        give_up_after: float = GIVE_UP_AFTER,
        ping_interval: float = 10.0,
    ) -> None:
        self._app = app
        self._app_token = app_token
        self._base_url = client.base_url
        self._look_every = look_every
        self._give_up_after = give_up_after
        self._ping_interval = ping_interval
        self._current: SocketModeClient | None = None
        self._asked_to_wait = 0.0

    async def connected(self) -> bool:
        """Whether Slack is on the other side now."""
        return self._current is not None and await self._current.is_connected()

    async def run(self) -> None:
        """Keep a connection until cancelled.

        Raises:
            SocketLostError: there was none for too long.
        """
        loop = asyncio.get_running_loop()
        seen = loop.time()
        while loop.time() - seen <= self._give_up_after:
            seen = max(seen, await self._live_once())
            await asyncio.sleep(max(min(1.0, self._look_every), self._asked_to_wait))
        raise SocketLostError(f"no Socket Mode connection for {self._give_up_after:.0f} s")

    async def _live_once(self) -> float:
        """Connect, and watch until the connection is lost; return when it was last seen, 0 if never."""
        handler = self._handler()
        seen = 0.0
        try:
            self._current = handler.client
            if await self._connect(handler.client):
                log.info("Socket Mode is connected")
                seen = await self._watch(handler.client)
        finally:
            self._current = None
            await handler.client.close()  # type: ignore[no-untyped-call]  # the SDK's own gap
        return seen

    async def _watch(self, client: SocketModeClient) -> float:
        loop = asyncio.get_running_loop()
        seen, missed = loop.time(), 0
        while missed < PATIENCE:
            await asyncio.sleep(self._look_every)
            if await client.is_connected():
                seen, missed = loop.time(), 0
            else:
                missed += 1
        log.warning("Socket Mode has lost its connection; making a new one")
        return seen

    def _handler(self) -> AsyncSocketModeHandler:
        token = self._app_token()
        own = AsyncWebClient(token=token, base_url=self._base_url, timeout=10, retry_handlers=[])
        return _Handler(self._app, token, logger=_sdk, web_client=own, ping_interval=self._ping_interval)

    async def _connect(self, client: SocketModeClient) -> bool:
        self._asked_to_wait = 0.0
        try:
            async with asyncio.timeout(CONNECTS_WITHIN):
                # The SDK's own asking waits half a minute where Slack says "not now", and is not to be told how long.
                answer = await client.web_client.apps_connections_open(app_token=client.app_token)
                client.wss_uri = str(answer["url"])
                await client.connect()  # type: ignore[no-untyped-call]  # the SDK's own gap
        except SlackApiError as error:
            wait = retry_after(getattr(error.response, "headers", None)) or 0.0
            self._asked_to_wait = min(wait, self._give_up_after)
            log.warning("Socket Mode does not connect: Slack says %s", code_of(error))
            return False
        except Exception as error:  # noqa: BLE001 - whatever it is, the next try or the watchdog is the answer
            log.warning("Socket Mode does not connect: %s", type(error).__name__)
            return False
        return True


class _Handler(AsyncSocketModeHandler):
    """Acknowledges what nobody can do anything about, for Slack would send it again; what failed here comes again."""

    async def handle(self, client: SocketModeClient, req: SocketModeRequest) -> None:  # type: ignore[override]  # the SDK's own gap
        started = time()
        try:
            answer = await run_async_bolt_app(self.app, req)
        except Exception as error:  # noqa: BLE001 - what our listeners raise ends in theirs; this is Bolt, reading a payload that Slack does not send
            log.warning("a request is none that Slack sends: %s", type(error).__name__)
            answer = BoltResponse(status=400)
        if HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.INTERNAL_SERVER_ERROR:
            answer = BoltResponse(status=HTTPStatus.OK)
        await send_async_response(client, req, answer, started)
