"""How long a command takes to its answer: from when it is sent until the message is with Slack.

The cluster has 10,000 Services, all in the bot's cache; commands come at 20 a second, whether or not the ones before
are answered. What is promised holds from when the watch has looked at every Service once; what people meet before,
in the first seconds of a new process, is printed too. Beside it, in turns in the same run: Slack's framework with its defaults, which looks at nothing and
says one fixed sentence. The API server, the bot and the framework each run in a process of their own.

    python -m tests.bench answers      (SHARE=0.1 for a tenth of the cluster)
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Any, Self

import aiohttp
from aiohttp import web

from bot.demo.bot_process import BotProcess
from bot.demo.slack import Workspace
from bot.demo.slack.rate import NONE
from bot.demo.stage import BOT_TOKEN, SIGNING_SECRET
from tests.bench.large_cluster import NAMESPACES, SERVICES
from tests.bench.load import Times, command, signed
from tests.bench.servers import baseline
from tests.bench.watching import large_cluster

RATE = 20
"""Commands a second."""
ROUNDS, PER_ROUND = 4, 150
P50, P99 = 60.0, 250.0
"""What is promised, in milliseconds."""
_SYNCED_WITHIN = 120.0
_ANSWERED_WITHIN = 30.0
_LOOK, _LITTLE = 2.0, 0.1
"""Seconds between two looks at how much the process computes, and the share of a processor that is little."""
Json = dict[str, Any]


async def answers() -> int:
    """Measure, print, and return 0 if the promises hold."""
    async with (
        Sink() as sink,
        large_cluster() as port,
        _bot(port, sink) as (bot, api, pid),
        baseline("answering", api) as framework,
    ):
        await _synced(sink, bot)
        ours: dict[str, list[float]] = {name: [] for name in COMMANDS}
        theirs: list[float] = []
        early = [took for _, took in await _round(sink, bot, _mix())]
        await _calm(pid)
        for _ in range(ROUNDS):
            for name, took in await _round(sink, bot, _mix()):
                ours[name].append(took)
            theirs += [took for _, took in await _round(sink, framework, _plain())]
    return _print(ours, Times(took=tuple(early)), Times(took=tuple(theirs)))


# --- commands --------------------------------------------------------------------------------------------


def _name(number: int) -> str:
    number = number * 7919 % SERVICES
    return f"team-{number % NAMESPACES}/s{number}"


COMMANDS: dict[str, Callable[[int], str]] = {
    "status of some Service": lambda number: f"status {_name(number)}",
    "status of a misspelt one": lambda number: f"status {_name(number)}x",
    "list": lambda _: "list",
    "help": lambda _: "help",
    "an order that is refused": lambda number: f"enable {_name(number)}x",
}
_MIX = (0, 0, 0, 1, 0, 0, 2, 0, 4, 3)
"""Seven in ten ask for a status."""


def _mix() -> list[tuple[str, str]]:
    names = list(COMMANDS)
    chosen = [names[_MIX[number % len(_MIX)]] for number in range(PER_ROUND)]
    return [(name, COMMANDS[name](number)) for number, name in enumerate(chosen)]


def _plain() -> list[tuple[str, str]]:
    return [("", "status")] * PER_ROUND


async def _round(sink: "Sink", url: str, mix: list[tuple[str, str]]) -> list[tuple[str, float]]:
    """Send commands at the rate, and wait for their answers."""
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        loop, tasks = asyncio.get_running_loop(), []
        began = loop.time()
        for number, (name, text) in enumerate(mix):
            await asyncio.sleep(began + number / RATE - loop.time())
            tasks.append((name, group.create_task(sink.asked(session, url, text))))
    return [(name, task.result()) for name, task in tasks]


class Sink:
    """Where answers go: a response_url for each command, and when it was called."""

    def __init__(self) -> None:
        self._waiting: dict[str, asyncio.Future[float]] = {}
        self._numbers = count(1)
        self.url = ""
        app = web.Application()
        app.router.add_post("/commands/{number}", self._take)
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    async def _take(self, request: web.Request) -> web.Response:
        # The message is there when its first byte is; reading it is Slack's own time.
        at = perf_counter()
        waiting = self._waiting.pop(request.match_info["number"], None)
        if waiting is not None and not waiting.done():
            waiting.set_result(at)
        await request.read()
        return web.Response(text="ok")

    async def asked(self, session: aiohttp.ClientSession, url: str, text: str) -> float:
        """Give a command; return the milliseconds until its answer came."""
        number = str(next(self._numbers))
        waiting: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        body, headers = signed(command(f"{self.url}/commands/{number}", text))
        started = perf_counter()
        async with session.post(url, data=body, headers=headers) as response:
            await response.read()
        async with asyncio.timeout(_ANSWERED_WITHIN):
            return (await waiting - started) * 1000


# --- the bot ---------------------------------------------------------------------------------------------


@asynccontextmanager
async def _bot(port: int, sink: Sink) -> AsyncIterator[tuple[str, str, int]]:
    """Start the ordinary `serve` over the large cluster; give its request URL, the Web API's base URL and its id."""
    slack = Workspace(bot_token=BOT_TOKEN, signing_secret=SIGNING_SECRET, rates=NONE)
    await slack.start()
    with tempfile.TemporaryDirectory(prefix="elb-passthrough-bench-") as directory:
        bot = BotProcess(
            Path(directory),
            config=_config(),
            kubeconfig=_kubeconfig(f"http://127.0.0.1:{port}"),
            environ={
                "SLACK_BOT_TOKEN": BOT_TOKEN,
                "SLACK_SIGNING_SECRET": SIGNING_SECRET,
                "SLACK_API_URL": slack.api_url,
                "SLACK_RESPONSE_HOSTS": sink.url.removeprefix("http://"),
            },
        )
        try:
            await bot.start()
            yield bot.request_url, slack.api_url, bot.pid
        finally:
            await bot.stop()
            await slack.stop()


def _config() -> Json:
    everybody = {"match": {"cluster": "*", "namespace": "*"}, "view": ["*"], "propose": ["*"]}
    return {
        "clusters": {"prod": {"context": "c", "kubeProxyMode": "ipvs"}},
        "policies": [everybody | {"approve": ["S0SRE"]}],
    }


def _kubeconfig(server: str) -> Json:
    return {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }


async def _synced(sink: Sink, url: str) -> None:
    """Wait until every Service is in the cache, and ask everything once: templates are compiled at their first use."""
    async with asyncio.timeout(_SYNCED_WITHIN), aiohttp.ClientSession() as session:
        ready = url.replace("/slack/events", "/readyz")
        while True:
            async with session.get(ready) as response:
                if (await response.json())["clusters"]["prod"] == "ok":
                    break
            await asyncio.sleep(0.2)
        for make in COMMANDS.values():
            await sink.asked(session, url, make(0))


async def _calm(pid: int) -> None:
    """Wait until the watch has looked at every Service once: the process computes little then."""
    async with asyncio.timeout(_SYNCED_WITHIN):
        used = _computed(pid)
        while True:
            await asyncio.sleep(_LOOK)
            before, used = used, _computed(pid)
            if used - before < _LOOK * _LITTLE:
                return


def _computed(pid: int) -> float:
    """Seconds of a processor that a process has had; Linux says so."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# --- what came of it -------------------------------------------------------------------------------------


def _print(ours: dict[str, list[float]], early: Times, theirs: Times) -> int:
    every = Times(took=tuple(each for some in ours.values() for each in some))
    print(
        f"From a command to its answer at Slack, {SERVICES:,} Services cached, {RATE} commands a second,"
        " milliseconds (p50 / p99 / longest)"
    )
    for name, took in ours.items():
        print(f"  {name:34}{Times(took=tuple(took))!s:>24}   of {len(took)}")
    print(f"  {'all of them':34}{every!s:>24}   of {len(every.took)}")
    print(f"  {'while all is looked at first':34}{early!s:>24}   of {len(early.took)}")
    print(f"  {'default Bolt, one fixed sentence':34}{theirs!s:>24}   of {len(theirs.took)}")
    kept = (
        (f"p50 under {P50:.0f} ms: {every.p50:.1f}", every.p50 < P50),
        (f"p99 under {P99:.0f} ms: {every.p99:.0f}", every.p99 < P99),
    )
    for sentence, holds in kept:
        print(f"  {'✓' if holds else '✗'} {sentence}")
    return 0 if all(holds for _, holds in kept) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(answers()))
