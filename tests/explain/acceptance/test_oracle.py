"""Random clusters, judged by a second reading of kube-proxy's sources that shares nothing with the path engine.

Sources: pkg/proxy/topology.go (CategorizeEndpoints; FilterEndpoints before 1.24), iptables/proxier.go and
nftables/proxier.go (external chain, firewall chain, no-endpoint rules), ipvs/proxier.go (syncEndpoint, source ranges).
"""

from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from random import Random
from typing import Any

import pytest

from .asking import contradictions, explain
from .world import (
    CIDR,
    GONE,
    LEAVING,
    NODES,
    NOT_READY,
    READY,
    VIP,
    Document,
    endpoint,
    node,
    plain,
    pod,
    service,
    slice_of,
)

MINORS = (14, 15, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 33, 34, 36)
ZONES = {"node-a": "z1", "node-b": "z2", "node-c": "z2"}
AUTO = {"service.kubernetes.io/topology-aware-hints": "Auto"}
RANGES = (
    None,
    None,
    None,
    [CIDR],
    ["192.168.1.0/24"],
    [f"{VIP}/32"],
    ["10.0.3.0/24", "192.168.1.13/32"],
    ["203.0.113.0/24"],
)
Outcome = tuple[list[str], frozenset[str]]
"""Endpoints that may answer, and how it may end if there is none."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Cluster:
    """One cluster and one client in it, everything known."""

    mode: str
    minor: int
    policy: str
    detector: bool
    internal: str | None
    annotated: bool
    zoned: bool
    ranges: list[str] | None
    endpoints: list[Document]
    client: str
    where: str

    @property
    def host(self) -> bool:
        """Whether the client is on the node's own network."""
        return self.client in {"host", "agent"}

    @property
    def address(self) -> str:
        """The client's own address."""
        return {"pod": "10.0.3.77", "stray": "172.20.0.9"}.get(self.client, NODES[self.where])

    @property
    def leaks(self) -> bool:
        """#106497: internalTrafficPolicy of 1.22 and 1.23."""
        return self.minor in {22, 23} and self.internal == "Local" and self.policy == "Cluster"

    def documents(self) -> list[Document]:
        """Its manifests."""
        nodes = [node(name, ip) for name, ip in NODES.items()]
        for one in nodes if self.zoned else ():
            one["metadata"]["labels"] = {"topology.kubernetes.io/zone": ZONES[one["metadata"]["name"]]}
        pods = [pod(e["targetRef"]["name"], e["nodeName"], e["addresses"][0]) for e in self.endpoints]
        pods += [pod("me", self.where, self.address, host=self.host)] if self.client != "host" else []
        proxy = {"localDetector": self.detector, "clusterCIDR": CIDR if self.detector else None}
        spec = {"loadBalancerSourceRanges": self.ranges, "internalTrafficPolicy": self.internal}
        given: dict[str, Any] = {key: value for key, value in spec.items() if value}
        web = service(policy=self.policy, annotations=AUTO if self.annotated else {}, **given)
        told = plain(self.mode, f"1.{self.minor}.1", kubeProxy=proxy)
        return [told, web, slice_of("web", self.endpoints), *nodes, *pods]


def made_up(random: Random) -> Cluster:
    """A cluster by chance."""
    mode = random.choice(["iptables", "ipvs", "nftables"])
    zoned = random.random() < 0.5
    endpoints = []
    for index, where in enumerate(random.choices(list(NODES), k=random.choice([0, 1, 2, 3, 3]))):
        conditions = random.choice([READY, READY, LEAVING, NOT_READY, GONE])
        one = endpoint(f"10.0.1.{10 + index}", where, f"web-{index}", conditions=conditions)
        hints = {"hints": {"forZones": [{"name": random.choice(["z1", "z2", "z3"])}]}}
        endpoints.append(one | (hints if zoned and random.random() < 0.9 else {}))
    return Cluster(
        mode=mode,
        minor=random.choice([minor for minor in MINORS if mode != "nftables" or minor >= 29]),
        policy=random.choice(["Cluster", "Local"]),
        detector=random.random() < 0.6,
        internal=random.choice([None, None, "Local", "Cluster"]),
        annotated=random.random() < 0.5,
        zoned=zoned,
        ranges=random.choice(RANGES),
        endpoints=endpoints,
        client=random.choice(["pod", "host", "agent", "stray"]),
        where=random.choice(list(NODES)),
    )


# --- the second reading ------------------------------------------------------------------------------------


def ready(c: Cluster) -> list[Document]:
    """Ready endpoints."""
    return [e for e in c.endpoints if e["conditions"]["ready"]]


def leaving(c: Cluster) -> list[Document]:
    """Serving and terminating ones, where the version falls back to them."""
    told = [e for e in c.endpoints if e["conditions"]["serving"] and e["conditions"]["terminating"]]
    return told if c.minor >= 26 else []


def here(c: Cluster, endpoints: list[Document]) -> list[Document]:
    """Those on the client's node."""
    return [e for e in endpoints if e["nodeName"] == c.where]


def fitting(c: Cluster, endpoints: list[Document]) -> list[Document]:
    """What canUseTopology and availableForTopology leave."""
    used = c.zoned and (c.minor >= 31 or (c.minor >= 24 and c.annotated))
    if not used or any("hints" not in e for e in endpoints):
        return endpoints
    return [e for e in endpoints if {"name": ZONES[c.where]} in e["hints"]["forZones"]] or endpoints


def everywhere(c: Cluster) -> list[Document]:
    """CategorizeEndpoints: the cluster's endpoints as this node sees them."""
    if c.leaks:
        return here(c, ready(c))
    return (ready(c) if c.policy == "Local" and c.minor < 24 else fitting(c, ready(c))) or leaving(c)


def local(c: Cluster) -> list[Document]:
    """CategorizeEndpoints: this node's endpoints."""
    return here(c, ready(c)) or here(c, leaving(c))


def admitted(c: Cluster) -> bool:
    """By loadBalancerSourceRanges on the address; IPVS hosts speak from the address itself."""
    blocks = [ip_network(block) for block in c.ranges or ["0.0.0.0/0"]]
    own = any(ip_address(c.address) in block for block in blocks)
    if c.mode == "nftables" and c.minor == 29 and not c.host:
        return True  # #122614: the check came after DNAT
    if c.mode != "ipvs" or not c.host or not c.ranges:
        return own
    bound = any(ip_address(VIP) in block for block in blocks)
    return own or 25 <= c.minor < 29 or (c.minor < 25 and bound)


def answer(endpoints: list[Document], end: str) -> Outcome:
    """Those endpoints, or that end."""
    return [f"default/{e['targetRef']['name']}" for e in endpoints], frozenset({end})


def by_tables(c: Cluster) -> Outcome | None:
    """The rules of iptables and nftables. `None`: the packet leaves for the load balancer."""
    if not (everywhere(c) if c.leaks else ready(c) or leaving(c)):
        leaves = c.host and c.minor >= (20 if c.mode == "iptables" else 34)
        return None if leaves else ([], frozenset({"reject"} if admitted(c) else {"reject", "drop"}))
    if not admitted(c):
        return answer([], "drop")
    if c.policy == "Cluster":
        return answer(everywhere(c), "reject")
    if c.mode == "nftables" and c.host and c.minor < 34 and not local(c):
        return answer([], "drop")
    exempt = c.minor >= 15 if c.host else c.detector and c.client == "pod"
    return answer(everywhere(c) if exempt else local(c), "drop")


def by_ipvs(c: Cluster) -> Outcome:
    """The virtual server of this node."""
    fallback = everywhere(c) if c.policy == "Cluster" or c.minor >= 24 else []
    servers = (local(c) if c.policy == "Local" else []) or fallback
    stranded = c.policy == "Local" and not local(c) and c.host
    if servers and admitted(c):
        return answer([], "reply-lost") if stranded else answer(servers, "reject")
    ends = {"drop"} if servers and not stranded else {"drop", "reply-lost"} if servers else {"reject"}
    return [], frozenset(ends if admitted(c) or servers else ends | {"drop"})


@pytest.mark.parametrize("seed", range(8))
def test_a_client_inside_fares_as_a_second_reading_of_the_sources_says(seed: int) -> None:
    """Forty clusters a seed; nftables of 1.33 is the first patch, before #133969."""
    random = Random(seed)  # noqa: S311 - made-up clusters, not secrets
    for _ in range(40):
        made = made_up(random)
        says = by_ipvs(made) if made.mode == "ipvs" else by_tables(made)
        client = f"node:{made.where}" if made.client == "host" else "pod:default/me"
        path = explain(made.documents(), "--from", client).path
        assert contradictions(path) == [], made
        if says is None:
            assert path["viaLoadBalancer"] is not False or path["verdict"] == "unreachable", made
            continue
        names, ends = says
        assert path["viaLoadBalancer"] is False, made
        assert path["endpoints"] == sorted(names), made
        assert path["verdict"] == ("reachable" if names else "unreachable"), made
        assert names or {trace["end"] for trace in path["traces"]} <= ends, (made, path["traces"])
