"""The situations that were observed with a real kube-proxy, and its version notes."""

from typing import Literal

import pytest

from bot.demo.dataplane import Journey
from bot.demo.dataplane.rules import Mode
from tests.demo.dataplane.cluster import VIP, Cluster, Policy

Who = Literal["pod", "host"]
MODES: tuple[Mode, ...] = ("iptables", "nftables")
VIA = ({"ip": VIP, "ipMode": "Proxy"},)


def opened(cluster: Cluster, who: Who, number: int = 2, *, ip: str = VIP, port: int = 80) -> Journey:
    """One connection from a client Pod or the host of nodeN."""
    address = f"10.0.{number}.9" if who == "pod" else None
    return cluster.plane.trace(node=f"node{number}", pod_ip=address, ip=ip, port=port)


def with_service(
    mode: Mode,
    minor: int,
    policy: Policy,
    *,
    ingress: tuple[dict[str, str], ...] = ({"ip": VIP},),
    on: tuple[int, ...] = (1,),
    detector: bool = True,
    ranges: tuple[str, ...] = (),
    pass_through: str | None = None,
    conditions: dict[str, bool] | None = None,
) -> Cluster:
    """Two nodes, one backend on node1, and a shared load balancer with the address."""
    cluster = Cluster(mode=mode, minor=minor, detector=detector)
    balancer = cluster.plane.elb.add("web", "shared", vip=VIP)
    annotations = {"kubernetes.io/elb.id": balancer.id}
    if pass_through is not None:
        annotations["kubernetes.io/elb.pass-through"] = pass_through
    cluster.service(
        policy=policy, on=on, ingress=ingress, annotations=annotations, ranges=ranges, conditions=conditions
    )
    return cluster


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("who", "number", "policy", "source"),
    [
        ("pod", 1, "Cluster", "192.168.0.1"),
        ("pod", 2, "Cluster", "192.168.0.2"),
        ("host", 1, "Cluster", "192.168.0.1"),
        ("host", 2, "Cluster", "192.168.0.2"),
        ("pod", 1, "Local", "10.0.1.9"),
        ("pod", 2, "Local", "10.0.2.9"),
        ("host", 1, "Local", "192.168.0.1"),
        ("host", 2, "Local", "192.168.0.2"),
    ],
)
def test_a_programmed_address_is_short_circuited_with_the_observed_source(
    mode: Mode, who: Who, number: int, policy: Policy, source: str
) -> None:
    """Observed with kube-proxy 1.36, iptables and nftables alike."""
    journey = opened(with_service(mode, 36, policy), who, number)
    assert (journey.result, journey.source, journey.balancer) == ("connected", source, None)


@pytest.mark.parametrize("mode", MODES)
def test_an_endpoint_that_reaches_itself_is_masqueraded(mode: Mode) -> None:
    """Observed with kube-proxy 1.36: hairpin, source = node."""
    cluster = with_service(mode, 36, "Cluster")
    journey = cluster.plane.trace(node="node1", pod_ip=Cluster.backend("web", 1), ip=VIP, port=80)
    assert (journey.result, journey.source) == ("connected", "192.168.0.1")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("policy", ["Cluster", "Local"])
@pytest.mark.parametrize("ingress", [VIA, ({"hostname": "web.example"},), ()])
@pytest.mark.parametrize("who", ["pod", "host"])
@pytest.mark.parametrize("number", [1, 2])
def test_an_address_that_is_not_programmed_is_reached_via_the_load_balancer(
    mode: Mode, policy: Policy, ingress: tuple[dict[str, str], ...], who: Who, number: int
) -> None:
    """Observed with kube-proxy 1.36: ipMode Proxy, hostname only, or no ingress at all."""
    journey = opened(with_service(mode, 36, policy, ingress=ingress), who, number)
    assert journey.result == "connected"
    assert journey.balancer is not None


@pytest.mark.parametrize("mode", ["iptables", "nftables", "ipvs"])
@pytest.mark.parametrize("policy", ["Cluster", "Local"])
def test_a_client_outside_always_comes_via_the_load_balancer(mode: Mode, policy: Policy) -> None:
    """Observed with kube-proxy 1.36: outside, both policies."""
    journey = with_service(mode, 36, policy).plane.trace_external(VIP, 80)
    assert journey.result == "connected"
    assert journey.balancer is not None


@pytest.mark.parametrize("mode", MODES)
def test_a_pod_outside_the_cluster_cidr_is_dropped_where_no_endpoint_is_local(mode: Mode) -> None:
    """Observed with kube-proxy 1.36: timeout when Pod addresses lie outside --cluster-cidr."""
    cluster = with_service(mode, 36, "Local")
    cluster.pod("stranger", 2, "10.99.2.9")
    journey = cluster.plane.trace(node="node2", pod_ip="10.99.2.9", ip=VIP, port=80)
    assert (journey.result, journey.balancer) == ("timeout", None)


@pytest.mark.parametrize(
    ("mode", "minor", "who", "detector", "result"),
    [
        ("iptables", 29, "pod", True, "connected"),
        ("iptables", 29, "pod", False, "timeout"),
        ("iptables", 24, "pod", False, "timeout"),
        ("iptables", 14, "pod", True, "connected"),
        ("iptables", 29, "host", True, "connected"),
        ("iptables", 15, "host", True, "connected"),
        ("iptables", 14, "host", True, "timeout"),
        ("ipvs", 23, "pod", True, "refused"),
        ("ipvs", 23, "pod", False, "refused"),
        ("ipvs", 23, "host", True, "refused"),
        ("ipvs", 24, "pod", True, "connected"),
        ("ipvs", 24, "pod", False, "connected"),
        ("ipvs", 24, "host", True, "timeout"),
        ("ipvs", 30, "host", True, "timeout"),
        ("nftables", 33, "pod", True, "connected"),
        ("nftables", 34, "pod", True, "connected"),
        ("nftables", 33, "pod", False, "timeout"),
        ("nftables", 34, "pod", False, "timeout"),
        ("nftables", 33, "host", True, "timeout"),
        ("nftables", 34, "host", True, "connected"),
    ],
)
def test_a_client_on_a_node_without_backend_under_policy_local(
    mode: Mode, minor: int, who: Who, *, detector: bool, result: str
) -> None:
    """The vendor's "the access may fail" (cce_10_0355), by mode, version and client."""
    journey = opened(with_service(mode, minor, "Local", detector=detector), who)
    assert (journey.result, journey.balancer) == (result, None)


@pytest.mark.parametrize(
    ("mode", "minor", "result"),
    [
        ("iptables", 24, "timeout"),
        ("iptables", 29, "timeout"),
        ("ipvs", 23, "refused"),
        ("ipvs", 24, "timeout"),
        ("nftables", 33, "timeout"),
        ("nftables", 34, "timeout"),
    ],
)
def test_what_arrives_at_a_node_without_backend_under_policy_local(
    mode: Mode, minor: int, result: str
) -> None:
    """External traffic handed to the wrong node: dropped, refused, or its reply lost."""
    cluster = with_service(mode, minor, "Local")
    assert cluster.plane.trace_external("192.168.0.2", 30080).result == result
    assert cluster.plane.trace_external("192.168.0.1", 30080).result == "connected"


def test_a_host_client_under_ipvs_is_seen_with_the_load_balancers_own_address() -> None:
    """The address is bound to kube-ipvs0, and policy Local does not masquerade (#93456)."""
    journey = opened(with_service("ipvs", 29, "Local"), "host", 1)
    assert (journey.result, journey.source) == ("connected", VIP)


def test_ipvs_uses_only_local_endpoints_where_there_are_any_and_iptables_uses_all() -> None:
    """The eligible set differs even where both answer (#97081)."""
    seen = {}
    modes: tuple[Mode, ...] = ("ipvs", "iptables")
    for mode in modes:
        cluster = with_service(mode, 29, "Local", on=(1, 2))
        seen[mode] = {opened(cluster, "pod", 1).backend for _ in range(40)}
    assert seen == {"ipvs": {"shop/web1"}, "iptables": {"shop/web1", "shop/web2"}}


@pytest.mark.parametrize(("minor", "via"), [(19, False), (20, True)])
def test_a_host_client_of_a_service_without_endpoints_leaves_the_node_from_1_20(
    minor: int, *, via: bool
) -> None:
    """#95252 moved the rejection of load balancer addresses away from OUTPUT."""
    cluster = with_service("iptables", minor, "Cluster", on=())
    host, pod = opened(cluster, "host"), opened(cluster, "pod")
    assert (host.result, host.balancer is not None) == ("refused", via)
    assert (pod.result, pod.balancer) == ("refused", None)


@pytest.mark.parametrize("minor", [33, 36])
@pytest.mark.parametrize("policy", ["Cluster", "Local"])
def test_nftables_refuses_a_host_client_of_a_service_without_endpoints_itself(
    minor: int, policy: Policy
) -> None:
    """Observed with kube-proxy 1.36."""
    journey = opened(with_service("nftables", minor, policy, on=()), "host")
    assert (journey.result, journey.balancer) == ("refused", None)


@pytest.mark.parametrize(("minor", "via"), [(29, False), (30, True)])
@pytest.mark.parametrize("mode", ["iptables", "ipvs"])
def test_ip_mode_proxy_is_heeded_from_1_30(mode: Mode, minor: int, *, via: bool) -> None:
    """LoadBalancerIPMode: alpha and off in 1.29, beta and on in 1.30."""
    journey = opened(with_service(mode, minor, "Cluster", ingress=VIA), "pod")
    assert (journey.result, journey.balancer is not None) == ("connected", via)


@pytest.mark.parametrize(("minor", "result"), [(25, "refused"), (26, "connected")])
def test_terminating_endpoints_are_a_last_resort_from_1_26(minor: int, result: str) -> None:
    """ProxyTerminatingEndpoints is on by default from 1.26."""
    leaving = {"ready": False, "serving": True, "terminating": True}
    cluster = with_service("iptables", minor, "Cluster", conditions=leaving)
    assert opened(cluster, "pod").result == result


@pytest.mark.parametrize(
    ("mode", "minor", "result"),
    [("iptables", 24, "timeout"), ("iptables", 29, "timeout"), ("ipvs", 29, "timeout")],
)
def test_a_pod_outside_the_source_ranges_is_dropped(mode: Mode, minor: int, result: str) -> None:
    """Source ranges hit Pods (TestLoadBalancer "pod to LB1 (blocked…)")."""
    blocked = with_service(mode, minor, "Cluster", ranges=("203.0.113.0/24",))
    allowed = with_service(mode, minor, "Cluster", ranges=("203.0.113.0/24", "10.0.0.0/16"))
    assert opened(blocked, "pod").result == result
    assert opened(allowed, "pod").result == "connected"


@pytest.mark.parametrize(("minor", "result"), [(24, "timeout"), (27, "connected"), (29, "timeout")])
def test_ipvs_forgot_source_ranges_for_host_clients_from_1_25_to_1_28(minor: int, result: str) -> None:
    """#119656 and #119791."""
    assert opened(with_service("ipvs", minor, "Cluster", ranges=("203.0.113.0/24",)), "host").result == result


@pytest.mark.parametrize(("minor", "result"), [(25, "connected"), (26, "refused")])
def test_a_port_that_nobody_serves_on_a_bound_address(minor: int, result: str) -> None:
    """#108460: before KUBE-IPVS-FILTER the node's own socket answered on every bound address."""
    journey = opened(with_service("ipvs", minor, "Cluster"), "pod", port=10250)
    assert (journey.result, journey.balancer) == (result, None)


@pytest.mark.parametrize("mode", ["iptables", "ipvs", "nftables"])
def test_a_cluster_ip_reaches_every_backend(mode: Mode) -> None:
    """The control: in-cluster addresses work whatever the load balancer does."""
    cluster = with_service(mode, 29, "Local", on=(1, 2))
    pods = {opened(cluster, "pod", ip="10.247.0.80").backend for _ in range(40)}
    assert pods == {"shop/web1", "shop/web2"}
    assert opened(cluster, "host", ip="10.247.0.80").result == "connected"
