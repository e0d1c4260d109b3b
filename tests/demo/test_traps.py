"""The traps of the demo's clusters: the network really behaves as each of them says."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from bot.demo import traps
from bot.demo.knobs import KEY
from bot.demo.scenario import Scenario
from bot.demo.world import World

CONNECTED, PAST = ("connected", True), ("connected", False)


@asynccontextmanager
async def running(scenario: Scenario) -> AsyncIterator[World]:
    """A trap's cluster, at rest."""
    world = World(replace(scenario, sync_delay=0.02))
    async with asyncio.timeout(60):
        await world.start()
        try:
            yield world
        finally:
            await world.stop()


def _address(world: World, namespace: str, name: str) -> str:
    service = world.objects.get("services", namespace, name) or {}
    return str(service["status"]["loadBalancer"]["ingress"][-1]["ip"])


def _ends(
    world: World, address: str, port: int, clients: list[tuple[str, str | None]]
) -> set[tuple[str, bool]]:
    """What may become of connections of these clients."""
    truth = world.dataplane.truth
    return {end for node, pod_ip in clients for end in truth(node=node, pod_ip=pod_ip, ip=address, port=port)}


def _pods(world: World, *, but: str) -> list[tuple[str, str | None]]:
    """Every Pod that is not a backend of this Service, with its node."""
    found = (pod for pod in world.objects.list("pods") if pod["metadata"]["labels"]["app"] != but)
    return [(pod["spec"]["nodeName"], pod["status"]["podIP"]) for pod in found]


def _hosts(world: World) -> list[tuple[str, str | None]]:
    """A process on every node."""
    return [(node.name, None) for node in world.scenario.nodes]


async def _annotate(world: World, service: str, value: str | None) -> None:
    namespace, _, name = service.partition("/")
    world.annotate(namespace, name, KEY, value)
    await world.settled()


async def test_a_dedicated_load_balancer_locks_out_the_nodes_of_its_backends() -> None:
    """Fine as ledger is; with the annotation, as fraud has it, some never hear an answer."""
    async with running(traps.shop()) as world:
        ledger, fraud = _address(world, "payments", "ledger"), _address(world, "payments", "fraud")
        assert _ends(world, ledger, 8443, _pods(world, but="ledger")) == {PAST}
        assert _ends(world, fraud, 9000, _pods(world, but="fraud")) == {CONNECTED, ("timeout", True)}
        await _annotate(world, "payments/ledger", "true")
        assert ("timeout", True) in _ends(world, ledger, 8443, _hosts(world))
        await _annotate(world, "payments/fraud", None)
        assert _ends(world, fraud, 9000, _pods(world, but="fraud")) == {PAST}


async def test_two_services_on_one_load_balancer_must_agree_under_ipvs() -> None:
    """While one of them keeps the address on the nodes, the other one's port is refused there."""
    async with running(traps.shop()) as world:
        address = _address(world, "web", "front")
        assert address == _address(world, "api", "gateway")
        await _annotate(world, "web/front", "true")
        assert _ends(world, address, 80, _pods(world, but="front")) == {("refused", False)}
        await _annotate(world, "api/gateway", "true")
        assert _ends(world, address, 80, _pods(world, but="front")) == {CONNECTED}
        assert _ends(world, address, 8443, _hosts(world)) == {CONNECTED}


async def test_cce_writes_only_local_and_writes_it_again() -> None:
    """Nobody can take it away while the policy is Local."""
    async with running(traps.shop()) as world:
        for _ in range(2):
            service = world.objects.get("services", "shop", "tracking") or {}
            assert service["metadata"]["annotations"][KEY] == "onlyLocal"
            await _annotate(world, "shop/tracking", None)


async def test_pods_of_a_turbo_cluster_cross_the_load_balancer_without_the_annotation() -> None:
    """Its nodes' own processes do not; no node has a range for Pods."""
    async with running(traps.turbo()) as world:
        address = _address(world, "search", "suggest")
        assert _ends(world, address, 80, _pods(world, but="suggest")) == {CONNECTED}
        assert _ends(world, address, 80, _hosts(world)) == {PAST}
        assert not any("podCIDR" in node["spec"] for node in world.objects.list("nodes"))


async def test_nothing_reads_the_annotation_where_it_is_not_cce() -> None:
    """The Service blog has it, its address is on every node all the same; and nobody writes CCE's other annotations."""
    async with running(traps.edge()) as world:
        address = _address(world, "press", "blog")
        assert _ends(world, address, 80, _pods(world, but="blog")) == {PAST}
        assert _ends(world, address, 80, _hosts(world)) == {PAST}
        assert world.dataplane.trace_external(address, 80).result == "connected"
        service = world.objects.get("services", "press", "blog") or {}
        assert set(service["metadata"]["annotations"]) == {KEY}


def test_every_trial_names_a_service_that_is_there() -> None:
    """In full, or one that only the first cluster has."""
    known = {
        f"{m['metadata']['namespace']}/{m['metadata']['name']}": scenario.name
        for scenario in traps.clusters()
        for m in scenario.manifests
        if m["kind"] == "Service"
    }
    for trial in traps.TRIALS:
        *cluster, namespace, name = trial.command.split()[2].split("/")
        assert known[f"{namespace}/{name}"] == (cluster[0] if cluster else "prod")
