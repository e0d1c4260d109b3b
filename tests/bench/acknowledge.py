"""How long Slack waits for the acknowledgement of a slash command, its durable commit included.

Beside it, in the same run: a bare aiohttp handler that only checks the signature, and a default Bolt application
that only acknowledges. The three take turns, so that a slow moment of the machine hits all of them.
"""

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from time import perf_counter, time
from urllib.parse import urlencode
from uuid import uuid4

import aiohttp
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from bot.demo.bot_process import free_port
from bot.demo.stage import SIGNING_SECRET, Stage

ROUNDS = 6
PER_ROUND = 150
CROWD = (16, 64)
PER_CROWD = 1200


async def acknowledge() -> int:
    """Measure, print, and return 0 if the promises hold."""
    async with _sink() as sink, _servers(sink) as urls, aiohttp.ClientSession() as session:
        for url in urls.values():
            await _load(session, url, sink, clients=1, requests=50)
        alone = await _in_turns(session, urls, sink)
        crowds = {
            (name, n): await _load(session, urls[name], sink, clients=n, requests=PER_CROWD)
            for n in CROWD
            for name in urls
        }
    _table(alone, crowds)
    return _promises(alone)


async def _in_turns(
    session: aiohttp.ClientSession, urls: dict[str, str], sink: str
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {name: [] for name in urls}
    for _ in range(ROUNDS):
        for name, url in urls.items():
            found[name] += await _load(session, url, sink, clients=1, requests=PER_ROUND)
    return found


async def _load(
    session: aiohttp.ClientSession, url: str, sink: str, *, clients: int, requests: int
) -> list[float]:
    """Send commands from so many clients at a time; return each acknowledgement's milliseconds."""
    took: list[float] = []
    todo = iter(range(requests))

    async def client() -> None:
        for _ in todo:
            body, headers = _command(sink)
            started = perf_counter()
            async with session.post(url, data=body, headers=headers) as response:
                await response.read()
                took.append((perf_counter() - started) * 1000)
                if response.status != 200:
                    raise RuntimeError(f"{url} answered {response.status}")

    await asyncio.gather(*(client() for _ in range(clients)))
    return took


def _command(sink: str) -> tuple[str, dict[str, str]]:
    """A signed command that is stored as a job, and whose job is a short one."""
    body = urlencode(
        {
            "command": "/elb-passthrough",
            "text": "verify nosuch/service",
            "user_id": "U01ALICE",
            "team_id": "T01TEAM",
            "channel_id": "C01OPS",
            "trigger_id": uuid4().hex,
            "response_url": sink,
        }
    )
    stamp = str(int(time()))
    signature = SignatureVerifier(SIGNING_SECRET).generate_signature(timestamp=stamp, body=body)
    return body, {
        "Content-Type": "application/x-www-form-urlencoded",
        "X-Slack-Request-Timestamp": stamp,
        "X-Slack-Signature": signature or "",
    }


@asynccontextmanager
async def _sink() -> AsyncIterator[str]:
    """Where answers go: a response_url that takes any number of them."""

    async def take(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text="ok")

    app = web.Application()
    app.router.add_post("/commands", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = free_port()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        yield f"http://127.0.0.1:{port}/commands"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _servers(sink: str) -> AsyncIterator[dict[str, str]]:
    """The three servers, each in a process of its own."""
    host = sink.removeprefix("http://").partition("/")[0]
    stage = Stage(environ={"SLACK_RESPONSE_HOSTS": host})
    processes: list[Process] = []
    try:
        await stage.start()
        urls = {"serve": stage.bot.request_url if stage.bot else ""}
        for kind in ("bare", "bolt"):
            port = free_port()
            arguments = ("-m", "tests.bench.baselines", kind, str(port), SIGNING_SECRET, stage.slack.api_url)
            processes.append(await asyncio.create_subprocess_exec(sys.executable, *arguments))
            urls[kind] = f"http://127.0.0.1:{port}/slack/events"
            await _listening(port)
        yield urls
    finally:
        for process in processes:
            process.terminate()
            await process.wait()
        await stage.stop()


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


def _table(alone: dict[str, list[float]], crowds: dict[tuple[str, int], list[float]]) -> None:
    print("Acknowledgement of a slash command, milliseconds (p50 / p99 / longest)")
    print(f"  {'':34}{'1 client':>22}" + "".join(f"{f'{n} clients':>24}" for n in CROWD))
    names = {
        "serve": "serve, with its durable commit",
        "bare": "bare aiohttp, signature only",
        "bolt": "default Bolt, acknowledges only",
    }
    for name, words in names.items():
        cells = [_cell(alone[name]), *(_cell(crowds[name, n]) for n in CROWD)]
        print(f"  {words:34}" + "".join(f"{cell:>23}" for cell in cells))


def _cell(took: list[float]) -> str:
    ordered = sorted(took)
    return f"{median(ordered):.2f} / {ordered[int(len(ordered) * 0.99)]:.1f} / {ordered[-1]:.0f}"


def _promises(alone: dict[str, list[float]]) -> int:
    ours, bare, bolt = (median(alone[name]) for name in ("serve", "bare", "bolt"))
    kept = (
        (f"a quarter of default Bolt's median at most: {ours / bolt:.2f}", ours <= bolt / 4),
        (f"within 2.5 ms of the bare handler's: {ours - bare:+.2f} ms", ours - bare <= 2.5),
    )
    for sentence, holds in kept:
        print(f"  {'✓' if holds else '✗'} {sentence}")
    return 0 if all(holds for _, holds in kept) else 1
