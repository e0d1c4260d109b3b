"""The load: signed requests as Slack sends them, so many at a time, and how long each acknowledgement took."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median
from time import perf_counter, time
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from bot.demo.stage import SIGNING_SECRET

Make = Callable[[str], dict[str, str]]
"""Makes a request's form, given the URL that answers go to."""
_OK = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Milliseconds of acknowledgements."""

    took: tuple[float, ...]

    @property
    def p50(self) -> float:
        """The median."""
        return median(self.took)

    @property
    def p99(self) -> float:
        """What one in a hundred exceeds."""
        ordered = sorted(self.took)
        return ordered[int(len(ordered) * 0.99)]

    @property
    def longest(self) -> float:
        """The worst."""
        return max(self.took)

    def __str__(self) -> str:
        """As a table's cell."""
        return f"{self.p50:.1f} / {self.p99:.1f} / {self.longest:.0f}"


def joined(parts: Sequence[Times]) -> Times:
    """Several measurements as one."""
    return Times(took=tuple(each for part in parts for each in part.took))


def command(sink: str, text: str = "verify nosuch/service") -> dict[str, str]:
    """A slash command that is stored as a job, and whose job is a short one."""
    return {
        "command": "/elb-passthrough",
        "text": text,
        "user_id": "U01ALICE",
        "team_id": "T01TEAM",
        "channel_id": "C01OPS",
        "trigger_id": uuid4().hex,
        "response_url": sink,
    }


def click(sink: str) -> dict[str, str]:
    """Approve on a card whose change is not there: it is stored, decided and answered like any other click."""
    stamp = f"{time():.6f}"
    body = {
        "type": "block_actions",
        "user": {"id": "U02BOB", "team_id": "T01TEAM"},
        "team": {"id": "T01TEAM"},
        "channel": {"id": "C01OPS"},
        "container": {"type": "message", "message_ts": stamp, "channel_id": "C01OPS"},
        "message": {"ts": stamp, "type": "message"},
        "trigger_id": uuid4().hex,
        "response_url": sink,
        "actions": [
            {
                "type": "button",
                "action_id": "change:approve",
                "block_id": "actions",
                "value": uuid4().hex,
                "action_ts": stamp,
                "text": {"type": "plain_text", "text": "Approve"},
            }
        ],
    }
    return {"payload": json.dumps(body)}


async def load(
    session: aiohttp.ClientSession, url: str, sink: str, make: Make, *, clients: int, requests: int
) -> Times:
    """Send so many requests from so many clients at a time.

    Raises:
        RuntimeError: one was not acknowledged.
    """
    took: list[float] = []
    todo = iter(range(requests))

    async def client() -> None:
        for _ in todo:
            body, headers = signed(make(sink))
            started = perf_counter()
            async with session.post(url, data=body, headers=headers) as response:
                await response.read()
                took.append((perf_counter() - started) * 1000)
                if response.status != _OK:
                    raise RuntimeError(f"{url} answered {response.status}")

    await asyncio.gather(*(client() for _ in range(clients)))
    return Times(took=tuple(took))


def signed(form: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Return a form's body, and headers with Slack's signature of it."""
    body, stamp = urlencode(form), str(int(time()))
    signature = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=stamp, body=body)
    return body, {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature or "",
    }


@asynccontextmanager
async def answers() -> AsyncIterator[str]:
    """Where answers go: a response_url that takes any number of them."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/commands", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/commands"
    finally:
        await runner.cleanup()
