"""CCE: pass-through, category, kind of load balancer, same-node lock-out.

Sources: cce_10_0355, cce_10_0249, cce_10_0385, cce_bestpractice_0301, elb_ug_jt_0514, elb_faq_21020218.
"""

from typing import Any

import pytest

from bot.domain.objects import Endpoint, Ingress, IngressPoint, Ref, Service, ServicePort
from tests.domain.situation import (
    ADDRESS,
    CLASS,
    LOCAL,
    PASS,
    Situation,
    cce,
    endpoint,
    node,
    pod,
    service,
    slice_of,
)

BOTH = (endpoint("web-a", "n1", 11), endpoint("web-b", "n3", 13))


@pytest.mark.parametrize("value", ["true", "onlyLocal"])
@pytest.mark.parametrize("client", ["pod:near", "pod:far", "node:n1", "pod:host-far", "pod:web-a"])
def test_pass_through_sends_every_client_to_the_load_balancer(value: str, client: str) -> None:
    """cce_10_0355: client, load balancer, node, Pod; on a shared load balancer nothing is lost."""
    path = cce(through=value).ask(client)
    assert (path.verdict, path.via_load_balancer, path.source_ip) == ("reachable", True, "node")
    assert [hop.kind for hop in path.traces[0].hops] == [
        "client",
        "node",
        "load-balancer",
        "node",
        "pod",
    ]


@pytest.mark.parametrize("value", [None, "false", ""])
def test_without_pass_through_node_rules_answer(value: str | None) -> None:
    """Absent, false and empty are off."""
    explanation = cce(through=value).explain()
    assert explanation.pass_through.state == "off"
    inside = [path for path in explanation.paths if path.client.kind != "external"]
    assert {path.via_load_balancer for path in inside} == {False}


def test_policy_local_alone_does_not_turn_pass_through_on() -> None:
    """Absent stays off even with Local."""
    path = cce(external_policy=LOCAL).ask("pod:far")
    assert path.via_load_balancer is False


@pytest.mark.parametrize(
    ("version", "state"),
    [
        ("v1.15.11", "unsupported"),
        ("v1.17.9", "unknown"),
        ("v1.19.0", "on"),
        ("v1.29.2-r5", "on"),
        (None, "unknown"),
    ],
)
def test_the_version_decides_whether_pass_through_is_supported(version: str | None, state: str) -> None:
    """Not up to v1.15; from v1.19; in between the documents disagree."""
    situation = cce(through="true", given={"version": version})
    values = tuple(each for each in situation.values if not hasattr(each, "kubelet_version"))
    bare = type(situation)(given=situation.given, values=values)
    assert bare.explain().pass_through.state == state


def test_an_unsupported_version_leaves_the_address_in_node_rules() -> None:
    """v1.15: the annotation changes nothing."""
    assert cce(through="true", given={"version": "v1.15.11"}).ask("pod:far").via_load_balancer is False


def test_between_the_documents_both_ways_are_weighed() -> None:
    """v1.17, policy Cluster: both ways deliver, so the verdict stands and only the way is open."""
    path = cce(through="true", given={"version": "v1.17.9"}).ask("pod:far")
    assert (path.verdict, path.via_load_balancer, path.missing) == ("reachable", None, ())


@pytest.mark.parametrize(
    ("client", "endpoints", "verdict"),
    [
        ("pod:near", BOTH[:1], "unreachable"),
        ("node:n1", BOTH[:1], "unreachable"),
        ("pod:web-a", BOTH[:1], "unreachable"),
        ("pod:far", BOTH[:1], "reachable"),
        ("pod:near", BOTH, "ambiguous"),
        ("pod:far", BOTH, "reachable"),
        ("external:203.0.113.4", BOTH, "reachable"),
    ],
)
def test_a_dedicated_load_balancer_locks_out_the_picked_node(
    client: str, endpoints: tuple[Endpoint, ...], verdict: str
) -> None:
    """Layer 4, private address, standard: one backend node is unreachable, several are ambiguous."""
    situation = cce(kind="performance", through="onlyLocal", external_policy=LOCAL, endpoints=endpoints)
    assert situation.ask(client).verdict == verdict


def test_the_lock_out_ends_in_a_lost_reply() -> None:
    """The server cannot be its own client."""
    trace = cce(kind="performance", through="true", external_policy=LOCAL).ask("pod:near").traces[0]
    assert (trace.end, trace.hops[-1].rule) == ("reply-lost", "elb-same-node-reply-lost")


def test_under_policy_cluster_every_client_meets_its_own_node_now_and_then() -> None:
    """Every node is a member, the client's own too."""
    path = cce(kind="performance", through="true").ask("pod:far")
    assert path.verdict == "ambiguous"
    assert sum(trace.stands_for for trace in path.traces if trace.end == "deliver") == 2


def test_an_excluded_node_does_not_lock_itself_out() -> None:
    """A node that is kept out of load balancers is never picked."""
    situation = cce(kind="performance", through="true").plus(node("n2", excluded=True))
    assert situation.ask("pod:far").verdict == "reachable"


def test_layer_seven_is_not_affected_by_the_lock_out() -> None:
    """The load balancer itself is the endpoint's client."""
    annotations = {"kubernetes.io/elb.protocol-port": "https:443,http:80"}
    situation = cce(kind="performance", through="true", external_policy=LOCAL, annotations=annotations)
    path = situation.ask("pod:near")
    assert (path.verdict, path.source_ip) == ("reachable", "lb")


def test_the_public_address_is_not_affected_by_the_lock_out() -> None:
    """elb_faq_21020218; publicIPs wins over the address' own look."""
    situation = cce(kind="performance", through="true", external_policy=LOCAL, given={"public": (ADDRESS,)})
    path = situation.ask("pod:near")
    assert (path.verdict, path.destination.scope) == ("reachable", "public")
    assert any(hop.rule == "public-address-egress" for hop in path.traces[0].hops)


def test_a_stated_fact_about_the_client_address_lifts_the_lock_out() -> None:
    """IP-as-backend makes the load balancer speak for itself (elb_faq_21020218)."""
    situation = cce(kind="performance", through="true", external_policy=LOCAL, given={"preserves": False})
    assert situation.ask("pod:near").verdict == "reachable"


def test_a_shared_load_balancer_that_keeps_addresses_locks_out_too() -> None:
    """elb_ug_jt_0515 and cce_10_0916: transparent-client-ip with policy Local."""
    annotations = {"kubernetes.io/elb.transparent-client-ip": "true"}
    situation = cce(through="true", external_policy=LOCAL, annotations=annotations)
    assert situation.ask("pod:near").verdict == "unreachable"
    assert cce(through="true", annotations=annotations).ask("pod:near").verdict == "reachable"


@pytest.mark.parametrize(("kind", "source"), [("performance", "preserved"), ("union", "lb")])
def test_what_a_backend_sees_of_an_outside_client(kind: str, source: str) -> None:
    """Policy Local: a dedicated load balancer keeps the address, a shared one puts in its own."""
    assert cce(kind=kind, external_policy=LOCAL).ask("external:203.0.113.4").source_ip == source


def test_turbo_pods_go_to_the_load_balancer_without_annotation() -> None:
    """cce_bestpractice_0301: the load balancer hands straight to Pods."""
    path = cce(kind="performance", given={"category": "turbo"}).ask("pod:near")
    assert (path.verdict, path.via_load_balancer, path.source_ip) == ("reachable", True, "preserved")
    assert "lb-to-pod" in [hop.rule for hop in path.traces[0].hops]


def test_turbo_nodes_are_weighed_both_ways_without_annotation() -> None:
    """The documents disagree; both ways deliver."""
    path = cce(kind="performance", given={"category": "turbo"}).ask("node:n1")
    assert (path.verdict, path.via_load_balancer) == ("reachable", None)


def test_turbo_nodes_cross_with_the_annotation() -> None:
    """It is on for every client."""
    assert (
        cce(kind="performance", through="true", given={"category": "turbo"}).ask("node:n1").via_load_balancer
        is True
    )


def test_an_unknown_category_is_weighed() -> None:
    """A Pod crosses in Turbo and does not in standard; it gets there either way."""
    path = cce(given={"category": None}).ask("pod:far")
    assert (path.verdict, path.via_load_balancer) == ("reachable", None)


def test_a_platform_without_the_annotation_s_reader_ignores_it() -> None:
    """Platform generic: the annotation means nothing."""
    situation = cce(through="true", given={"platform": "generic", "delivery": "nodeport"})
    assert situation.ask("pod:far").via_load_balancer is False
    assert situation.explain().pass_through.state == "unsupported"


def test_cce_is_recognised_by_its_annotations_versions_and_labels() -> None:
    """Platform left out: elb.class, elb.id, or a CCE version or label."""
    plain = cce(given={"platform": None}).plus(service(annotations={}))
    assert _platform(plain) is None
    assert _platform(cce(given={"platform": None})) == "cce"
    assert _platform(plain.plus(node("n1", cce=True))) == "cce"
    assert _platform(plain.plus(node("n1", kubelet_version="v1.29.2-r5"))) == "cce"


def _platform(situation: Situation) -> object:
    facts = {each.name: each for each in situation.explain().facts}
    return facts["platform"].value


def test_an_ipvs_sibling_without_pass_through_traps_this_one() -> None:
    """cce_10_0355: the address is bound on every node, and there is no rule for the port."""
    sibling = service(
        ref=Ref("shop", "other"),
        ports=(ServicePort(port=443, node_port=30443),),
        annotations={"kubernetes.io/elb.class": "union"},
    )
    situation = cce(through="true", given={"mode": "ipvs"}).plus(sibling)
    path = situation.ask("pod:far")
    assert (path.verdict, path.traces[0].end, path.via_load_balancer) == ("unreachable", "reject", False)
    assert (
        situation.knowing(platform="cce", category="standard", delivery=None, mode="iptables")
        .ask("pod:far")
        .verdict
        == "reachable"
    )
    codes = [each.code for each in situation.explain().findings]
    assert "ipvs-sibling-mismatch" in codes


def test_a_port_that_nobody_has_is_refused_under_ipvs_and_goes_to_the_balancer_otherwise() -> None:
    """IPVS binds the address; iptables has rules per port only."""
    assert cce(given={"mode": "ipvs"}).ask("pod:far", to=f"{ADDRESS}:9999").traces[0].end == "reject"
    path = cce(given={"mode": "iptables"}).ask("pod:far", to=f"{ADDRESS}:9999")
    assert (path.traces[0].end, path.via_load_balancer) == ("no-backend", True)


def test_host_network_backends_of_turbo_get_there_directly() -> None:
    """kubernetes.io/hws-hostNetwork: the load balancer hands to the host-network Pods."""
    annotations = {"kubernetes.io/hws-hostNetwork": "true"}
    situation = cce(given={"category": "turbo"}, annotations=annotations).plus(
        slice_of(endpoint("web-a", "n1", 11)), pod("web-a", "n1", 11, host_network=True)
    )
    assert "lb-to-pod" in [hop.rule for hop in situation.ask("external").traces[0].hops]


TURBO_DEDICATED: dict[str, Any] = {"kind": "performance", "given": {"category": "turbo"}}


@pytest.mark.parametrize("client", ["pod:web-a", "pod:near", "pod:far"])
def test_a_turbo_backend_is_taken_to_be_answered_by_itself_and_the_doubt_is_said(client: str) -> None:
    """cce_10_0355 restricts standard clusters only; elb_ug_jt_0514 says that a server cannot be its own client."""
    situation = cce(**TURBO_DEDICATED)
    path = situation.ask(client)
    assert (path.verdict, path.via_load_balancer) == ("reachable", True)
    doubted = any("hands to itself" in each for trace in path.traces for each in trace.assuming)
    assert doubted == (client == "pod:web-a")


def test_another_proxier_is_undetermined_and_says_so() -> None:
    """DataPlane V2 and its like: nothing is claimed."""
    path = cce(given={"mode": "other"}).ask("pod:far")
    assert (path.verdict, path.missing, path.traces[0].end) == ("undetermined", ("kubeProxy.mode",), "abort")


def test_the_assumptions_about_cce_are_printed() -> None:
    """CCE's kube-proxy as upstream's, and pass-through for every client."""
    assert "CCE's kube-proxy behaves as upstream's" in cce().ask("pod:far").traces[0].assuming
    assert "pass-through holds for every client" in cce(through="onlyLocal").ask("pod:far").traces[0].assuming


# --- an Ingress on the same load balancer ----------------------------------------------------------------


def front(class_name: str = "", **annotations: str) -> Ingress:
    """An Ingress with the Service's address."""
    return Ingress(
        ref=Ref("shop", "front"),
        class_name=class_name,
        addresses=(ADDRESS,),
        annotations={
            f"kubernetes.io/elb.{key.replace('_', '-')}": value for key, value in annotations.items()
        },
    )


@pytest.mark.parametrize("client", ["external", "pod:far", "node:n2"])
@pytest.mark.parametrize(
    ("ingress", "verdict"),
    [
        (front("cce", port="443"), "undetermined"),
        (front("cce"), "undetermined"),
        (front(listen_ports='[{"HTTP": 80}, {"HTTPS": 443}]'), "undetermined"),
        (front("cce", port="8443"), "unreachable"),
        (front("nginx"), "unreachable"),
    ],
)
def test_a_port_that_an_ingress_may_listen_on_is_not_called_unreachable(
    ingress: Ingress, verdict: str, client: str
) -> None:
    """cce_10_0251: an Ingress of CCE's makes a listener on elb.port; another controller's makes none."""
    path = cce().plus(ingress).ask(client, to=f"{ADDRESS}:443")
    assert (path.verdict, path.via_load_balancer) == (verdict, True)
    assert path.missing == (("loadBalancer.listener",) if verdict == "undetermined" else ())
    assert ("lb-no-listener" in {reason.code for reason in path.reasons}) == (verdict == "unreachable")


def test_an_ingress_behind_a_bound_address_is_refused_from_inside() -> None:
    """cce_10_0252: under IPVS the Service's address is bound on every node, whatever the Ingress' rules say."""
    situation = cce(given={"mode": "ipvs"}).plus(front("cce", port="443"))
    path = situation.ask("pod:far", to=f"{ADDRESS}:443")
    assert (path.verdict, path.traces[0].end, path.via_load_balancer) == ("unreachable", "reject", False)
    open_mode = cce(given={"mode": None}).plus(front("cce", port="443"))
    assert open_mode.ask("pod:far", to=f"{ADDRESS}:443").missing == (
        "kubeProxy.mode",
        "loadBalancer.listener",
    )


def test_an_ingress_of_another_controller_shares_no_listener() -> None:
    """Its controller's Service has the listeners, so there is nothing to warn of."""
    shares = "ingress-shares-load-balancer"
    situation = cce(given={"mode": "ipvs"})
    assert shares in {each.code for each in situation.plus(front("cce")).explain().findings}
    assert shares not in {each.code for each in situation.plus(front("nginx")).explain().findings}


# --- one elb.id without an address yet -------------------------------------------------------------------

ELB = {"kubernetes.io/elb.id": "5f0e", CLASS: "union"}


def planned(*, status: tuple[IngressPoint, ...] = (), **annotations: str) -> Service:
    """Another Service on the load balancer 5f0e, with the port 443."""
    return service(
        ref=Ref("bank", "other"),
        ports=(ServicePort(port=443, node_port=30443),),
        annotations=ELB | annotations,
        ingress=status,
    )


@pytest.mark.parametrize("client", ["pod:near", "pod:far", "node:n2"])
@pytest.mark.parametrize("status", [(), (IngressPoint(ip=ADDRESS),)])
def test_a_planned_sibling_springs_the_trap_as_one_with_an_address_does(
    status: tuple[IngressPoint, ...], client: str
) -> None:
    """cce_10_0355: one elb.id is one load balancer, so its Services have one address, also before they have it."""
    web = cce(through="true", given={"mode": "ipvs"}, annotations=ELB, ingress=())
    path = web.plus(planned(status=status)).ask(client)
    assert (path.verdict, path.via_load_balancer) == ("unreachable", False)
    assert {trace.end for trace in path.traces} == {"reject"}
    if status:
        assert path.destination.ip == ADDRESS
    agreeing = web.plus(planned(status=status, **{PASS: "true"})).ask(client)
    assert (agreeing.verdict, agreeing.via_load_balancer) == ("reachable", True)


def test_an_address_that_is_there_is_not_bound_by_a_sibling_that_has_none() -> None:
    """kube-proxy binds what the status of a Service says, and this one's says nothing."""
    web = cce(through="true", given={"mode": "ipvs"}, annotations=ELB)
    assert web.plus(planned()).ask("pod:far").via_load_balancer is True
