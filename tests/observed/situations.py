"""The Services that are tried: systematic ones for every policy, and drawn ones that mix everything."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.observed.network import HOST_POD, HOST_PORT, NODES, POD_PORT, PODS

Document = dict[str, Any]
NAMESPACE = "observed"
READY, NOT_READY = {"ready": True}, {"ready": False, "serving": False, "terminating": False}
LEAVING = {"ready": False, "serving": True, "terminating": True}
LEFT = {"ready": False, "serving": False, "terminating": True}
UNREADY_KINDS = (NOT_READY, LEAVING, LEFT)
BACKENDS = ("web-a1", "web-a2", "web-b1", HOST_POD[0])
RANGES = (
    "10.0.0.0/16",
    "10.0.1.99/32",
    "192.168.0.0/24",
    "192.168.0.250/32",
    "172.16.0.0/24",
    "10.200.0.0/16",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Situation:
    """One Service with its endpoints: backend → conditions, and the zones it is hinted for."""

    name: str
    spec: Document = field(default_factory=dict)
    endpoints: dict[str, dict[str, bool]] = field(default_factory=lambda: {"web-a1": READY, "web-b1": READY})
    hints: dict[str, Sequence[str]] = field(default_factory=dict)
    ip_mode: str = "VIP"
    annotations: dict[str, str] = field(default_factory=dict)

    def service(self, number: int) -> Document:
        """Return the Service, whose load balancer has an address of each way of delivery."""
        return {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": self.name, "namespace": NAMESPACE, "annotations": self.annotations},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "targetPort": POD_PORT}], **self.spec},
            "status": {
                "loadBalancer": {"ingress": [{"ip": ip, "ipMode": self.ip_mode} for ip in addresses(number)]}
            },
        }

    def slices(self) -> Iterator[Document]:
        """Return the EndpointSlices: one for Pods, one for the host-network Pod, whose port is another."""
        for suffix, port in (("pods", POD_PORT), ("host", HOST_PORT)):
            chosen = {n: c for n, c in self.endpoints.items() if (n == HOST_POD[0]) == (suffix == "host")}
            if chosen or suffix == "pods":
                yield {
                    "apiVersion": "discovery.k8s.io/v1",
                    "kind": "EndpointSlice",
                    "metadata": {
                        "name": f"{self.name}-{suffix}",
                        "namespace": NAMESPACE,
                        "labels": {"kubernetes.io/service-name": self.name},
                    },
                    "addressType": "IPv4",
                    "ports": [{"port": port, "protocol": "TCP", "name": ""}],
                    "endpoints": [self._endpoint(name, conditions) for name, conditions in chosen.items()],
                }

    def _endpoint(self, name: str, conditions: dict[str, bool]) -> Document:
        node, address = PODS.get(name) or (HOST_POD[1], NODES[HOST_POD[1]])
        made: Document = {
            "addresses": [address],
            "nodeName": node,
            "zone": zone(node),
            "conditions": conditions,
            "targetRef": {"kind": "Pod", "namespace": NAMESPACE, "name": name},
        }
        if name in self.hints:
            made["hints"] = {"forZones": [{"name": each} for each in self.hints[name]]}
        return made


def zone(node: str) -> str:
    """Return the zone of a node: `node-c` is in one without endpoints."""
    return f"zone-{node[-1]}"


def addresses(number: int) -> tuple[str, str]:
    """Return the addresses that lead to node ports, and unchanged to a node."""
    return f"10.1.0.{number}", f"10.1.1.{number}"


def situations(drawn: int, seed: int) -> list[Situation]:
    """Return the systematic situations, and `drawn` more."""
    dice = random.Random(seed)  # noqa: S311 - situations, not secrets
    return [*_systematic(), *(_drawn(dice, f"drawn-{number}") for number in range(drawn))]


def _systematic() -> Iterator[Situation]:
    sets: dict[str, dict[str, dict[str, bool]]] = {
        "both": {"web-a1": READY, "web-b1": READY},
        "a": {"web-a1": READY},
        "none": {},
        "unready-b": {"web-a1": READY, "web-b1": NOT_READY},
        "leaving-b": {"web-a1": READY, "web-b1": LEAVING},
        "all-leaving": {"web-a1": LEAVING, "web-b1": LEAVING},
        "all-left": {"web-a1": LEFT, "web-b1": NOT_READY},
        "host": {HOST_POD[0]: READY},
    }
    for policy in ("Cluster", "Local"):
        for what, endpoints in sets.items():
            yield Situation(
                name=f"{policy.lower()}-{what}", spec={"externalTrafficPolicy": policy}, endpoints=endpoints
            )
        yield Situation(
            name=f"{policy.lower()}-proxy", spec={"externalTrafficPolicy": policy}, ip_mode="Proxy"
        )
        inner = {"externalTrafficPolicy": policy, "internalTrafficPolicy": "Local"}
        yield Situation(name=f"{policy.lower()}-inner-local", spec=inner, endpoints={"web-a1": READY})
        unallocated = {"externalTrafficPolicy": policy, "allocateLoadBalancerNodePorts": False}
        yield Situation(name=f"{policy.lower()}-no-node-ports", spec=unallocated)
        for ranges in RANGES:
            name = f"{policy.lower()}-from-{ranges.replace('.', '-').replace('/', '-')}"
            yield Situation(
                name=name, spec={"externalTrafficPolicy": policy, "loadBalancerSourceRanges": [ranges]}
            )


def _drawn(dice: random.Random, name: str) -> Situation:
    spec: Document = {"externalTrafficPolicy": dice.choice(("Cluster", "Local", "Local"))}
    if dice.random() < 0.3:
        spec["internalTrafficPolicy"] = "Local"
    if dice.random() < 0.3:
        spec["loadBalancerSourceRanges"] = dice.sample(RANGES, dice.randint(1, 3))
    if dice.random() < 0.2:
        spec["sessionAffinity"] = "ClientIP"
    if dice.random() < 0.1:
        spec["allocateLoadBalancerNodePorts"] = False
    chosen = dice.sample(BACKENDS, dice.randint(0, len(BACKENDS)))
    endpoints = {each: READY if dice.random() < 0.6 else dice.choice(UNREADY_KINDS) for each in chosen}
    hints: dict[str, Sequence[str]] = {}
    if dice.random() < 0.3:
        hints = {
            each: [dice.choice(("zone-a", "zone-b", "zone-c"))] for each in chosen if dice.random() < 0.95
        }
    return Situation(
        name=name,
        spec=spec,
        endpoints=endpoints,
        hints=hints,
        ip_mode="Proxy" if dice.random() < 0.15 else "VIP",
    )
