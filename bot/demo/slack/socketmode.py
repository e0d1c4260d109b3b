"""Socket Mode: WebSocket connections that the bot opens, and envelopes that go through them.

Source: docs.slack.dev/apis/events-api/using-socket-mode.
"""

import asyncio
import json
import time
from typing import Any

from aiohttp import WSMsgType, web

from bot.demo.slack.courier import Ack, Parcel
from bot.demo.slack.feed import Change
from bot.demo.slack.state import State

Json = dict[str, Any]


class SocketCourier:
    """Hands envelopes to the bot's connections in turn, and waits for each one's acknowledgement."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._links: list[web.WebSocketResponse] = []
        self._waiting: dict[str, asyncio.Future[Json | None]] = {}
        self._turn = 0

    @property
    def connections(self) -> int:
        """How many connections are open."""
        return len(self._links)

    def routes(self) -> list[web.RouteDef]:
        """Return the route of the connections."""
        return [web.get("/link", self.link)]

    async def link(self, request: web.Request) -> web.WebSocketResponse:
        """Serve one connection, from hello to its end."""
        ticket = request.query.get("ticket", "")
        if ticket not in self._state.tickets:
            raise web.HTTPForbidden
        self._state.tickets.discard(ticket)
        link = web.WebSocketResponse()
        await link.prepare(request)
        await link.send_json(self._hello())
        self._links.append(link)
        self._tell()
        try:
            async for message in link:
                if message.type is WSMsgType.TEXT:
                    self._receive(message.data)
        finally:
            self._links.remove(link)
            self._tell()
        return link

    def _tell(self) -> None:
        self._state.feed.publish(Change(kind="links", data={"connections": len(self._links)}))

    def _hello(self) -> Json:
        debug = {"host": "loopback", "build_number": 1, "approximate_connection_time": 18060}
        info = {"app_id": self._state.app.id}
        return {
            "type": "hello",
            "num_connections": len(self._links) + 1,
            "connection_info": info,
            "debug_info": debug,
        }

    def _receive(self, text: str) -> None:
        try:
            body = json.loads(text)
        except ValueError:
            return
        waiting = self._waiting.get(body.get("envelope_id", "")) if isinstance(body, dict) else None
        if waiting is not None and not waiting.done():
            waiting.set_result(body.get("payload"))

    async def carry(self, parcel: Parcel, limit: float) -> Ack:
        """Return how the bot acknowledged, waiting at most `limit` seconds."""
        start = time.perf_counter()
        if not self._links:
            return Ack(error="dispatch_failed")
        self._turn += 1
        link = self._links[self._turn % len(self._links)]
        envelope = self._envelope(parcel)
        waiting: asyncio.Future[Json | None] = asyncio.get_running_loop().create_future()
        self._waiting[envelope["envelope_id"]] = waiting
        try:
            async with asyncio.timeout(limit):
                await link.send_json(envelope)
                payload = await waiting
        except TimeoutError:
            return Ack(error="operation_timeout", ms=(time.perf_counter() - start) * 1000)
        except ConnectionError:
            return Ack(error="dispatch_failed", ms=(time.perf_counter() - start) * 1000)
        finally:
            del self._waiting[envelope["envelope_id"]]
        text = str((payload or {}).get("text", ""))
        return Ack(status=200, body=payload, text=text, ms=(time.perf_counter() - start) * 1000)

    def _envelope(self, parcel: Parcel) -> Json:
        envelope: Json = {
            "envelope_id": self._state.stamps.id("", 20).lower(),
            "type": parcel.kind,
            "payload": parcel.payload,
            "accepts_response_payload": parcel.kind != "events_api",
        }
        if parcel.kind == "events_api":
            number, reason = parcel.retry or (0, "")
            envelope |= {"retry_attempt": number, "retry_reason": reason}
        return envelope

    async def refresh(self, reason: str = "refresh_requested") -> None:
        """Ask every connection to come back, as Slack does every few hours."""
        for link in list(self._links):
            await link.send_json({"type": "disconnect", "reason": reason, "debug_info": {"host": "loopback"}})

    async def close(self) -> None:
        """End every connection."""
        for link in list(self._links):
            await link.close()
