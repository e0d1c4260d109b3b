"""A small cluster whose paths are asked about: built from few words, asked in one."""

from dataclasses import dataclass, field, replace
from typing import Any

from bot.domain.cluster_facts import Category, ClusterFacts, Delivery, Mode, Platform
from bot.domain.explanation import ClientKind, Explanation, Path
from bot.domain.fact import Fact, Origin
from bot.domain.objects import (
    Endpoint,
    EndpointPort,
    EndpointSlice,
    IngressPoint,
    Node,
    Pod,
    Ref,
    Service,
    ServicePort,
    TrafficPolicy,
    Value,
)
from bot.domain.path import ClientAsked, Question, Target, explain
from bot.domain.snapshot import Inventory, Snapshot
from bot.domain.version import Version

WEB = Ref("shop", "web")
ADDRESS = "10.9.0.5"
CIDR = "10.1.0.0/16"
LOCAL = TrafficPolicy.LOCAL
PASS = "kubernetes.io/elb.pass-through"
CLASS = "kubernetes.io/elb.class"


def fact(name: str, value: Any) -> Fact[Any]:
    """A fact that somebody gave; None: unknown."""
    return Fact(name=name) if value is None else Fact(name=name, value=value, origin=Origin.INPUT)


def facts(
    *,
    mode: str | None = "iptables",
    version: str | None = "v1.30.4",
    platform: str | None = "generic",
    category: str | None = None,
    detector: bool | None = None,
    cidr: str | None = CIDR,
    delivery: str | None = "nodeport",
    preserves: bool | None = None,
    gates: dict[str, bool] | None = None,
    public: tuple[str, ...] | None = None,
) -> ClusterFacts:
    """Facts that leave nothing open for a generic cluster, unless asked to."""
    return ClusterFacts(
        platform=fact("platform", platform and Platform(platform)),
        category=fact("category", category and Category(category)),
        version=fact("kubernetesVersion", version and Version.parse(version)),
        mode=fact("kubeProxy.mode", mode and Mode(mode)),
        local_detector=fact("kubeProxy.localDetector", detector),
        cluster_cidr=fact("kubeProxy.clusterCIDR", cidr),
        delivery=fact("loadBalancer.delivery", delivery and Delivery(delivery)),
        preserves_client_ip=fact("loadBalancer.preservesClientIP", preserves),
        public_ips=fact("loadBalancer.publicIPs", public),
        gates={name: fact(f"kubeProxy.featureGates.{name}", value) for name, value in (gates or {}).items()},
    )


def endpoint(pod: str, node: str, number: int, **conditions: Any) -> Endpoint:
    """An endpoint of the Service's Pod `pod`."""
    return Endpoint(ip=f"10.1.0.{number}", node=node, pod=Ref("shop", pod), **conditions)


def service(**changes: Any) -> Service:
    """The Service shop/web: port 80, one address, policy Cluster."""
    return replace(
        Service(
            ref=WEB,
            type="LoadBalancer",
            ports=(ServicePort(port=80, node_port=30080, target="8080"),),
            cluster_ips=("10.96.0.7",),
            ingress=(IngressPoint(ip=ADDRESS),),
            selector={"app": "web"},
        ),
        **changes,
    )


def slice_of(*endpoints: Endpoint, of: Ref = WEB, port: int = 8080, name: str = "a") -> EndpointSlice:
    """One EndpointSlice."""
    return EndpointSlice(
        ref=Ref(of.namespace, f"{of.name}-{name}"),
        service=of,
        family="IPv4",
        ports=(EndpointPort(port=port),),
        endpoints=endpoints,
    )


def node(name: str, **changes: Any) -> Node:
    """A node; its address ends in the number of its name."""
    number = int("".join(each for each in name if each.isdigit()) or 0)
    return replace(
        Node(name=name, internal_ips=(f"172.16.0.{number}",), kubelet_version="v1.30.4"), **changes
    )


def pod(name: str, where: str, number: int, **changes: Any) -> Pod:
    """A Pod of namespace shop; `number` ends its address."""
    return replace(Pod(ref=Ref("shop", name), node=where, ips=(f"10.1.0.{number}",)), **changes)


def nodes(count: int = 3) -> list[Value]:
    """Nodes n1, n2 and so on."""
    return [node(f"n{number}") for number in range(1, count + 1)]


WEB_A = pod("web-a", "n1", 11, labels={"app": "web"})
CLIENTS: tuple[Value, ...] = (
    pod("near", "n1", 21),
    pod("far", "n2", 22),
    pod("host-near", "n1", 0, host_network=True, ips=("172.16.0.1",)),
    pod("host-far", "n2", 0, host_network=True, ips=("172.16.0.2",)),
)
"""Clients beside the endpoint on n1, and on n2 where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """A cluster with its facts."""

    given: ClusterFacts = field(default_factory=facts)
    values: tuple[Value, ...] = ()

    def snapshot(self) -> Snapshot:
        """The cluster as a snapshot."""
        inventory = Inventory()
        for value in self.values:
            inventory.put(value)
        return inventory.snapshot(self.given)

    def explain(self, question: Question | None = None, ref: Ref = WEB) -> Explanation:
        """Explain the Service, for every class of client unless asked otherwise."""
        return explain(self.snapshot(), ref, question or Question())

    def ask(self, client: str, *, to: str = "", arrives_at: str | None = None, ref: Ref = WEB) -> Path:
        """Ask about one client, `pod:NAME`, `node:NAME`, `external` or `external:IP`, and the only destination."""
        kind, _, name = client.partition(":")
        host, _, port = to.rpartition(":")
        question = Question(
            client=ClientAsked(kind=ClientKind(kind), namespace="shop" if kind == "pod" else "", name=name),
            target=Target(host=host, port=int(port)) if to else None,
            arrives_at=arrives_at,
        )
        (path,) = self.explain(question, ref).paths
        return path

    def plus(self, *values: Value) -> "Situation":
        """The cluster with these objects too, or instead of those of the same name."""
        return replace(self, values=(*self.values, *values))

    def knowing(self, **changes: Any) -> "Situation":
        """The cluster with other facts."""
        return replace(self, given=facts(**changes))


def usual(
    *, endpoints: tuple[Endpoint, ...] | None = None, given: dict[str, Any] | None = None, **changes: Any
) -> Situation:
    """Three nodes, the Service with one endpoint on n1, and the usual clients."""
    chosen = (endpoint("web-a", "n1", 11),) if endpoints is None else endpoints
    return Situation(
        given=facts(**(given or {})),
        values=(*nodes(), service(**changes), slice_of(*chosen), WEB_A, *CLIENTS),
    )


def cce(
    *, given: dict[str, Any] | None = None, kind: str = "union", through: str | None = None, **changes: Any
) -> Situation:
    """The usual cluster as a CCE standard one."""
    annotations = {
        CLASS: kind,
        **({PASS: through} if through is not None else {}),
        **changes.pop("annotations", {}),
    }
    known = {"platform": "cce", "category": "standard", "delivery": None, **(given or {})}
    return usual(given=known, annotations=annotations, **changes)
