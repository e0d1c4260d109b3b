"""Who the clients of a destination are: one by name, or one for each class that the cluster has."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from bot.domain.cluster_facts import Category, Platform
from bot.domain.explanation import Client, ClientKind
from bot.domain.network_policy import peers
from bot.domain.objects import Node, Pod, Ref, TrafficPolicy
from bot.domain.packet import Sender
from bot.domain.population import Blocks, Group, NodeSort, Partition, PodSort
from bot.domain.question import ClientAsked, NotFound
from bot.domain.ranges import of_family
from bot.domain.scene import Scene
from bot.domain.snapshot import Snapshot
from bot.domain.traveller import Traveller

SOME_NODE = "another-node"
OUTSIDE = Traveller(
    client=Client(kind=ClientKind.EXTERNAL, group="external"),
    sender=Sender.STRANGER,
)


def named(snapshot: Snapshot, asked: ClientAsked) -> Traveller:
    """Find a client by name.

    Raises:
        NotFound: There is no such Pod or node, or the Pod runs nowhere.
    """
    match asked.kind:
        case ClientKind.EXTERNAL:
            client = Client(kind=asked.kind, name=asked.name)
            addresses = (asked.name,) if asked.name else ()
            return Traveller(client=client, sender=Sender.STRANGER, addresses=addresses)
        case ClientKind.NODE:
            return _node(snapshot, asked.name, None)
        case ClientKind.POD:
            return _named_pod(snapshot, Ref(asked.namespace, asked.name))


def _named_pod(snapshot: Snapshot, ref: Ref) -> Traveller:
    pod = snapshot.inventory.pods.get(ref)
    if pod is None:
        raise NotFound(f"There is no Pod {ref} in the input.")
    if not pod.node:
        raise NotFound(f"Pod {ref} has no node yet, so it is nobody's client.")
    return of_pod(snapshot, pod, stands_for=1)


def of_pod(snapshot: Snapshot, pod: Pod, *, stands_for: int, group: str = "") -> Traveller:
    """A Pod as a client; one on the host network is its node's process."""
    client = Client(
        kind=ClientKind.POD,
        namespace=pod.ref.namespace,
        name=pod.ref.name,
        node=pod.node,
        stands_for=stands_for,
        group=group,
    )
    if pod.host_network:
        node = snapshot.inventory.nodes.get(pod.node)
        return Traveller(client=client, sender=Sender.HOST, node=pod.node, addresses=_ips(node))
    return Traveller(client=client, sender=Sender.POD, node=pod.node, addresses=pod.ips, name=str(pod.ref))


def _node(snapshot: Snapshot, name: str, stands_for: int | None, group: str = "") -> Traveller:
    node = snapshot.inventory.nodes.get(name)
    if node is None and not group and not _mentioned(snapshot, name):
        raise NotFound(f"There is no node {name} in the input.")
    count = 1 if stands_for is None and not group else stands_for
    client = Client(kind=ClientKind.NODE, name=name, node=name, stands_for=count, group=group)
    return Traveller(client=client, sender=Sender.HOST, node=name, addresses=_ips(node))


def _mentioned(snapshot: Snapshot, name: str) -> bool:
    """Whether a node of which there is no object (because there are none) has Pods."""
    return not snapshot.knows(Node) and name in snapshot.inventory.pods_on


def _ips(node: Node | None) -> tuple[str, ...]:
    return node.internal_ips if node else ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Nodes that are alike for one destination; `node` represents them."""

    node: str
    sort: NodeSort
    backend: bool | None
    """Whether they have a ready endpoint; None where nobody knows which endpoints there are."""
    leaving: bool = False
    """Whether they have none that is ready, but one that still serves."""


class Classes:
    """The classes of clients of one destination, each with one that represents it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.snapshot = scene.snapshot
        self.blocks = Blocks(
            family=scene.family,
            cluster=_cluster_blocks(scene),
            allowed=scene.programmed.ranges,
            peers=peers(scene) if _seen_as_they_are(scene) else (),
        )
        self.partition: Partition = self.snapshot.inventory.partition(self.blocks)
        backends = scene.backends
        self.one_version = _one_version(self.snapshot)
        self.homes = {**dict.fromkeys(backends.ready_on), **dict.fromkeys(backends.leaving_on)}
        self.ready = {endpoint.pod for endpoint in backends.ready}
        """The Pods behind ready endpoints, wherever those say that they are."""
        self.homes_of = self._sorted_homes()
        self.elsewhere = self._sorted_rest()

    def travellers(self) -> Iterator[Traveller]:
        """One client of each class; the first is outside."""
        yield OUTSIDE
        places = self._places()
        yield from self._pods(places)
        yield from self._nodes(places)

    # -- nodes

    def _key(self, sort: NodeSort) -> NodeSort:
        """What of a node's sort makes a difference to this destination."""
        facts = self.snapshot.facts
        return sort._replace(
            version="" if self.one_version else sort.version,
            zone=sort.zone if self.scene.backends.hinted else "",
            # Whether the client's own node may be picked matters where that loses the reply.
            excluded=sort.excluded and facts.platform.value is not Platform.GENERIC,
        )

    def _places(self) -> dict[Place, int | None]:
        """Every place with how many nodes it stands for; None where the cluster's nodes are not known.

        A node of which only an endpoint or a Pod speaks, while the nodes are known, is gone: it stands for none.
        """
        known = self.snapshot.knows(Node)
        places: dict[Place, int | None] = {
            place: (len(nodes) if place.sort.listed else 0) if known else None
            for place, nodes in self.homes_of.items()
        }
        for place, groups in self.elsewhere.items():
            count = sum(len(group.nodes) - self._homes_in(group) for group in groups)
            places[place] = (count if place.sort.listed else 0) if known else None
        if not known and not self.elsewhere:
            places[Place(node=SOME_NODE, sort=NodeSort(listed=False), backend=self._bare())] = None
        return places

    def _homes_in(self, group: Group) -> int:
        return sum(node in group.nodes for node in self.homes)

    def _sorted_homes(self) -> dict[Place, list[str]]:
        """The nodes with endpoints, those alike together."""
        found: dict[tuple[NodeSort, bool], list[str]] = {}
        for node in self.homes:
            sort = self._key(self.partition.sort_of.get(node, NodeSort(listed=False)))
            found.setdefault((sort, node in self.scene.backends.ready_on), []).append(node)
        return {
            Place(node=nodes[0], sort=sort, backend=ready, leaving=not ready): nodes
            for (sort, ready), nodes in found.items()
        }

    def _sorted_rest(self) -> dict[Place, list[Group]]:
        """The groups of nodes of which some have no endpoint, those alike together."""
        found: dict[NodeSort, tuple[str, list[Group]]] = {}
        for sort, group in self.partition.sorted_groups():
            first = next((node for node in group.nodes if node not in self.homes), None)
            if first is not None:
                found.setdefault(self._key(sort), (first, []))[1].append(group)
        bare = self._bare()
        return {Place(node=node, sort=sort, backend=bare): groups for sort, (node, groups) in found.items()}

    def _bare(self) -> bool | None:
        """What is known of endpoints on nodes of which none is known."""
        return None if self.scene.doubted else False

    def _nodes(self, places: dict[Place, int | None]) -> Iterator[Traveller]:
        for place, count in places.items():
            if count != 0:
                yield _node(self.snapshot, place.node, count, _code("node", place))

    # -- Pods

    def _pods(self, places: dict[Place, int | None]) -> Iterator[Traveller]:
        if not self.snapshot.knows(Pod):
            yield from self._supposed_pods(places)
            return
        itself = self._itself()
        yield from self._counted(itself)
        yield from self._backends(itself)

    def _supposed_pods(self, places: dict[Place, int | None]) -> Iterator[Traveller]:
        """Without Pod objects: a Pod of which only the place is known, and the endpoints themselves."""
        for place in places:
            client = Client(kind=ClientKind.POD, node=place.node, stands_for=None, group=_code("pod", place))
            yield Traveller(client=client, sender=Sender.POD, node=place.node)
        for endpoint in self.scene.backends.ready[:1]:
            ref = endpoint.pod or Ref("", endpoint.ip)
            client = Client(
                kind=ClientKind.POD,
                namespace=ref.namespace,
                name=ref.name,
                node=endpoint.node,
                stands_for=None,
                group="backend",
            )
            yield Traveller(
                client=client,
                sender=Sender.POD,
                node=endpoint.node,
                addresses=(endpoint.ip,),
                name=endpoint.name,
            )

    def _itself(self) -> dict[Ref, Pod]:
        """The running Pods that may be picked as endpoints of this destination."""
        pods = self.snapshot.inventory.pods
        backends = self.scene.backends
        refs = (endpoint.pod for endpoint in (*backends.ready, *backends.leaving))
        found = {ref: pods[ref] for ref in refs if ref is not None and ref in pods}
        return {ref: pod for ref, pod in found.items() if pod.node and not pod.finished}

    def _counted(self, itself: dict[Ref, Pod]) -> Iterator[Traveller]:
        for place, nodes in self.homes_of.items():
            here = [self._others(node, itself) for node in nodes]
            counts: Counter[PodSort] = Counter()
            for pods in here:
                counts.update({sort: len(refs) for sort, refs in pods.items()})
            for sort, count in sorted(counts.items()):
                if count:
                    ref = next(min(pods[sort]) for pods in here if pods.get(sort))
                    yield self._representative(place, sort, ref, count)
        for place, groups in self.elsewhere.items():
            for sort, count in sorted(self._elsewhere(groups, itself).items()):
                if count > 0:
                    yield self._representative(place, sort, self._anyone(groups, sort, itself), count)

    def _others(self, node: str, itself: dict[Ref, Pod]) -> dict[PodSort, list[Ref]]:
        """The Pods on a node with an endpoint that are no endpoints themselves."""
        here = self.partition.pods_on.get(node, {})
        return {sort: [ref for ref in refs if ref not in itself] for sort, refs in here.items()}

    def _elsewhere(self, groups: list[Group], itself: dict[Ref, Pod]) -> Counter[PodSort]:
        counts: Counter[PodSort] = Counter()
        for group in groups:
            counts.update(group.pods)
            for node in {*self.homes, *self.snapshot.drained}:
                if node in group.nodes:
                    here = self.partition.pods_on.get(node, {})
                    counts.subtract({each: len(refs) for each, refs in here.items()})
            counts.subtract(
                self.partition.sort_pod(pod) for pod in self._strays(itself) if pod.node in group.nodes
            )
        return counts

    def _strays(self, itself: dict[Ref, Pod]) -> list[Pod]:
        """The Pods behind endpoints that name no node, or another one than the Pod's."""
        known = {*self.homes, *self.snapshot.drained}
        return [pod for pod in itself.values() if pod.node not in known]

    def _representative(self, place: Place, sort: PodSort, ref: Ref, count: int) -> Traveller:
        pod = self.snapshot.inventory.pods[ref]
        return of_pod(self.snapshot, pod, stands_for=count, group=_code(_word(sort), place) + _apart(sort))

    def _anyone(self, groups: list[Group], sort: PodSort, itself: dict[Ref, Pod]) -> Ref:
        return next(
            ref
            for group in groups
            for node in group.nodes
            if node not in self.homes and node not in self.snapshot.drained
            for ref in sorted(self.partition.pods_on.get(node, {}).get(sort, ()))
            if ref not in itself
        )

    def _backends(self, itself: dict[Ref, Pod]) -> Iterator[Traveller]:
        found: dict[Backend, tuple[Pod, int]] = {}
        for pod in itself.values():
            key = self._backend(pod)
            first, count = found.get(key, (pod, 0))
            found[key] = (first, count + 1)
        names = Counter(key.code for key in found)
        for key, (pod, count) in found.items():
            # Backends that only their place sets apart are told apart by where they stand.
            group = key.code if names[key.code] == 1 else f"{key.code}-on-{pod.node}"
            yield of_pod(self.snapshot, pod, stands_for=count, group=group)

    def _backend(self, pod: Pod) -> "Backend":
        backends = self.scene.backends
        ready = backends.ready_on.get(pod.node, ())
        return Backend(
            node=self._key(self.partition.sort_of.get(pod.node, NodeSort(listed=False))),
            pod=self.partition.sort_pod(pod),
            ready=pod.ref in self.ready,
            beside_ready=bool(ready),
            alone=len(ready or backends.leaving_on.get(pod.node, ())) == 1,
        )


class Backend(NamedTuple):
    """What makes a Pod that calls itself differ from another one that does."""

    node: NodeSort
    pod: PodSort
    ready: bool
    beside_ready: bool
    """Whether its node has a ready endpoint, itself or another."""
    alone: bool
    """Whether it is the only endpoint that its node would use."""

    @property
    def code(self) -> str:
        """The class' stable code."""
        word = "backend" if self.ready else "leaving-backend"
        return (f"{word}-on-host-network" if self.pod.host_network else word) + _apart(self.pod)


def _one_version(snapshot: Snapshot) -> bool:
    """Whether every kube-proxy is of one version, as far as that is known."""
    version = snapshot.facts.version
    return version.known or version.withheld or len(snapshot.inventory.versions) <= 1


def _seen_as_they_are(scene: Scene) -> bool:
    """Whether an endpoint may see a Pod's own address: not where policy Cluster masquerades everybody."""
    facts = scene.snapshot.facts
    usual = facts.platform.value is Platform.GENERIC or facts.category.value is Category.STANDARD
    return scene.service.external_policy is TrafficPolicy.LOCAL or not usual


def _cluster_blocks(scene: Scene) -> tuple[str, ...]:
    """The blocks by which kube-proxy tells Pods from strangers, which policy Cluster does not ask about."""
    local = scene.service.external_policy is TrafficPolicy.LOCAL
    text = scene.snapshot.facts.cluster_cidr.value if local else None
    return of_family(tuple(part.strip() for part in text.split(",")), scene.family) if text else ()


def _word(sort: PodSort) -> str:
    return "host-network-pod" if sort.host_network else "pod"


def _apart(sort: PodSort) -> str:
    outside = "" if sort.in_cluster else "-outside-cluster-cidr"
    return (outside if sort.allowed else f"{outside}-outside-source-ranges") + _meant(sort)


def _meant(sort: PodSort) -> str:
    """What to add to a class' code for the NetworkPolicies that let it in, or do not."""
    if all(sort.meant):
        return ""
    numbers = "-".join(str(number) for number, meant in enumerate(sort.meant, 1) if meant)
    return f"-in-network-policy-{numbers}" if numbers else "-outside-network-policy"


def _code(word: str, place: Place) -> str:
    """The class' stable code: what it is, then whatever sets it apart from the usual one."""
    sort, where = place.sort, "anywhere"
    if place.backend is not None:
        where = (
            "with-leaving-backend"
            if place.leaving
            else "with-backend"
            if place.backend
            else "without-backend"
        )
    apart = (
        sort.version,
        sort.zone,
        "excluded-node" if sort.excluded else "",
        "" if sort.allowed else "node-outside-source-ranges",
    )
    return "-".join((word, where, *(each for each in apart if each)))
