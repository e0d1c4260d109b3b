"""The cluster's objects, indexed so that one question costs its own Service and not the cluster.

An `Inventory` is what an informer or a file reader fills, one object at a time, each change at the cost of that
object. A `Snapshot` is a frozen view of it, with what-if replacements on top.

A Snapshot does not copy the Inventory: take one, answer, and drop it before awaiting anything. One question is
answered without a pause, so nothing can change while it walks.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TypeVar

from bot.domain.cluster_facts import ClusterFacts
from bot.domain.objects import (
    ELB_ID,
    EndpointSlice,
    Ingress,
    NetworkPolicy,
    Node,
    Pod,
    PolicyPeer,
    Ref,
    Service,
    Value,
    Workload,
)
from bot.domain.policy_peer import in_block
from bot.domain.population import Blocks, Partition, address_of

K = TypeVar("K")
V = TypeVar("V")
_PARTITIONS = 32
"""How many sortings are kept; each is as large as the cluster's list of Pods."""
_NOTHING: Mapping[Ref, EndpointSlice] = MappingProxyType({})


class Inventory:
    """The mutable index.

    `complete` holds the kinds of which every object is here; a kind that is not complete is unknown, which
    differs from empty. `live` says that it is a running cluster's: what is unknown there is there or not, so it is
    weighed, and never made up as for manifests that were not applied yet.
    """

    def __init__(self, *, live: bool = False) -> None:
        self.live = live
        self.services: dict[Ref, Service] = {}
        self.slices: dict[Ref, EndpointSlice] = {}
        self.nodes: dict[str, Node] = {}
        self.pods: dict[Ref, Pod] = {}
        self.ingresses: dict[Ref, Ingress] = {}
        self.policies: dict[Ref, NetworkPolicy] = {}
        self.workloads: dict[tuple[Ref, str], Workload] = {}
        self.complete: set[type] = set()
        self.slices_of: dict[Ref, dict[Ref, EndpointSlice]] = {}
        self.policies_in: dict[str, dict[Ref, NetworkPolicy]] = {}
        self.outward = 0
        """How many NetworkPolicies concern what Pods may reach."""
        self.balancers: dict[str, dict[Ref, None]] = {}
        """LoadBalancer Services by effective load balancer: `elb:ID`, and `ip:ADDRESS` for each address."""
        self.ingress_balancers: dict[str, dict[Ref, None]] = {}
        self.claimants: dict[str, dict[Ref, None]] = {}
        """Services of any type by the addresses in their `spec.externalIPs`."""
        self.node_ips: dict[str, str] = {}
        self.pods_on: dict[str, dict[Ref, Pod]] = {}
        self.versions: Counter[str] = Counter()
        self.blocks_of_nodes: dict[tuple[PolicyPeer, str], bool] = {}
        """Whether every node's address is meant by a peer; forgotten when a node changes."""
        self.cce_nodes = 0
        self.partitions: dict[Blocks, Partition] = {}
        self._listed: tuple[Ref, ...] | None = None
        self.nodes_alike = Partition(Blocks(), {}, {})
        """Nodes only, sorted; nobody is counted in it."""

    # -- one object at a time

    def put(self, value: Value) -> None:
        """Add an object, or replace the one of the same kind and name."""
        listed = self._listed if isinstance(value, Service) and self._keeps_its_type(value) else None
        self.remove(type(value), Ref("", value.name) if isinstance(value, Node) else value.ref)
        match value:
            case Service():
                self._put_service(value)
                # Services are written by the hundred a second in a large cluster, and their names stay.
                self._listed = listed
            case EndpointSlice():
                self._put_slice(value)
            case Node():
                self._put_node(value)
            case Pod():
                self.pods[value.ref] = value
                self._count(value, 1)
            case Ingress():
                self._put_ingress(value)
            case NetworkPolicy():
                self.policies[value.ref] = value
                self.policies_in.setdefault(value.ref.namespace, {})[value.ref] = value
                self.outward += value.outward
            case Workload():
                self.workloads[value.ref, value.kind] = value
        self.complete.add(type(value))

    def find(self, kind: type, ref: Ref) -> Value | None:
        """The object of that kind and name; a Workload's kind is not told apart."""
        tables: dict[type, Mapping[Ref, Value]] = {
            Service: self.services,
            EndpointSlice: self.slices,
            Pod: self.pods,
            Ingress: self.ingresses,
            NetworkPolicy: self.policies,
        }
        return tables[kind].get(ref) if kind in tables else None

    def _keeps_its_type(self, service: Service) -> bool:
        before = self.services.get(service.ref)
        return before is not None and before.is_load_balancer == service.is_load_balancer

    def _put_service(self, service: Service) -> None:
        self.services[service.ref] = service
        for key in balancer_keys(service):
            self.balancers.setdefault(key, {})[service.ref] = None
        for ip in service.external_ips:
            self.claimants.setdefault(ip, {})[service.ref] = None

    def _put_slice(self, piece: EndpointSlice) -> None:
        self.slices[piece.ref] = piece
        if piece.service is not None:
            self.slices_of.setdefault(piece.service, {})[piece.ref] = piece

    def _put_ingress(self, ingress: Ingress) -> None:
        self.ingresses[ingress.ref] = ingress
        for key in ingress_keys(ingress):
            self.ingress_balancers.setdefault(key, {})[ingress.ref] = None

    def remove(self, kind: type, ref: Ref) -> None:
        """Forget an object; one that is not here is no error.

        A Node's `ref` has an empty namespace. Workloads, read from files only, stay.
        """
        if kind is Service and (service := self.services.pop(ref, None)) is not None:
            self._listed = None
            _forget(self.balancers, balancer_keys(service), ref)
            _forget(self.claimants, list(service.external_ips), ref)
        elif kind is EndpointSlice and (piece := self.slices.pop(ref, None)) is not None:
            if piece.service is not None:
                _forget(self.slices_of, [piece.service], ref)
        elif kind is Node and (node := self.nodes.pop(ref.name, None)) is not None:
            self._uncount_node(node)
        elif kind is Pod and (pod := self.pods.pop(ref, None)) is not None:
            self._count(pod, -1)
        elif kind is Ingress and (ingress := self.ingresses.pop(ref, None)) is not None:
            _forget(self.ingress_balancers, ingress_keys(ingress), ref)
        elif kind is NetworkPolicy and (policy := self.policies.pop(ref, None)) is not None:
            _forget(self.policies_in, [ref.namespace], ref)
            self.outward -= policy.outward

    def every_node_in(self, peer: PolicyPeer, family: str) -> bool:
        """Whether every node is known to have an address that this peer means."""
        known = self.blocks_of_nodes.get((peer, family))
        if known is None:
            addresses = [address_of(node.internal_ips, family) for node in self.nodes.values()]
            known = bool(addresses) and all(each is not None and in_block(peer, each) for each in addresses)
            self.blocks_of_nodes[peer, family] = known
        return known

    def _put_node(self, node: Node) -> None:
        self.blocks_of_nodes.clear()
        self.nodes[node.name] = node
        self.versions[node.kubelet_version] += 1
        self.cce_nodes += node.cce
        for ip in (*node.internal_ips, *node.external_ips):
            self.node_ips[ip] = node.name
        for partition in (self.nodes_alike, *self.partitions.values()):
            partition.place_node(node.name, node)

    def _uncount_node(self, node: Node) -> None:
        self.blocks_of_nodes.clear()
        self.versions[node.kubelet_version] -= 1
        if not self.versions[node.kubelet_version]:
            del self.versions[node.kubelet_version]
        self.cce_nodes -= node.cce
        for ip in (*node.internal_ips, *node.external_ips):
            if self.node_ips.get(ip) == node.name:
                del self.node_ips[ip]
        for partition in (self.nodes_alike, *self.partitions.values()):
            partition.place_node(node.name, None)

    def _count(self, pod: Pod, by: int) -> None:
        if pod.finished or pod.probe or not pod.node:
            return
        if by > 0:
            self.pods_on.setdefault(pod.node, {})[pod.ref] = pod
        else:
            _forget(self.pods_on, [pod.node], pod.ref)
        for partition in self.partitions.values():
            partition.count(pod, by)

    def load_balancers(self) -> tuple[Ref, ...]:
        """Name every Service of type LoadBalancer, by namespace and name; sorted once for as long as none changes."""
        if self._listed is None:
            self._listed = tuple(sorted(ref for ref, each in self.services.items() if each.is_load_balancer))
        return self._listed

    def partition(self, blocks: Blocks) -> Partition:
        """Give the cluster's nodes and Pods sorted by those address blocks; kept up to date from then on."""
        found = self.partitions.get(blocks)
        if found is None:
            if len(self.partitions) >= _PARTITIONS:
                del self.partitions[next(iter(self.partitions))]
            found = self.partitions[blocks] = Partition(blocks, self.nodes, self.pods_on)
        return found

    def snapshot(self, facts: ClusterFacts) -> "Snapshot":
        """Hand out a view of what is here now."""
        return Snapshot(inventory=self, facts=facts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A frozen view: the inventory, the facts, and what is supposed to be different.

    `replaced` holds Services as they would be; `drained` nodes without their Pods and endpoints.
    """

    inventory: Inventory
    facts: ClusterFacts
    replaced: Mapping[Ref, Service] = field(default_factory=dict)
    drained: frozenset[str] = frozenset()

    def with_service(self, service: Service) -> "Snapshot":
        """See the cluster as if `service` were what it has under that name."""
        return replace(self, replaced={**self.replaced, service.ref: service})

    def with_facts(self, facts: ClusterFacts) -> "Snapshot":
        """See the cluster under other facts."""
        return replace(self, facts=facts)

    def with_drained(self, *nodes: str) -> "Snapshot":
        """See the cluster as if these nodes had been drained: cordoned, and no Pod of a workload left."""
        return replace(self, drained=self.drained | set(nodes))

    def service(self, ref: Ref) -> Service | None:
        """The Service of that name, as supposed."""
        return self.replaced.get(ref) or self.inventory.services.get(ref)

    def load_balancers(self) -> Iterator[Service]:
        """Every Service of type LoadBalancer, by namespace and name."""
        refs = self.inventory.load_balancers()
        for ref in sorted({*refs, *self.replaced}) if self.replaced else refs:
            service = self.service(ref)
            if service is not None and service.is_load_balancer:
                yield service

    def slices(self, ref: Ref) -> Iterator[EndpointSlice]:
        """The Service's EndpointSlices, by name."""
        pieces = self.inventory.slices_of.get(ref, _NOTHING)
        return (pieces[name] for name in sorted(pieces))

    def sharing(self, service: Service) -> list[Service]:
        """The other LoadBalancer Services on the same effective load balancer, across namespaces.

        The load balancer is the one of `elb.id`, else the one that has an address in common (cce_10_0355 asks
        that their pass-through settings be the same under IPVS).
        """
        keys = balancer_keys(service)
        found: dict[Ref, None] = {}
        for key in keys:
            found.update(self.inventory.balancers.get(key, {}))
        for ref, supposed in self.replaced.items():
            found.pop(ref, None)
            if set(keys) & set(balancer_keys(supposed)):
                found[ref] = None
        found.pop(service.ref, None)
        return [other for ref in sorted(found) if (other := self.service(ref)) is not None]

    def claiming(self, address: str) -> list[Service]:
        """The Services that have this address among their external IPs, of any type that kube-proxy looks at."""
        refs = {*self.inventory.claimants.get(address, {}), *self.replaced}
        services = (self.service(ref) for ref in sorted(refs))
        return [
            each for each in services if each is not None and address in each.external_ips and _served(each)
        ]

    def sharing_ingresses(self, service: Service) -> list[Ingress]:
        """The Ingresses on the same effective load balancer."""
        found: dict[Ref, None] = {}
        for key in balancer_keys(service):
            found.update(self.inventory.ingress_balancers.get(key, {}))
        return [self.inventory.ingresses[ref] for ref in sorted(found)]

    def policies(self, namespace: str) -> Iterator[NetworkPolicy]:
        """The namespace's NetworkPolicies, by name."""
        policies = self.inventory.policies_in.get(namespace, {})
        return (policies[ref] for ref in sorted(policies))

    def owners(self, address: str) -> list[Service]:
        """The LoadBalancer Services that have this IP address or host name."""
        refs = {*self.inventory.balancers.get(f"ip:{address}", {}), *self.replaced}
        services = (self.service(ref) for ref in sorted(refs))
        return [each for each in services if each is not None and f"ip:{address}" in balancer_keys(each)]

    def knows(self, kind: type) -> bool:
        """Whether the input is complete for objects of that kind."""
        return kind in self.inventory.complete

    def doubts(self, *kinds: type) -> bool:
        """Whether a running cluster may have other objects of these kinds than those that are here."""
        return self.inventory.live and not all(self.knows(kind) for kind in kinds)

    @property
    def doubts_endpoints(self) -> bool:
        """Whether nobody knows which endpoints the Services of a running cluster have now."""
        return self.doubts(EndpointSlice, Service)


def balancer_keys(service: Service) -> list[str]:
    """Every name under which a LoadBalancer Service's balancer may be shared; none for another type."""
    if not service.is_load_balancer:
        return []
    keys = [f"elb:{service.annotations[ELB_ID]}"] if service.annotations.get(ELB_ID) else []
    for point in service.ingress:
        keys += [f"ip:{name}" for name in (point.ip, point.hostname) if name]
    return keys


def _served(service: Service) -> bool:
    """Whether kube-proxy has rules for it (pkg/proxy/util: ShouldSkipService)."""
    return service.type != "ExternalName" and "None" not in service.cluster_ips


def claimed_keys(service: Service) -> list[str]:
    """The names of the load balancers whose addresses a Service of any type has among its external IPs."""
    return [f"ip:{ip}" for ip in service.external_ips]


def ingress_keys(ingress: Ingress) -> list[str]:
    """Every name under which an Ingress' balancer may be shared."""
    keys = [f"elb:{ingress.annotations[ELB_ID]}"] if ingress.annotations.get(ELB_ID) else []
    return keys + [f"ip:{address}" for address in ingress.addresses]


def _forget(index: dict[K, dict[Ref, V]], keys: list[K], ref: Ref) -> None:
    for key in keys:
        entries = index.get(key)
        if entries is not None:
            entries.pop(ref, None)
            if not entries:
                del index[key]
