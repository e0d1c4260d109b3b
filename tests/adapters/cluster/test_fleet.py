"""Several clusters: each has a life of its own."""

import asyncio
import math
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import NoReturn

import pytest

from bot.adapters.cluster.connection import Connection
from bot.adapters.cluster.fleet import KubeClusters
from bot.adapters.cluster.live import LiveCluster
from bot.config.settings import ClusterSettings
from bot.demo.kubernetes import ApiServer
from bot.domain.objects import Ref
from bot.ports import NotFound
from tests.adapters.cluster.conftest import CHECKOUT_REF, PATIENCE, QUICK, Make, kubeconfig, service
from tests.adapters.cluster.ill import WAYS, reaching, serving


@pytest.fixture
async def other() -> AsyncIterator[ApiServer]:
    """Another API server."""
    server = ApiServer()
    await server.start()
    server.objects.create("namespaces", {"metadata": {"name": "shop"}}, manager="test")
    yield server
    await server.stop()


async def test_a_cluster_that_hangs_slows_no_other(
    api: ApiServer, other: ApiServer, make: Make, tmp_path: Path
) -> None:
    """One never answers; the other is synced, and both are there by name."""
    api.faults.hang(None)
    other.objects.create("services", service(), manager="kubectl")
    path = kubeconfig(tmp_path / "other", other.kubeconfig())
    hanging = make(running=False, timing=replace(QUICK, call=PATIENCE, answer=0.05))
    healthy = make(running=False, name="stage", kubeconfig=path)
    fleet = KubeClusters([hanging, healthy], timing=QUICK)
    fleet.start()
    async with asyncio.timeout(PATIENCE):
        await fleet.get("stage").synced()
        await hanging.until(lambda _: "nothing came" in hanging.freshness().problem)
    assert fleet.names() == ("prod", "stage")
    assert fleet.get("stage").snapshot().service(CHECKOUT_REF) is not None
    assert not hanging.freshness().synced
    assert "prod does not answer" in hanging.freshness().problem
    await fleet.close()


@pytest.mark.parametrize("way", WAYS)
async def test_a_cluster_that_is_no_use_slows_no_other(
    api: ApiServer, make: Make, tmp_path: Path, way: str
) -> None:
    """Whatever it does: the other's changes arrive, and it is itself asked no more often than it may be."""
    asked: Counter[str] = Counter()
    async with serving(WAYS[way], asked) as url:
        patient = replace(QUICK, first=0.05, longest=10.0)
        ill = make(running=False, name="ill", kubeconfig=reaching(tmp_path / "ill", url), timing=patient)
        healthy = make(running=False)
        fleet = KubeClusters([ill, healthy], timing=QUICK)
        fleet.start()
        begun = monotonic()
        async with asyncio.timeout(PATIENCE):
            await healthy.synced()
            for number in range(50):
                api.objects.create("services", service(f"s{number}"), manager="kubectl")
                await healthy.until(lambda s, n=number: s.service(Ref("shop", f"s{n}")) is not None)  # type: ignore[misc]  # mypy cannot infer a default argument's type
        assert healthy.freshness().problem == ""
        # Six kinds, whose rests double: 0.05 s, 0.1 s … and each time once listed, once watched, at most.
        tries = 2 + math.log2(1 + (monotonic() - begun) / 0.025)
        assert asked["watch"] <= 6 * tries
        await fleet.close()


async def test_a_cluster_without_a_usable_kubeconfig_stops_nothing(
    api: ApiServer, make: Make, tmp_path: Path
) -> None:
    """start() returns, the sentence says what is wrong, and a file that comes later is used."""
    path = tmp_path / "later"
    settings = ClusterSettings(name="prod", kubeconfig=path)
    cluster = LiveCluster(settings, timing=QUICK, connection=Connection(settings, environment={}))
    fleet = KubeClusters([cluster], timing=QUICK)
    fleet.start()
    async with asyncio.timeout(PATIENCE):
        await cluster.until(lambda _: "there is no kubeconfig" in cluster.freshness().problem)
        kubeconfig(path, api.kubeconfig())
        await cluster.synced()
        await cluster.until(lambda _: cluster.freshness().problem == "")
    await fleet.close()
    del make


async def test_an_error_of_ours_restarts_one_watch_and_is_logged(
    api: ApiServer, make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """A subscriber that raises breaks its own cluster's watch, which is listed anew."""
    cluster = make(running=False)
    fleet = KubeClusters([cluster], timing=QUICK)
    fleet.start()
    async with asyncio.timeout(PATIENCE):
        await cluster.synced()

    def careless(_: object) -> NoReturn:
        end()
        raise ZeroDivisionError

    end = cluster.subscribe(careless)
    api.objects.create("services", service("one"), manager="kubectl")
    api.objects.create("services", service("two"), manager="kubectl")
    async with asyncio.timeout(PATIENCE):
        for name in ("one", "two"):
            await cluster.until(lambda s, name=name: s.service(Ref("shop", name)) is not None)  # type: ignore[misc]  # mypy cannot infer a default argument's type
        await cluster.until(lambda _: cluster.freshness().problem == "")
    assert "the watch of prod broke off" in caplog.text
    await fleet.close()


def test_an_unknown_name_is_not_found() -> None:
    """By name, in a sentence."""
    with pytest.raises(NotFound, match="no cluster is called staging"):
        KubeClusters([]).get("staging")
