"""Addresses, deliveries, ranges, hints, families, unknowns: one sentence of the contract each.

Sources: kubernetes TestLoadBalancer, TestLoadBalancerIngressRouteTypeProxy, TestTopologyAwareEndpoints, KEP-1860,
KEP-2433; observations of a real kube-proxy 1.36.
"""

from dataclasses import replace
from typing import Any

import pytest

from bot.domain.objects import (
    EndpointPort,
    EndpointSlice,
    IngressPoint,
    NetworkPolicy,
    PolicyPeer,
    PolicyRule,
    Protocol,
    Ref,
    Selector,
    ServicePort,
    TrafficPolicy,
    Workload,
)
from bot.domain.path import NotFound, Question, Target, explain
from tests.domain.situation import (
    ADDRESS,
    LOCAL,
    WEB,
    Situation,
    endpoint,
    node,
    nodes,
    pod,
    service,
    slice_of,
    usual,
)

RANGES = ("203.0.113.0/25",)
MODES = ("iptables", "ipvs", "nftables")


# --- addresses that node rules do not hold ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "gates", "via"),
    [
        ("v1.28.0", {}, False),
        ("v1.29.0", {}, False),
        ("v1.29.0", {"LoadBalancerIPMode": True}, True),
        ("v1.30.0", {}, True),
        ("v1.30.0", {"LoadBalancerIPMode": False}, False),
        ("v1.32.0", {"LoadBalancerIPMode": False}, True),
    ],
)
@pytest.mark.parametrize("client", ["pod:near", "pod:far", "node:n2", "pod:web-a"])
def test_ip_mode_proxy_counts_where_the_gate_is_on(
    client: str, version: str, gates: dict[str, bool], via: object
) -> None:
    """KEP-1860: alpha in v1.29, on in v1.30, locked in v1.32."""
    point = IngressPoint(ip=ADDRESS, ip_mode="Proxy")
    path = usual(ingress=(point,), given={"version": version, "gates": gates}).ask(client)
    assert (path.verdict, path.via_load_balancer) == ("reachable", via)


@pytest.mark.parametrize("mode", MODES)
def test_a_host_name_is_in_no_node_s_rules(mode: str) -> None:
    """Observed on kube-proxy 1.36: hostname only goes to the load balancer."""
    situation = usual(ingress=(IngressPoint(hostname="lb.example"),), given={"mode": mode})
    path = situation.ask("pod:far", to="lb.example:80")
    assert (path.verdict, path.via_load_balancer, path.destination.ip) == ("reachable", True, "lb.example")


def test_ip_mode_proxy_delivered_unchanged_ends_at_the_node() -> None:
    """Nobody has a rule for the address."""
    point = IngressPoint(ip=ADDRESS, ip_mode="Proxy")
    path = usual(ingress=(point,), given={"delivery": "vip"}).ask("pod:far")
    assert (path.verdict, path.traces[0].end, path.via_load_balancer) == ("unreachable", "drop", True)


def test_a_published_host_name_asks_for_its_address() -> None:
    """An entry with both is one destination, found by either."""
    situation = usual(ingress=(IngressPoint(ip=ADDRESS, hostname="lb.example"),))
    assert situation.ask("pod:far", to="lb.example:80").destination.ip == ADDRESS


# --- delivery --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delivery", "policy", "preserves", "source"),
    [
        ("nodeport", "Cluster", None, "node"),
        ("nodeport", "Local", True, "preserved"),
        ("nodeport", "Local", False, "lb"),
        ("nodeport", "Local", None, "unknown"),
        ("vip", "Cluster", None, "node"),
        ("vip", "Local", None, "preserved"),
        ("pod", "Cluster", True, "preserved"),
        ("pod", "Local", False, "lb"),
    ],
)
def test_what_a_backend_sees_of_an_outside_client(
    delivery: str, policy: str, preserves: object, source: str
) -> None:
    """Policy Cluster masquerades; Local leaves what the load balancer left."""
    situation = usual(
        given={"delivery": delivery, "preserves": preserves}, external_policy=TrafficPolicy(policy)
    )
    path = situation.ask("external:203.0.113.9")
    assert (path.verdict, path.source_ip, path.via_load_balancer) == ("reachable", source, True)


def test_without_node_port_a_node_port_balancer_has_nothing_to_hand_to() -> None:
    """AllocateLoadBalancerNodePorts false is fatal for node ports and harmless for node rules."""
    situation = usual(ports=(ServicePort(port=80, target="8080"),), allocate_node_ports=False)
    assert situation.ask("external").traces[0].end == "no-backend"
    assert situation.ask("pod:far").verdict == "reachable"


def test_an_unknown_delivery_is_weighed() -> None:
    """Without node port it decides; with one it does not."""
    known = usual(given={"delivery": None}).ask("external")
    assert (known.verdict, known.missing) == ("reachable", ())
    unknown = usual(given={"delivery": None}, ports=(ServicePort(port=80),)).ask("external")
    assert (unknown.verdict, unknown.missing) == ("undetermined", ("loadBalancer.delivery",))


def test_excluded_nodes_are_not_picked() -> None:
    """node.kubernetes.io/exclude-from-external-load-balancers."""
    situation = usual().plus(*(replace(each, excluded=True) for each in (node("n1"), node("n2"), node("n3"))))
    assert situation.ask("external").traces[0].end == "no-backend"
    assert situation.ask("external", arrives_at="n2").verdict == "reachable"


def test_every_node_stands_for_one_branch_of_policy_cluster() -> None:
    """Three nodes alike are one trace that stands for three."""
    (trace,) = usual().ask("external").traces
    assert trace.stands_for == 3


def test_a_node_with_a_ready_endpoint_of_another_port_passes_the_health_check() -> None:
    """The health check node port is the Service's, not the port's."""
    ports = (ServicePort(port=80, node_port=30080, name="a"), ServicePort(port=81, node_port=30081, name="b"))
    one = replace(slice_of(endpoint("web-a", "n1", 11)), ports=(EndpointPort(port=1, name="a"),))
    two = replace(slice_of(endpoint("web-b", "n3", 13), name="b"), ports=(EndpointPort(port=2, name="b"),))
    situation = usual(ports=ports, external_policy=LOCAL).plus(one, two)
    path = situation.ask("external", to=f"{ADDRESS}:81")
    assert sorted(trace.end for trace in path.traces) == ["deliver", "drop"]
    assert path.verdict == "ambiguous"


# --- source ranges ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("client", "verdict"),
    [
        ("external:203.0.113.9", "reachable"),
        ("external:203.0.113.200", "unreachable"),
        ("pod:near", "unreachable"),
        ("pod:far", "unreachable"),
        ("node:n1", "unreachable"),
    ],
)
def test_source_ranges_are_enforced_on_the_address(mode: str, client: str, verdict: str) -> None:
    """TestLoadBalancer: outside blocked and allowed, "pod to LB1 (blocked by LoadBalancerSourceRanges)"."""
    path = usual(given={"mode": mode, "delivery": "vip"}, source_ranges=RANGES).ask(client)
    assert path.verdict == verdict
    if verdict == "unreachable":
        assert path.traces[0].end == "drop"


@pytest.mark.parametrize("mode", MODES)
def test_a_range_that_holds_the_node_lets_its_processes_in(mode: str) -> None:
    """TestLoadBalancer: "node to LB1 (allowed by LoadBalancerSourceRanges)"."""
    situation = usual(given={"mode": mode}, source_ranges=("172.16.0.0/24",))
    assert situation.ask("node:n1").verdict == "reachable"


@pytest.mark.parametrize(
    ("version", "verdict"),
    [
        ("v1.24.3", "unreachable"),
        ("v1.25.0", "reachable"),
        ("v1.28.9", "reachable"),
        ("v1.29.0", "unreachable"),
    ],
)
def test_ipvs_forgot_source_ranges_for_hosts_in_four_versions(version: str, verdict: str) -> None:
    """#119656, #119791: v1.25 to v1.28."""
    situation = usual(given={"mode": "ipvs", "version": version}, source_ranges=RANGES)
    assert situation.ask("node:n1").verdict == verdict
    assert situation.ask("pod:near").verdict == "unreachable"


def test_a_node_port_is_never_filtered() -> None:
    """TestLoadBalancer: "nodePort bypasses LoadBalancerSourceRanges"."""
    assert usual(source_ranges=RANGES).ask("external:203.0.113.200").verdict == "reachable"


def test_an_outside_client_without_address_is_undetermined_behind_ranges() -> None:
    """Where source ranges do not cover everything and no IP is given."""
    path = usual(source_ranges=RANGES).ask("external")
    assert (path.verdict, path.missing) == ("undetermined", ("client.ip",))
    assert usual(source_ranges=("0.0.0.0/1", "128.0.0.0/1")).ask("external").verdict == "reachable"


# --- hints, internal policy ------------------------------------------------------------------------------

HINTED = (
    endpoint("web-a", "n1", 11, zone_hints=("z1",)),
    endpoint("web-b", "n3", 13, zone_hints=("z3",)),
)
AUTO = {"service.kubernetes.io/topology-mode": "Auto"}
FORMER = {"service.kubernetes.io/topology-aware-hints": "Auto"}


@pytest.mark.parametrize(
    ("version", "annotations", "expected"),
    [
        ("v1.23.0", FORMER, 2),
        ("v1.24.0", FORMER, 1),
        ("v1.26.0", AUTO, 2),
        ("v1.26.0", {"service.kubernetes.io/topology-aware-hints": "PreferZone"}, 2),
        ("v1.27.0", {"service.kubernetes.io/topology-aware-hints": "PreferZone"}, 1),
        ("v1.27.0", AUTO, 1),
        ("v1.27.0", AUTO | {"service.kubernetes.io/topology-aware-hints": "Disabled"}, 2),
        ("v1.30.0", {}, 2),
        ("v1.31.0", {}, 1),
    ],
)
def test_topology_hints_narrow_the_endpoints(
    version: str, annotations: dict[str, str], expected: int
) -> None:
    """pkg/proxy/topology.go: with the annotation since v1.24, its new name since v1.27, without since v1.31."""
    situation = usual(endpoints=HINTED, given={"version": version}, annotations=annotations)
    zoned = situation.plus(
        *(replace(each, zone=f"z{each.name[1]}") for each in (node("n1"), node("n2"), node("n3")))
    )
    assert len(zoned.ask("pod:near").endpoints) == expected
    assert len(zoned.ask("pod:far").endpoints) == 2


@pytest.mark.parametrize(
    ("version", "verdict"), [("v1.21.0", "reachable"), ("v1.23.0", "unreachable"), ("v1.24.0", "reachable")]
)
def test_internal_policy_local_leaked_before_v1_24(version: str, verdict: str) -> None:
    """#106497: nodes without an endpoint refused the address."""
    situation = usual(given={"version": version}, internal_policy=LOCAL)
    assert situation.ask("pod:far").verdict == verdict


def test_nodes_that_a_leaking_policy_sets_apart_are_picked_apart() -> None:
    """v1.23, internalTrafficPolicy Local: only the node with the endpoint delivers what the balancer hands it."""
    path = usual(given={"version": "v1.23.0"}, internal_policy=LOCAL).ask("external")
    assert path.verdict == "ambiguous"
    assert sorted((trace.end, trace.stands_for) for trace in path.traces) == [("deliver", 1), ("reject", 2)]


def test_hints_for_nodes_keep_traffic_on_them() -> None:
    """KEP-3015, PreferSameNode: on by default since v1.34."""
    hinted = (
        endpoint("web-a", "n1", 11, node_hints=("n1",)),
        endpoint("web-b", "n3", 13, node_hints=("n3",)),
    )
    situation = usual(endpoints=hinted, given={"version": "v1.34.0"})
    assert situation.ask("pod:near").endpoints == ("shop/web-a",)
    assert situation.ask("pod:far").endpoints == ("shop/web-a", "shop/web-b")
    assert len(situation.ask("external").traces) == 4
    older = usual(endpoints=hinted, given={"version": "v1.32.0"})
    assert older.ask("pod:near").endpoints == ("shop/web-a", "shop/web-b")


# --- families, protocols, slices -------------------------------------------------------------------------


def test_each_address_family_has_its_own_endpoints() -> None:
    """Dual stack: an address answers with the endpoints of its family only."""
    six = EndpointSlice(
        ref=Ref("shop", "web-six"),
        service=WEB,
        family="IPv6",
        ports=(EndpointPort(port=8080),),
        endpoints=(replace(endpoint("web-six", "n2", 12), ip="2001:db8::12"),),
    )
    both = (IngressPoint(ip=ADDRESS), IngressPoint(ip="fd00::5"))
    situation = usual(ingress=both).plus(six)
    assert situation.ask("pod:far", to=f"{ADDRESS}:80").endpoints == ("shop/web-a",)
    path = situation.ask("pod:far", to="fd00::5:80")
    assert (path.endpoints, path.destination.scope) == (("shop/web-six",), "private")


def test_a_udp_port_is_its_own_destination() -> None:
    """The same number, another protocol, other endpoints."""
    ports = (
        ServicePort(port=53, node_port=30053, name="tcp"),
        ServicePort(port=53, node_port=30053, name="udp", protocol=Protocol.UDP),
    )
    udp = replace(
        slice_of(endpoint("web-a", "n1", 11)),
        ports=(EndpointPort(port=53, name="udp", protocol=Protocol.UDP),),
    )
    paths = usual(ports=ports).plus(udp).explain(Question(target=Target(host=ADDRESS, port=53))).paths
    verdicts = {
        (path.destination.protocol, path.verdict) for path in paths if path.client.group == "external"
    }
    assert verdicts == {("TCP", "unreachable"), ("UDP", "reachable")}


def test_endpoints_come_from_every_slice() -> None:
    """Several EndpointSlices of one Service add up, and an address counts once."""
    situation = usual().plus(slice_of(endpoint("web-b", "n2", 12), endpoint("web-a", "n1", 11), name="b"))
    assert situation.ask("pod:far").endpoints == ("shop/web-a", "shop/web-b")


def test_an_endpoint_without_a_pod_goes_by_its_address() -> None:
    """endpoints: an endpoint without a Pod by its address."""
    lone = replace(endpoint("x", "n1", 77), pod=None)
    assert usual(endpoints=(lone,)).ask("pod:far").endpoints == ("10.1.0.77",)


# --- what is not known -----------------------------------------------------------------------------------


def test_an_unknown_mode_is_undetermined_only_where_modes_disagree() -> None:
    """Policy Cluster: they agree. Local, a host on a bare node: they do not."""
    assert usual(given={"mode": None}).ask("node:n2").verdict == "reachable"
    path = usual(given={"mode": None}, external_policy=LOCAL).ask("node:n2")
    assert (path.verdict, path.missing) == ("undetermined", ("kubeProxy.mode",))


def test_an_unknown_version_ranges_over_every_boundary() -> None:
    """IPVS, policy Local, a Pod on a bare node: refused before v1.24, reachable after."""
    bare = (replace(each, kubelet_version="") for each in (node("n1"), node("n2"), node("n3")))
    situation = usual(given={"mode": "ipvs", "version": None}, external_policy=LOCAL).plus(*bare)
    path = situation.ask("pod:far")
    assert (path.verdict, path.missing) == ("undetermined", ("kubernetesVersion",))
    assert {label for trace in path.traces for label in trace.assuming} == {
        "kubernetesVersion<v1.24",
        "kubernetesVersion>=v1.24",
    }


def test_each_node_s_own_kubelet_version_counts() -> None:
    """KubernetesVersion left out: each node's own."""
    situation = usual(given={"mode": "ipvs", "version": None}, external_policy=LOCAL)
    assert situation.plus(node("n2", kubelet_version="v1.23.1")).ask("pod:far").verdict == "unreachable"
    assert situation.plus(node("n2", kubelet_version="v1.24.1")).ask("pod:far").verdict == "reachable"


def test_an_unknown_version_of_a_cluster_with_nftables_is_one_that_has_it() -> None:
    """KEP-3866: nothing before v1.29 is weighed, so that terminating endpoints serve (since v1.26) is sure."""
    leaving = (endpoint("web-a", "n1", 11, ready=False, serving=True, terminating=True),)
    given = {"mode": "nftables", "version": None}
    told = usual(endpoints=leaving, given=given, external_policy=LOCAL)
    bare = replace(told, values=tuple(each for each in told.values if not hasattr(each, "kubelet_version")))
    assert (bare.ask("pod:near").verdict, bare.ask("pod:near").missing) == ("reachable", ())


def test_an_unknown_detector_decides_for_pods_on_bare_nodes() -> None:
    """iptables, policy Local."""
    path = usual(given={"cidr": None}, external_policy=LOCAL).ask("pod:far")
    assert (path.verdict, path.missing) == ("undetermined", ("kubeProxy.localDetector",))


def test_an_unknown_mode_does_not_range_over_nftables_before_it_existed() -> None:
    """Nftables is off by default before v1.31."""
    path = usual(given={"mode": None, "version": "v1.20.0"}).ask("pod:far")
    assert not any("nftables" in hop.rule for trace in path.traces for hop in trace.hops)


# --- NetworkPolicies -------------------------------------------------------------------------------------


def _policy(*rules: PolicyRule) -> NetworkPolicy:
    return NetworkPolicy(ref=Ref("shop", "np"), pods=Selector(labels={"app": "web"}), ingress=rules)


@pytest.mark.parametrize(
    ("rule", "verdict"),
    [
        (PolicyRule(), "reachable"),
        (PolicyRule(peers=(PolicyPeer(cidr="0.0.0.0/0"),)), "reachable"),
        (PolicyRule(peers=(PolicyPeer(cidr="172.16.0.0/24"),)), "reachable"),
        (PolicyRule(peers=(PolicyPeer(cidr="10.1.0.0/16"),)), "undetermined"),
        (PolicyRule(peers=(PolicyPeer(pods=Selector()),)), "undetermined"),
        (PolicyRule(ports=((Protocol.TCP, "8080", 0),)), "reachable"),
        (PolicyRule(ports=((Protocol.TCP, "9090", 0),)), "undetermined"),
        (PolicyRule(ports=((Protocol.TCP, "8000", 8999),)), "reachable"),
    ],
)
def test_a_network_policy_that_does_not_clearly_allow_the_node_s_address(
    rule: PolicyRule, verdict: str
) -> None:
    """Policy Cluster: backends see a node, which a rule by Pod or Pod address does not clearly allow."""
    path = usual().plus(_policy(rule)).ask("pod:far")
    assert path.verdict == verdict
    assert path.missing == (() if verdict == "reachable" else ("networkPolicy",))


def test_a_network_policy_by_pod_fits_where_the_address_is_preserved() -> None:
    """Policy Local, a Pod's own address is seen."""
    rule = PolicyRule(peers=(PolicyPeer(pods=Selector(labels={"role": "client"})),))
    situation = usual(external_policy=LOCAL).plus(
        _policy(rule), pod("far", "n2", 22, labels={"role": "client"})
    )
    assert situation.ask("pod:far").verdict == "reachable"
    assert situation.ask("pod:near").verdict == "undetermined"


# --- hypothetical mode -----------------------------------------------------------------------------------


def test_manifests_without_cluster_are_explained_for_assumed_endpoints() -> None:
    """A Service and its Deployment, nothing else: on the client's node and elsewhere."""
    values = (
        service(ingress=(), external_policy=LOCAL),
        Workload(kind="Deployment", ref=WEB, replicas=2, labels={"app": "web"}),
    )
    given = usual(given={"mode": "ipvs", "version": "v1.20.0"}).given
    explanation = Situation(given=given, values=values).explain()
    verdicts = {path.client.group: path.verdict for path in explanation.paths}
    assert verdicts["pod-with-backend"] == "reachable"
    assert verdicts["pod-without-backend"] == "unreachable"
    assert explanation.hypothetical
    assert {fact.name for fact in explanation.facts if fact.origin == "assumed"} == {
        "loadBalancer.addresses",
        "endpoints",
    }


def test_a_client_by_name_is_weighed_with_and_without_a_replica_on_its_node() -> None:
    """Nodes and Pods are known, EndpointSlices are not."""
    values = (*nodes(), service(external_policy=LOCAL), pod("far", "n2", 22))
    given = usual(given={"mode": "ipvs", "version": "v1.20.0"}).given
    path = Situation(given=given, values=values).ask("pod:far")
    assert (path.verdict, path.missing) == ("undetermined", ("endpoints",))


def test_running_pods_that_the_service_selects_are_its_assumed_endpoints() -> None:
    """Without EndpointSlices: what will be in them."""
    values = (*nodes(), service(), pod("web-a", "n1", 11, labels={"app": "web"}), pod("far", "n2", 22))
    path = Situation(given=usual().given, values=values).ask("pod:far")
    assert (path.verdict, path.endpoints) == ("reachable", ("shop/web-a",))


def test_no_replicas_means_no_endpoints() -> None:
    """A workload scaled to zero is assumed to stay there."""
    values = (service(ingress=()), Workload(kind="Deployment", ref=WEB, replicas=0, labels={"app": "web"}))
    explanation = Situation(given=usual().given, values=values).explain()
    assert {path.verdict for path in explanation.paths} == {"unreachable"}


# --- questions that cannot be answered -------------------------------------------------------------------


@pytest.mark.parametrize("client", ["pod:nobody", "node:n9"])
def test_an_unknown_client_is_said_to_be_unknown(client: str) -> None:
    """An unknown Pod or node is no answer."""
    with pytest.raises(NotFound, match="There is no"):
        usual().ask(client)


def test_draining_a_node_takes_its_endpoints_away() -> None:
    """--drain asks what would be."""
    both = (endpoint("web-a", "n1", 11), endpoint("web-b", "n3", 13))
    situation = usual(endpoints=both)
    drained = situation.snapshot().with_drained("n1")
    paths = explain(drained, WEB).paths
    assert {path.endpoints for path in paths} == {("shop/web-b",)}
    assert _pods(paths) == _pods(situation.explain().paths) - 3


def _pods(paths: Any) -> int:
    return sum(path.client.stands_for for path in paths if path.client.kind == "pod")


@pytest.mark.parametrize(
    ("mode", "client", "words"),
    [
        ("ipvs", "node:n1", "no replica runs on the client's node"),
        ("ipvs", "pod:near", ""),
        ("iptables", "node:n1", ""),
    ],
)
def test_an_answer_that_holds_by_placement_says_so(mode: str, client: str, words: str) -> None:
    """Works now; fails when the endpoint moves."""
    fragile = usual(given={"mode": mode, "version": "v1.30.0"}, external_policy=LOCAL).ask(client).fragile
    assert bool(words) == bool(fragile)
    assert words in fragile
