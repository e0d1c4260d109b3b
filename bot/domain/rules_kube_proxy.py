"""What kube-proxy does with a packet, by mode and version: data that the proxiers walk.

Sources are kube-proxy's own (`pkg/proxy/...` at the minor version named) and kubernetes/kubernetes numbers.
"""

from bot.domain.rule import Kind, Rule
from bot.domain.version import Version


def _rule(
    id: str,  # noqa: A002  the catalogue's word
    text: str,
    source: str,
    *,
    action: str,
    since: str = "",
    until: str = "",
) -> Rule:
    return Rule(
        id=id,
        kind=Kind.KUBE_PROXY,
        text=text,
        source=source,
        action=action,
        since=Version.parse(since) if since else None,
        until=Version.parse(until) if until else None,
    )


ADDRESS_CAPTURED = _rule(
    "lb-address-captured",
    "kube-proxy on every node answers for the load balancer's address itself, so traffic from inside the cluster "
    "goes straight to an endpoint and the load balancer (its TLS, access list and metrics) is skipped.",
    "cce_10_0355; kubernetes pkg/proxy/serviceport.go; kubernetes #66607",
    action="captures the address: node rules answer instead of the load balancer",
)
EXTERNAL_IP_CAPTURED = _rule(
    "external-ip-captured",
    "A Service has the load balancer's address among its spec.externalIPs: node rules answer for that Service's ports "
    "there, whatever the load balancer's own Service says, and whatever its type is.",
    "pkg/proxy/{iptables,ipvs,nftables}/proxier.go (Capture externalIPs); TestExternalIPs, TestOnlyLocalExternalIPs",
    action="captures the address: it is among the external IPs of a Service",
)
IP_MODE_PROXY = _rule(
    "ip-mode-proxy",
    "An address with ipMode Proxy is not put into node rules, so traffic from inside goes to the load balancer.",
    "KEP-1860; gate LoadBalancerIPMode: off in v1.29, on since v1.30; kubernetes #119937",
    since="v1.29",
    action="leaves the address alone (ipMode Proxy)",
)
HOSTNAME_ONLY = _rule(
    "hostname-not-captured",
    "A load balancer that is published by host name has no address in node rules, so traffic from inside goes to it.",
    "kubernetes pkg/proxy/serviceport.go (LoadBalancerVIPs)",
    action="has no rule: the load balancer goes by a host name",
)
FAMILY_NOT_PROGRAMMED = _rule(
    "family-not-captured",
    "The address is of a family that the Service does not have: kube-proxy passes the Service over there, and traffic "
    "from inside goes to the load balancer.",
    "kubernetes pkg/proxy/servicechangetracker.go (GetClusterIPByFamily)",
    action="has no rule: the Service has no address of this family",
)
PORT_NOT_PROGRAMMED = _rule(
    "port-not-programmed",
    "No Service has a rule for this port of the address, so the packet leaves the node for the load balancer.",
    "kubernetes pkg/proxy/iptables/proxier.go, pkg/proxy/nftables/proxier.go: rules are per address and port",
    action="has no rule for this port",
)
OTHER_PROXIER = _rule(
    "other-proxier",
    "Something other than kube-proxy handles Services here, and its rules are not known.",
    "cce_10_0945 (DataPlane V2); KEP-1860 names further implementations",
    action="something other than kube-proxy decides",
)
NOT_PROGRAMMED_DROP = _rule(
    "vip-not-programmed",
    "The load balancer left the destination address as it was, and the node has no rule for it: the packet ends here.",
    "kubernetes pkg/proxy/serviceport.go; KEP-1860 (what ipMode promises about delivery)",
    action="has no rule for the address: drops",
)
HOST_ENDPOINT = _rule(
    "host-endpoint-keeps-source",
    "Masquerading happens where a packet leaves a node: one that ends in a host-network Pod of the node that forwards "
    "it keeps its source address.",
    "netfilter's POSTROUTING; seen with kube-proxy v1.36 in modes iptables and nftables",
    action="hands it to a process of its own, without masquerading",
)
HAIRPIN = _rule(
    "hairpin-masquerade",
    "An endpoint that reaches itself is masqueraded: it sees a node's address.",
    "kubernetes pkg/proxy/iptables/proxier.go (KUBE-SEP), ipvs (KUBE-LOOP-BACK), nftables (endpoint chains)",
    action="masquerades: the endpoint reaches itself",
)
TERMINATING = _rule(
    "terminating-fallback",
    "Without a ready endpoint, endpoints that are terminating but still serving are used; before v1.24 with policy Local "
    "only.",
    "KEP-1669; gate ProxyTerminatingEndpoints: on since v1.26; pkg/proxy/topology.go at v1.24, {iptables,ipvs}/proxier.go "
    "at v1.23",
    since="v1.22",
    action="falls back to terminating endpoints",
)
TOPOLOGY = _rule(
    "topology-hints",
    "Every ready endpoint carries a topology hint and one fits this node, so only fitting ones are used.",
    "KEP-2433, KEP-3015; pkg/proxy/topology.go: with the Service's annotation since v1.24 (topology-aware-hints, from "
    "v1.27 on topology-mode too), whatever it says since v1.31",
    since="v1.21",
    action="narrows to endpoints hinted for this node or zone",
)
INTERNAL_LEAK = _rule(
    "internal-policy-leak",
    "internalTrafficPolicy Local wrongly applies to load balancer traffic too: only endpoints on the node are used.",
    "kubernetes #106497; pkg/proxy/topology.go at v1.23",
    since="v1.21",
    until="v1.24",
    action="narrows to its own endpoints (internalTrafficPolicy leaks)",
)

IPTABLES_CLUSTER = _rule(
    "iptables-cluster",
    "Policy Cluster: the packet is masqueraded and goes to any endpoint of the cluster.",
    "pkg/proxy/iptables/proxier.go (KUBE-EXT, before v1.24 KUBE-FW); TestLoadBalancer",
    action="masquerades, DNAT to any endpoint",
)
IPTABLES_POD = _rule(
    "iptables-local-pod",
    "Policy Local: a Pod that kube-proxy recognises as local reaches every endpoint of the cluster, with its own address.",
    "pkg/proxy/iptables/proxier.go at v1.14:1214 and v1.30:1251 (needs a local-traffic detector)",
    action="DNAT to any endpoint: a local Pod is exempt from policy Local",
)
IPTABLES_HOST = _rule(
    "iptables-local-host",
    "Policy Local: a node's own process is masqueraded and reaches every endpoint of the cluster.",
    "kubernetes #77523 (v1.15)",
    since="v1.15",
    action="masquerades, DNAT to any endpoint: a host process is exempt from policy Local",
)
IPTABLES_LOCAL = _rule(
    "iptables-local-endpoints",
    "Policy Local: the packet goes to an endpoint on this node, its source address unchanged.",
    "pkg/proxy/iptables/proxier.go (KUBE-SVL, before v1.24 KUBE-XLB); TestExternalTrafficPolicyLocal",
    action="DNAT to an endpoint on this node",
)
IPTABLES_NO_LOCAL = _rule(
    "iptables-no-local-endpoint",
    "Policy Local and no endpoint on this node: the packet is dropped.",
    "pkg/proxy/iptables/proxier.go; a filter rule since v1.25 (kubernetes #110290), KUBE-MARK-DROP before",
    action="drops: no endpoint on this node",
)
IPTABLES_NO_ENDPOINT = _rule(
    "iptables-no-endpoint",
    "The Service has no usable endpoint: the packet is rejected.",
    "pkg/proxy/iptables/proxier.go (KUBE-EXTERNAL-SERVICES)",
    action="rejects: no endpoint at all",
)
IPTABLES_NO_ENDPOINT_HOST = _rule(
    "iptables-no-endpoint-host-leaves",
    "Without a usable endpoint the reject rule is not on the way of a node's own process: its packet leaves for the "
    "load balancer.",
    "kubernetes #95252 (v1.20)",
    since="v1.20",
    action="lets it leave: the reject rule is not on a host's way",
)
IPTABLES_RANGES = _rule(
    "iptables-source-ranges",
    "The client's address is in none of loadBalancerSourceRanges: the packet is dropped, also one from inside.",
    "pkg/proxy/iptables/proxier.go (KUBE-FW); TestLoadBalancer",
    action="drops: outside of the source ranges",
)

NFTABLES_CLUSTER = _rule(
    "nftables-cluster",
    "Policy Cluster: the packet is masqueraded and goes to any endpoint of the cluster.",
    "pkg/proxy/nftables/proxier.go (external chain)",
    action="masquerades, DNAT to any endpoint",
)
NFTABLES_POD = _rule(
    "nftables-local-pod",
    "Policy Local: a Pod that kube-proxy recognises as local reaches every endpoint of the cluster, with its own address.",
    "pkg/proxy/nftables/proxier.go at v1.30:1425",
    action="DNAT to any endpoint: a local Pod is exempt from policy Local",
)
NFTABLES_HOST = _rule(
    "nftables-local-host",
    "Policy Local: a node's own process is masqueraded and reaches every endpoint of the cluster.",
    "pkg/proxy/nftables/proxier.go",
    action="masquerades, DNAT to any endpoint: a host process is exempt from policy Local",
)
NFTABLES_HOST_DROP = _rule(
    "nftables-host-no-local-endpoint",
    "Policy Local and no endpoint on this node: a node's own packet is dropped before the short-circuit is reached.",
    "kubernetes #131765, #132456 (v1.34), #133969 (v1.33.6)",
    until="v1.33.6",
    action="drops on output: no endpoint on this node",
)
NFTABLES_LOCAL = _rule(
    "nftables-local-endpoints",
    "Policy Local: the packet goes to an endpoint on this node, its source address unchanged.",
    "pkg/proxy/nftables/proxier.go (local chain)",
    action="DNAT to an endpoint on this node",
)
NFTABLES_NO_LOCAL = _rule(
    "nftables-no-local-endpoint",
    "Policy Local and no endpoint on this node: the packet is dropped.",
    "pkg/proxy/nftables/proxier.go (no-endpoint-services)",
    action="drops: no endpoint on this node",
)
NFTABLES_NO_ENDPOINT = _rule(
    "nftables-no-endpoint",
    "The Service has no usable endpoint: the packet is rejected.",
    "pkg/proxy/nftables/proxier.go (no-endpoint-services)",
    action="rejects: no endpoint at all",
)
NFTABLES_RANGES = _rule(
    "nftables-source-ranges",
    "The client's address is in none of loadBalancerSourceRanges: the packet is dropped, also one from inside.",
    "pkg/proxy/nftables/proxier.go (firewall-check)",
    action="drops: outside of the source ranges",
)
NFTABLES_RANGES_OPEN = _rule(
    "nftables-source-ranges-open",
    "The check of loadBalancerSourceRanges comes after DNAT for everybody but a node's own processes, and so stops "
    "nobody else.",
    "kubernetes #122614 (v1.30)",
    since="v1.29",
    until="v1.30",
    action="does not enforce source ranges: it looks at the packet too late",
)

IPVS_CLUSTER = _rule(
    "ipvs-cluster",
    "Policy Cluster: the packet is masqueraded and goes to any endpoint of the cluster.",
    "pkg/proxy/ipvs/proxier.go (KUBE-LOAD-BALANCER)",
    action="masquerades, virtual server to any endpoint",
)
IPVS_LOCAL = _rule(
    "ipvs-local-endpoints",
    "Policy Local: the virtual server holds the endpoints of this node only; the source address is not changed.",
    "pkg/proxy/ipvs/proxier.go (syncEndpoint)",
    action="virtual server to an endpoint on this node",
)
IPVS_EMPTY = _rule(
    "ipvs-local-empty",
    "Policy Local and no endpoint on this node: the virtual server is empty and refuses every client.",
    "pkg/proxy/ipvs/proxier.go at v1.23:2051; kubernetes #92857, #75262, #91812",
    until="v1.24",
    action="refuses: the virtual server is empty",
)
IPVS_FALLBACK = _rule(
    "ipvs-local-fallback",
    "Policy Local and no endpoint on this node: the virtual server falls back to every endpoint of the cluster.",
    "kubernetes #97081 (v1.24)",
    since="v1.24",
    action="virtual server falls back to any endpoint",
)
IPVS_FALLBACK_LOST = _rule(
    "ipvs-fallback-reply-lost",
    "The fallback does not masquerade: the reply of a remote endpoint to somebody who is no local Pod never arrives.",
    "kubernetes #93456, #97081 (partial fix)",
    since="v1.24",
    action="does not masquerade: the reply goes astray",
)
IPVS_NO_ENDPOINT = _rule(
    "ipvs-no-endpoint",
    "The Service has no usable endpoint: the virtual server is empty and refuses the connection.",
    "pkg/proxy/ipvs/proxier.go (syncEndpoint)",
    action="refuses: the virtual server is empty",
)
IPVS_HOST_SOURCE = _rule(
    "ipvs-host-source",
    "The address is bound to kube-ipvs0, so a node's own process speaks from the load balancer's address.",
    "pkg/proxy/ipvs/proxier.go at v1.30:1252; kubernetes #93456",
    action="speaks from the load balancer's address (kube-ipvs0)",
)
IPVS_RANGES = _rule(
    "ipvs-source-ranges",
    "The client's address is in none of loadBalancerSourceRanges: the packet is dropped, also one from inside.",
    "pkg/proxy/ipvs/proxier.go (KUBE-PROXY-FIREWALL, before v1.25 KUBE-FIRE-WALL)",
    action="drops: outside of the source ranges",
)
IPVS_RANGES_HOST_OPEN = _rule(
    "ipvs-source-ranges-host-open",
    "loadBalancerSourceRanges is not enforced for a node's own processes.",
    "kubernetes #119656, #119791",
    since="v1.25",
    until="v1.29",
    action="does not enforce source ranges for host processes",
)
IPVS_RANGES_HOST_BY_ADDRESS = _rule(
    "ipvs-source-ranges-host-by-address",
    "A range that holds the load balancer's own address lets a node's own processes in.",
    "pkg/proxy/ipvs/proxier.go at v1.24 (KUBE-LOAD-BALANCER-SOURCE-CIDR)",
    until="v1.25",
    action="lets it in by the load balancer's own address",
)
IPVS_TRAP = _rule(
    "ipvs-trap",
    "The address is bound to kube-ipvs0 on every node (by this Service, or by another one on the same load balancer or "
    "with the address among its external IPs), and no rule is there for this port: the connection is refused without "
    "leaving the node.",
    "cce_10_0349, cce_10_0355; kubernetes #72236, #108460 (filter since v1.26, the host's own sockets before)",
    action="refuses: the address is bound here, this port has no rule",
)

RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
"""Every rule of this module."""
