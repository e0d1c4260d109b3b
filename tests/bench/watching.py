"""How the bot watches a large cluster: caches, event loop, memory, notices and questions, measured in one run.

The API server runs in a process of its own, so does the bot's reader, and so does the official client, which LISTs
the same objects as its models. `SHARE=0.1 python -m tests.bench.watching` does it with a tenth of the objects.
"""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from bot.demo.bot_process import free_port
from tests.bench.large_cluster import NODES, PODS, SERVICES, SHARE, SLICES_EACH
from tests.bench.watcher import CUT, FLOOD, OBJECTS, RATE, SETTLE, SUSTAINED

Json = dict[str, Any]
SYNCED, HELD, EACH, NOTICED, ANSWERED = 6.0, 100.0, 3.0, 2.0, 250.0
"""What is promised: seconds, milliseconds, KiB an object, seconds, milliseconds."""
_LONGEST = 240.0
"""Seconds that one of the processes may take."""


async def watching() -> int:
    """Measure, print, and return 0 if the promises hold."""
    async with large_cluster() as port:
        size = await _size(port)
        ours, typed = await _measured("ours", port), await _measured("typed", port)
    _print(size, ours, typed)
    return _promises(ours)


@asynccontextmanager
async def large_cluster() -> AsyncIterator[int]:
    """Start the API server; give its port."""
    port = free_port()
    process = await _process("tests.bench.large_cluster", str(port), stdout=PIPE)
    try:
        async with asyncio.timeout(_LONGEST):
            if process.stdout is None or not await process.stdout.readline():
                raise RuntimeError("the simulated API server did not start")
        yield port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _measured(which: str, port: int) -> Json:
    process = await _process("tests.bench.watcher", which, str(port), stdout=PIPE)
    try:
        async with asyncio.timeout(_LONGEST):
            out, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise RuntimeError(f"the measurement of {which} failed")
    found: Json = json.loads(out)
    return found


async def _process(module: str, *arguments: str, stdout: int) -> Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-m", module, *arguments, stdout=stdout)


async def _size(port: int) -> float:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/control/size") as reply,
    ):
        return float(sum(kind["bytes"] for kind in (await reply.json()).values()))


def _print(size: float, ours: Json, typed: Json) -> None:
    print(
        f"A cluster of {NODES:,} nodes, {SERVICES:,} LoadBalancer Services, {SERVICES * SLICES_EACH:,} EndpointSlices"
        f" and {PODS:,} Pods: {size / 2**20:.0f} MiB of JSON"
    )
    # What else the machine does is in the first figure and not in the second.
    print(f"  {'':34}{'synced, computing':>20}{'event loop held (p99 / longest)':>36}{'resident memory':>32}")
    for words, found in (("the bot's caches", ours["sync"]), ("the official client's typed LIST", typed)):
        print(
            f"  {words:34}{found['seconds']:>9.1f} s, {found['computing']:>5.1f} s"
            f"{_held(found['holds']):>36}{_memory(found['memory']):>32}"
        )
    questions, look = ours["questions"], ours["look"]
    print(f"  every Service looked at for the first time in {look['seconds']:.0f} s; {_held(look['holds'])}")
    print(f"  while {RATE:,} events a second arrive: {_held(questions['holds'])}")
    for name, words in (("status", "status"), ("typeahead", "type-ahead")):
        each = questions[name]
        print(
            f"    {words:12} {each['p50']:.1f} / {each['p99']:.0f} / {each['max']:.0f} ms (p50 / p99 / longest),"
            f" asked {each['asked']} times"
        )
    lags = sorted(questions["lags"])
    print(
        f"    {len(lags)} of {len(CUT)} losses told {lags[len(lags) // 2]:.1f} s after their {SETTLE:.0f} s"
        f" (longest {lags[-1]:.1f} s)"
    )
    flood, steady = ours["flood"], ours["sustained"]
    print(
        f"  {FLOOD:,} events at once: {flood['rate']:,.0f} a second taken ({flood['sent']:,.0f} sent);"
        f" at {SUSTAINED:,} a second the cache was {steady['behind'] * 1000:.0f} ms behind at the end"
    )
    print(f"  resident memory at the end, all of it: {ours['resident'] / 2**20:.0f} MiB")


def _held(holds: Json) -> str:
    return f"held {holds['p99']:.0f} / {holds['max']:.0f} ms, computing {holds['computing']:.0f}"


def _memory(found: float) -> str:
    return f"{found / 2**20:.0f} MiB, {found / 1024 / OBJECTS:.1f} KiB an object"


def _promises(ours: Json) -> int:
    questions = ours["questions"]
    held = max(ours[part]["holds"]["max"] for part in ("sync", "look", "questions", "flood"))
    kept = (
        (f"synced in under {SYNCED:.0f} s", ours["sync"]["seconds"] < SYNCED),
        (f"no hold above {HELD:.0f} ms", held <= HELD),
        (f"at most {EACH:.0f} KiB an object", ours["sync"]["memory"] / 1024 / OBJECTS <= EACH or SHARE < 1),
        (f"{SUSTAINED:,} events a second", ours["flood"]["rate"] >= SUSTAINED),
        (f"a notice within {NOTICED:.0f} s of its threshold", max(questions["lags"]) <= NOTICED),
        (f"status p99 under {ANSWERED:.0f} ms", questions["status"]["p99"] < ANSWERED),
        (f"type-ahead p99 under {ANSWERED:.0f} ms", questions["typeahead"]["p99"] < ANSWERED),
    )
    for sentence, holds in kept:
        print(f"  {'✓' if holds else '✗'} {sentence}")
    return 0 if all(holds for _, holds in kept) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(watching()))
