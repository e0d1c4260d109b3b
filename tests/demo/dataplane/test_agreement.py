"""The simulated network against the path engine: they share no code, so where they agree both were read right.

The one carries packets through rules and back, the other walks a catalogue. What documents leave open is left out:
a Turbo node's own processes without the annotation (told both ways), policy Local of Turbo behind node ports (not
supported, cce_10_0681), a Turbo backend that calls itself (the ELB's pages and CCE's differ), and Services without a
ready endpoint, where a health check settles who refuses.
"""

from dataclasses import dataclass
from random import Random
from typing import Any

import pytest

from bot.demo.dataplane import Journey
from bot.demo.dataplane.balancer import Kind
from bot.demo.dataplane.rules import Mode
from bot.demo.seam import Json
from tests.demo.dataplane.cluster import EIP, VIP, Cluster, Policy
from tests.explain.acceptance.asking import explain

KINDS = {
    "nodes": ("v1", "Node"),
    "pods": ("v1", "Pod"),
    "services": ("v1", "Service"),
    "endpointslices": ("discovery.k8s.io/v1", "EndpointSlice"),
}
RESULTS = {
    "deliver": "connected",
    "drop": "timeout",
    "reply-lost": "timeout",
    "reject": "refused",
    "no-backend": "refused",
}
MINORS: dict[Mode, tuple[int, ...]] = {
    "iptables": (19, 23, 24, 25, 28, 30, 34, 36),
    "ipvs": (19, 23, 24, 25, 28, 30, 34, 36),
    "nftables": (31, 33, 34, 36),
}
OUTSIDE = "203.0.113.7"
CONNECTIONS = 60
"""Enough that each of four backends, or nodes, is picked."""


@dataclass(frozen=True, kw_only=True, slots=True)
class World:
    """One cluster with one Service, as both know it."""

    cluster: Cluster
    documents: list[Json]
    nodes: int
    on: tuple[int, ...]
    balancer: str
    """The address from which the load balancer speaks for itself."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Client:
    """Who asks: by name for the engine, by node and address for the network."""

    name: str
    number: int
    address: str | None


def made_up(random: Random) -> World:
    """A cluster by chance."""
    mode: Mode = random.choice(["iptables", "ipvs", "nftables"])
    minor, nodes = random.choice(MINORS[mode]), random.choice([1, 2, 3, 4])
    turbo, detector = random.random() < 0.3, random.random() < 0.7
    kind: Kind = random.choice(["shared", "dedicated"])
    policies: list[Policy] = ["Cluster", "Local"]
    policy = "Cluster" if turbo and kind == "shared" else random.choice(policies)
    cluster = Cluster(mode=mode, minor=minor, nodes=nodes, detector=detector, turbo=turbo)
    balancer = cluster.plane.elb.add("web", kind, vip=VIP, eip=EIP)
    on = tuple(sorted(random.sample(range(1, nodes + 1), random.randint(1, nodes))))
    proxy = {"ipMode": "Proxy"} if random.random() < 0.2 else {}
    cluster.service(
        policy=policy,
        on=on,
        annotations={"kubernetes.io/elb.id": balancer.id, **annotations(random, kind)},
        ingress=({"ip": EIP, **proxy}, {"ip": VIP, **proxy}),
        ranges=random.choice([(), (), ("10.0.0.0/16",), ("10.0.1.0/24", "192.168.0.2/32")]),
    )
    told: dict[str, Any] = {"mode": mode, "localDetector": detector}
    told |= {"clusterCIDR": "10.0.0.0/16"} if detector else {}
    facts = {
        "apiVersion": "elb-passthrough/v1",
        "kind": "ClusterFacts",
        "platform": "cce",
        "category": "turbo" if turbo else "standard",
        "kubernetesVersion": f"v1.{minor}.2-r5",
        "kubeProxy": told,
    }
    return World(
        cluster=cluster,
        documents=[facts, *documents(cluster)],
        nodes=nodes,
        on=on,
        balancer=balancer.source,
    )


def annotations(random: Random, kind: Kind) -> dict[str, str]:
    """What the Service asks of its load balancer."""
    said = {
        "class": "performance" if kind == "dedicated" else "union",
        "pass-through": random.choice([None, "true", "onlyLocal", "false"]),
        "protocol-port": random.choice([None, None, None, "http:80"]),
        "transparent-client-ip": random.choice([None, None, None, "true"]),
    }
    return {f"kubernetes.io/elb.{key}": value for key, value in said.items() if value is not None}


def documents(cluster: Cluster) -> list[Json]:
    """The same objects as `kubectl get -o json` prints them."""
    found = []
    for resource, (version, kind) in KINDS.items():
        for body in cluster.objects.list(resource):
            if kind == "EndpointSlice":
                body["addressType"] = "IPv4"
                for endpoint in body["endpoints"]:
                    name = "web" + endpoint["nodeName"].removeprefix("node")
                    endpoint["targetRef"] = {"kind": "Pod", "namespace": "shop", "name": name}
            found.append({"apiVersion": version, "kind": kind, **body})
    return found


def clients(world: World) -> list[Client]:
    """A Pod and a process of every node, every backend itself, and somebody outside."""
    numbers = range(1, world.nodes + 1)
    themselves = [] if world.cluster.plane.turbo else world.on
    return [
        *(Client(name=f"pod:shop/client{n}", number=n, address=f"10.0.{n}.9") for n in numbers),
        *(Client(name=f"node:node{n}", number=n, address=None) for n in numbers),
        *(Client(name=f"pod:shop/web{n}", number=n, address=Cluster.backend("web", n)) for n in themselves),
        Client(name=f"external:{OUTSIDE}", number=0, address=OUTSIDE),
    ]


def opened(world: World, client: Client, ip: str) -> list[Journey]:
    """What became of many connections."""
    plane = world.cluster.plane
    if not client.number:
        return [plane.trace_external(ip, 80, source=client.address) for _ in range(CONNECTIONS)]
    node = f"node{client.number}"
    return [plane.trace(node=node, pod_ip=client.address, ip=ip, port=80) for _ in range(CONNECTIONS)]


def kind_of(world: World, client: Client, source: str | None) -> str:
    """What the contract calls the source address that a backend saw."""
    if source in {f"192.168.0.{number}" for number in range(1, world.nodes + 1)}:
        return "node"
    return "lb" if source in (VIP, world.balancer) else "preserved" if source == client.address else "?"


def differences(world: World, client: Client, ip: str) -> dict[str, object]:
    """Field → (engine, network), where the engine has one answer."""
    path = explain(world.documents, "--from", client.name, "--to", f"{ip}:80").path
    if path["missing"] or path["missingForWay"]:
        return {}
    journeys = opened(world, client, ip)
    arrived = [each for each in journeys if each.result == "connected"]
    traces = path["traces"]
    pairs: dict[str, tuple[object, object]] = {
        "ends": ({RESULTS[t["end"]] for t in traces}, {each.result for each in journeys}),
        "through": ({t["viaLoadBalancer"] for t in traces}, {each.balancer is not None for each in journeys}),
        "endpoints": (set(path["endpoints"]), {each.backend for each in arrived}),
    }
    if ip == VIP:  # which address a NAT gateway gives is nobody's business here
        told = {t["sourceIP"] for t in traces if t["end"] == "deliver"}
        pairs["sources"] = (told, {kind_of(world, client, each.source) for each in arrived})
    return {field: pair for field, pair in pairs.items() if pair[0] != pair[1]}


@pytest.mark.parametrize("seed", range(8))
def test_the_simulated_network_and_the_path_engine_agree(seed: int) -> None:
    """Ends, way, backends and source address, for every client of six clusters a seed."""
    random = Random(seed)  # noqa: S311  situations, not secrets
    for number in range(6):
        world = made_up(random)
        for client in clients(world):
            for ip in (VIP, EIP):
                assert differences(world, client, ip) == {}, (number, client, ip, world.documents[0])
