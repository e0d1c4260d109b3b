"""What clients, load balancers and endpoints do with a packet: data that a walk cites."""

from bot.domain.rule import Kind, Rule
from bot.domain.version import Version


def _rule(
    id: str,  # noqa: A002  the catalogue's word
    text: str,
    source: str,
    *,
    action: str,
    kind: Kind = Kind.LOAD_BALANCER,
    date: str = "",
    since: str = "",
    conflicts_with: tuple[str, ...] = (),
) -> Rule:
    return Rule(
        id=id,
        kind=kind,
        text=text,
        source=source,
        action=action,
        date=date,
        since=Version.parse(since) if since else None,
        conflicts_with=conflicts_with,
    )


CONNECTS = _rule(
    "client-connects",
    "The client opens a connection to the load balancer's address and port.",
    "the question",
    kind=Kind.CLIENT,
    action="connects",
)
OUTSIDE = _rule(
    "outside-reaches-balancer",
    "A client outside the cluster meets no node rule before the load balancer.",
    "cce_10_0249",
    kind=Kind.CLIENT,
    action="goes to the load balancer",
)
CLIENT_FAMILY = _rule(
    "client-of-other-family",
    "The client's address and the load balancer's are of different families: from this address no packet can be sent "
    "there. A client that has addresses of both families is asked about by the other one.",
    "RFC 4213, section 2: a host speaks IPv6 by IPv6 addresses, and IPv4 by IPv4 ones",
    kind=Kind.CLIENT,
    action="has no address of the destination's family",
)
PASS_THROUGH = _rule(
    "cce-pass-through",
    "With the pass-through annotation the address is left out of node rules, so traffic from inside goes to the load "
    "balancer, then to a node, then to a Pod. That this holds for every client, also with onlyLocal, is assumed.",
    "cce_10_0355",
    date="2025-06",
    since="v1.16",
    conflicts_with=("cce-pass-through-v1.19",),
    action="leaves the address alone (pass-through)",
)
PASS_THROUGH_19 = _rule(
    "cce-pass-through-v1.19",
    "Another page asks for v1.19 at least, so v1.16 to v1.18 are open.",
    "cce_10_0385, table 4; cce_bestpractice_0301",
    since="v1.19",
    conflicts_with=("cce-pass-through",),
    action="leaves the address alone (pass-through)",
)
TURBO_POD = _rule(
    "cce-turbo-pod-direct",
    "In a CCE Turbo cluster a Pod reaches the load balancer directly, without node rules.",
    "cce_10_0355; cce_bestpractice_0301",
    date="2026-03",
    action="is bypassed: a Turbo Pod speaks to the load balancer directly",
)
TURBO_NODE = _rule(
    "cce-turbo-node",
    "What a node's own process does in a CCE Turbo cluster without the annotation is told both ways: pass-through by "
    "default (2025-06) and node rules by default (since 2025-10).",
    "cce_10_0355 of 2025-06 and of 2025-10",
    date="2025-10",
    conflicts_with=("cce-turbo-pod-direct",),
    action="leaves the address alone (as one edition of the document says)",
)
NO_LISTENER = _rule(
    "lb-no-listener",
    "The load balancer has no listener for this port.",
    "Service spec.ports",
    action="has no listener for this port",
)
NO_SUCH_PORT = _rule(
    "no-such-port",
    "The Service has no such port.",
    "Service spec.ports",
    action="has no such port",
)
PORT_OF_SIBLING = _rule(
    "lb-port-of-sibling",
    "The port belongs to another Service with the same address: the way shown is the way to that one.",
    "ELB API: a listener's protocol and port are unique; Service spec.ports",
    action="has the listener of another Service for this port",
)
INGRESS_LISTENER = _rule(
    "lb-ingress-listener",
    "An Ingress shares the load balancer and may be the listener for this port; where its rules lead is not read.",
    "cce_10_0251, cce_10_0252 (kubernetes.io/elb.port)",
    action="may hand it to an Ingress, whose rules are not read",
)
OTHER_FAMILY = _rule(
    "lb-other-family",
    "The load balancer's address is of a family that the Service does not have; whether it translates is not known.",
    "kubernetes pkg/proxy/serviceport.go (proxying load balancers may connect one family to the other)",
    action="may translate to the Service's address family, or not",
)
SOURCE_RANGE_UNKNOWN = _rule(
    "lb-source-ranges",
    "loadBalancerSourceRanges names who may come from outside; the client's address decides.",
    "Kubernetes API: ServiceSpec.loadBalancerSourceRanges",
    action="refuses: outside of the source ranges",
)
TO_NODE_PORT = _rule(
    "lb-to-node-port",
    "The load balancer forwards to the node port of a node.",
    "cce_10_0249; Kubernetes: Service of type LoadBalancer",
    action="forwards to the node port of a node",
)
NO_NODE_PORT = _rule(
    "lb-no-node-port",
    "No node port is allocated, so the load balancer has nothing to forward to.",
    "Kubernetes API: ServiceSpec.allocateLoadBalancerNodePorts",
    action="has no node port to forward to",
)
TO_POD = _rule(
    "lb-to-pod",
    "The load balancer forwards straight to a ready endpoint.",
    "cce_10_0281 (dedicated load balancer, CCE Turbo)",
    action="forwards straight to an endpoint",
)
AS_IS = _rule(
    "lb-keeps-destination",
    "The load balancer hands the packet to a node without changing the destination; the node's own rules decide.",
    "KEP-1860 (VIP-like load balancers)",
    action="hands the packet to a node as it is",
)
NO_MEMBER = _rule(
    "lb-no-member",
    "No node or endpoint passes the load balancer's health check.",
    "Kubernetes: healthCheckNodePort counts ready local endpoints; TestHealthCheckNodePortWhenTerminating",
    action="has no healthy member",
)
ARRIVES_AT = _rule(
    "lb-arrives-at",
    "The question fixes the node to which the load balancer hands the packet.",
    "the question",
    action="is asked about this very node",
)
SAME_NODE = _rule(
    "elb-same-node-reply-lost",
    "The load balancer keeps the client's address, and the client runs on the very node it picked: the node takes the "
    "packet for its own, and the reply never arrives.",
    "cce_10_0355 (notes and constraints); elb_ug_jt_0514; elb_faq_21020218",
    date="2025-08",
    action="takes the packet for its own: the reply is lost",
)
EGRESS = _rule(
    "public-address-egress",
    "A public address is reached only if the node may go out to it, and within its bandwidth; neither is known here.",
    "cce_10_0249",
    action="is reached by its public address, if the node may go out",
)
RECEIVES = _rule(
    "endpoint-answers",
    "The endpoint receives the connection.",
    "EndpointSlice",
    kind=Kind.ENDPOINT,
    action="answers",
)
POLICY_ALLOWS = _rule(
    "networkpolicy-allows",
    "A NetworkPolicy selects the endpoint and allows the address that it sees.",
    "Kubernetes API: NetworkPolicySpec",
    kind=Kind.ENDPOINT,
    action="is let in by a NetworkPolicy",
)
POLICY_UNCLEAR = _rule(
    "networkpolicy-unclear",
    "A NetworkPolicy selects the endpoint and does not clearly allow the address that it sees; whether it is enforced "
    "depends on the container network.",
    "Kubernetes API: NetworkPolicySpec; cce_10_0059",
    kind=Kind.ENDPOINT,
    action="is selected by a NetworkPolicy that does not clearly allow this",
)

EGRESS_ALLOWS = _rule(
    "networkpolicy-egress-allows",
    "A NetworkPolicy of the client's own concerns what it may reach, and allows this.",
    "Kubernetes API: NetworkPolicySpec.egress",
    kind=Kind.CLIENT,
    action="is let out by a NetworkPolicy",
)
EGRESS_UNCLEAR = _rule(
    "networkpolicy-egress-unclear",
    "A NetworkPolicy of the client's own concerns what it may reach, and does not clearly allow this; whether it is "
    "enforced, and whether it looks before or after kube-proxy, depends on the container network.",
    "Kubernetes API: NetworkPolicySpec.egress; cce_10_0059",
    kind=Kind.CLIENT,
    action="has a NetworkPolicy that does not clearly let it out",
)

RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
"""Every rule of this module."""
