"""What is in the cluster, as frozen values.

One value per Kubernetes object, trimmed to what a traffic path, a finding or a proposal reads. How they are
indexed is `bot.domain.snapshot`'s business.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

PASS_THROUGH = "kubernetes.io/elb.pass-through"  # noqa: S105  an annotation key, no password
"""The annotation of cce_10_0355."""
ELB_CLASS = "kubernetes.io/elb.class"
ELB_ID = "kubernetes.io/elb.id"
_ELB_PORT = "kubernetes.io/elb.port"
_ELB_LISTEN_PORTS = "kubernetes.io/elb.listen-ports"
"""A JSON list such as `[{"HTTP": 80}, {"HTTPS": 443}]`; only its numbers matter here."""
_NUMBER = re.compile(r"\b\d{1,5}\b")
PROBE = ("app.kubernetes.io/managed-by", "elb-passthrough")
"""The label of this bot's own probe Pods, and of nothing else."""
PROBE_RUN = "elb-passthrough.bot/run"
"""Their annotation, which names the verification run."""
EXCLUDE_LABEL = "node.kubernetes.io/exclude-from-external-load-balancers"
ZONE_LABEL = "topology.kubernetes.io/zone"


class Ref(NamedTuple):
    """Namespace and name of one object."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


def host_name(text: str) -> str:
    """A host name in the one spelling under which it is matched: lower case, no final dot (RFC 1035, 2.3.3)."""
    return text.lower().removesuffix(".")


class TrafficPolicy(StrEnum):
    """`externalTrafficPolicy` and `internalTrafficPolicy`."""

    CLUSTER = "Cluster"
    LOCAL = "Local"


class Family(StrEnum):
    """`addressType` of an EndpointSlice."""

    IPV4 = "IPv4"
    IPV6 = "IPv6"
    FQDN = "FQDN"
    """Host names, which kube-proxy passes over."""


class Protocol(StrEnum):
    """Transport protocols of a Service port."""

    TCP = "TCP"
    UDP = "UDP"
    SCTP = "SCTP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One entry of `matchExpressions`."""

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` satisfy this requirement; an unknown operator matches nothing."""
        value = labels.get(self.key)
        match self.operator:
            case "In":
                return value is not None and value in self.values
            case "NotIn":
                return value is None or value not in self.values
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """A label selector; an empty one selects everything."""

    labels: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[Requirement, ...] = ()

    def __hash__(self) -> int:
        return hash((frozenset(self.labels.items()), self.requirements))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether this selects something that carries `labels`."""
        return all(labels.get(key) == value for key, value in self.labels.items()) and all(
            requirement.matches(labels) for requirement in self.requirements
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePort:
    """One port of a Service; `node_port` 0 means that none is allocated."""

    port: int
    protocol: Protocol = Protocol.TCP
    name: str = ""
    node_port: int = 0
    target: str = ""
    """`targetPort` as text, a number or a name; empty means the same as `port`."""
    app_protocol: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class IngressPoint:
    """One entry of `status.loadBalancer.ingress`: an address, a host name, or both."""

    ip: str = ""
    hostname: str = ""
    ip_mode: str = ""
    """`VIP`, `Proxy` or empty where the API server did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A Service of any type."""

    ref: Ref
    uid: str = ""
    resource_version: str = ""
    type: str = "ClusterIP"
    annotations: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    selector: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[ServicePort, ...] = ()
    cluster_ips: tuple[str, ...] = ()
    external_ips: tuple[str, ...] = ()
    external_policy: TrafficPolicy = TrafficPolicy.CLUSTER
    internal_policy: TrafficPolicy = TrafficPolicy.CLUSTER
    source_ranges: tuple[str, ...] = ()
    allocate_node_ports: bool = True
    health_check_node_port: int = 0
    publish_not_ready: bool = False
    session_affinity: str = "None"
    traffic_distribution: str = ""
    ip_families: tuple[str, ...] = ()
    load_balancer_ip: str = ""
    load_balancer_class: str = ""
    ingress: tuple[IngressPoint, ...] = ()
    deleting: bool = False
    managers: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Field managers, each with the annotation keys that it owns."""

    @property
    def is_load_balancer(self) -> bool:
        """Whether this is of type LoadBalancer."""
        return self.type == "LoadBalancer"

    def has_family(self, family: str) -> bool:
        """Whether the Service has addresses and endpoints of this family; so it is where nothing says otherwise."""
        return not self.ip_families or family in self.ip_families


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint of a slice.

    `ready`, `serving` and `terminating` are the conditions with Kubernetes' defaults applied (absent ready means
    ready, absent serving means serving, absent terminating means not).
    """

    ip: str
    node: str = ""
    ready: bool = True
    serving: bool = True
    terminating: bool = False
    pod: Ref | None = None
    zone: str = ""
    zone_hints: tuple[str, ...] = ()
    node_hints: tuple[str, ...] = ()
    port: int = 0
    """Its own number of the Service's port, once that port is asked about; 0 where nobody knows."""

    @property
    def name(self) -> str:
        """The Pod as `NS/NAME`, or the address where no Pod is named."""
        return self.ip if self.pod is None else str(self.pod)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPort:
    """One port of a slice; `port` 0 means that the slice leaves the number out."""

    port: int
    name: str = ""
    protocol: Protocol = Protocol.TCP


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSlice:
    """One EndpointSlice; `service` is the owner that its label names."""

    ref: Ref
    service: Ref | None
    family: str
    """`IPv4`, `IPv6` or `FQDN` (which kube-proxy passes over)."""
    ports: tuple[EndpointPort, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A Node."""

    name: str
    internal_ips: tuple[str, ...] = ()
    external_ips: tuple[str, ...] = ()
    kubelet_version: str = ""
    zone: str = ""
    excluded: bool = False
    """Carries the label that keeps it out of load balancers."""
    ready: bool = True
    unschedulable: bool = False
    cce: bool = False
    """Carries a label that only CCE writes."""
    pod_cidrs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A Pod, as far as it may be a client, a backend, or selected by a NetworkPolicy."""

    ref: Ref
    node: str = ""
    ips: tuple[str, ...] = ()
    host_network: bool = False
    ready: bool = True
    finished: bool = False
    """Succeeded or Failed: neither client nor backend."""
    probe: bool = False
    """One of this bot's own: it comes and goes, and is nobody's client to be counted."""
    labels: Mapping[str, str] = field(default_factory=dict)
    ports: tuple[tuple[str, int], ...] = ()
    """Named container ports."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """A Kubernetes Ingress, as far as it may share a load balancer with a Service."""

    ref: Ref
    class_name: str = ""
    annotations: Mapping[str, str] = field(default_factory=dict)
    addresses: tuple[str, ...] = ()
    services: tuple[str, ...] = ()

    @property
    def has_listeners(self) -> bool:
        """Whether it may be listeners of the load balancer itself (cce_10_0251).

        The Ingress of another controller, nginx for one, is served behind the listeners of that controller's Service.
        """
        own = self.class_name in ("", "cce")
        return own or any(key.startswith("kubernetes.io/elb.") for key in self.annotations)

    def may_listen_on(self, port: int) -> bool:
        """Whether it may be the load balancer's listener on `port`; on any where its annotations name none."""
        if not self.has_listeners:
            return False
        named = self.annotations.get(_ELB_PORT, "") + " " + self.annotations.get(_ELB_LISTEN_PORTS, "")
        numbers = _NUMBER.findall(named)
        return not numbers or str(port) in numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A Deployment, StatefulSet or DaemonSet: whence hypothetical endpoints come."""

    kind: str
    ref: Ref
    replicas: int | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    """The Pod template's labels."""
    host_network: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPeer:
    """One `from` or `to` entry: an address block, or Pods by labels."""

    cidr: str = ""
    excepted: tuple[str, ...] = ()
    pods: Selector | None = None
    namespaces: Selector | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRule:
    """One `ingress` or `egress` rule; no peers means anybody, no ports means every port."""

    peers: tuple[PolicyPeer, ...] = ()
    ports: tuple[tuple[Protocol, str, int], ...] = ()
    """Protocol, port as text (empty: all), and `endPort` (0: none)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkPolicy:
    """A NetworkPolicy; where it is not `inward` or `outward`, it leaves that direction alone."""

    ref: Ref
    pods: Selector
    inward: bool = True
    outward: bool = False
    ingress: tuple[PolicyRule, ...] = ()
    egress: tuple[PolicyRule, ...] = ()


Value = Service | EndpointSlice | Node | Pod | Ingress | Workload | NetworkPolicy
