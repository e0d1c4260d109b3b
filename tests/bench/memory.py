"""Whether memory grows: the resident size of `serve` over 50,000 requests, in the mix that a busy day brings."""

from collections.abc import Sequence
from pathlib import Path
from time import monotonic

import aiohttp

from tests.bench.load import answers, click, command, load
from tests.bench.servers import serve

REQUESTS = 50_000
SAMPLES = 20
AT_ONCE = 16
LONGEST = 3600.0
"""Seconds after which it is ended all the same: too slow to tell is not good."""
_WARM = 5
"""Samples that pass before growth counts: caches and pools fill, and the allocator takes what it needs."""
GROWTH = 0.05
"""The share by which the last quarter may lie above what it was when it was warm."""


async def memory(requests: int = REQUESTS) -> int:
    """Measure, print, and return 0 if it does not grow."""
    began, step = monotonic(), requests // SAMPLES
    async with answers() as sink, serve(sink) as stage, aiohttp.ClientSession() as session:
        url, pid = (stage.bot.request_url, stage.bot.pid) if stage.bot else ("", 0)
        sizes, mix = [_resident(pid)], Mix()
        while len(sizes) <= SAMPLES and monotonic() - began < LONGEST:
            await load(session, url, sink, mix, clients=AT_ONCE, requests=step)
            sizes.append(_resident(pid))
    sent, took = step * (len(sizes) - 1), monotonic() - began
    print(f"Memory of serve over {sent:,} requests, in {took:.0f} s, MB after each {step:,}")
    print("  " + " ".join(f"{size:.0f}" for size in sizes))
    said = promises(sizes, sent=sent, asked=step * SAMPLES)
    for sentence, holds in said:
        print(f"  {'✓' if holds else '✗'} {sentence}")
    return 0 if all(holds for _, holds in said) else 1


def promises(sizes: Sequence[float], *, sent: int, asked: int) -> list[tuple[str, bool]]:
    """What is promised, with what was measured, and whether that holds; of too few requests nothing can be said."""
    made = (f"{sent:,} of {asked:,} requests were made", sent >= asked)
    if sent < asked:
        return [made]
    warm, last = sizes[_WARM : 2 * _WARM], sizes[-_WARM:]
    grown = sum(last) / sum(warm) - 1
    return [made, (f"the last quarter over the second: {grown:+.1%}, {GROWTH:.0%} at most", grown <= GROWTH)]


class Mix:
    """A click, the same click delivered again, a stored command, a question."""

    def __init__(self) -> None:
        self._count = 0
        self._last: dict[str, str] = {}

    def __call__(self, sink: str) -> dict[str, str]:
        """Make the next request."""
        self._count += 1
        match self._count % 4:
            case 0:
                self._last = click(sink)
                return self._last
            case 1:
                return self._last or click(sink)
            case 2:
                return command(sink)
        return command(sink, "status default/nginx")


def _resident(pid: int) -> float:
    """Megabytes that a process holds; Linux says so, and where it does not nothing is measured."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"the system does not say how large process {pid} is")
