"""Which endpoints count: readiness, termination, slices, hints, ports, families.

Sources: pkg/proxy/topology.go and topology_test.go, endpointslicecache.go, TestHealthCheckNodePortWhenTerminating,
ProxyTerminatingEndpoints (alpha 1.22, on since 1.26), KEP-2433 (hints), #106497 (internalTrafficPolicy).
"""

from typing import Any

import pytest

from .situation import Situation, usual
from .world import (
    CLIENTS,
    GONE,
    LEAVING,
    NOT_READY,
    READY,
    VIP,
    Document,
    cluster,
    endpoint,
    node,
    plain,
    pod,
    service,
    slice_of,
)

A, B = ("10.0.1.10", "node-a", "web-a"), ("10.0.2.10", "node-b", "web-b")
AUTO: dict[str, str] = {"service.kubernetes.io/topology-mode": "Auto"}
OLD_AUTO = {"service.kubernetes.io/topology-aware-hints": "auto"}


def pair(a: Document, b: Document) -> list[Document]:
    """web-a and web-b in these conditions."""
    return [endpoint(*A, conditions=a), endpoint(*B, conditions=b)]


def when(
    name: str, proxy: str, client: str, a: Document, b: Document, cells: str, *, codes: str = "", **spec: Any
) -> Situation:
    """The two endpoints in these conditions; `proxy` is mode and version."""
    mode, version = proxy.split()
    return Situation(
        name=f"{name} {proxy} {client}",
        documents=usual(plain(mode, version), endpoints=pair(a, b), **spec),
        options=("--from", CLIENTS[client]),
        cells=cells,
        codes=codes,
        source="pkg/proxy/topology.go CategorizeEndpoints; KEP-1669",
    )


LOCAL: dict[str, Any] = {"policy": "Local"}

CONDITIONS = [
    # a ready one wins over a leaving one
    when("ready wins", "iptables 1.28.3", "client-c", READY, LEAVING, "yes direct a node deliver"),
    when("ready wins", "ipvs 1.28.3", "client-c", READY, LEAVING, "yes direct a node deliver"),
    when("ready wins", "nftables 1.31.0", "outside", READY, LEAVING, "yes lb a node deliver"),
    when("not ready is none", "iptables 1.28.3", "node-c", READY, NOT_READY, "yes direct a node deliver"),
    # all leaving: used since 1.26
    when(
        "all leave",
        "iptables 1.26.3",
        "client-c",
        LEAVING,
        LEAVING,
        "yes direct both node deliver",
        codes="only-terminating-endpoints",
    ),
    when("all leave", "ipvs 1.26.3", "client-c", LEAVING, LEAVING, "yes direct both node deliver"),
    when("all leave", "ipvs 1.36.0", "node-a", LEAVING, LEAVING, "yes direct both node deliver"),
    when("all leave", "nftables 1.31.0", "client-c", LEAVING, LEAVING, "yes direct both node deliver"),
    when("all leave", "iptables 1.25.1", "client-c", LEAVING, LEAVING, "no direct - - reject"),
    when("all leave", "ipvs 1.25.1", "client-c", LEAVING, LEAVING, "no direct - - reject"),
    when(
        "one leaves, one is gone", "iptables 1.28.3", "client-c", LEAVING, GONE, "yes direct a node deliver"
    ),
    # Local, the local one leaves while another is ready elsewhere
    when(
        "local leaves", "ipvs 1.28.3", "client-a", LEAVING, READY, "yes direct a preserved deliver", **LOCAL
    ),
    when(
        "local leaves", "ipvs 1.25.1", "client-a", LEAVING, READY, "yes direct b preserved deliver", **LOCAL
    ),
    when("local leaves", "ipvs 1.23.4", "client-a", LEAVING, READY, "no direct - - reject", **LOCAL),
    when(
        "local leaves",
        "iptables 1.28.3",
        "client-a",
        LEAVING,
        READY,
        "yes direct b preserved deliver",
        **LOCAL,
    ),
    when(
        "local leaves",
        "iptables 1.28.3",
        "stray-a",
        LEAVING,
        READY,
        "yes direct a preserved deliver",
        **LOCAL,
    ),
    when("local leaves", "iptables 1.25.1", "stray-a", LEAVING, READY, "no direct - - drop", **LOCAL),
    when(
        "local leaves",
        "nftables 1.31.0",
        "stray-a",
        LEAVING,
        READY,
        "yes direct a preserved deliver",
        **LOCAL,
    ),
    when("local leaves", "nftables 1.31.0", "node-a", LEAVING, READY, "yes direct b node deliver", **LOCAL),
    # the health check counts ready local endpoints only
    when("health check", "iptables 1.28.3", "outside", LEAVING, READY, "yes lb b preserved deliver", **LOCAL),
    when("health check", "ipvs 1.28.3", "outside", LEAVING, READY, "yes lb b preserved deliver", **LOCAL),
    # a not-ready local endpoint is no local endpoint
    when("local not ready", "iptables 1.30.3", "stray-a", NOT_READY, READY, "no direct - - drop", **LOCAL),
    when(
        "local not ready",
        "ipvs 1.30.3",
        "client-a",
        NOT_READY,
        READY,
        "yes direct b preserved deliver",
        **LOCAL,
    ),
    when("local not ready", "ipvs 1.30.3", "node-a", NOT_READY, READY, "no direct - - reply-lost", **LOCAL),
    when("local not ready", "nftables 1.31.0", "node-a", NOT_READY, READY, "no direct - - drop", **LOCAL),
    when(
        "local not ready", "nftables 1.36.0", "node-a", NOT_READY, READY, "yes direct b node deliver", **LOCAL
    ),
    # nobody at all
    when(
        "nobody",
        "iptables 1.19.16",
        "client-c",
        NOT_READY,
        NOT_READY,
        "no direct - - reject",
        codes="no-ready-endpoint",
    ),
    when("nobody", "iptables 1.36.0", "client-c", NOT_READY, NOT_READY, "no direct - - reject"),
    when("nobody", "iptables 1.36.0", "client-c", NOT_READY, NOT_READY, "no direct - - reject", **LOCAL),
    when("nobody", "ipvs 1.36.0", "client-c", NOT_READY, NOT_READY, "no direct - - reject"),
    when("nobody", "ipvs 1.36.0", "node-c", NOT_READY, NOT_READY, "no direct - - reject"),
    when("nobody", "nftables 1.31.0", "client-c", NOT_READY, NOT_READY, "no direct - - reject"),
    when("nobody", "nftables 1.31.0", "node-c", NOT_READY, NOT_READY, "no direct - - reject"),
    when(
        "nobody, host, reject rule on OUTPUT",
        "iptables 1.18.9",
        "node-c",
        NOT_READY,
        NOT_READY,
        "no direct - - reject",
    ),
    # conditions left out: ready means true
    when("no conditions", "iptables 1.30.3", "client-c", {}, {}, "yes direct both node deliver"),
    when(
        "only ready given",
        "iptables 1.30.3",
        "client-c",
        {"ready": True},
        {"ready": False},
        "yes direct a node deliver",
    ),
    when(
        "null conditions",
        "iptables 1.30.3",
        "client-c",
        {"ready": None, "serving": None, "terminating": None},
        NOT_READY,
        "yes direct a node deliver",
    ),
    # internalTrafficPolicy: leaks into Cluster traffic on 1.22 and 1.23 only, never into Local
    when(
        "internal Local",
        "iptables 1.23.4",
        "client-c",
        READY,
        READY,
        "no direct - - reject",
        codes="internal-policy-leaks",
        internalTrafficPolicy="Local",
    ),
    when(
        "internal Local",
        "iptables 1.23.4",
        "client-a",
        READY,
        READY,
        "yes direct a node deliver",
        internalTrafficPolicy="Local",
    ),
    when(
        "internal Local",
        "ipvs 1.23.4",
        "client-c",
        READY,
        READY,
        "no direct - - reject",
        internalTrafficPolicy="Local",
    ),
    when(
        "internal Local",
        "iptables 1.24.0",
        "client-c",
        READY,
        READY,
        "yes direct both node deliver",
        codes="!internal-policy-leaks",
        internalTrafficPolicy="Local",
    ),
    when(
        "internal Local",
        "ipvs 1.36.0",
        "client-c",
        READY,
        READY,
        "yes direct both node deliver",
        internalTrafficPolicy="Local",
    ),
    when(
        "internal Local",
        "nftables 1.31.0",
        "node-c",
        READY,
        READY,
        "yes direct both node deliver",
        internalTrafficPolicy="Local",
    ),
    when(
        "internal Local",
        "iptables 1.23.4",
        "client-c",
        READY,
        READY,
        "yes direct both preserved deliver",
        internalTrafficPolicy="Local",
        **LOCAL,
    ),
    # affinity does not change who is eligible
    when(
        "affinity",
        "iptables 1.30.3",
        "client-c",
        READY,
        READY,
        "yes direct both node deliver",
        sessionAffinity="ClientIP",
    ),
    when(
        "affinity",
        "ipvs 1.30.3",
        "client-a",
        READY,
        READY,
        "yes direct a preserved deliver",
        sessionAffinity="ClientIP",
        **LOCAL,
    ),
    # a health check port has no part in traffic from inside
    when(
        "health check port",
        "ipvs 1.30.3",
        "node-c",
        READY,
        READY,
        "no direct - - reply-lost",
        healthCheckNodePort=30123,
        **LOCAL,
    ),
]


def zones(a: str, b: str, c: str) -> list[Document]:
    """The three nodes in these zones; an empty one has no label."""
    where = {"node-a": a, "node-b": b, "node-c": c}
    return [
        {
            **d,
            "metadata": {"name": n, "labels": {"topology.kubernetes.io/zone": where[n]} if where[n] else {}},
        }
        if d["kind"] == "Node" and (n := d["metadata"]["name"])
        else d
        for d in cluster()
    ]


def hinted(
    name: str,
    proxy: str,
    client: str,
    cells: str,
    hints: tuple[str, str],
    where: tuple[str, str, str],
    **spec: Any,
) -> Situation:
    """Endpoints with zone hints; an empty hint is none."""
    mode, version = proxy.split()
    told = [
        endpoint(*who) | ({"hints": {"forZones": [{"name": zone}]}} if zone else {})
        for who, zone in zip((A, B), hints, strict=True)
    ]
    return Situation(
        name=f"hints, {name} {proxy} {client}",
        documents=(plain(mode, version), service(**spec), slice_of("web", told), *zones(*where)),
        options=("--from", CLIENTS[client]),
        cells=cells,
        source="pkg/proxy/topology.go at v1.26:151, v1.30:153; topology_test.go",
    )


ZONED = ("z1", "z2", "z2")
HINTS = [
    hinted(
        "fit",
        "iptables 1.30.3",
        "client-c",
        "yes direct b node deliver",
        ("z1", "z2"),
        ZONED,
        annotations=AUTO,
    ),
    hinted(
        "fit", "iptables 1.30.3", "node-a", "yes direct a node deliver", ("z1", "z2"), ZONED, annotations=AUTO
    ),
    hinted(
        "fit", "ipvs 1.30.3", "client-c", "yes direct b node deliver", ("z1", "z2"), ZONED, annotations=AUTO
    ),
    hinted(
        "fit",
        "nftables 1.31.0",
        "client-c",
        "yes direct b node deliver",
        ("z1", "z2"),
        ZONED,
        annotations=AUTO,
    ),
    hinted(
        "old annotation",
        "iptables 1.26.3",
        "client-c",
        "yes direct b node deliver",
        ("z1", "z2"),
        ZONED,
        annotations=OLD_AUTO,
    ),
    hinted(
        "no annotation", "iptables 1.30.3", "client-c", "yes direct both node deliver", ("z1", "z2"), ZONED
    ),
    hinted(
        "no annotation needed",
        "iptables 1.31.0",
        "client-c",
        "yes direct b node deliver",
        ("z1", "z2"),
        ZONED,
    ),
    hinted(
        "no annotation needed", "ipvs 1.36.0", "client-c", "yes direct b node deliver", ("z1", "z2"), ZONED
    ),
    hinted(
        "gate off before",
        "iptables 1.23.4",
        "client-c",
        "yes direct both node deliver",
        ("z1", "z2"),
        ZONED,
        annotations=OLD_AUTO,
    ),
    hinted(
        "one without a hint", "iptables 1.31.0", "client-c", "yes direct both node deliver", ("z1", ""), ZONED
    ),
    hinted(
        "node without zone",
        "iptables 1.31.0",
        "client-c",
        "yes direct both node deliver",
        ("z1", "z2"),
        ("z1", "z2", ""),
    ),
    hinted(
        "none for this zone",
        "iptables 1.31.0",
        "client-c",
        "yes direct both node deliver",
        ("z1", "z2"),
        ("z1", "z2", "z3"),
    ),
    # Local: the short-circuit uses cluster endpoints with hints, IPVS the local ones
    hinted(
        "Local",
        "iptables 1.31.0",
        "client-c",
        "yes direct b preserved deliver",
        ("z1", "z2"),
        ZONED,
        policy="Local",
    ),
    hinted(
        "Local", "iptables 1.31.0", "node-c", "yes direct b node deliver", ("z1", "z2"), ZONED, policy="Local"
    ),
    hinted(
        "Local",
        "ipvs 1.31.0",
        "client-a",
        "yes direct a preserved deliver",
        ("z2", "z2"),
        ZONED,
        policy="Local",
    ),
    hinted(
        "Local",
        "ipvs 1.31.0",
        "client-c",
        "yes direct b preserved deliver",
        ("z1", "z2"),
        ZONED,
        policy="Local",
    ),
]

NAMED = [
    {"name": "http", "port": 80, "nodePort": 31080, "targetPort": "http", "protocol": "TCP"},
    {"name": "dns", "port": 53, "nodePort": 31053, "targetPort": "dns", "protocol": "UDP"},
]
NAMED_SLICES = [
    slice_of("web", [endpoint(*A)], ports=[{"name": "http", "port": 8080, "protocol": "TCP"}], suffix="1"),
    slice_of("web", [endpoint(*B)], ports=[{"name": "dns", "port": 5353, "protocol": "UDP"}], suffix="2"),
]
SIX, SIX_VIP = "IPv6", "fd00:100::85"
DUAL: dict[str, Any] = {
    "ingress": [{"ip": VIP}, {"ip": SIX_VIP}],
    "ipFamilies": ["IPv4", "IPv6"],
    "ipFamilyPolicy": "PreferDualStack",
}
DUAL_SLICES = [
    slice_of("web", [endpoint(*A)]),
    slice_of("web", [endpoint("fd00:10::b", "node-b", "web-b")], family=SIX, suffix="6"),
]


def sliced(
    name: str,
    client: str,
    to: str,
    cells: str,
    slices: list[Document],
    *,
    mode: str = "iptables",
    codes: str = "",
    **spec: Any,
) -> Situation:
    """Several slices, ports or families; the question names address and port."""
    return Situation(
        name=f"{name} {client} {to} {mode}",
        documents=(plain(mode, "1.31.0"), service(**spec), *slices, *cluster()),
        options=("--from", CLIENTS.get(client, client), "--to", to),
        cells=cells,
        codes=codes,
        source="pkg/proxy/endpointslicecache.go; a rule set per address family, port name and protocol",
    )


MODES = ("iptables", "ipvs", "nftables")
SLICES = [
    *(
        sliced(
            "two slices",
            "client-c",
            f"{VIP}:80",
            "yes direct both node deliver",
            [slice_of("web", [endpoint(*A)]), slice_of("web", [endpoint(*B)], suffix="2")],
            mode=m,
        )
        for m in MODES
    ),
    *(
        sliced(
            "the same in two slices",
            "client-c",
            f"{VIP}:80",
            "yes direct a node deliver",
            [slice_of("web", [endpoint(*A)]), slice_of("web", [endpoint(*A)], suffix="2")],
            mode=m,
        )
        for m in MODES
    ),
    *(
        sliced(
            "named port",
            "client-c",
            f"{VIP}:80",
            "yes direct a node deliver",
            NAMED_SLICES,
            ports=NAMED,
            mode=m,
        )
        for m in MODES
    ),
    *(
        sliced(
            "UDP port",
            "client-c",
            f"{VIP}:53",
            "yes direct b node deliver",
            NAMED_SLICES,
            ports=NAMED,
            mode=m,
        )
        for m in MODES
    ),
    # one health check a Service, whatever the port (servicechangetracker: local ready endpoints by Service name)
    sliced(
        "named port, outside",
        "outside",
        f"{VIP}:80",
        "some lb a preserved deliver+drop",
        NAMED_SLICES,
        ports=NAMED,
        policy="Local",
    ),
    sliced(
        "UDP, Local, node with the other port's backend",
        "stray-a",
        f"{VIP}:53",
        "no direct - - drop",
        NAMED_SLICES,
        ports=NAMED,
        policy="Local",
    ),
    sliced(
        "UDP, Local, IPVS falls back",
        "node-a",
        f"{VIP}:53",
        "no direct - - reply-lost",
        NAMED_SLICES,
        ports=NAMED,
        policy="Local",
        mode="ipvs",
    ),
    sliced(
        "a port that no slice has",
        "client-c",
        f"{VIP}:80",
        "no direct - - reject",
        [slice_of("web", [endpoint(*A)], ports=[{"name": "other", "port": 1, "protocol": "TCP"}])],
        ports=NAMED,
        codes="port-without-endpoints",
    ),
    sliced(
        "protocol differs",
        "client-c",
        f"{VIP}:80",
        "no direct - - reject",
        [slice_of("web", [endpoint(*A)], ports=[{"name": "http", "port": 8080, "protocol": "UDP"}])],
        ports=NAMED,
    ),
    *(
        sliced(
            "dual stack", "client-c", f"{VIP}:80", "yes direct a node deliver", DUAL_SLICES, mode=m, **DUAL
        )
        for m in MODES
    ),
    *(
        sliced(
            "dual stack",
            "node-c",
            f"[{SIX_VIP}]:80",
            "yes direct b node deliver",
            DUAL_SLICES,
            mode=m,
            **DUAL,
        )
        for m in MODES
    ),
    sliced(
        "dual stack, written otherwise",
        "node-c",
        "[FD00:0100:0::0085]:80",
        "yes direct b node deliver",
        DUAL_SLICES,
        **DUAL,
    ),
    sliced("no IPv6 endpoint", "node-c", f"[{SIX_VIP}]:80", "no lb - - *", DUAL_SLICES[:1], **DUAL),
    sliced(
        "slice of another Service",
        "client-c",
        f"{VIP}:80",
        "yes direct a node deliver",
        [slice_of("web", [endpoint(*A)]), slice_of("web2", [endpoint(*B)])],
    ),
    sliced(
        "host name slice",
        "client-c",
        f"{VIP}:80",
        "yes direct a node deliver",
        [
            slice_of("web", [endpoint(*A)]),
            slice_of("web", [endpoint("x.example.com", None)], family="FQDN", suffix="f"),
        ],
    ),
]
SITUATIONS = [*CONDITIONS, *HINTS, *(s for s in SLICES if "*" not in s.cells.split()[-1])]


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_an_endpoint_counts_where_kube_proxy_counts_it(situation: Situation) -> None:
    """The tables above."""
    assert situation.differences() == {}


def test_a_host_leaves_for_the_balancer_when_nobody_answers_since_v1_20() -> None:
    """#95252: the reject rule is no longer on OUTPUT; who refuses then, the balancer or a node, is left open."""
    case = when("nobody", "iptables 1.20.1", "node-c", NOT_READY, NOT_READY, "")
    path = case.asked().path
    assert (path["verdict"], path["viaLoadBalancer"], path["endpoints"]) == ("unreachable", True, [])


def test_an_endpoint_without_a_pod_is_told_by_its_address() -> None:
    """Contract: “an endpoint without a Pod by its address”; endpoints are sorted."""
    bare = [endpoint("10.0.2.99", "node-b"), endpoint(*A)]
    case = Situation(
        name="bare",
        documents=usual(plain("iptables", "1.31.0"), endpoints=bare),
        options=("--from", "external"),
        source="",
    )
    assert case.asked().path["endpoints"] == ["10.0.2.99", "default/web-a"]


def test_an_endpoint_without_a_node_is_local_nowhere() -> None:
    """endpointslicecache.go: isLocal needs a node name; a finding says so."""
    bare = [endpoint("10.0.2.10", None, "web-b")]
    case = Situation(
        name="no node",
        documents=usual(plain("iptables", "1.31.0"), endpoints=bare, policy="Local"),
        options=("--from", CLIENTS["stray-c"]),
        cells="no direct - - drop",
        codes="endpoint-without-node",
        source="",
    )
    assert case.differences() == {}


def test_nodes_and_pods_nobody_uses_change_nothing() -> None:
    """An unrelated object changes no path."""
    documents = usual(plain("ipvs", "1.31.0"), policy="Local")
    more = (node("node-z", "192.168.1.99"), pod("idle", "node-z", "10.0.9.9"))
    asks = ("--from", CLIENTS["client-c"])
    before = Situation(name="", documents=documents, options=asks, source="").asked().path
    after = Situation(name="", documents=(*documents, *more), options=asks, source="").asked().path
    before["client"].pop("standsFor")
    after["client"].pop("standsFor")
    assert before == after
