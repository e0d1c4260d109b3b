"""How the address is published and how the load balancer hands packets on: what of it decides.

Sources: KEP-1860 and TestLoadBalancerIngressRouteTypeProxy (ipMode), pkg/proxy/serviceport.go (LoadBalancerVIPs), a real
kube-proxy 1.36 watched on the wire, the Kubernetes API's own words for allocateLoadBalancerNodePorts.
"""

from typing import Any

import pytest

from .asking import explain
from .situation import Situation, usual
from .table import rows
from .world import CLASS, CLIENTS, PASS, SIX_VIP, VIP, WEB_A, Document, cce, endpoint, plain, slice_of

PROXY = {"ip": VIP, "ipMode": "Proxy"}
HOST_NAME = {"hostname": "web.example.com"}
GATE_ON = {"featureGates": {"LoadBalancerIPMode": True}}
GATE_OFF = {"featureGates": {"LoadBalancerIPMode": False}}
NO_NODE_PORT = {
    "ports": [{"port": 80, "targetPort": 8080, "protocol": "TCP"}],
    "allocateLoadBalancerNodePorts": False,
}

# Columns: mode, versions, gate | clients | verdict | way | endpoints | source | ends (Cluster)
IP_MODE = """
iptables,ipvs  1.28.3                 default  client-a,node-c  yes direct both node deliver
iptables,ipvs  1.28.3                 on       client-a,node-c  yes direct both node deliver   # the code is not there
iptables,ipvs  1.29.1                 default  client-a,node-c  yes direct both node deliver   # alpha, off
iptables,ipvs  1.29.1                 on       client-a,node-c,agent-c  yes lb both node deliver
iptables,ipvs  1.30.3,1.31.0,1.36.0   default  client-a,client-c,node-a,node-c,web-a  yes lb both node deliver
nftables       1.31.0,1.36.0          default  client-a,client-c,node-a,node-c,agent-c  yes lb both node deliver
iptables,ipvs  1.30.3,1.31.0          off      client-c,node-c  yes direct both node deliver
nftables       1.31.0                 off      client-c,node-c  yes direct both node deliver
"""

# delivery | client | policy | verdict | way | endpoints | source | ends, all with ipMode Proxy on iptables 1.33
DELIVERED = """
nodeport client-c Local    yes lb both *    deliver
nodeport node-c   Local    yes lb both node deliver
nodeport outside  Local    yes lb both preserved deliver
nodeport outside  Cluster  yes lb both node deliver
pod      outside  Cluster  yes lb both preserved deliver
pod      outside  Local    yes lb both preserved deliver
pod      node-c   Cluster  yes lb both node deliver
pod      client-c Local    yes lb both *    deliver
# no node has a rule for an address with ipMode Proxy: destination unchanged is destination lost
vip      client-c Cluster  no  lb -    -    *
vip      outside  Cluster  no  lb -    -    *
"""

# without node ports: delivery | ipMode | client | …
PORTLESS = """
nodeport VIP   outside  no  lb     -    -    no-backend
nodeport VIP   client-c yes direct both node deliver
nodeport VIP   node-c   yes direct both node deliver
nodeport Proxy client-c no  lb     -    -    no-backend
nodeport Proxy node-c   no  lb     -    -    no-backend
pod      VIP   outside  yes lb     both *    deliver
pod      Proxy client-c yes lb     both *    deliver
vip      VIP   outside  yes lb     both node deliver
"""


def gated(mode: str, version: str, gate: str) -> Document:
    """A cluster with LoadBalancerIPMode as the version has it, or switched."""
    return plain(mode, version, kubeProxy={"default": {}, "on": GATE_ON, "off": GATE_OFF}[gate])


def by_ip_mode() -> list[Situation]:
    """TestLoadBalancerIngressRouteTypeProxy, by mode, version and gate."""
    return [
        Situation(
            name=f"ipMode Proxy {mode} {version} gate {gate} {client}",
            documents=usual(gated(mode, version, gate), ingress=[PROXY]),
            options=("--from", CLIENTS[client]),
            cells=" ".join(cells),
            source="KEP-1860; TestLoadBalancerIngressRouteTypeProxy; S@1.29 util/utils.go:334",
        )
        for modes, versions, gate, clients, *cells in rows(IP_MODE)
        for mode in modes.split(",")
        for version in versions.split(",")
        for client in clients.split(",")
    ]


def one(name: str, facts: Document, client: str, cells: str, **more: Any) -> Situation:
    """A situation of the usual world; `more` are `codes`, `missing`, or the Service's fields."""
    told = {key: more.pop(key) for key in ("codes", "missing") if key in more}
    return Situation(
        name=name,
        documents=usual(facts, **more),
        options=("--from", CLIENTS.get(client, client)),
        cells=cells,
        source="KEP-1860; Kubernetes API: ServiceSpec, LoadBalancerIngress",
        **told,
    )


def delivering(delivery: str | None) -> Document:
    """Iptables 1.33 behind a load balancer that delivers so."""
    return plain("iptables", "1.33.1", loadBalancer={"delivery": delivery})


SITUATIONS = [
    *by_ip_mode(),
    *(
        one(
            f"Proxy, {delivery}, {client}, {policy}",
            delivering(delivery),
            client,
            " ".join(cells),
            policy=policy,
            ingress=[PROXY],
        )
        for delivery, client, policy, *cells in rows(DELIVERED)
        if "*" not in cells[4]
    ),
    *(
        one(
            f"no node port, {delivery}, {mode}, {client}",
            delivering(delivery),
            client,
            " ".join(cells),
            ingress=[{"ip": VIP, "ipMode": mode}],
            **NO_NODE_PORT,
        )
        for delivery, mode, client, *cells in rows(PORTLESS)
    ),
    *(
        one(
            f"host name only, {mode}, {client}",
            plain(mode, "1.31.0"),
            client,
            "yes lb both node deliver",
            ingress=[HOST_NAME],
        )
        for mode in ("iptables", "ipvs", "nftables")
        for client in ("client-a", "client-c", "node-a", "node-c", "agent-c", "web-a", "outside")
    ),
    one(
        "all deliveries are weighed and agree",
        delivering(None),
        "outside",
        "yes lb both preserved deliver",
        policy="Local",
    ),
    one(
        "deliveries differ without a node port",
        delivering(None),
        "outside",
        "? lb both * deliver+no-backend",
        missing="loadBalancer.delivery",
        **NO_NODE_PORT,
    ),
    one(
        "no node port is an error where node ports deliver",
        delivering("nodeport"),
        "outside",
        "no lb - - no-backend",
        codes="no-node-port",
        **NO_NODE_PORT,
    ),
    one(
        "no node port is no error where Pods are met directly",
        delivering("pod"),
        "outside",
        "yes lb both * deliver",
        codes="!no-node-port",
        **NO_NODE_PORT,
    ),
    one(
        "whether the client is kept is unknown, and decides no verdict",
        plain("iptables", "1.33.1", loadBalancer={"preservesClientIP": None}),
        "outside",
        "yes lb both unknown deliver",
        policy="Local",
    ),
    one(
        "a load balancer that is the client",
        plain("iptables", "1.33.1", loadBalancer={"preservesClientIP": False}),
        "outside",
        "yes lb both lb deliver",
        policy="Local",
    ),
    one(
        "a load balancer that is the client, to Pods",
        plain("iptables", "1.33.1", loadBalancer={"preservesClientIP": False, "delivery": "pod"}),
        "outside",
        "yes lb both lb deliver",
    ),
    one(
        "policy Cluster hides whether the client was kept",
        plain("iptables", "1.33.1", loadBalancer={"preservesClientIP": None}),
        "outside",
        "yes lb both node deliver",
    ),
    one(
        "a Proxy address that is delivered unchanged is told",
        delivering("vip"),
        "outside",
        "",
        ingress=[PROXY],
        codes="ip-mode-proxy-delivered-unchanged",
    ),
    one(
        "one endpoint, no local one, arrives nowhere else",
        plain("iptables", "1.33.1"),
        "outside",
        "yes lb a preserved deliver",
        policy="Local",
        endpoints=[WEB_A],
    ),
]


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_how_the_address_is_published_and_delivered_decides(situation: Situation) -> None:
    """The tables above."""
    assert situation.differences() == {}


@pytest.mark.parametrize("client", ["client-c", "outside"])
def test_an_address_out_of_node_rules_that_is_delivered_unchanged_is_unreachable(client: str) -> None:
    """IpMode Proxy promises another destination; how the packet ends, the sources leave open."""
    case = one("vip", delivering("vip"), client, "", ingress=[PROXY])
    path = case.asked().path
    assert (path["verdict"], path["viaLoadBalancer"], path["endpoints"]) == ("unreachable", True, [])


def test_a_host_name_may_stand_for_a_private_address_where_that_decides() -> None:
    """Contract: “matched, never resolved”; the same-node limit of a dedicated load balancer is of private ones."""
    told = cce("ipvs", "1.29.2-r5")
    annotations = {CLASS: "performance", PASS: "true"}
    documents = usual(
        told, endpoints=[WEB_A], policy="Local", ingress=[{"hostname": "lb.example"}], annotations=annotations
    )
    near = explain(documents, "--from", CLIENTS["client-a"]).path
    assert (near["verdict"], near["missing"]) == ("undetermined", ["loadBalancer.address"])
    for client in ("client-c", "outside"):
        assert explain(documents, "--from", CLIENTS[client]).path["verdict"] == "reachable"


@pytest.mark.parametrize(
    ("client", "four", "six"),
    [
        ("external:203.0.113.9", "reachable", "unreachable"),
        ("external:2001:db8::9", "unreachable", "reachable"),
        ("external", "reachable", "reachable"),
    ],
)
@pytest.mark.parametrize("delivery", ["nodeport", "pod", "vip"])
def test_an_address_outside_reaches_addresses_of_its_own_family_only(
    client: str, four: str, six: str, delivery: str
) -> None:
    """RFC 4213, section 2. Somebody outside of whom no address is given has one that fits."""
    documents = usual(
        plain("iptables", "1.36.0", loadBalancer={"delivery": delivery}),
        slice_of("web", [endpoint("fd00:10::a", "node-a", "web-a")], family="IPv6", suffix="6"),
        ingress=[{"ip": VIP}, {"ip": SIX_VIP}],
        ipFamilies=["IPv4", "IPv6"],
    )
    paths = explain(documents, "--from", client).paths
    assert {path["destination"]["ip"]: path["verdict"] for path in paths} == {VIP: four, SIX_VIP: six}
    assert all(path["viaLoadBalancer"] is True and not path["missing"] for path in paths)


def test_a_host_name_may_have_an_address_of_either_family() -> None:
    """Names are matched, never resolved."""
    documents = usual(plain("iptables", "1.36.0"), ingress=[HOST_NAME])
    assert explain(documents, "--from", "external:2001:db8::9").path["verdict"] == "reachable"
