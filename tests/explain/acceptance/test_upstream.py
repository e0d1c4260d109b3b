"""Situations that kube-proxy's own tests set up, asked of the command line.

Sources: proxier_test.go of iptables, ipvs and nftables, topology_test.go and endpointslicecache_test.go of Kubernetes
1.36; each situation names its test. What such a test expects of a ClusterIP is left out.
"""

from typing import Any

import pytest

from .situation import Situation, usual
from .world import (
    CLIENTS,
    LEAVING,
    NODES,
    NOT_READY,
    READY,
    SIX_VIP,
    WEB_A,
    WEB_B,
    Document,
    cluster,
    endpoint,
    plain,
    service,
    slice_of,
)

LOCAL: dict[str, Any] = {"policy": "Local"}
MODES = (("iptables", "1.36.0"), ("ipvs", "1.36.0"), ("nftables", "1.36.0"))
TABLES = (("iptables", "1.36.0"), ("nftables", "1.36.0"))
VIP_LIKE: dict[str, Any] = {"loadBalancer": {"delivery": "vip"}}


def upstream(
    test: str,
    told: Document,
    client: str,
    cells: str,
    *options: str,
    endpoints: list[Document] | None = None,
    codes: str = "",
    **spec: Any,
) -> Situation:
    """One flow of that test."""
    proxy = told["kubeProxy"]["mode"]
    return Situation(
        name=f"{test} {proxy} {client} {' '.join(options)} {cells}",
        documents=usual(told, endpoints=[WEB_A, WEB_B] if endpoints is None else endpoints, **spec),
        options=("--from", CLIENTS.get(client, client), *options),
        cells=cells,
        codes=codes,
        source=test,
    )


RANGES = ["192.168.1.0/24", " 203.0.113.0/25"]
LOAD_BALANCER = [
    # An accepted and a blocked client outside, before a load balancer that leaves the destination as it is.
    *(
        upstream(
            "TestLoadBalancer",
            plain(*mode, **VIP_LIKE),
            client,
            cells,
            loadBalancerSourceRanges=RANGES,
        )
        for mode in MODES
        for client, cells in (
            ("external:203.0.113.2", "yes lb both node deliver"),
            ("external:203.0.113.130", "no lb - - drop"),
            ("client-a", "no direct - - drop"),
            ("client-c", "no direct - - drop"),
            ("node-a", "yes direct both node deliver"),
            ("node-c", "yes direct both node deliver"),
        )
    ),
    # A node port is never filtered.
    *(
        upstream(
            "TestLoadBalancer: nodePort bypasses LoadBalancerSourceRanges",
            plain(*mode),
            "external:203.0.113.130",
            "yes lb both node deliver",
            loadBalancerSourceRanges=RANGES,
        )
        for mode in MODES
    ),
    # A range of /0 beside others is no filter: not even for a client whose address nobody knows.
    *(
        upstream(
            "newBaseServiceInfo: a zero-masked CIDR means any",
            plain(*mode, **VIP_LIKE),
            "outside",
            "yes lb both node deliver",
            loadBalancerSourceRanges=["10.0.0.0/8", "0.0.0.0/0"],
        )
        for mode in MODES
    ),
    # nftables of 1.29 looked after DNAT, so only a host's own packets were stopped.
    *(
        upstream(
            "#122614",
            plain("nftables", version),
            client,
            cells,
            codes=codes,
            loadBalancerSourceRanges=["203.0.113.0/25"],
        )
        for version, codes, clients in (
            (
                "1.29.3",
                "nftables-source-ranges-broken",
                {"client-a": "yes", "stray-c": "yes", "node-c": "no"},
            ),
            ("1.30.0", "!nftables-source-ranges-broken", {"client-a": "no", "stray-c": "no", "node-c": "no"}),
        )
        for client, verdict in clients.items()
        for cells in ["yes direct both node deliver" if verdict == "yes" else "no direct - - drop"]
    ),
]

EXTERNAL_LOCAL = [
    # TestExternalTrafficPolicyLocal: Pods reach all endpoints, clients outside those of the node they come to.
    *(
        upstream(
            "TestExternalTrafficPolicyLocal",
            plain(*mode),
            client,
            "yes direct both preserved deliver",
            **LOCAL,
        )
        for mode in TABLES
        for client in ("client-a", "client-c")
    ),
    *(
        upstream(
            "TestExternalTrafficPolicyLocal",
            plain(*mode, **VIP_LIKE),
            "outside",
            "yes lb a preserved deliver",
            "--arrives-at",
            "node-a",
            **LOCAL,
        )
        for mode in MODES
    ),
    # TestOnlyLocalLoadBalancing: the virtual server has this node's endpoint only.
    upstream(
        "TestOnlyLocalLoadBalancing",
        plain("ipvs", "1.36.0"),
        "client-a",
        "yes direct a preserved deliver",
        **LOCAL,
    ),
    upstream(
        "TestOnlyLocalLoadBalancing", plain("ipvs", "1.36.0"), "node-a", "yes direct a lb deliver", **LOCAL
    ),
    # TestExternalTrafficPolicyCluster: everybody is masqueraded to any endpoint.
    *(
        upstream(
            "TestExternalTrafficPolicyCluster",
            plain(*mode, **VIP_LIKE),
            "outside",
            "yes lb both node deliver",
        )
        for mode in MODES
    ),
    # TestInternalExternalMasquerade, with --masquerade-all or without: it concerns ClusterIPs only.
    *(
        upstream(
            "TestInternalExternalMasquerade: iTP Local",
            plain(*mode),
            client,
            "yes direct both node deliver",
            internalTrafficPolicy="Local",
        )
        for mode in MODES
        for client in ("client-a", "client-c", "node-a", "node-c")
    ),
]

LEAVING_A = endpoint("10.0.1.10", "node-a", "web-a", conditions=LEAVING)
LEAVING_B = endpoint("10.0.2.10", "node-b", "web-b", conditions=LEAVING)
TERMINATING = [
    # “only terminating endpoints exist” on the node, a ready one elsewhere: the local ones, for who comes from outside.
    *(
        upstream(
            "TestTerminatingEndpointsTrafficPolicyLocal",
            plain(*mode, **VIP_LIKE),
            "outside",
            "yes lb a preserved deliver",
            "--arrives-at",
            "node-a",
            endpoints=[LEAVING_A, WEB_B],
            **LOCAL,
        )
        for mode in MODES
    ),
    # “terminating endpoints on remote node”: nobody here.
    *(
        upstream(
            "TestTerminatingEndpointsTrafficPolicyLocal",
            plain(*mode, **VIP_LIKE),
            "outside",
            cells,
            "--arrives-at",
            "node-c",
            endpoints=[LEAVING_B],
            **LOCAL,
        )
        for mode, cells in zip(
            MODES, ("no lb - - drop", "no lb - - reply-lost", "no lb - - drop"), strict=True
        )
    ),
    # “no usable endpoints on any node”, then none at all: refused.
    *(
        upstream(
            "TestTerminatingEndpointsTrafficPolicyLocal",
            plain(*mode, **VIP_LIKE),
            "outside",
            "no lb - - reject",
            "--arrives-at",
            "node-a",
            endpoints=gone,
            **LOCAL,
        )
        for mode in MODES
        for gone in (
            [endpoint("10.0.1.10", "node-a", "web-a", conditions={**NOT_READY, "terminating": True})],
            [endpoint("10.0.1.10", "node-a", "web-a", conditions=NOT_READY)],
        )
    ),
    *(
        upstream(
            "TestTerminatingEndpointsTrafficPolicyCluster, Test_EndpointSliceOnlyReadyAndTerminatingCluster",
            plain(*mode),
            "client-c",
            "yes direct both node deliver",
            endpoints=[LEAVING_A, LEAVING_B],
        )
        for mode in MODES
    ),
    # The health check counts ready endpoints: a node with leaving ones only is not picked.
    *(
        upstream(
            "TestHealthCheckNodePortWhenTerminating",
            plain(*mode),
            "outside",
            "yes lb b preserved deliver",
            endpoints=[LEAVING_A, WEB_B],
            **LOCAL,
        )
        for mode in MODES
    ),
]

ROUTE_TYPE = [
    upstream(
        "TestLoadBalancerIngressRouteTypeProxy",
        plain(*mode),
        "client-c",
        cells,
        ingress=[{"ip": "192.168.0.133", **ip_mode}],
    )
    for mode in MODES
    for ip_mode, cells in (
        ({"ipMode": "Proxy"}, "yes lb both node deliver"),
        ({"ipMode": "VIP"}, "yes direct both node deliver"),
        ({}, "yes direct both node deliver"),
    )
]

BLIND: dict[str, Any] = {"kubeProxy": {"localDetector": False, "clusterCIDR": None}}
"""“no local detector”: what is no process of the node is a stranger."""
INTERNAL: tuple[dict[str, Any], ...] = ({}, {"internalTrafficPolicy": "Local"})
LOCAL_POD = "yes direct a preserved deliver"
ANY_POD = "yes direct both preserved deliver"
ANY_NODE = "yes direct both node deliver"
MASQUERADE = [
    # “pod to LB with eTP:Local” and “node to LB with eTP:Local”, with a local detector and without.
    *(
        upstream("TestInternalExternalMasquerade", plain(*mode, **detector), client, cells, **LOCAL)
        for mode in TABLES
        for detector, near, far in (({}, ANY_POD, ANY_POD), (BLIND, LOCAL_POD, "no direct - - drop"))
        for client, cells in (
            ("client-a", near),
            ("client-c", far),
            ("node-a", ANY_NODE),
            ("node-c", ANY_NODE),
        )
    ),
    # IPVS asks no detector about a load balancer's address (KUBE-LOAD-BALANCER-LOCAL).
    *(
        upstream("TestOnlyLocalLoadBalancing", plain("ipvs", "1.36.0", **detector), client, cells, **LOCAL)
        for detector in ({}, BLIND)
        for client, cells in (("client-a", LOCAL_POD), ("client-c", ANY_POD), ("stray-a", LOCAL_POD))
    ),
    # “pod to LB”, “node to LB” of policy Cluster: masqueraded, whoever is recognised, whatever is internal.
    *(
        upstream("TestInternalExternalMasquerade", plain(*mode, **BLIND), client, ANY_NODE, **internal)
        for mode in MODES
        for internal in INTERNAL
        for client in ("client-a", "client-c", "node-c")
    ),
    # “external to NodePort with eTP:Local”, “external to NodePort”.
    *(
        upstream("TestInternalExternalMasquerade", plain(*mode), "outside", cells, *arrives, **policy)
        for mode in MODES
        for arrives in [("--arrives-at", "node-a")]
        for policy, cells in ((LOCAL, "yes lb a preserved deliver"), ({}, "yes lb both node deliver"))
    ),
]

REJECT = [
    # TestLoadBalancerReject, TestClusterIPReject: nobody behind it, for Pods and for what comes from outside.
    *(
        upstream("TestLoadBalancerReject", plain(*mode, **VIP_LIKE), client, cells, endpoints=[], **policy)
        for mode in MODES
        for policy in ({}, LOCAL)
        for client, cells in (("client-c", "no direct - - reject"), ("stray-a", "no direct - - reject"))
    ),
    *(
        upstream(
            "TestLoadBalancerReject", plain(*mode, **VIP_LIKE), "outside", "no lb - - reject", endpoints=[]
        )
        for mode in MODES
    ),
]

CLUSTER_LEAVING = [
    # TestTerminatingEndpointsTrafficPolicyCluster: “external to LB”, whichever node it comes to.
    *(
        upstream(
            "TestTerminatingEndpointsTrafficPolicyCluster",
            plain(*mode, **VIP_LIKE),
            "outside",
            cells,
            "--arrives-at",
            "node-c",
            endpoints=endpoints,
        )
        for mode in MODES
        for endpoints, cells in (
            ([LEAVING_A, WEB_B], "yes lb b node deliver"),
            ([LEAVING_B], "yes lb b node deliver"),
            ([LEAVING_A, LEAVING_B], "yes lb both node deliver"),
        )
    ),
]

HOST_RANGES = [
    # The sets of TestLoadBalancerSourceRanges (IPVS): a node's own process speaks from the address itself, so whether
    # the node's address is in range was asked by nobody (#119656), then by KUBE-IPVS-OUT-FILTER (#119791).
    *(
        upstream(
            "TestLoadBalancerSourceRanges",
            plain("ipvs", version),
            client,
            cells,
            loadBalancerSourceRanges=ranges,
        )
        for version, ranges, client, cells in (
            ("1.36.0", ["10.0.0.0/8"], "client-c", "yes direct both node deliver"),
            ("1.36.0", ["10.0.0.0/8"], "stray-c", "no direct - - drop"),
            ("1.36.0", ["10.0.0.0/8"], "node-c", "no direct - - drop"),
            ("1.36.0", ["192.168.1.13/32"], "node-c", "yes direct both node deliver"),
            ("1.36.0", ["192.168.1.13/32"], "node-a", "no direct - - drop"),
            ("1.28.3", ["10.0.0.0/8"], "node-c", "yes direct both node deliver"),
            ("1.24.0", ["10.0.0.0/8"], "node-c", "no direct - - drop"),
            ("1.24.0", ["192.168.0.133/32"], "node-c", "yes direct both node deliver"),
        )
    ),
]

SITUATIONS = [
    *LOAD_BALANCER,
    *EXTERNAL_LOCAL,
    *TERMINATING,
    *ROUTE_TYPE,
    *MASQUERADE,
    *REJECT,
    *CLUSTER_LEAVING,
    *HOST_RANGES,
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_a_flow_of_kube_proxy_s_own_tests_ends_as_expected_there(situation: Situation) -> None:
    """The lists above."""
    assert situation.differences() == {}


# --- EndpointSlices ----------------------------------------------------------------------------------------


def ask(slices: list[Document], client: str = "client-c", **spec: Any) -> Document:
    """The path of one client, with these slices."""
    documents = (plain("iptables", "1.36.0"), service(**spec), *slices, *cluster())
    return (
        Situation(name="", documents=documents, options=("--from", CLIENTS[client]), source="").asked().path
    )


def numbered(number: int, *endpoints: Document, suffix: str) -> Document:
    """A slice whose target port has this number."""
    ports = [{"name": "", "port": number, "protocol": "TCP"}]
    return slice_of("web", endpoints, suffix=suffix, ports=ports)


def test_one_address_with_two_target_ports_is_two_endpoints() -> None:
    """TestEndpointsMapFromESC: endpoints are told apart by address and port, as on the host network they must be."""
    here = NODES["node-a"]
    slices = [
        numbered(8080, endpoint(here, "node-a", "web-a"), suffix="1"),
        numbered(9090, endpoint(here, "node-a", "web-b"), suffix="2"),
    ]
    assert ask(slices)["endpoints"] == ["default/web-a", "default/web-b"]


@pytest.mark.parametrize("backwards", [False, True])
def test_of_two_with_one_address_the_one_that_stays_counts(*, backwards: bool) -> None:
    """addEndpoints: a Pod that took over the address of a leaving one is preferred, ready or not."""
    slices = [
        numbered(8080, endpoint("10.0.1.10", "node-a", "old", conditions=LEAVING), suffix="1"),
        numbered(8080, endpoint("10.0.1.10", "node-a", "web-a", conditions=READY), suffix="2"),
    ]
    assert ask(slices[::-1] if backwards else slices)["endpoints"] == ["default/web-a"]
    slices[1] = numbered(8080, endpoint("10.0.1.10", "node-a", "web-a", conditions=NOT_READY), suffix="2")
    path = ask(slices[::-1] if backwards else slices)
    assert (path["verdict"], path["endpoints"]) == ("unreachable", [])


def test_a_policy_by_port_number_looks_at_each_endpoint_s_own() -> None:
    """A named target port may be another number in another Pod (NetworkPolicyPort: the Pod's port)."""
    guard = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "guard", "namespace": "default"},
        "spec": {"podSelector": {}, "ingress": [{"ports": [{"port": 8080}]}]},
    }
    slices = [numbered(8080, WEB_A, suffix="1"), numbered(9090, WEB_B, suffix="2")]
    path = ask([*slices, guard])
    assert (path["verdict"], path["missing"]) == ("undetermined", ["networkPolicy"])
    assert ask([slices[0], guard])["verdict"] == "reachable"
    assert ask([slices[1], guard])["verdict"] == "undetermined"


# --- what contradicts itself -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "client", "verdict"),
    [
        ("1.28.3", "node-c", "undetermined"),
        ("1.14.1", "client-c", "undetermined"),
        ("1.28.3", "outside", "reachable"),
        ("1.29.0", "node-c", "unreachable"),
    ],
)
def test_a_mode_that_the_version_does_not_have_is_doubted(version: str, client: str, verdict: str) -> None:
    """KEP-3866: nftables came with v1.29. Either of the two facts is wrong, so both are weighed."""
    answer = upstream("KEP-3866", plain("nftables", version), client, "", **LOCAL).asked()
    assert answer.path["verdict"] == verdict
    assert ("proxy-mode-contradicts-version" in answer.codes) == (version < "1.29")
    assert answer.path["missing"] == [] or "kubeProxy.mode" in answer.path["missing"]


def test_a_cluster_cidr_of_the_other_family_is_no_detector() -> None:
    """Without a CIDR of its family a single-stack proxier has a no-op detector: Pods there are strangers."""
    six = slice_of("web", [endpoint("fd00:10::a", "node-a", "web-a")], family="IPv6")
    documents = (plain("iptables", "1.36.0"), service(ingress=[{"ip": SIX_VIP}], **LOCAL), six, *cluster())
    case = Situation(
        name="",
        documents=documents,
        options=("--from", CLIENTS["client-c"]),
        cells="no direct - - drop",
        source="",
    )
    assert case.differences() == {}


def test_classes_are_told_apart_by_what_matters_to_them_only() -> None:
    """Under policy Cluster everybody is masqueraded, whether recognised as a local Pod or not."""
    told = plain("iptables", "1.36.0")
    classes = {path["client"]["class"] for path in upstream("", told, "outside", "").asked_of_all().paths}
    assert not any("cidr" in each for each in classes)
    classes = {
        path["client"]["class"] for path in upstream("", told, "outside", "", **LOCAL).asked_of_all().paths
    }
    assert "pod-without-backend-outside-cluster-cidr" in classes
