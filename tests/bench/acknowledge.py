"""How long Slack waits for the acknowledgement of a slash command, its durable commit included.

Beside it, in the same run: a bare aiohttp handler that only checks the signature, and a default Bolt application
that only acknowledges. The three take turns, so that a slow moment of the machine hits all of them.
"""

from contextlib import AsyncExitStack

import aiohttp

from tests.bench.load import Times, answers, command, joined, load
from tests.bench.servers import baseline, serve, slack

ROUNDS = 6
PER_ROUND = 150
CROWD = (16, 64)
PER_CROWD = 1200
_NAMES = {
    "serve": "serve, with its durable commit",
    "bare": "bare aiohttp, signature only",
    "bolt": "default Bolt, acknowledges only",
}


async def acknowledge() -> int:
    """Measure, print, and return 0 if the promises hold."""
    async with AsyncExitStack() as stack:
        sink = await stack.enter_async_context(answers())
        stage = await stack.enter_async_context(serve(sink))
        urls = {
            "serve": stage.bot.request_url if stage.bot else "",
            "bare": await stack.enter_async_context(baseline("bare")),
            "bolt": await stack.enter_async_context(
                baseline("bolt", await stack.enter_async_context(slack()))
            ),
        }
        session = await stack.enter_async_context(aiohttp.ClientSession())
        for url in urls.values():
            await load(session, url, sink, command, clients=1, requests=50)
        alone = await _in_turns(session, urls, sink)
        crowds = {
            (name, n): await load(session, urls[name], sink, command, clients=n, requests=PER_CROWD)
            for n in CROWD
            for name in urls
        }
    _table(alone, crowds)
    return _promises(alone)


async def _in_turns(session: aiohttp.ClientSession, urls: dict[str, str], sink: str) -> dict[str, Times]:
    found: dict[str, list[Times]] = {name: [] for name in urls}
    for _ in range(ROUNDS):
        for name, url in urls.items():
            found[name].append(await load(session, url, sink, command, clients=1, requests=PER_ROUND))
    return {name: joined(parts) for name, parts in found.items()}


def _table(alone: dict[str, Times], crowds: dict[tuple[str, int], Times]) -> None:
    print("Acknowledgement of a slash command, milliseconds (p50 / p99 / longest)")
    print(f"  {'':34}{'1 at once':>23}" + "".join(f"{f'{n} at once':>23}" for n in CROWD))
    for name, words in _NAMES.items():
        cells = [alone[name], *(crowds[name, n] for n in CROWD)]
        print(f"  {words:34}" + "".join(f"{cell!s:>23}" for cell in cells))


def _promises(alone: dict[str, Times]) -> int:
    ours, bare, bolt = (alone[name].p50 for name in ("serve", "bare", "bolt"))
    kept = (
        (f"a quarter of default Bolt's median at most: {ours / bolt:.2f}", ours <= bolt / 4),
        (f"within 2.5 ms of the bare handler's: {ours - bare:+.2f} ms", ours - bare <= 2.5),
    )
    for sentence, holds in kept:
        print(f"  {'✓' if holds else '✗'} {sentence}")
    return 0 if all(holds for _, holds in kept) else 1
