"""Socket Mode: a connection that is watched, for one that died silently answers nobody."""

import asyncio
import logging

from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

log = logging.getLogger(__name__)

LOOK_EVERY = 5.0
GIVE_UP_AFTER = 180.0
"""Seconds without a connection after which the process ends, so that whoever runs it starts a new one."""


class SocketLostError(Exception):
    """Socket Mode has been without a connection for too long; a new process is the way out."""


class Socket:
    """One Socket Mode connection."""

    def __init__(self, app: AsyncApp, client: AsyncWebClient, app_token: str) -> None:
        own = AsyncWebClient(token=app_token, base_url=client.base_url, timeout=10)
        self._handler = AsyncSocketModeHandler(app, app_token, web_client=own, ping_interval=10)

    async def connected(self) -> bool:
        """Whether Slack is on the other side now."""
        return await self._handler.client.is_connected()

    async def run(self) -> None:
        """Keep the connection until cancelled.

        Raises:
            SocketLostError: there was none for too long.
        """
        loop = asyncio.get_running_loop()
        seen = loop.time()
        try:
            while True:
                if await self.connected():
                    seen = loop.time()
                elif loop.time() - seen > GIVE_UP_AFTER:
                    raise SocketLostError(f"no Socket Mode connection for {GIVE_UP_AFTER:.0f} s")
                else:
                    await self._connect()
                await asyncio.sleep(LOOK_EVERY if await self.connected() else 1.0)
        finally:
            await self._handler.client.close()  # type: ignore[no-untyped-call]  # the SDK's own gap

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(10):
                await self._handler.client.connect()  # type: ignore[no-untyped-call]  # the SDK's own gap
        except Exception as error:  # noqa: BLE001 - whatever it is, the next try or the watchdog is the answer
            log.warning("Socket Mode does not connect: %s", type(error).__name__)
