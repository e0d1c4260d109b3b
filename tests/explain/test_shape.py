"""Whatever the cluster looks like, the JSON is the contract's."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.explain.command import Explain
from tests.explain.manifests import Json, endpoint_slice, facts, listed, node, obj, pod, service
from tests.explain.shape import check, check_counts

ELB = "kubernetes.io/elb."
NODES = 4
VERSIONS = ("v1.15.11", "v1.17.3-r2", "v1.23.1", "v1.24.0", "v1.29.2-r5", "v1.34.1", "", "v1.banana")


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """That, or left out."""
    return st.none() | values


@st.composite
def annotations(draw: st.DrawFn) -> dict[str, str]:
    """What CCE reads, its values and others."""
    found = {
        "pass-through": draw(maybe(st.sampled_from(["true", "onlyLocal", "false", "", "yes"]))),
        "class": draw(maybe(st.sampled_from(["union", "performance", "", "gold"]))),
        "id": draw(maybe(st.sampled_from(["e-1", "e-2"]))),
        "protocol-port": draw(maybe(st.sampled_from(["https:80", "http:443", "tcp:80,https:443"]))),
        "transparent-client-ip": draw(maybe(st.sampled_from(["true", "x"]))),
    }
    return {f"{ELB}{key}": value for key, value in found.items() if value is not None}


@st.composite
def services(draw: st.DrawFn, name: str) -> Json:
    """A LoadBalancer Service."""
    numbers = draw(st.lists(st.sampled_from([53, 80, 443]), min_size=1, max_size=2, unique=True))
    ports = [
        {
            "name": f"p{number}",
            "port": number,
            "protocol": draw(st.sampled_from(["TCP", "UDP"])),
            "targetPort": draw(st.sampled_from([8080, "http"])),
            **({"nodePort": 30000 + number} if draw(st.booleans()) else {}),
        }
        for number in numbers
    ]
    ranges: dict[str, Any] = {"loadBalancerSourceRanges": ["10.0.0.0/16"]} if draw(st.booleans()) else {}
    whole = service(
        name,
        annotations=draw(annotations()),
        ports=ports,
        externalTrafficPolicy=draw(st.sampled_from(["Cluster", "Local"])),
        internalTrafficPolicy=draw(st.sampled_from(["Cluster", "Local"])),
        sessionAffinity=draw(st.sampled_from(["None", "ClientIP"])),
        **ranges,
    )
    points = [
        {"ip": "192.168.0.133"},
        {"ip": "192.168.0.134", "ipMode": "Proxy"},
        {"ip": "80.158.1.9"},
        {"hostname": "lb.example.com"},
        {"ip": "fd00::9"},
    ]
    whole["status"]["loadBalancer"]["ingress"] = draw(st.lists(st.sampled_from(points), max_size=2))
    return whole


@st.composite
def slices(draw: st.DrawFn, name: str, pods: list[Json]) -> Json:
    """An EndpointSlice of some of the Pods, and maybe of somebody unknown."""
    behind = draw(
        st.lists(st.sampled_from(pods), max_size=3, unique_by=lambda each: each["metadata"]["name"])
    )
    where = {
        each["metadata"]["name"]: (int(each["spec"]["nodeName"][-1]), each["status"]["podIP"])
        for each in behind
    }
    piece = endpoint_slice(name, where)
    piece["ports"] = [{"name": f"p{number}", "port": 8080, "protocol": "TCP"} for number in (53, 80, 443)]
    for endpoint in piece["endpoints"]:
        ready = draw(st.booleans())
        endpoint["conditions"] = {"ready": ready, "serving": draw(st.booleans()), "terminating": not ready}
        match draw(st.integers(0, 7)):
            case 0:
                del endpoint["nodeName"]
            case 1:
                endpoint["nodeName"] = "node-gone"
        if draw(st.integers(0, 5)) == 0:
            del endpoint["targetRef"]
    return piece


@st.composite
def given_facts(draw: st.DrawFn) -> Json:
    """Some facts, and some that are not known."""
    proxy = {
        "mode": draw(maybe(st.sampled_from(["iptables", "ipvs", "nftables", "other", "unknown"]))),
        "localDetector": draw(maybe(st.booleans())),
        "clusterCIDR": draw(maybe(st.just("10.0.0.0/24"))),
    }
    balancer = {
        "delivery": draw(maybe(st.sampled_from(["nodeport", "pod", "vip", "unknown"]))),
        "preservesClientIP": draw(maybe(st.booleans())),
        "publicIPs": draw(maybe(st.just(["192.168.0.133"]))),
    }
    return facts(
        platform=draw(maybe(st.sampled_from(["cce", "generic", "unknown"]))),
        category=draw(maybe(st.sampled_from(["standard", "turbo", "unknown"]))),
        kubernetesVersion=draw(maybe(st.sampled_from([*VERSIONS[:6], "unknown"]))),
        kubeProxy=proxy,
        loadBalancer=balancer,
    )


@st.composite
def clusters(draw: st.DrawFn) -> list[Json]:
    """A cluster of four nodes and a few Pods, with two Services that may share a load balancer."""
    nodes = [node(number) for number in range(1, NODES + 1)]
    for each in nodes:
        each["status"]["nodeInfo"]["kubeletVersion"] = draw(st.sampled_from(VERSIONS))
        if draw(st.integers(0, 4)) == 0:
            each["metadata"]["labels"] = {"node.kubernetes.io/exclude-from-external-load-balancers": ""}
    pods = []
    for number in range(draw(st.integers(1, 6))):
        each = pod(
            f"pod-{number}", draw(st.integers(1, NODES)), f"10.0.{number % 2}.{number + 10}", app="nginx"
        )
        each["spec"]["hostNetwork"] = draw(st.integers(0, 4)) == 0
        pods.append(each)
    policy = obj(
        "NetworkPolicy",
        "np",
        "networking.k8s.io/v1",
        spec={"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "10.0.0.0/24"}}]}]},
    )
    found = [*nodes, *pods, draw(given_facts())]
    for name in ("nginx", "other")[: draw(st.integers(1, 2))]:
        found += [draw(services(name)), draw(slices(name, pods))]
    return [*found, *([policy] if draw(st.booleans()) else [])]


@settings(
    max_examples=60,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(objects=clusters())
def test_any_cluster_s_answer_has_the_contract_s_shape(explain: Explain, objects: list[Json]) -> None:
    """Every field, its type and its words, what the fields say about each other, and every count."""
    result = explain.json(*objects)
    assert result.status == 0, result.err
    check(result.document)
    pods = sum(each["kind"] == "Pod" for each in objects)
    for explanation in result.explanations:
        check_counts(explanation, pods, NODES)


@settings(
    max_examples=25,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(
    objects=clusters(), left_out=st.sets(st.sampled_from(["EndpointSlice", "Node", "Pod", "ClusterFacts"]))
)
def test_so_has_the_answer_about_part_of_a_cluster(
    explain: Explain, objects: list[Json], left_out: set[str]
) -> None:
    """Kinds that are not there are unknown; in every form there is an answer."""
    path = explain.file(listed(*(each for each in objects if each["kind"] not in left_out)))
    check(explain.run(path, "-o", "json").document)
    for form in ("text", "mermaid", "svg"):
        result = explain.run(path, "-o", form)
        assert (result.status, result.err) == (0, "")


def test_an_endpoint_that_names_no_node_is_still_a_backend_and_counted_once(explain: Explain) -> None:
    """Its Pod runs somewhere, and is a ready backend there."""
    piece = endpoint_slice("nginx", {"a": (1, "10.0.0.1")})
    del piece["endpoints"][0]["nodeName"]
    objects = [service(), piece, node(1), node(2), pod("a", 1, "10.0.0.1"), pod("b", 1, "10.0.0.2")]
    (explanation,) = explain.json(*objects).explanations
    check_counts(explanation, 2, 2)
    classes = {path["client"]["name"]: path["client"]["class"] for path in explanation["paths"]}
    assert (classes["a"], classes["b"]) == ("backend", "pod-without-backend")


OPTIONS = [
    ("--from", "pod:default/pod-0"),
    ("--from", "node:node-1"),
    ("--from", "external"),
    ("--from", "external:203.0.113.9"),
    ("--arrives-at", "node-2"),
    ("--drain", "node-1"),
    ("--set", f"{ELB}pass-through=true"),
    ("--set", f"{ELB}pass-through-"),
    ("--set", "externalTrafficPolicy=Local"),
    ("--set", "kubeProxy.mode=nftables"),
    ("--service", "default/nginx"),
]


@settings(
    max_examples=60,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(
    objects=clusters(), options=st.lists(st.sampled_from(OPTIONS), max_size=3, unique_by=lambda each: each[0])
)
def test_so_has_the_answer_to_any_question(
    explain: Explain, objects: list[Json], options: list[tuple[str, str]]
) -> None:
    """One client, one Service, what would be."""
    result = explain.json(*objects, options=tuple(word for each in options for word in each))
    assert result.status == 0, result.err
    check(result.document)
    for explanation in result.explanations:
        for shift in explanation.get("changes", []):
            assert shift["effect"] in ("gains", "loses", "changes", "unchanged")
            assert shift["before"] or shift["after"]


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("verdict",), "fine"),
        (("verdict",), "unreachable"),
        (("viaLoadBalancer",), "yes"),
        (("endpoints",), ["nobody"]),
        (("missing",), ["kubeProxy.mode"]),
        (("sourceIP",), "lb"),
        (("client", "standsFor"), 0),
        (("destination", "port"), "80"),
        (("traces",), []),
    ],
)
def test_the_check_finds_what_is_wrong(explain: Explain, place: tuple[str, ...], value: Any) -> None:
    """One field at a time: a check that lets it pass would hold nothing."""
    objects = [service(), endpoint_slice("nginx", {"a": (1, "10.0.0.1")}), node(1), pod("a", 1, "10.0.0.1")]
    document = explain.json(*objects, facts(platform="generic", kubeProxy={"mode": "iptables"})).document
    check(document)
    target = document["explanations"][0]["paths"][1]
    for step in place[:-1]:
        target = target[step]
    target[place[-1]] = value
    with pytest.raises(AssertionError):
        check(document)
