"""The web server: Slack's requests, and what keeps a replica running: health, readiness, metrics."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from time import perf_counter, time

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.async_app import AsyncApp

from bot.commands.metrics import Metrics
from bot.commands.signature import genuine
from bot.config import Secret

log = logging.getLogger(__name__)

QUIET = 0.02
"""Seconds without a request after which the door is not busy."""
LEAVES_WITHIN = 2.0
"""Seconds that requests under way have when the process is asked to stop."""
Ready = Callable[[], Awaitable[tuple[bool, dict[str, object]]]]


class Door:
    """Where Slack's requests come in; closed until the application is there."""

    def __init__(self, metrics: Metrics, secret: Secret | None) -> None:
        self.app: AsyncApp | None = None
        self._metrics = metrics
        self._secret = secret
        self._last = -QUIET

    def busy(self) -> bool:
        """Whether a request came in just now, so that others are likely to."""
        return perf_counter() - self._last < QUIET

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Check a request's signature and age, then hand it to Bolt."""
        if self.app is None:
            return web.Response(status=503, text="not serving now")
        self._last = started = perf_counter()
        if not self._genuine(await request.read(), request):
            self._metrics.refused.inc()
            return web.json_response({"error": "invalid request"}, status=401)
        try:
            answer = await self.app.async_dispatch(await to_bolt_request(request))
        except Exception as error:  # noqa: BLE001 - what our listeners raise ends in theirs; this is Bolt, reading a payload that Slack does not send
            log.warning("a request is none that Slack sends: %s", type(error).__name__)
            return web.json_response({"error": "the body cannot be read"}, status=400)
        self._metrics.acknowledged.observe(perf_counter() - started)
        return await to_aiohttp_response(answer)

    def _genuine(self, body: bytes, request: web.Request) -> bool:
        """Whether Slack signed this lately, with the secret as it is now."""
        if self._secret is None:
            return False
        stamp = request.headers.get("X-Slack-Request-Timestamp", "")
        signature = request.headers.get("X-Slack-Signature", "")
        return genuine(self._secret.reveal(), stamp, body, signature, now=time())


def web_app(door: Door, metrics: Metrics, ready: Ready, *, events: bool) -> web.Application:
    """Build the web application; in Socket Mode it takes no events."""

    async def healthz(_: web.Request) -> web.Response:
        return web.Response(text="alive\n")

    async def readyz(_: web.Request) -> web.Response:
        fine, details = await ready()
        return web.json_response(details, status=200 if fine else 503)

    async def metrics_text(_: web.Request) -> web.Response:
        return web.Response(
            body=metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        )

    app = web.Application()
    app.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", metrics_text)]
    )
    if events:
        app.add_routes([web.post("/slack/events", door.events)])
    return app


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Serve an application; gives its URL, with the port that the system chose where `port` is 0.

    Raises:
        OSError: nobody can listen there.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=LEAVES_WITHIN)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
