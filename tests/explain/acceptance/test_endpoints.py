"""Which endpoints count: readiness, termination, and what of a Service does not matter.

Sources: pkg/proxy/topology.go and topology_test.go, endpointslicecache.go, TestHealthCheckNodePortWhenTerminating,
ProxyTerminatingEndpoints (alpha 1.22, on since 1.26), #106497 (internalTrafficPolicy).
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
    Document,
    endpoint,
    node,
    plain,
    pod,
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


@pytest.mark.parametrize("situation", CONDITIONS, ids=str)
def test_an_endpoint_counts_where_kube_proxy_counts_it(situation: Situation) -> None:
    """The list above."""
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
