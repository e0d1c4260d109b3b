"""Who may come, by address: source ranges and NetworkPolicies.

Sources: TestLoadBalancer (source ranges), S@1.23/1.30 ipvs/proxier.go (KUBE-LOAD-BALANCER-SOURCE-IP, lbNoNodeAccess),
#119656, #119791, Kubernetes API: NetworkPolicySpec.
"""

from typing import Any

import pytest

from .situation import Situation, usual
from .table import rows
from .world import (
    CLIENTS,
    SIX_VIP,
    VIP,
    WEB_A,
    Document,
    cce,
    cluster,
    endpoint,
    plain,
    pod,
    service,
    slice_of,
)

NODES, PODS, ADDRESS, BRIEF, WORLD = (
    "192.168.1.0/24",
    "10.0.0.0/16",
    f"{VIP}/32",
    " 203.0.113.0/25",
    "0.0.0.0/0",
)
RANGES = {
    "nodes": [NODES],
    "pods": [PODS],
    "address": [ADDRESS],
    "brief": [BRIEF],
    "nodes+brief": [NODES, BRIEF],
    "pods+nodes": [PODS, NODES],
    "world": [WORLD],
    "six": ["fd00::/8"],
    "halves": ["0.0.0.0/1", "128.0.0.0/1"],
}
ALL_MODES = [
    "iptables:1.24.0",
    "iptables:1.36.0",
    "ipvs:1.24.0",
    "ipvs:1.29.1",
    "ipvs:1.36.0",
    "nftables:1.31.0",
    "nftables:1.36.0",
]

# Columns: ranges | modes and versions (all: every one) | policy | clients | verdict | way | endpoints | source | ends
TABLE = """
nodes       all  Cluster  client-a,client-c,stray-c,web-a  no  direct -    -    drop
nodes       all  Cluster  node-a,node-c,agent-c            yes direct both node deliver
nodes+brief all  Cluster  client-c                         no  direct -    -    drop
nodes+brief all  Cluster  node-c                           yes direct both node deliver
pods        all  Cluster  client-a,client-c                yes direct both node deliver
pods        all  Cluster  stray-c                          no  direct -    -    drop
pods+nodes  all  Cluster  client-c,node-c                  yes direct both node deliver
world       all  Cluster  client-c,node-c,stray-a          yes direct both node deliver
six         all  Cluster  client-c,node-c                  yes direct both node deliver  # ranges of the other family are not this family's
pods        iptables:1.14.10,iptables:1.36.0,nftables:1.31.0,nftables:1.36.0  Cluster  node-a,node-c  no direct - - drop
pods        ipvs:1.23.4,ipvs:1.24.0,ipvs:1.29.1,ipvs:1.31.0,ipvs:1.36.0       Cluster  node-a,node-c  no direct - - drop
pods        ipvs:1.25.1,ipvs:1.26.3,ipvs:1.28.3                               Cluster  node-a,agent-c yes direct both node deliver
nodes       iptables:1.31.0,nftables:1.36.0  Local  client-c  no  direct -    -         drop
pods        iptables:1.31.0,nftables:1.36.0  Local  client-c  yes direct both preserved deliver
pods        ipvs:1.31.0                      Local  client-a  yes direct a    preserved deliver
nodes       ipvs:1.31.0                      Local  client-a  no  direct -    -         drop
nodes       iptables:1.31.0,nftables:1.36.0  Local  node-c    yes direct both node      deliver
"""


def ranged() -> list[Situation]:
    """Every line of the table."""
    return [
        Situation(
            name=f"{ranges} {proxy} {policy} {client}",
            documents=usual(plain(*proxy.split(":")), policy=policy, loadBalancerSourceRanges=RANGES[ranges]),
            options=("--from", CLIENTS[client]),
            cells=" ".join(cells),
            source="TestLoadBalancer; #119656, #119791",
        )
        for ranges, proxies, policy, clients, *cells in rows(TABLE)
        for proxy in (ALL_MODES if proxies == "all" else proxies.split(","))
        for client in clients.split(",")
    ]


def outside(
    ranges: str, client: str, cells: str, *, delivery: str = "nodeport", missing: str = "", **more: Any
) -> Situation:
    """Somebody outside, before these ranges."""
    told = plain("iptables", "1.31.0", loadBalancer={"delivery": delivery})
    return Situation(
        name=f"{ranges} {client} {delivery}",
        documents=usual(told, loadBalancerSourceRanges=RANGES[ranges], **more),
        options=("--from", client),
        cells=cells,
        missing=missing,
        source="TestLoadBalancer: accepted, blocked external to LB; contract: client.ip",
    )


OUTSIDE = [
    outside("brief", "external:203.0.113.5", "yes lb both node deliver"),
    outside("brief", "external:203.0.113.5", "yes lb both node deliver", delivery="vip"),
    outside("brief", "external:203.0.113.200", "no lb - - drop", delivery="vip"),
    outside("brief", "external", "? lb both node deliver+drop", delivery="vip", missing="client.ip"),
    outside("world", "external", "yes lb both node deliver"),
    outside("halves", "external", "yes lb both node deliver"),
    outside("world", "external:198.51.100.7", "yes lb both node deliver", delivery="vip"),
    outside("six", "external:198.51.100.7", "yes lb both node deliver", delivery="vip"),
]

SITUATIONS = [*ranged(), *OUTSIDE]


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_source_ranges_stop_whom_kube_proxy_stops(situation: Situation) -> None:
    """The tables above."""
    assert situation.differences() == {}


def test_an_outside_client_without_an_address_is_undetermined_before_ranges() -> None:
    """Contract: “where source ranges do not cover everything and no IP is given: undetermined, missing client.ip”."""
    path = outside("brief", "external", "").asked().path
    assert (path["verdict"], path["missing"]) == ("undetermined", ["client.ip"])


def test_ranges_that_a_node_port_escapes_are_told() -> None:
    """TestLoadBalancer: “nodePort bypasses LoadBalancerSourceRanges”."""
    assert "source-ranges-ineffective" in outside("brief", "external", "").asked().codes


def test_ranges_that_keep_the_cluster_out_are_told() -> None:
    """TestLoadBalancer: “pod to LB1 (blocked by LoadBalancerSourceRanges)”."""
    case = Situation(
        name="", documents=usual(plain("iptables", "1.31.0"), loadBalancerSourceRanges=[BRIEF]), source=""
    )
    answer = case.asked()
    assert "source-ranges-fatal" in answer.codes
    inside = {p["verdict"] for p in answer.paths if p["client"]["kind"] != "external"}
    assert inside == {"unreachable"}


# --- NetworkPolicies ---------------------------------------------------------------------------------------

POD_PEER = {"from": [{"podSelector": {"matchLabels": {"role": "client"}}}]}
ANY_POD: Document = {"from": [{"namespaceSelector": {}}]}
NODE_PEER = {"from": [{"ipBlock": {"cidr": NODES}}]}
WORLD_PEER = {"from": [{"ipBlock": {"cidr": WORLD}}]}
HOLE_PEER = {"from": [{"ipBlock": {"cidr": WORLD, "except": [NODES]}}]}
SOME_PEER = {"from": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]}


def policy(
    *rules: Document,
    app: str = "web",
    namespace: str = "default",
    kinds: tuple[str, ...] = ("Ingress",),
    name: str = "guard",
) -> Document:
    """A NetworkPolicy that selects Pods by their label `app`."""
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "podSelector": {"matchLabels": {"app": app}},
            "policyTypes": list(kinds),
            "ingress": list(rules),
        },
    }


IPT, IPVS = plain("iptables", "1.31.0"), plain("ipvs", "1.31.0")
PROXIED = plain("iptables", "1.36.0")
SOURCE_CHANGES = "networkpolicy-source-changes"
YES = "reachable"
UNCLEAR = "undetermined"


@pytest.mark.parametrize(
    ("guards", "told", "traffic", "client", "verdict", "finding"),
    [
        pytest.param([policy({})], IPT, "Cluster", "client-c", YES, False, id="an empty rule allows all"),
        pytest.param(
            [policy(WORLD_PEER)], IPT, "Cluster", "client-c", YES, None, id="the world holds every node"
        ),
        pytest.param(
            [policy(NODE_PEER)], IPT, "Cluster", "client-c", YES, None, id="nodes are allowed, a node is seen"
        ),
        pytest.param(
            [policy(POD_PEER)],
            IPT,
            "Cluster",
            "client-c",
            UNCLEAR,
            True,
            id="Pods are allowed, a node is seen",
        ),
        pytest.param(
            [policy(ANY_POD)], IPT, "Cluster", "client-c", UNCLEAR, True, id="any Pod, a node is seen"
        ),
        pytest.param(
            [policy(HOLE_PEER)], IPT, "Cluster", "client-c", UNCLEAR, True, id="all but nodes, a node is seen"
        ),
        pytest.param(
            [policy(SOME_PEER)], IPT, "Cluster", "outside", UNCLEAR, True, id="some outside, a node is seen"
        ),
        pytest.param([policy(ANY_POD)], IPT, "Local", "client-c", YES, None, id="any Pod, the Pod is seen"),
        pytest.param(
            [policy(POD_PEER), policy(NODE_PEER, name="two")],
            IPT,
            "Cluster",
            "client-c",
            YES,
            None,
            id="policies add up",
        ),
        pytest.param(
            [policy(POD_PEER, app="other")], IPT, "Cluster", "client-c", YES, False, id="other Pods selected"
        ),
        pytest.param(
            [policy(POD_PEER, namespace="other")],
            IPT,
            "Cluster",
            "client-c",
            YES,
            False,
            id="another namespace",
        ),
        pytest.param([policy(kinds=("Egress",))], IPT, "Cluster", "client-c", YES, False, id="egress only"),
        pytest.param([policy()], IPT, "Cluster", "client-c", UNCLEAR, None, id="nobody is allowed"),
        pytest.param(
            [policy({"ports": [{"port": 8080, "protocol": "TCP"}]})],
            IPT,
            "Cluster",
            "client-c",
            YES,
            False,
            id="the endpoint's port",
        ),
        pytest.param(
            [policy({"ports": [{"port": 80, "protocol": "TCP"}]})],
            IPT,
            "Cluster",
            "client-c",
            UNCLEAR,
            None,
            id="the Service's port is not the endpoint's",
        ),
        pytest.param(
            [policy({"ports": [{"port": 8000, "endPort": 9000, "protocol": "TCP"}]})],
            IPT,
            "Cluster",
            "client-c",
            YES,
            False,
            id="a range of ports",
        ),
        pytest.param(
            [policy({"ports": [{"port": 8080, "protocol": "UDP"}]})],
            IPT,
            "Cluster",
            "client-c",
            UNCLEAR,
            None,
            id="another protocol",
        ),
        pytest.param([policy(NODE_PEER)], IPVS, "Cluster", "node-c", YES, None, id="a host is a node"),
    ],
)
def test_a_networkpolicy_counts_by_the_address_that_it_sees(
    guards: list[Document], told: Document, traffic: str, client: str, verdict: str, *, finding: bool | None
) -> None:
    """Contract: undetermined unless it clearly allows; the finding where the source changes with the path."""
    case = Situation(
        name="",
        documents=usual(told, *guards, policy=traffic),
        options=("--from", CLIENTS[client]),
        source="",
    )
    answer = case.asked()
    assert answer.path["verdict"] == verdict
    if finding is not None:
        assert (SOURCE_CHANGES in answer.codes) == finding


def test_an_ipv6_range_stops_ipv6_clients_only() -> None:
    """Ranges are taken by address family (pkg/proxy/serviceport.go)."""
    both = [{"ip": VIP}, {"ip": SIX_VIP}]
    documents = (
        plain("iptables", "1.31.0"),
        service(ingress=both, loadBalancerSourceRanges=["2001:db8::/32"]),
        slice_of("web", [WEB_A]),
        slice_of("web", [endpoint("fd00:10::a", "node-a", "web-a")], family="IPv6", suffix="6"),
        *cluster(),
    )
    four = Situation(
        name="",
        documents=documents,
        options=("--from", "pod:default/client-c", "--to", f"{VIP}:80"),
        source="",
    )
    assert four.asked().path["verdict"] == "reachable"


def test_cce_says_what_pass_through_does_to_source_ranges() -> None:
    """With pass-through the node rules on the address are gone, and the ranges with them."""
    told = cce("ipvs", "1.31.0-r0")
    annotations = {"kubernetes.io/elb.class": "union", "kubernetes.io/elb.pass-through": "true"}
    case = Situation(
        name="", documents=usual(told, annotations=annotations, loadBalancerSourceRanges=[PODS]), source=""
    )
    assert "source-ranges-ineffective" in case.asked().codes


def leaving(*rules: Document, app: str = "client", kinds: tuple[str, ...] = ("Egress",)) -> Document:
    """A NetworkPolicy about what Pods with this label may reach."""
    made = policy(app=app, kinds=kinds, name="out")
    made["spec"].pop("ingress")
    return {**made, "spec": {**made["spec"], "egress": list(rules)}}


TO_POD = {"to": [{"podSelector": {"matchLabels": {"app": "web"}}}]}
TO_ADDRESS = {"to": [{"ipBlock": {"cidr": ADDRESS}}]}
TO_OTHERS = {"to": [{"ipBlock": {"cidr": "203.0.113.0/24"}}]}
EGRESS = "networkPolicy.egress"


@pytest.mark.parametrize(
    ("guard", "told", "client", "missing"),
    [
        pytest.param(leaving(), IPT, "asker", EGRESS, id="nothing is allowed"),
        pytest.param(leaving({}), IPT, "asker", "", id="an empty rule allows all"),
        pytest.param(leaving(TO_POD), IPT, "asker", "", id="the endpoints are allowed"),
        pytest.param(leaving(TO_OTHERS), IPT, "asker", EGRESS, id="others are allowed"),
        pytest.param(leaving({"ports": [{"port": 8080}]}), IPT, "asker", "", id="the endpoint's port"),
        pytest.param(leaving({"ports": [{"port": 53}]}), IPT, "asker", EGRESS, id="another port"),
        pytest.param(leaving({"ports": [{"port": 80}]}), PROXIED, "asker", "", id="the listener's port"),
        pytest.param(leaving(TO_ADDRESS), PROXIED, "asker", "", id="the load balancer is allowed"),
        pytest.param(leaving(TO_POD), PROXIED, "asker", EGRESS, id="the load balancer is no Pod"),
        pytest.param(leaving(app="other"), IPT, "asker", "", id="another Pod's policy"),
        pytest.param(leaving(), IPT, "outside", "", id="somebody outside has none"),
        pytest.param(leaving(TO_OTHERS, kinds=()), IPT, "asker", EGRESS, id="rules without policyTypes"),
        pytest.param(policy({}, app="client"), IPT, "asker", "", id="ingress is not egress"),
    ],
)
def test_a_client_s_own_egress_rules_are_read(
    guard: Document, told: Document, client: str, missing: str
) -> None:
    """NetworkPolicySpec.egress; what does not clearly allow is weighed, for it may not be enforced."""
    asker = pod("asker", "node-c", "10.0.3.77", app="client")
    ingress = [{"ip": VIP, "ipMode": "Proxy"}] if told is PROXIED else [{"ip": VIP}]
    documents = usual(told, guard, asker, ingress=ingress, policy="Local")
    asked = "pod:default/asker" if client == "asker" else "external"
    path = Situation(name="", documents=documents, options=("--from", asked), source="").asked().path
    assert path["missing"] == ([missing] if missing else [])
    assert path["verdict"] == ("undetermined" if missing else "reachable")


def test_classes_of_clients_say_that_their_own_egress_rules_are_taken_for_granted() -> None:
    """A class speaks for many Pods, each with policies of its own."""
    answer = Situation(name="", documents=usual(IPT, leaving()), source="").asked()
    assumed = {each for path in answer.paths for trace in path["traces"] for each in trace["assuming"]}
    assert "the clients' own NetworkPolicies let them out" in assumed


def test_classes_are_told_apart_by_whom_a_policy_lets_in() -> None:
    """One Pod with the label does not speak for those without it."""
    friend = pod("friend", "node-c", "10.0.3.78", role="client")
    answer = Situation(
        name="", documents=usual(IPT, policy(POD_PEER), friend, policy="Local"), source=""
    ).asked()
    found = {path["client"]["class"]: (path["verdict"], path["client"]["standsFor"]) for path in answer.paths}
    assert found["pod-without-backend"] == ("reachable", 1)
    assert found["pod-without-backend-outside-network-policy"] == ("undetermined", 1)


def test_a_block_of_the_other_family_lets_nobody_in() -> None:
    """An IPv6 block says nothing about a node that is seen with its IPv4 address."""
    six = {"from": [{"ipBlock": {"cidr": "fd00::/8"}}]}
    case = Situation(
        name="", documents=usual(IPT, policy(six)), options=("--from", CLIENTS["client-c"]), source=""
    )
    assert case.asked().path["verdict"] == "undetermined"


def test_every_backend_s_policies_are_looked_at() -> None:
    """The first one may be let in where the second is not."""
    guard = policy(POD_PEER, app="second")
    second = pod("web-b", "node-b", "10.0.2.10", app="second")
    kept = [one for one in usual(IPT, guard) if one.get("metadata", {}).get("name") != "web-b"]
    assert SOURCE_CHANGES in Situation(name="", documents=(*kept, second), source="").asked().codes
