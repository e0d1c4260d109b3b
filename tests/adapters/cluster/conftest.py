"""A simulated API server on a loopback port, and clusters that watch it."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.adapters.cluster.connection import Connection
from bot.adapters.cluster.live import LiveCluster
from bot.adapters.cluster.pace import Timing
from bot.config.settings import ClusterSettings
from bot.demo.kubernetes import ApiServer
from bot.domain.change import ServiceRef
from bot.domain.objects import Ref
from bot.ports import Cloud

PATIENCE = 60.0
"""Seconds after which a test that waits for an event has failed; never waited out otherwise."""
QUICK = Timing(
    call=30.0,
    silence=30.0,
    heartbeat=0.02,
    answer=30.0,
    first=0.005,
    longest=0.05,
    denied=0.05,
    facts=0.05,
    balancer=0.01,
    balancers=0.02,
)
CHECKOUT = ServiceRef(cluster="prod", namespace="shop", name="checkout")
CHECKOUT_REF = Ref("shop", "checkout")


def service(name: str = "checkout", namespace: str = "shop", **annotations: str) -> dict[str, Any]:
    """Make a LoadBalancer Service; underscores in annotation keys are read as `kubernetes.io/elb.` names."""
    keys = {f"kubernetes.io/elb.{key.replace('_', '-')}": value for key, value in annotations.items()}
    return {
        "metadata": {"name": name, "namespace": namespace, "annotations": keys, "labels": {"app": name}},
        "spec": {
            "type": "LoadBalancer",
            "selector": {"app": name},
            "ports": [{"name": "https", "port": 443, "targetPort": 8443}],
        },
    }


def kubeconfig(path: Path, body: object) -> Path:
    """Write a kubeconfig."""
    path.write_text(yaml.safe_dump(body))
    return path


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    """An API server with the namespace shop in it."""
    server = ApiServer(bookmarks=0.05)
    await server.start()
    for name in ("shop", "elb-passthrough"):
        server.objects.create("namespaces", {"metadata": {"name": name}}, manager="test")
    yield server
    await server.stop()


Make = Callable[..., LiveCluster]


@pytest.fixture
async def make(api: ApiServer, tmp_path: Path) -> AsyncIterator[Make]:
    """Make clusters that watch `api`; `running=False` makes one that does not watch yet."""
    made: list[LiveCluster] = []
    tasks: list[asyncio.Task[None]] = []

    def build(
        *,
        token: str = "admin-token",
        running: bool = True,
        timing: Timing = QUICK,
        cloud: Cloud | None = None,
        clock: Callable[[], float] = time.monotonic,
        **settings: Any,
    ) -> LiveCluster:
        path = kubeconfig(tmp_path / f"config-{len(made)}", api.kubeconfig(token))
        settings = {"name": "prod", "kubeconfig": path, **settings}
        configured = ClusterSettings(**settings)
        connection = Connection(configured, environment={})
        cluster = LiveCluster(configured, timing=timing, connection=connection, cloud=cloud, clock=clock)
        made.append(cluster)
        if running:
            tasks.append(asyncio.create_task(cluster.run()))
        return cluster

    yield build
    for task in tasks:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks)
    for cluster in made:
        await cluster.close()
