"""Configuration traps: code, text, source, how bad, and what to do about it."""

from bot.domain.explanation import Severity
from bot.domain.rule import Kind, Rule

ERROR, WARNING, INFO = Severity.ERROR, Severity.WARNING, Severity.INFO


def _trap(  # noqa: PLR0917  one value per column of the catalogue
    id: str,  # noqa: A002  the catalogue's word
    severity: Severity,
    text: str,
    fix: str,
    source: str,
    date: str = "",
    conflicts_with: tuple[str, ...] = (),
) -> Rule:
    return Rule(
        id=id,
        kind=Kind.FINDING,
        text=text,
        source=source,
        date=date,
        severity=severity,
        fix=fix,
        conflicts_with=conflicts_with,
    )


# --- several on one load balancer ------------------------------------------------------------------------

SIBLING_MISMATCH = _trap(
    "ipvs-sibling-mismatch",
    ERROR,
    "Services on one load balancer have different pass-through settings: under IPVS one without it binds the address "
    "on every node and refuses the ports of those with it.",
    "Give every Service on this load balancer the same pass-through setting, or its own load balancer.",
    "cce_10_0355 (notes and constraints); cce_10_0349",
)
INGRESS_SHARES = _trap(
    "ingress-shares-load-balancer",
    WARNING,
    "An Ingress shares the load balancer: under IPVS the Service binds the address on every node, and the Ingress is "
    "refused from inside the cluster.",
    "Use different load balancers, or pass-through on the Service.",
    "cce_10_0251, cce_10_0252",
)
EXTERNAL_IP_SHARES = _trap(
    "external-ip-is-load-balancer",
    ERROR,
    "A Service has the load balancer's address among its spec.externalIPs: node rules answer for that Service's ports "
    "there in spite of pass-through and ipMode, and under IPVS refuse every port that has no rule.",
    "Remove the address from spec.externalIPs.",
    "kubernetes pkg/proxy/ipvs/proxier.go (externalIPs are bound to kube-ipvs0); TestExternalIPs",
)
DUPLICATE_LISTENER = _trap(
    "duplicate-listener",
    ERROR,
    "Two Services on one load balancer want the same port: only one can have the listener.",
    "Change one of the ports, or give one its own load balancer.",
    "ELB API: a listener's protocol and port are unique (409 “already has a listener with protocol_port”)",
)

# --- pass-through itself ---------------------------------------------------------------------------------

UNSUPPORTED_VERSION = _trap(
    "unsupported-version",
    ERROR,
    "Pass-through is not supported by clusters of v1.15 or earlier.",
    "Upgrade the cluster, or use the ClusterIP name inside it.",
    "cce_10_0355; cce_10_0249",
)
VERSION_DISAGREE = _trap(
    "pass-through-version-disputed",
    WARNING,
    "One page supports pass-through after v1.15, another from v1.19 on: for v1.16 to v1.18 the documents disagree.",
    "Verify with real connections, or upgrade to v1.19 or newer.",
    "cce_10_0355 against cce_10_0385 (table 4) and cce_bestpractice_0301",
    conflicts_with=("unsupported-version",),
)
VALUE_OFF = _trap(
    "pass-through-value-undocumented",
    WARNING,
    "The pass-through annotation is false or empty, which no page documents; it is taken for off.",
    "Remove the annotation to turn pass-through off.",
    "cce_10_0355 knows true and onlyLocal only",
)
VALUE_UNKNOWN = _trap(
    "pass-through-value-unknown",
    WARNING,
    "The pass-through annotation has a value that no page knows; what it does is not known.",
    'Set it to "true", or remove it.',
    "cce_10_0355 knows true and onlyLocal only",
)
ONLY_LOCAL = _trap(
    "pass-through-only-local",
    INFO,
    "CCE writes onlyLocal itself for policy Local; what it does node by node is documented nowhere and assumed to be "
    "the same as true.",
    "Nothing to do; verify with real connections where it matters.",
    "cce_10_0355 (notes and constraints)",
)
ONLY_LOCAL_CLUSTER = _trap(
    "pass-through-only-local-left-over",
    WARNING,
    "The annotation says onlyLocal, which CCE writes for policy Local, but the policy is Cluster.",
    'Set it to "true" to keep pass-through, or remove it.',
    "cce_10_0355 (notes and constraints)",
)
LOCAL_WITHOUT = _trap(
    "local-without-pass-through",
    WARNING,
    "The policy is Local and CCE has not written onlyLocal (yet): traffic from inside goes by node rules.",
    'Wait for the controller, or set pass-through to "true"; inside the cluster use the ClusterIP name.',
    "cce_10_0355 (notes and constraints)",
)
ON_GENERIC = _trap(
    "pass-through-not-cce",
    WARNING,
    "The pass-through annotation means nothing outside of CCE: no upstream kube-proxy reads it.",
    "Use ipMode Proxy or a host name, if the cloud's controller offers them.",
    "KEP-1860; kubernetes pkg/proxy/serviceport.go",
)
MEANINGLESS_CATEGORY = _trap(
    "meaningless-category",
    INFO,
    "In a CCE Turbo cluster Pods reach the load balancer directly without the annotation; what it does for a node's "
    "own processes is not documented.",
    "Pods need nothing; for the nodes verify with real connections.",
    "cce_10_0355; cce_bestpractice_0301",
    date="2026-03",
)
MEANINGLESS_PROXY = _trap(
    "meaningless-proxy",
    WARNING,
    "Something other than kube-proxy (DataPlane V2 for one) handles Services: what pass-through does there is "
    "documented nowhere.",
    "Verify with real connections.",
    "cce_10_0945",
    date="2026-01",
)
MODE_TOO_NEW = _trap(
    "proxy-mode-contradicts-version",
    ERROR,
    "kube-proxy has no nftables mode before v1.29: mode and version cannot both be as stated, so both are doubted here.",
    "Correct kubeProxy.mode or kubernetesVersion. On a node, curl 127.0.0.1:10249/proxyMode tells the mode.",
    "KEP-3866: alpha in v1.29",
)
FOREIGN_CLASS = _trap(
    "elb-class-not-cce",
    WARNING,
    "elb.class has a value of another controller than CCE's, and that one knows no pass-through.",
    "Check which controller manages the load balancer.",
    "cce_10_0385: union and performance are CCE's values",
)
FOREIGN_LB_CLASS = _trap(
    "load-balancer-class-foreign",
    WARNING,
    "spec.loadBalancerClass hands the Service to another controller; CCE's passes it over.",
    "Check which controller manages the load balancer.",
    "Kubernetes API: ServiceSpec.loadBalancerClass",
)
TURBO_NODE = _trap(
    "turbo-node-disputed",
    INFO,
    "What a CCE Turbo node's own processes do without the annotation is told both ways.",
    "Verify with real connections.",
    "cce_10_0355 of 2025-06 (pass-through by default) against 2025-10 (node rules by default)",
    date="2025-10",
)
TURBO_LOCAL = _trap(
    "turbo-local-host-network",
    WARNING,
    "In a CCE Turbo cluster policy Local is supported with backends on the host network only.",
    "Use policy Cluster.",
    "cce_10_0249; cce_10_0681",
)
MISSPELT = _trap(
    "annotation-misspelt",
    WARNING,
    "An annotation's key is nearly one that CCE reads, but not quite: CCE passes it over, and so does this answer.",
    "Write the key as documented, and remove this one.",
    "cce_10_0385 (the keys that CCE reads)",
)
ID_AND_AUTOCREATE = _trap(
    "elb-id-and-autocreate",
    WARNING,
    "elb.id and elb.autocreate are both set: the id wins, and deleting the Service may delete that load balancer.",
    "Keep one of the two.",
    "cce_10_0385",
)
GITOPS = _trap(
    "gitops-reverts",
    WARNING,
    "A GitOps tool manages this Service: a change of the annotation that is not in Git may be reverted, which the card of a proposal says exactly.",
    "Make the change in Git, or tell the tool to leave the annotation alone (ignoreDifferences).",
    "Argo CD: diffing; Flux: kustomize-controller field management; Helm: three-way merge",
)

# --- the load balancer -----------------------------------------------------------------------------------

SAME_NODE = _trap(
    "same-node-lockout",
    ERROR,
    "The load balancer keeps the client's address, so from a node that it picks, and from Pods there, its private "
    "address does not answer: under policy Local from every backend node, under Cluster every now and then.",
    "Inside the cluster use the ClusterIP name; or a layer-7 listener, the public address, or a shared load balancer.",
    "cce_10_0355 (notes and constraints); elb_ug_jt_0514; elb_faq_21020218",
    date="2025-08",
)
OWN_SERVER = _trap(
    "backend-calls-itself",
    INFO,
    "The load balancer keeps the client's address and hands connections straight to Pods: a backend that calls the "
    "private address, and is picked itself, may get no reply. The ELB's pages say that a server cannot be its own client; "
    "CCE's page restricts standard clusters only.",
    "Let backends call each other by the ClusterIP name.",
    "elb_ug_jt_0514; elb_faq_21020218 (a server cannot be client and backend); cce_10_0281",
    date="2025-08",
)
SHARED_SAME_NODE = _trap(
    "shared-same-node-disputed",
    INFO,
    "Whether a shared load balancer answers a client on the backend's own node is told both ways; here it is taken to "
    "answer, because it does not keep the client's address.",
    "Verify with real connections from a backend's node.",
    "cce_10_0249 (table, since 2025-10) against cce_10_0355 and elb_ug_jt_0515",
    date="2025-10",
    conflicts_with=("same-node-lockout",),
)
BYPASSED = _trap(
    "load-balancer-bypassed",
    INFO,
    "Traffic from inside the cluster does not cross the load balancer: its metrics and health checks do not see it.",
    "Usually nothing; on CCE pass-through sends it through the load balancer.",
    "cce_10_0355; kubernetes #66607",
)
TLS_BYPASSED = _trap(
    "tls-bypassed",
    WARNING,
    "The load balancer terminates TLS or speaks HTTP on this port, and traffic from inside the cluster goes past it: "
    "clients that expect TLS meet the backend's plain port.",
    "Use pass-through, or let clients inside speak to the ClusterIP name in the backend's own protocol.",
    "cce_10_0385 (elb.protocol-port, elb.cert-id); kubernetes #66607",
)
ACL_BYPASSED = _trap(
    "access-list-bypassed",
    WARNING,
    "The load balancer has an access list, and traffic from inside the cluster goes past it.",
    "Use a NetworkPolicy for clients inside, or pass-through.",
    "cce_10_0385 (elb.acl-id)",
)
ACL_NODES = _trap(
    "access-list-sees-nodes",
    WARNING,
    "The load balancer has an access list, and behind pass-through clients from inside arrive with node addresses, "
    "which the list may refuse.",
    "Check that the list fits the nodes' addresses.",
    "cce_10_0385 (elb.acl-id); elb_bp_1014",
)
PUBLIC = _trap(
    "public-address-from-inside",
    INFO,
    "Behind pass-through clients from inside reach the public address only if their nodes may go out, and it uses the "
    "address' bandwidth.",
    "Use the private address, or the ClusterIP name, inside the cluster.",
    "cce_10_0249",
)
HEALTH_CHECK_OFF = _trap(
    "health-check-off",
    WARNING,
    "The load balancer's health check is off: it may pick nodes that cannot answer.",
    "Turn the health check on.",
    "cce_faq_00202",
)
UNHEALTHY = _trap(
    "members-unhealthy",
    WARNING,
    "Some members of the load balancer fail its health check: who is sent through it reaches fewer backends.",
    "Mend the members: ELB console, backend server groups; security groups must let the ELB's health checks in.",
    "ELB API: operating_status of the members",
)
NO_NODE_PORT = _trap(
    "no-node-port",
    ERROR,
    "A port has no node port, and the load balancer delivers to node ports: nobody outside gets there.",
    "Set allocateLoadBalancerNodePorts to true.",
    "Kubernetes API: ServiceSpec.allocateLoadBalancerNodePorts",
)
VIP_PROXY = _trap(
    "ip-mode-proxy-delivered-unchanged",
    ERROR,
    "ipMode Proxy keeps the address out of node rules, but the load balancer leaves the destination as it is: no node "
    "knows what to do with it.",
    "Let the load balancer deliver to node ports or Pods, or publish the address with ipMode VIP.",
    "KEP-1860",
)
ONE_SOURCE = _trap(
    "session-affinity-one-source",
    INFO,
    "Clients are told apart by their address, and those inside arrive with a node's: all of one node get the same "
    "endpoint.",
    "Use affinity by cookie, or the ClusterIP name inside the cluster.",
    "Kubernetes API: ServiceSpec.sessionAffinity; cce_10_0385 (elb.lb-algorithm)",
)
NO_ADDRESS = _trap(
    "no-address-yet",
    WARNING,
    "The load balancer has no address yet: everything here is explained for an assumed one.",
    "Nothing, if it is not applied yet; else wait for the controller: kubectl describe shows its events.",
    "Kubernetes API: ServiceStatus.loadBalancer",
)

# --- endpoints -------------------------------------------------------------------------------------------

NO_ENDPOINT = _trap(
    "no-ready-endpoint",
    ERROR,
    "There is no ready endpoint behind this port.",
    "Check the selector, the Pods' readiness and the port's name.",
    "Kubernetes: EndpointSlice conditions",
)
FAMILY = _trap(
    "family-not-served",
    WARNING,
    "The load balancer has an address of a family that the Service does not have: no node answers for it, and it works "
    "only if the load balancer translates.",
    "Set spec.ipFamilyPolicy to PreferDualStack, or publish addresses of the Service's family only.",
    "kubernetes pkg/proxy/servicechangetracker.go, serviceport.go",
)
PORT_UNMATCHED = _trap(
    "port-without-endpoints",
    ERROR,
    "No EndpointSlice has a port of this name and protocol, though the Service has endpoints.",
    "Make targetPort fit the containers' ports.",
    "kubernetes pkg/proxy/endpointslicecache.go: endpoints are matched by port name and protocol",
)
ONLY_LEAVING = _trap(
    "only-terminating-endpoints",
    WARNING,
    "Every endpoint is terminating: it answers by the fallback only, and until it is gone.",
    "Start new replicas before the old ones go.",
    "KEP-1669",
)
WITHOUT_NODE = _trap(
    "endpoint-without-node",
    WARNING,
    "An endpoint names no node, so policy Local counts it as local nowhere.",
    "Let the EndpointSlice name the node.",
    "kubernetes pkg/proxy/endpointslicecache.go",
)
NODE_GONE = _trap(
    "endpoint-on-missing-node",
    WARNING,
    "An endpoint names a node that the cluster does not have: the load balancer has no such member, and the Pod is about "
    "to be removed.",
    "Look whether the node is gone for good, and whether its Pods run elsewhere.",
    "kubernetes.io: Pod lifecycle, garbage collection of Pods (bound to a node that no longer exists)",
)
EXCLUDED_BACKEND = _trap(
    "backend-on-excluded-node",
    WARNING,
    "An endpoint runs on a node that is kept out of load balancers, and the policy is Local: nothing reaches it from "
    "the load balancer.",
    "Remove the label node.kubernetes.io/exclude-from-external-load-balancers, or move the Pod.",
    "KEP-1143",
)
NO_MEMBER = _trap(
    "every-node-excluded",
    ERROR,
    "Every node is kept out of load balancers by its label, so this one has nobody to forward to: whoever is sent "
    "through it reaches nobody.",
    "Remove the label node.kubernetes.io/exclude-from-external-load-balancers from some nodes.",
    "KEP-1143",
)
NOT_READY_PUBLISHED = _trap(
    "not-ready-published",
    WARNING,
    "publishNotReadyAddresses makes every Pod an endpoint, ready or not.",
    "Leave it to headless Services.",
    "Kubernetes API: ServiceSpec.publishNotReadyAddresses",
)
INTERNAL_LEAK = _trap(
    "internal-policy-leaks",
    WARNING,
    "internalTrafficPolicy Local wrongly applies to the load balancer's address too in v1.22 and v1.23: nodes without "
    "an endpoint refuse it.",
    "Upgrade to v1.24 or newer, or use a second Service.",
    "kubernetes #106497",
)
FRAGILE = _trap(
    "holds-by-placement",
    WARNING,
    "Some clients get there only because of where today's endpoints run.",
    "Inside the cluster use the ClusterIP name, or policy Cluster.",
    "cce_10_0249",
)

# --- nodes -----------------------------------------------------------------------------------------------

HOSTS_CUT_OFF = _trap(
    "ipvs-host-no-local-endpoint",
    ERROR,
    "Processes on a node without a ready endpoint cannot reach the address: under IPVS the reply never arrives.",
    "Use the ClusterIP name there, policy Cluster, or pass-through.",
    "kubernetes #93456, #97081",
)
IPVS_CUT_OFF = _trap(
    "ipvs-no-local-endpoint",
    ERROR,
    "Nobody on a node without a ready endpoint can reach the address: under IPVS before v1.24 it refuses.",
    "Use the ClusterIP name there, policy Cluster, pass-through, or upgrade.",
    "kubernetes #92857, #75262, #91812",
)
NFTABLES_CUT_OFF = _trap(
    "nftables-host-cut-off",
    ERROR,
    "Processes on a node without a ready endpoint cannot reach the address: nftables before v1.33.6 drops it.",
    "Use the ClusterIP name there, policy Cluster, or upgrade.",
    "kubernetes #131765, #132456, #133969",
)
IPTABLES_CUT_OFF = _trap(
    "iptables-host-cut-off",
    ERROR,
    "Processes on a node without a ready endpoint cannot reach the address: iptables before v1.15 drops it.",
    "Use the ClusterIP name there, policy Cluster, or upgrade.",
    "kubernetes #77523",
)
NO_DETECTOR = _trap(
    "no-local-detector",
    ERROR,
    "kube-proxy cannot tell local Pods from strangers, so Pods on a node without a ready endpoint are dropped.",
    "Set kube-proxy's --cluster-cidr or --detect-local-mode.",
    "kubernetes pkg/proxy/iptables/proxier.go at v1.30:1251",
)
OUTSIDE_CIDR = _trap(
    "pods-outside-cluster-cidr",
    WARNING,
    "Some Pods have addresses outside of kube-proxy's clusterCIDR: they are strangers to it, and dropped on nodes "
    "without a ready endpoint.",
    "Make --cluster-cidr cover every Pod address.",
    "observed on kube-proxy 1.36",
)
MIXED_VERSIONS = _trap(
    "mixed-versions",
    INFO,
    "Nodes run different Kubernetes minor versions, so their rules may differ.",
    "Finish the upgrade.",
    "Node status.nodeInfo.kubeletVersion",
)
VERSION_UNREADABLE = _trap(
    "version-unreadable",
    WARNING,
    "A node's kubelet version cannot be read; every version is weighed for it.",
    "Give kubernetesVersion in ClusterFacts.",
    "Node status.nodeInfo.kubeletVersion",
)
EXTERNAL_IP_NODE = _trap(
    "external-ip-is-node",
    ERROR,
    "spec.externalIPs holds a node's address: under IPVS that makes the node unreachable.",
    "Remove it.",
    "cce_10_0681",
)

# --- who may come ----------------------------------------------------------------------------------------

RANGES_CUT_OFF = _trap(
    "source-ranges-fatal",
    ERROR,
    "loadBalancerSourceRanges keeps clients inside the cluster out too, because node rules enforce it on the address.",
    "Add the Pods' and nodes' addresses to the ranges, or use the ClusterIP name inside the cluster.",
    "kubernetes TestLoadBalancer (“pod to LB1 (blocked by LoadBalancerSourceRanges)”)",
)
RANGES_ESCAPED = _trap(
    "source-ranges-ineffective",
    WARNING,
    "loadBalancerSourceRanges is enforced on the address in node rules only, never on a node port: whoever comes "
    "through the load balancer's node ports escapes it, unless the load balancer itself enforces it.",
    "Use the load balancer's own access list.",
    "kubernetes TestLoadBalancer (“nodePort bypasses LoadBalancerSourceRanges”)",
)
RANGES_HOST_OPEN = _trap(
    "ipvs-ranges-skip-hosts",
    WARNING,
    "Under IPVS from v1.25 to v1.28 loadBalancerSourceRanges is not enforced for a node's own processes.",
    "Upgrade to v1.29 or newer.",
    "kubernetes #119656, #119791",
)
RANGES_NFTABLES = _trap(
    "nftables-source-ranges-broken",
    ERROR,
    "nftables mode of v1.29 enforces loadBalancerSourceRanges for a node's own processes only; everybody else gets past "
    "them.",
    "Upgrade to v1.30 or newer.",
    "kubernetes #122614",
)
POLICY_SOURCE = _trap(
    "networkpolicy-source-changes",
    WARNING,
    "A NetworkPolicy selects the backends, and on this path they see another source address than the client's own: "
    "rules by Pod or by address may no longer fit.",
    "Let the policy admit the nodes' (or the load balancer's) addresses, or use the ClusterIP name inside the cluster.",
    "Kubernetes API: NetworkPolicyPeer; cce_10_0059",
)

RULES = tuple(value for value in list(globals().values()) if isinstance(value, Rule))
"""Every rule of this module."""
