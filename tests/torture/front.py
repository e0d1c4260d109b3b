"""What stands before the replicas: hands each request to one of them, and to another when that one is dead."""

import random
from collections.abc import Callable, Sequence

import aiohttp
from aiohttp import web

from tests.torture.ambush import AFTER, CLICK, COMMAND, Ambush

_KEPT = (
    "Content-Type",
    "X-Slack-Signature",
    "X-Slack-Request-Timestamp",
    "X-Slack-Retry-Num",
    "X-Slack-Retry-Reason",
)


class Front:
    """A load balancer for the replicas' web servers."""

    def __init__(self, urls: Callable[[], Sequence[str]], *, dice: random.Random, ambush: Ambush) -> None:
        self._urls = urls
        self._dice = dice
        self._ambush = ambush
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> str:
        """Listen on loopback; return the URL that Slack is to call."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))
        app = web.Application()
        app.router.add_post("/slack/events", self._hand_on)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}/slack/events"

    async def stop(self) -> None:
        """Stop listening."""
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _hand_on(self, request: web.Request) -> web.Response:
        body = await request.read()
        headers = {name: request.headers[name] for name in _KEPT if name in request.headers}
        urls = list(enumerate(self._urls()))
        self._dice.shuffle(urls)
        for replica, url in urls:
            try:
                answer = await self._ask(url, body, headers)
            except (aiohttp.ClientError, TimeoutError):
                continue
            what = COMMAND if body.startswith(b"token=") and b"&command=" in body else CLICK
            if answer.status == 200 and self._ambush.falls(replica, AFTER, what):
                break
            return answer
        return web.Response(status=503)

    async def _ask(self, url: str, body: bytes, headers: dict[str, str]) -> web.Response:
        if self._session is None:
            raise RuntimeError("not started")
        async with self._session.post(url, data=body, headers=headers) as answer:
            kind = answer.headers.get("Content-Type", "text/plain").partition(";")[0]
            return web.Response(status=answer.status, body=await answer.read(), content_type=kind)
