"""The decision tables of kube-proxy: mode, version, policy, client.

Sources: kubernetes/kubernetes pkg/proxy (TestLoadBalancer, TestExternalTrafficPolicyLocal,
TestExternalTrafficPolicyCluster, TestHealthCheckNodePortWhenTerminating), observations of a real kube-proxy 1.36.
"""

from typing import Any

import pytest

from tests.domain.situation import LOCAL, Situation, endpoint, usual


def local(mode: str, version: str, **given: object) -> Situation:
    """The usual cluster with policy Local."""
    return usual(given={"mode": mode, "version": version, **given}, external_policy=LOCAL)


NO_LOCAL_ENDPOINT = [
    # client on a node without endpoint, mode, version, verdict, end, what the endpoint sees
    ("pod:far", "iptables", "v1.14.10", "reachable", "deliver", "preserved"),
    ("pod:far", "iptables", "v1.36.0", "reachable", "deliver", "preserved"),
    ("node:n2", "iptables", "v1.14.10", "unreachable", "drop", "unknown"),
    ("node:n2", "iptables", "v1.15.0", "reachable", "deliver", "node"),
    ("pod:host-far", "iptables", "v1.30.0", "reachable", "deliver", "node"),
    ("pod:far", "ipvs", "v1.23.4", "unreachable", "reject", "unknown"),
    ("node:n2", "ipvs", "v1.23.4", "unreachable", "reject", "unknown"),
    ("pod:far", "ipvs", "v1.24.0", "reachable", "deliver", "preserved"),
    ("node:n2", "ipvs", "v1.24.0", "unreachable", "reply-lost", "unknown"),
    ("pod:host-far", "ipvs", "v1.34.0", "unreachable", "reply-lost", "unknown"),
    ("pod:far", "nftables", "v1.31.0", "reachable", "deliver", "preserved"),
    ("node:n2", "nftables", "v1.33.5", "unreachable", "drop", "unknown"),
    ("node:n2", "nftables", "v1.33.6", "reachable", "deliver", "node"),
    ("node:n2", "nftables", "v1.34.0", "reachable", "deliver", "node"),
]


@pytest.mark.parametrize(("client", "mode", "version", "verdict", "end", "source"), NO_LOCAL_ENDPOINT)
def test_policy_local_without_local_endpoint_depends_on_mode_version_and_client(
    client: str, mode: str, version: str, verdict: str, end: str, source: str
) -> None:
    """The table of kubernetes #77523, #97081, #93456, #132456 and S@1.14 … S@1.36."""
    path = local(mode, version).ask(client)
    assert (path.verdict, path.traces[0].end, path.source_ip) == (verdict, end, source)
    assert path.via_load_balancer is False


@pytest.mark.parametrize(
    ("mode", "version", "end"),
    [
        ("iptables", "v1.30.0", "drop"),
        ("ipvs", "v1.23.0", "reject"),
        ("ipvs", "v1.24.0", "reply-lost"),
        ("nftables", "v1.33.0", "drop"),
        ("nftables", "v1.34.0", "drop"),
    ],
)
def test_a_stranger_at_a_node_without_local_endpoint_is_lost(mode: str, version: str, end: str) -> None:
    """Policy Local, the load balancer hands the packet to a node without endpoint (TestExternalTrafficPolicyLocal)."""
    path = local(mode, version).ask("external:203.0.113.9", arrives_at="n2")
    assert (path.verdict, path.traces[0].end, path.via_load_balancer) == ("unreachable", end, True)


@pytest.mark.parametrize(
    ("mode", "verdict"), [("iptables", "unreachable"), ("nftables", "unreachable"), ("ipvs", "reachable")]
)
def test_a_pod_that_is_not_recognised_as_local_is_a_stranger(mode: str, verdict: str) -> None:
    """Without a local-traffic detector the short-circuit for Pods is not there; IPVS does not ask for it."""
    path = local(mode, "v1.31.0", cidr=None, detector=False).ask("pod:far")
    assert path.verdict == verdict


def test_a_pod_outside_the_cluster_cidr_is_a_stranger() -> None:
    """Observed on kube-proxy 1.36: timeout when Pod addresses lie outside --cluster-cidr."""
    path = local("iptables", "v1.36.0", cidr="10.200.0.0/16").ask("pod:far")
    assert (path.verdict, path.traces[0].end) == ("unreachable", "drop")


@pytest.mark.parametrize("mode", ["iptables", "ipvs", "nftables"])
@pytest.mark.parametrize("client", ["pod:near", "pod:far", "node:n1", "node:n2", "pod:web-a", "pod:host-far"])
def test_policy_cluster_is_captured_and_masqueraded_everywhere(mode: str, client: str) -> None:
    """Observed on kube-proxy 1.36: direct, source = node, for Pods, hosts and the endpoint itself."""
    path = usual(given={"mode": mode, "version": "v1.36.0"}).ask(client)
    assert (path.verdict, path.via_load_balancer, path.source_ip) == ("reachable", False, "node")
    assert path.endpoints == ("shop/web-a",)


@pytest.mark.parametrize(
    ("mode", "host_sees", "pod_sees"),
    [("iptables", "node", "preserved"), ("nftables", "node", "preserved"), ("ipvs", "lb", "preserved")],
)
def test_policy_local_beside_the_endpoint_works_in_every_mode(
    mode: str, host_sees: str, pod_sees: str
) -> None:
    """Observed on kube-proxy 1.36; under IPVS a host speaks from the address on kube-ipvs0 (#93456)."""
    situation = local(mode, "v1.34.0")
    assert situation.ask("pod:near").source_ip == pod_sees
    assert situation.ask("node:n1").source_ip == host_sees
    assert situation.ask("node:n1").verdict == "reachable"


@pytest.mark.parametrize("mode", ["iptables", "ipvs", "nftables"])
def test_an_endpoint_that_reaches_itself_sees_a_node(mode: str) -> None:
    """KUBE-SEP, KUBE-LOOP-BACK and the endpoint chains masquerade a Pod's own packet."""
    assert local(mode, "v1.34.0").ask("pod:web-a").source_ip == "node"


def test_ipvs_uses_the_local_endpoints_only_and_iptables_all() -> None:
    """The eligible set differs even where both deliver (syncEndpoint; KUBE-EXT)."""
    both = (endpoint("web-a", "n1", 11), endpoint("web-b", "n3", 13))
    for mode, expected in (("ipvs", ("shop/web-a",)), ("iptables", ("shop/web-a", "shop/web-b"))):
        path = usual(endpoints=both, given={"mode": mode}, external_policy=LOCAL).ask("pod:near")
        assert path.endpoints == expected


@pytest.mark.parametrize(
    ("mode", "version", "client", "end", "via"),
    [
        ("iptables", "v1.30.0", "pod:near", "reject", False),
        ("iptables", "v1.19.0", "node:n1", "reject", False),
        ("iptables", "v1.20.0", "node:n1", "reject", True),
        ("ipvs", "v1.30.0", "node:n1", "reject", False),
        ("nftables", "v1.34.0", "node:n1", "reject", False),
    ],
)
def test_a_service_without_endpoints_refuses_but_a_host_may_leave_its_node(
    mode: str, version: str, client: str, end: str, via: object
) -> None:
    """#95252: since v1.20 the reject rule is not on the way of a host's packet; it comes back from the balancer."""
    gone = (endpoint("web-a", "n1", 11, ready=False, serving=False),)
    path = usual(endpoints=gone, given={"mode": mode, "version": version}).ask(client)
    assert (path.verdict, path.traces[0].end, path.via_load_balancer) == ("unreachable", end, via)
    assert path.endpoints == ()


def test_policy_local_without_any_endpoint_has_no_member_at_the_balancer() -> None:
    """The health check node port counts ready local endpoints: no node passes."""
    gone = (endpoint("web-a", "n1", 11, ready=False, serving=False),)
    path = usual(endpoints=gone, external_policy=LOCAL).ask("external:203.0.113.9")
    assert (path.verdict, path.traces[0].end) == ("unreachable", "no-backend")


@pytest.mark.parametrize(
    ("version", "gates", "verdict"),
    [
        ("v1.25.0", {}, "unreachable"),
        ("v1.26.0", {}, "reachable"),
        ("v1.26.0", {"ProxyTerminatingEndpoints": False}, "unreachable"),
        ("v1.28.0", {"ProxyTerminatingEndpoints": False}, "reachable"),
        ("v1.25.0", {"ProxyTerminatingEndpoints": True}, "reachable"),
    ],
)
def test_terminating_endpoints_serve_where_the_gate_says_so(
    version: str, gates: dict[str, bool], verdict: str
) -> None:
    """KEP-1669: alpha 1.22, on 1.26, locked 1.28."""
    leaving = (endpoint("web-a", "n1", 11, ready=False, serving=True, terminating=True),)
    assert (
        usual(endpoints=leaving, given={"version": version, "gates": gates}).ask("pod:far").verdict == verdict
    )


@pytest.mark.parametrize("mode", ["iptables", "ipvs"])
@pytest.mark.parametrize(
    ("version", "changes", "verdict"),
    [
        ("v1.23.4", {}, "unreachable"),
        ("v1.23.4", {"external_policy": LOCAL}, "reachable"),
        ("v1.24.0", {}, "reachable"),
    ],
)
def test_policy_cluster_falls_back_to_terminating_endpoints_later_than_policy_local(
    mode: str, version: str, changes: dict[str, Any], verdict: str
) -> None:
    """pkg/proxy/topology.go at v1.24 brought it; {iptables,ipvs}/proxier.go at v1.23 did it for Local only."""
    leaving = (endpoint("web-a", "n1", 11, ready=False, serving=True, terminating=True),)
    given = {"mode": mode, "version": version, "gates": {"ProxyTerminatingEndpoints": True}}
    path = usual(endpoints=leaving, given=given, **changes).ask("pod:near")
    assert path.verdict == verdict
    assert {trace.end for trace in path.traces} == {"deliver" if verdict == "reachable" else "reject"}


def test_a_ready_endpoint_keeps_terminating_ones_out() -> None:
    """pkg/proxy/topology.go: the fallback is for when there is no ready endpoint."""
    both = (
        endpoint("web-a", "n1", 11, ready=False, serving=True, terminating=True),
        endpoint("web-b", "n3", 13),
    )
    assert usual(endpoints=both).ask("pod:near").endpoints == ("shop/web-b",)


def test_a_terminating_local_endpoint_does_not_pass_the_health_check() -> None:
    """TestHealthCheckNodePortWhenTerminating: the balancer sees ready ones only; forced there, it is delivered."""
    leaving = (endpoint("web-a", "n1", 11, ready=False, serving=True, terminating=True),)
    situation = usual(endpoints=leaving, external_policy=LOCAL)
    assert situation.ask("external:203.0.113.9").traces[0].end == "no-backend"
    assert situation.ask("external:203.0.113.9", arrives_at="n1").verdict == "reachable"
