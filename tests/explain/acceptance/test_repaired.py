"""Answers that were wrong once: each is kept, so that it stays right."""

import json
from typing import Any

import pytest

from tests.explain.acceptance.asking import Answer, explain, explain_text
from tests.explain.acceptance.situation import Situation, usual
from tests.explain.acceptance.test_bad_input import BASE, refused, spoilt
from tests.explain.acceptance.test_sharing import ingress
from tests.explain.acceptance.test_slices import ZONED, zones
from tests.explain.acceptance.world import (
    CLASS,
    CLIENTS,
    ELB,
    ELB_ID,
    LEAVING,
    PASS,
    VIP,
    WEB_A,
    WEB_B,
    Document,
    cce,
    cluster,
    endpoint,
    facts,
    plain,
    service,
    slice_of,
)

SHARED: dict[str, str] = {CLASS: "union", ELB: ELB_ID}
IPT, IPVS = cce("iptables", "1.29.2-r5"), cce("ipvs", "1.29.2-r5")


def test_a_stream_of_documents_may_begin_with_one_in_flow_style() -> None:
    """JSON is YAML: facts as JSON, `---`, then what kubectl printed."""
    text = (
        json.dumps(BASE[0])
        + "\n---\n"
        + json.dumps({"apiVersion": "v1", "kind": "List", "items": list(BASE[1:])})
    )
    answer = explain_text(text, "--from", "external")
    assert answer.status == 0, answer.err
    assert answer.path["verdict"] == "reachable"


@pytest.mark.parametrize("value", [[], {}, 0, False])
@pytest.mark.parametrize(
    ("index", "path"),
    [
        (1, ("spec", "externalTrafficPolicy")),
        (1, ("spec", "ports", 0, "protocol")),
        (2, ("ports", 0, "protocol")),
    ],
)
def test_an_empty_value_of_a_wrong_type_is_refused(index: int, path: tuple[Any, ...], value: Any) -> None:
    """Falsy is not the same as left out."""
    documents = list(BASE)
    documents[index] = spoilt(BASE[index], path, value)
    answer = explain(documents)
    assert refused(answer), (answer.status, answer.err)


@pytest.mark.parametrize(
    "given",
    [
        {"kubeProxy": "unknown"},
        {"loadBalancer": "unknown"},
        {"kubeProxy": {"featureGates": "unknown"}},
        {"kubeProxy": {"featureGates": {"LoadBalancerIPMode": "unknown"}}},
    ],
)
def test_a_section_or_a_gate_may_be_unknown(given: dict[str, Any]) -> None:
    """Contract: “what is left out, or given as `unknown`, is unknown”."""
    answer = explain([facts(**given), *BASE[1:]])
    assert answer.status == 0, answer.err


def test_a_gate_that_is_unknown_is_weighed() -> None:
    """An ipMode of Proxy at v1.30 with an unknown gate: through the load balancer or not, and reachable both ways."""
    told = plain("iptables", "1.30.3", kubeProxy={"featureGates": {"LoadBalancerIPMode": "unknown"}})
    path = explain(usual(told, ingress=[{"ip": VIP, "ipMode": "Proxy"}]), "--from", CLIENTS["client-c"]).path
    assert (path["verdict"], path["viaLoadBalancer"]) == ("reachable", None)


@pytest.mark.parametrize(
    "given", [{"loadBalancer": {"publicIPs": "80.158.1.2"}}, {"kubeProxy": {"clusterCIDR": "10.0.0.0"}}]
)
def test_a_value_of_nearly_the_right_form_is_refused(given: dict[str, Any]) -> None:
    """A text is no list; kube-proxy refuses a block without its length."""
    answer = explain([facts(**given), *BASE[1:]])
    assert refused(answer), (answer.status, answer.err)


@pytest.mark.parametrize("name", ["WEB.example.COM", "web.example.com."])
def test_a_host_name_is_matched_as_dns_does(name: str) -> None:
    """RFC 1035, 2.3.3: upper and lower case are the same; a final dot says that the name is whole."""
    documents = usual(plain("iptables", "1.31.0"), ingress=[{"hostname": "web.example.com"}])
    answer = explain(documents, "--to", f"{name}:80", "--from", "external")
    assert answer.status == 0, answer.err
    assert answer.path["verdict"] == "reachable"


@pytest.mark.parametrize(
    "options", [("--from", ""), ("--to", ""), ("--from", "external:"), ("--service", "/web")]
)
def test_an_option_that_came_out_empty_is_refused(options: tuple[str, str]) -> None:
    """A shell variable that is not set must not widen the question."""
    answer = explain(BASE, *options)
    assert (answer.status, answer.out) == (2, "")


def test_facts_that_contradict_each_other_are_refused() -> None:
    """Contract: one document of facts; two that differ leave nobody to believe."""
    answer = explain([*BASE, plain("ipvs", "1.31.0")])
    assert refused(answer), (answer.status, answer.err)


@pytest.mark.parametrize("ports", [[{}], [{"port": None, "nodePort": 31080}]])
def test_a_port_without_a_number_is_refused(ports: list[Document]) -> None:
    """There is no port 0 to explain."""
    answer = explain([BASE[0], service(ports=ports), *BASE[2:]])
    assert refused(answer), (answer.status, answer.err)


@pytest.mark.parametrize("family", ["x", "ipv4"])
def test_a_slice_of_no_known_family_is_refused(family: str) -> None:
    """IPv4, IPv6 and FQDN are all there are."""
    answer = explain([*BASE[:2], slice_of("web", [WEB_A], family=family), *BASE[3:]])
    assert refused(answer), (answer.status, answer.err)


def classes(answer: Answer) -> list[tuple[Any, ...]]:
    """Who represents whom, in their order."""
    return [tuple(path["client"].values()) for path in answer.paths]


def test_the_order_of_the_input_is_not_the_order_of_the_answer() -> None:
    """The same cluster gives the same classes, represented by the same clients, in the same order."""
    assert classes(explain(BASE)) == classes(explain(tuple(reversed(BASE))))


@pytest.mark.parametrize("client", ["outside", "client-c"])
def test_a_port_that_an_ingress_listens_on_is_not_called_dead(client: str) -> None:
    """cce_10_0251: an ELB Ingress makes a listener on elb.port; its rules are not read."""
    documents = (IPT, service(annotations=SHARED), ingress(), slice_of("web", [WEB_A]), *cluster())
    answer = explain(documents, "--to", f"{VIP}:443", "--from", CLIENTS[client])
    assert {path["verdict"] for path in answer.paths} == {"undetermined"}


def test_siblings_of_one_load_balancer_without_an_address_trap_each_other_too() -> None:
    """One elb.id is one load balancer with one address, also while it is assumed."""
    ports = [{"port": 443, "targetPort": 8443, "protocol": "TCP"}]
    web = service(ingress=None, annotations=SHARED | {PASS: "true"})
    shop = service("shop", ingress=None, annotations=SHARED, ports=ports)
    answer = explain([IPVS, web, shop], "--service", "default/web")
    assert "ipvs-sibling-mismatch" in answer.codes
    inside = {(p["verdict"], p["viaLoadBalancer"]) for p in answer.paths if p["client"]["kind"] != "external"}
    assert inside == {("unreachable", False)}


ALL_LEAVE = [endpoint("10.0.1.10", "node-a", "web-a", conditions=LEAVING)]
OLD, NEW = "service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode"


@pytest.mark.parametrize("mode", ["iptables", "ipvs"])
@pytest.mark.parametrize("version", ["1.22.0", "1.23.4"])
def test_the_fallback_to_leaving_endpoints_was_for_policy_local_first(mode: str, version: str) -> None:
    """S@1.23 iptables/proxier.go:1047: NodeLocalExternal only; for Cluster since S@1.24 topology.go:58."""
    told = plain(mode, version, kubeProxy={"featureGates": {"ProxyTerminatingEndpoints": True}})
    case = Situation(
        name="leaving",
        documents=usual(told, endpoints=ALL_LEAVE),
        options=("--from", CLIENTS["client-c"]),
        cells="no direct - - reject",
        source="S@1.22, S@1.23",
    )
    assert case.differences() == {}


@pytest.mark.parametrize(
    ("version", "annotations", "fit"),
    [
        ("1.26.4", {NEW: "Auto"}, False),
        ("1.24.0", {NEW: "auto"}, False),
        ("1.26.4", {OLD: "Auto"}, True),
        ("1.26.4", {OLD: "PreferZone"}, False),
        ("1.27.4", {NEW: "Auto"}, True),
        ("1.28.4", {OLD: "PreferZone"}, True),
        ("1.28.4", {OLD: "Disabled", NEW: "Auto"}, False),
        ("1.30.4", {OLD: "Auto", NEW: "Disabled"}, True),
        ("1.31.4", {OLD: "Disabled"}, True),
    ],
)
def test_hints_are_turned_on_by_the_annotation_that_the_version_reads(
    version: str, annotations: dict[str, str], *, fit: bool
) -> None:
    """S@1.26 service.go:179, topology.go:152; S@1.27 service.go:181, topology.go:153; S@1.30 serviceport.go:203."""
    hinted = [
        WEB_A | {"hints": {"forZones": [{"name": "z1"}]}},
        WEB_B | {"hints": {"forZones": [{"name": "z2"}]}},
    ]
    documents = (
        plain("iptables", version),
        service(annotations=annotations),
        slice_of("web", hinted),
        *zones(*ZONED),
    )
    path = explain(documents, "--from", CLIENTS["client-c"]).path
    assert path["endpoints"] == (["default/web-b"] if fit else ["default/web-a", "default/web-b"])
