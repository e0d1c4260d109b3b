"""Corners where explainers go wrong: upgrades, excluded nodes, leaks, gates, layer 7 beside layer 4, facts that overrule.

Sources are named at each situation; S@v is kube-proxy's source of that minor version.
"""

from collections.abc import Sequence
from typing import Any

import pytest

from .asking import explain
from .situation import Situation, usual
from .world import (
    CLASS,
    CLIENTS,
    ELB,
    ELB_ID,
    LEAVING,
    PASS,
    SIX_VIP,
    VIP,
    WEB_A,
    WEB_B,
    Document,
    cce,
    cluster,
    endpoint,
    plain,
    service,
    slice_of,
)

DEDICATED: dict[str, str] = {CLASS: "performance", ELB: ELB_ID}
SHARED: dict[str, str] = {CLASS: "union", ELB: ELB_ID}
ON: dict[str, str] = {PASS: "true"}
ONLY_LOCAL: dict[str, str] = {PASS: "onlyLocal"}
EXCLUDED = {"node.kubernetes.io/exclude-from-external-load-balancers": ""}
IPVS, IPT = cce("ipvs", "1.29.2-r5"), cce("iptables", "1.29.2-r5")
OLD_IPVS = cce("ipvs", "1.21.7-r0")
TURBO = cce("iptables", "1.29.2-r5", "turbo")
A_LEAVES = [endpoint("10.0.1.10", "node-a", "web-a", conditions=LEAVING), WEB_B]


def case(
    name: str, documents: Sequence[Document], client: str, cells: str, *options: str, source: str, **more: str
) -> Situation:
    """One question; `client` is a short name or a whole one."""
    asked = ("--from", CLIENTS.get(client, client), *options)
    return Situation(
        name=f"{name} {client}", documents=tuple(documents), options=asked, cells=cells, source=source, **more
    )


def without(*names: str) -> list[Document]:
    """The usual cluster with these nodes kept out of load balancers."""
    nodes = cluster()
    for one in nodes:
        if one["kind"] == "Node" and one["metadata"]["name"] in names:
            one["metadata"]["labels"] = EXCLUDED
    return nodes


def aged(on_c: str, elsewhere: str) -> list[Document]:
    """The usual cluster in the middle of an upgrade."""
    nodes = cluster(elsewhere)
    for one in nodes:
        if one["kind"] == "Node" and one["metadata"]["name"] == "node-c":
            one["status"]["nodeInfo"] = {"kubeletVersion": on_c}
    return nodes


def gates(mode: str, version: str, **switched: bool) -> Document:
    """A cluster with feature gates switched."""
    return plain(mode, version, kubeProxy={"featureGates": switched})


WEB = slice_of("web", [WEB_A])
AB = [WEB_A, WEB_B]
LOCAL: dict[str, Any] = {"policy": "Local"}
ARRIVES = "--arrives-at"
KEP_1143 = "KEP-1143; contract: every node that is not excluded"
EXCLUSIONS = [
    case(
        "backend's node excluded, Cluster",
        (plain("iptables", "1.31.0"), service(), WEB, *without("node-a")),
        "outside",
        "yes lb a node deliver",
        source=KEP_1143,
    ),
    case(
        "backend's node excluded, Local",
        (plain("iptables", "1.31.0"), service(**LOCAL), WEB, *without("node-a")),
        "outside",
        "no lb - - no-backend",
        source=KEP_1143,
        codes="backend-on-excluded-node",
    ),
    case(
        "all excluded",
        (plain("iptables", "1.31.0"), service(), WEB, *without("node-a", "node-b", "node-c")),
        "outside",
        "no lb - - no-backend",
        source=KEP_1143,
    ),
    case(
        "all excluded, from inside",
        (plain("iptables", "1.31.0"), service(), WEB, *without("node-a", "node-b", "node-c")),
        "client-c",
        "yes direct a node deliver",
        source=KEP_1143,
    ),
    case(
        "excluded, and yet it arrives",
        (plain("iptables", "1.31.0"), service(), WEB, *without("node-c")),
        "outside",
        "yes lb a node deliver",
        ARRIVES,
        "node-c",
        source="contract: --arrives-at, health checks notwithstanding",
    ),
    case(
        "the client's node is no member",
        (IPVS, service(annotations=DEDICATED | ON), WEB, *without("node-c")),
        "client-c",
        "yes lb a node deliver",
        source="cce_10_0355: only a server that is client and backend at once is cut off",
    ),
    case(
        "one node alone",
        (
            IPVS,
            service(annotations=DEDICATED | ON),
            WEB,
            *[d for d in cluster() if d["metadata"]["name"] in {"node-a", "web-a", "client-a"}],
        ),
        "client-a",
        "no lb - - reply-lost",
        source="contract: one such node → unreachable",
    ),
]
UPGRADES = [
    case(
        "old node",
        (plain("ipvs", None), service(**LOCAL), WEB, *aged("v1.23.4", "v1.24.1")),
        "client-c",
        "no direct - - reject",
        source="S@1.23 ipvs/proxier.go:2051; each node's kubelet version",
        codes="mixed-versions",
    ),
    case(
        "new node",
        (plain("ipvs", None), service(**LOCAL), WEB, *aged("v1.24.1", "v1.23.4")),
        "client-c",
        "yes direct a preserved deliver",
        source="#97081; each node's kubelet version",
    ),
    case(
        "arrives at a new node",
        (plain("ipvs", None), service(**LOCAL), WEB, *aged("v1.24.1", "v1.23.4")),
        "outside",
        "no lb - - reply-lost",
        ARRIVES,
        "node-c",
        source="#97081: the node that the packet arrives at",
    ),
    case(
        "arrives at an old node",
        (plain("ipvs", None), service(**LOCAL), WEB, *aged("v1.23.4", "v1.24.1")),
        "outside",
        "no lb - - reject",
        ARRIVES,
        "node-c",
        source="S@1.23 ipvs/proxier.go:2051",
    ),
    case(
        "a version nobody can read",
        (plain("ipvs", None), service(**LOCAL), WEB, *aged("unknown-dirty", "v1.24.1")),
        "client-c",
        "? direct a preserved deliver+reject",
        source="contract: unknown is weighed",
        missing="kubernetesVersion",
        codes="version-unreadable",
    ),
]
LEAK: dict[str, Any] = {"internalTrafficPolicy": "Local"}
LEAKS = [
    *(
        case(
            f"internal policy leaks, {mode}",
            usual(plain(mode, "1.23.4"), **LEAK),
            "outside",
            "some lb both node deliver+reject",
            source="S@1.23 topology.go:29; #106497",
        )
        for mode in ("iptables", "ipvs")
    ),
    case(
        "internal policy leaks, host leaves",
        usual(plain("iptables", "1.23.4"), **LEAK),
        "node-c",
        "some lb both node deliver+reject",
        source="S@1.23 topology.go:29 with #95252",
    ),
    case(
        "internal policy leaks, host stays",
        usual(plain("ipvs", "1.23.4"), **LEAK),
        "node-c",
        "no direct - - reject",
        source="S@1.23 topology.go:29, ipvs/proxier.go",
    ),
    case(
        "gate off",
        usual(gates("iptables", "1.23.4", ServiceInternalTrafficPolicy=False), **LEAK),
        "client-c",
        "yes direct both node deliver",
        source="S@1.23 topology.go:33",
    ),
    case(
        "gate on",
        usual(gates("iptables", "1.21.4", ServiceInternalTrafficPolicy=True), **LEAK),
        "client-c",
        "no direct - - reject",
        source="S@1.21 topology.go",
    ),
    case(
        "gate not on yet",
        usual(plain("iptables", "1.21.4"), **LEAK),
        "client-c",
        "yes direct both node deliver",
        source="S@1.21 kube_features.go: alpha",
    ),
]
TERMINATING = [
    *(
        case(
            f"arrives at one that leaves, {mode} {version}",
            usual(plain(mode, version), endpoints=A_LEAVES, **LOCAL),
            "outside",
            cells,
            ARRIVES,
            "node-a",
            source="pkg/proxy/topology.go: local serving-terminating fallback",
        )
        for mode, version, cells in (
            ("iptables", "1.28.0", "yes lb a preserved deliver"),
            ("ipvs", "1.28.0", "yes lb a preserved deliver"),
            ("nftables", "1.31.0", "yes lb a preserved deliver"),
            ("iptables", "1.25.0", "no lb - - drop"),
            ("ipvs", "1.25.0", "no lb - - reply-lost"),
            ("ipvs", "1.23.0", "no lb - - reject"),
        )
    ),
    *(
        case(
            f"gate on, Local, {mode} {version}",
            usual(gates(mode, version, ProxyTerminatingEndpoints=True), endpoints=[A_LEAVES[0]], **LOCAL),
            "stray-a",
            "yes direct a preserved deliver",
            source="S@1.22, S@1.23 proxier.go",
        )
        for mode in ("iptables", "ipvs")
        for version in ("1.22.0", "1.23.4", "1.25.1")
    ),
    *(
        case(
            f"gate on, Cluster, {mode} {version}",
            usual(gates(mode, version, ProxyTerminatingEndpoints=True), endpoints=[A_LEAVES[0]]),
            "client-c",
            "yes direct a node deliver",
            source="S@1.24 topology.go:58",
        )
        for mode in ("iptables", "ipvs")
        for version in ("1.24.0", "1.25.1")
    ),
    case(
        "Pods directly: ready ones only",
        usual(plain("iptables", "1.31.0", loadBalancer={"delivery": "pod"}), endpoints=[A_LEAVES[0]]),
        "outside",
        "no lb - - no-backend",
        source="contract: straight to ready endpoints",
    ),
]
PATCHES = [
    case(
        "nftables before the patch",
        usual(plain("nftables", "1.33.5"), **LOCAL),
        "node-c",
        "no direct - - drop",
        source="#133969",
    ),
    case(
        "nftables after the patch",
        usual(plain("nftables", "1.33.6"), **LOCAL),
        "node-c",
        "yes direct both node deliver",
        source="#133969",
    ),
    case(
        "nftables, patch unknown",
        usual(plain("nftables", "1.33"), **LOCAL),
        "node-c",
        "? direct both node deliver+drop",
        source="#133969",
        missing="kubernetesVersion",
    ),
    *(
        case(
            f"a range that holds the address, {version}",
            usual(plain("ipvs", version), loadBalancerSourceRanges=[f"{VIP}/32"]),
            "node-c",
            cells,
            source="S@1.23 KUBE-LOAD-BALANCER-SOURCE-CIDR; S@1.29 lbNoNodeAccess…",
        )
        for version, cells in (
            ("1.23.4", "yes direct both node deliver"),
            ("1.24.0", "yes direct both node deliver"),
            ("1.29.1", "no direct - - drop"),
            ("1.36.0", "no direct - - drop"),
        )
    ),
    *(
        case(
            f"that range is no range of the host's, {mode}",
            usual(plain(mode, "1.36.0"), loadBalancerSourceRanges=[f"{VIP}/32"]),
            "node-c",
            "no direct - - drop",
            source="the address is not bound there: a host speaks from its own",
        )
        for mode in ("iptables", "nftables")
    ),
]
ONE_LOCAL: dict[str, Any] = {"policy": "Local", "endpoints": [WEB_A]}
OVERRULED = [
    case(
        "dedicated that does not keep the client",
        usual(
            cce("ipvs", "1.29.2-r5", loadBalancer={"preservesClientIP": False}),
            annotations=DEDICATED | ONLY_LOCAL,
            **ONE_LOCAL,
        ),
        "client-a",
        "yes lb a lb deliver",
        source="elb_faq_21020218: IP as backend",
        codes="!same-node-lockout",
    ),
    case(
        "shared that keeps the client",
        usual(
            cce("ipvs", "1.29.2-r5", loadBalancer={"preservesClientIP": True}),
            annotations=SHARED | ONLY_LOCAL,
            **ONE_LOCAL,
        ),
        "client-a",
        "no lb - - reply-lost",
        source="elb_ug_jt_0515: with Transfer Client IP the reply is interrupted",
    ),
    case(
        "shared, transparent by annotation",
        usual(
            IPVS,
            annotations=SHARED | ONLY_LOCAL | {"kubernetes.io/elb.transparent-client-ip": "true"},
            **ONE_LOCAL,
        ),
        "client-a",
        "no lb - - reply-lost",
        source="cce_10_0385; elb_ug_jt_0515",
    ),
    case(
        "shared, transparent by annotation",
        usual(
            IPVS,
            annotations=SHARED | ONLY_LOCAL | {"kubernetes.io/elb.transparent-client-ip": "true"},
            **ONE_LOCAL,
        ),
        "outside",
        "yes lb a preserved deliver",
        source="cce_10_0916",
    ),
    case(
        "shared Turbo, node ports",
        usual(TURBO, annotations=SHARED),
        "client-c",
        "yes lb both node deliver",
        source="cce_10_0281: members are node ports",
    ),
    case(
        "Turbo, Local",
        usual(TURBO, annotations=DEDICATED, **LOCAL),
        "node-c",
        "",
        source="cce_10_0681",
        codes="turbo-local-host-network",
    ),
    case(
        "ipMode Proxy on CCE",
        usual(cce("ipvs", "1.35.3-r0"), ingress=[{"ip": VIP, "ipMode": "Proxy"}], annotations=SHARED),
        "client-c",
        "yes lb both node deliver",
        source="KEP-1860",
    ),
    case(
        "ipMode VIP proves nothing on CCE",
        usual(cce("ipvs", "1.35.3-r0"), ingress=[{"ip": VIP, "ipMode": "VIP"}], annotations=SHARED | ON),
        "client-c",
        "yes lb both node deliver",
        source="cce facts: the API server's default",
    ),
    case(
        "nobody behind pass-through, Local",
        usual(IPVS, endpoints=[], annotations=DEDICATED | ON, **LOCAL),
        "client-c",
        "no lb - - no-backend",
        source="contract: no-backend",
    ),
]
ARRIVALS = [
    case(
        f"pass-through, arrives at {node}, {number}",
        usual(told, annotations=DEDICATED | ONLY_LOCAL, **ONE_LOCAL),
        client,
        cells,
        ARRIVES,
        node,
        source="the same-node limit first, then the node's own rules",
    )
    for number, (told, client, node, cells) in enumerate(
        [
            (IPVS, "client-c", "node-a", "yes lb a node deliver"),
            (IPVS, "client-c", "node-b", "no lb - - reply-lost"),
            (IPT, "client-c", "node-b", "no lb - - drop"),
            (OLD_IPVS, "client-c", "node-b", "no lb - - reject"),
            (IPT, "client-a", "node-a", "no lb - - reply-lost"),
            (IPT, "client-a", "node-b", "no lb - - drop"),
            (OLD_IPVS, "client-a", "node-b", "no lb - - reject"),
        ]
    )
]
TWO_PORTS = [
    {"name": "s", "port": 443, "nodePort": 31443, "targetPort": 8443, "protocol": "TCP"},
    {"name": "t", "port": 90, "nodePort": 31090, "targetPort": 8090, "protocol": "TCP"},
]
TWO_TARGETS = [{"name": "s", "port": 8443, "protocol": "TCP"}, {"name": "t", "port": 8090, "protocol": "TCP"}]
LAYERS = [
    case(
        f"layer {layer}",
        (
            IPVS,
            service(
                policy="Local",
                ports=TWO_PORTS,
                annotations=DEDICATED | ONLY_LOCAL | {"kubernetes.io/elb.protocol-port": "https:443"},
            ),
            slice_of("web", [WEB_A], ports=TWO_TARGETS),
            *cluster(),
        ),
        "client-a",
        cells,
        "--to",
        f"{VIP}:{port}",
        source="elb_faq_21020218: layer 7 is not affected; elb.protocol-port names its ports",
    )
    for layer, port, cells in ((7, 443, "yes lb a lb deliver"), (4, 90, "no lb - - reply-lost"))
]
SITUATIONS = [*EXCLUSIONS, *UPGRADES, *LEAKS, *TERMINATING, *PATCHES, *OVERRULED, *ARRIVALS, *LAYERS]


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_a_corner_is_answered_as_its_source_says(situation: Situation) -> None:
    """The lists above."""
    assert situation.differences() == {}


@pytest.mark.parametrize(
    ("blocks", "verdict"),
    [
        ("10.0.0.0/16", "unreachable"),
        ("10.0.0.0/16,fd00:10::/64", "reachable"),
        ("fd00:10::/64", "reachable"),
    ],
)
def test_a_cluster_cidr_counts_by_family(blocks: str, verdict: str) -> None:
    """Without a block of its family a Pod is a stranger there (detect-local by --cluster-cidr)."""
    pods = cluster()
    for one in pods:
        if one["metadata"]["name"] == "client-c" and one["kind"] == "Pod":
            one["status"]["podIPs"].append({"ip": "fd00:10::c"})
    six = slice_of("web", [endpoint("fd00:10::a", "node-a", "web-a")], family="IPv6")
    told = plain("iptables", "1.31.0", kubeProxy={"clusterCIDR": blocks})
    documents = [told, service(policy="Local", ingress=[{"ip": SIX_VIP}]), six, *pods]
    assert explain(documents, "--from", CLIENTS["client-c"]).path["verdict"] == verdict


def test_what_another_proxier_never_sees_is_known_all_the_same() -> None:
    """Outside clients that the load balancer hands straight to Pods meet no node rules."""
    told = plain("other", "1.34.0", loadBalancer={"delivery": "pod"})
    assert explain(usual(told), "--from", "external").path["verdict"] == "reachable"
    assert explain(usual(plain("other", "1.34.0")), "--from", "external").path["verdict"] == "undetermined"


@pytest.mark.parametrize(
    ("told", "client", "verdict"),
    [
        (plain(None, "1.30.3"), "client-c", "reachable"),
        (plain(None, "1.22.3"), "client-c", "undetermined"),
        (plain("ipvs", None), "client-c", "undetermined"),
        (plain("iptables", None), "node-c", "undetermined"),
        (plain("nftables", None), "node-c", "undetermined"),
        (plain("nftables", None), "client-c", "reachable"),
        (plain(None, None), "outside", "reachable"),
        (plain(None, None), "client-a", "reachable"),
    ],
)
def test_an_unknown_counts_only_where_it_decides(told: Document, client: str, verdict: str) -> None:
    """Policy Local, mode or version unknown: the decision table of kube-proxy's modes, read by columns."""
    path = explain(usual(told, endpoints=AB, **LOCAL), "--from", CLIENTS[client]).path
    assert path["verdict"] == verdict
    assert bool(path["missing"]) == (verdict == "undetermined")
