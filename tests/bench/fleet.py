"""Whether clusters that are no use slow another one: how late its changes arrive, alone and beside them."""

import asyncio
import logging
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from time import perf_counter

import yaml

from bot.adapters.cluster.fleet import KubeClusters
from bot.adapters.cluster.live import LiveCluster
from bot.config.settings import ClusterSettings
from bot.demo.kubernetes import ApiServer
from bot.domain.objects import Ref
from tests.adapters.cluster.conftest import service
from tests.adapters.cluster.ill import WAYS, reaching, serving

CHANGES = 300
ROUNDS = 3
LATER = 50.0
"""Milliseconds by which a change may be later, in one of a hundred cases, beside four that are no use."""


async def fleet() -> int:
    """Measure, print, and return 0 if the promise holds."""
    logging.disable(logging.CRITICAL)
    alone: list[float] = []
    beside: list[float] = []
    for _ in range(ROUNDS):
        alone += await _measured(())
        beside += await _measured(tuple(WAYS))
    print(f"{CHANGES * ROUNDS} changes of one cluster, ms until its cache has them (p50 / p99 / longest)")
    for words, found in (("alone", alone), (f"beside one each that {', '.join(WAYS)}", beside)):
        print(f"  {words:50} {_at(found, 0.5):6.1f} / {_at(found, 0.99):.1f} / {max(found):.0f}")
    kept = _at(beside, 0.99) <= _at(alone, 0.99) + LATER
    print(f"  {'✓' if kept else '✗'} no more than {LATER:.0f} ms later, in 99 of 100 cases")
    return 0 if kept else 1


def _at(found: list[float], share: float) -> float:
    return sorted(found)[int(len(found) * share)]


async def _measured(ways: tuple[str, ...]) -> list[float]:
    async with _watched(ways) as (api, healthy):
        took = []
        for number in range(CHANGES):
            begun = perf_counter()
            api.objects.create("services", service(f"s{number}"), manager="kubectl")
            await healthy.until(lambda s, n=number: s.service(Ref("shop", f"s{n}")) is not None)  # type: ignore[misc]  # mypy cannot infer a default argument's type
            took.append((perf_counter() - begun) * 1000)
            await asyncio.sleep(0.01)
        return took


@asynccontextmanager
async def _watched(ways: tuple[str, ...]) -> AsyncIterator[tuple[ApiServer, LiveCluster]]:
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        api = ApiServer()
        await api.start()
        stack.push_async_callback(api.stop)
        api.objects.create("namespaces", {"metadata": {"name": "shop"}}, manager="bench")
        (home / "healthy").write_text(yaml.safe_dump(api.kubeconfig()))
        paths = {"healthy": home / "healthy"}
        for way in ways:
            url = await stack.enter_async_context(_apart(way))
            paths[way] = reaching(home / way, url)
        clusters = [LiveCluster(ClusterSettings(name=name, kubeconfig=path)) for name, path in paths.items()]
        watching = KubeClusters(clusters)
        watching.start()
        stack.push_async_callback(watching.close)
        await clusters[0].synced()
        yield api, clusters[0]


@asynccontextmanager
async def _apart(way: str) -> AsyncIterator[str]:
    """Serve one of them in a process of its own, whose work is not the bot's."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.fleet", way, stdout=PIPE
    )
    try:
        line = await process.stdout.readline() if process.stdout else b""
        yield line.decode().strip()
    finally:
        process.kill()
        await process.wait()


async def _serve(way: str) -> None:
    async with serving(WAYS[way], Counter()) as url:
        print(url, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1]))
