"""How long a click waits for its acknowledgement, which comes after its commit: on SQLite and on PostgreSQL.

Beside it, in turns with it: the least that can be done, a bare aiohttp handler that checks the signature and commits
the request's body as one row of the same kind of database.
"""

import tempfile
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp

from tests.adapters.store.databases import empty_database, why_no_server
from tests.bench.load import Times, answers, click, joined, load
from tests.bench.servers import baseline, serve

AT_ONCE = (1, 16, 64)
ROUNDS = 5
PER_ROUND = 300
WANTED = {"sqlite": 80.0, "postgresql": 150.0}
"""Milliseconds that the 99th percentile may take with 16 at once."""
NEVER_ABOVE = 300.0
"""Milliseconds that the longest of all may take, however many at once."""
_NAMES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


async def clicks() -> int:
    """Measure both, print, and return 0 if the promises hold."""
    print("Acknowledgement of a click with its commit, milliseconds (p50 / p99 / longest)")
    failed = 0
    for kind in _NAMES:
        if kind == "postgresql" and (why := why_no_server()):
            print(f"  PostgreSQL: skipped, {why}")
            continue
        found = await _measured(kind)
        _table(kind, found)
        for sentence, holds in promises(kind, found):
            print(f"    {'✓' if holds else '✗'} {sentence}")
            failed |= not holds
    return int(failed)


async def _measured(kind: str) -> dict[tuple[str, int], Times]:
    async with AsyncExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="elb-passthrough-bench-")))
        (place / "bare").mkdir()
        database = stack.enter_context(empty_database(kind, place))
        other = stack.enter_context(empty_database(kind, place / "bare"))
        sink = await stack.enter_async_context(answers())
        stage = await stack.enter_async_context(serve(sink, database))
        urls = {
            "serve": stage.bot.request_url if stage.bot else "",
            "bare": await stack.enter_async_context(baseline("commit", other)),
        }
        session = await stack.enter_async_context(aiohttp.ClientSession())
        for url in urls.values():
            await load(session, url, sink, click, clients=16, requests=100)
        found: dict[tuple[str, int], Times] = {}
        for many in AT_ONCE:
            parts: dict[str, list[Times]] = {name: [] for name in urls}
            for _ in range(ROUNDS):
                for name, url in urls.items():
                    parts[name].append(
                        await load(session, url, sink, click, clients=many, requests=PER_ROUND)
                    )
            found |= {(name, many): joined(each) for name, each in parts.items()}
    return found


def _table(kind: str, found: dict[tuple[str, int], Times]) -> None:
    print(f"  {_NAMES[kind]:34}" + "".join(f"{f'{n} at once':>23}" for n in AT_ONCE))
    names = {"serve": "serve", "bare": "bare aiohttp and a bare commit"}
    for name, words in names.items():
        print(f"    {words:32}" + "".join(f"{found[name, n]!s:>23}" for n in AT_ONCE))


def promises(kind: str, found: Mapping[tuple[str, int], Times]) -> list[tuple[str, bool]]:
    """What is promised, with what was measured, and whether that holds."""
    at_16, longest = found["serve", 16].p99, max(found["serve", many].longest for many in AT_ONCE)
    wanted = WANTED[kind]
    return [
        (f"p99 with 16 at once under {wanted:.0f} ms: {at_16:.1f} ms", at_16 < wanted),
        (f"never over {NEVER_ABOVE:.0f} ms: the longest took {longest:.1f} ms", longest <= NEVER_ABOVE),
    ]
