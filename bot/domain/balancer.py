"""The load balancer: whether a packet gets to it, and what it does with one."""

from collections.abc import Iterator
from dataclasses import dataclass

from bot.domain import rules_balancer as rules
from bot.domain import rules_kube_proxy as node_rules
from bot.domain.cluster_facts import Category, Delivery, Platform
from bot.domain.elb import HOST_NETWORK, asks_for_pass_through, dedicated, passes_through
from bot.domain.explanation import SourceIP
from bot.domain.objects import IngressPoint, Node, Service, TrafficPolicy
from bot.domain.packet import Sender
from bot.domain.possibility import World
from bot.domain.ranges import family_of
from bot.domain.scene import Scene
from bot.domain.traveller import Traveller

ANY_NODE = "any other node"


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A node that the load balancer may pick, and how many are like it."""

    node: str
    stands_for: int = 1


def bypasses_nodes(world: World, service: Service, sender: Sender) -> str | None:
    """Name the rule by which the client never meets node rules for the address; None if it meets them.

    Raises:
        Undecided: Platform or category decides, or the documents disagree.
    """
    host = sender is not Sender.POD
    if host and asks_for_pass_through(service):
        return None
    if world.platform() is Platform.GENERIC or world.category() is Category.STANDARD:
        return None
    if not host:
        return rules.TURBO_POD.id
    through = world.ask("passThrough.turboNode", {"through the load balancer": True, "by node rules": False})
    return rules.TURBO_NODE.id if through else None


def left_out(world: World, service: Service, point: IngressPoint, node: str) -> str | None:
    """Name the rule by which kube-proxy on `node` leaves the address out of its rules; None if it is in them."""
    if not point.ip:
        return node_rules.HOSTNAME_ONLY.id
    if not service.has_family(family_of(point.ip)):
        return node_rules.FAMILY_NOT_PROGRAMMED.id
    if point.ip_mode == "Proxy" and world.gate("LoadBalancerIPMode", node):
        return node_rules.IP_MODE_PROXY.id
    if passes_through(world, service, node):
        return rules.PASS_THROUGH.id
    return None


def bound_by(world: World, scene: Scene, node: str) -> Service | None:
    """The Service that has the address in the rules of `node`: this one, or a sibling on the load balancer."""
    for service in (scene.service, *scene.sharing):
        for point in _points(scene, service):
            if point.ip and point.ip == scene.point.ip and left_out(world, service, point, node) is None:
                return service
    return None


def _points(scene: Scene, service: Service) -> tuple[IngressPoint, ...]:
    """The Service's addresses; where this one's is assumed, a sibling without any is assumed to have it too.

    One `elb.id` is one load balancer (cce_10_0355), and nothing else makes siblings of Services without addresses.
    """
    return service.ingress or (() if scene.service.ingress else (scene.point,))


def delivery(world: World, service: Service) -> Delivery:
    """What the load balancer does with the destination."""
    if world.facts.delivery.value is not None:
        return world.facts.delivery.value
    if world.platform() is Platform.CCE:
        return _cce_delivery(world, service)
    return world.delivery(Delivery.NODEPORT, Delivery.POD, Delivery.VIP)


def _cce_delivery(world: World, service: Service) -> Delivery:
    if service.annotations.get(HOST_NETWORK) == "true":
        return Delivery.POD
    if world.category() is Category.TURBO and dedicated(world, service):
        return Delivery.POD
    return Delivery.NODEPORT


def seen_by_balancer(world: World, traveller: Traveller) -> SourceIP:
    """Which address the load balancer sees: a Pod's own, its node's, or what the container network makes of it."""
    if traveller.sender is Sender.HOST:
        return SourceIP.NODE
    if traveller.sender is Sender.STRANGER:
        return SourceIP.PRESERVED
    if world.platform() is not Platform.CCE:
        return SourceIP.UNKNOWN
    # elb_bp_1014: a standard cluster's Pod leaves with its node's address; a Turbo Pod has one of the VPC's own.
    return SourceIP.PRESERVED if world.category() is Category.TURBO else SourceIP.NODE


def after_balancer(before: SourceIP, *, keeps: bool | None) -> SourceIP:
    """Which address a node or endpoint sees behind the load balancer."""
    if keeps is None:
        return SourceIP.UNKNOWN
    return before if keeps else SourceIP.LB


def members(world: World, scene: Scene, apart: str) -> Iterator[Member]:
    """The nodes that the load balancer may pick, those alike as one; the node `apart` is never folded into others.

    Policy Cluster: every node that is not excluded by its label. Policy Local: those with a ready endpoint, which
    is what the health check node port counts, and that the cluster has.
    """
    nodes = scene.snapshot.inventory.nodes
    if scene.snapshot.doubts(Node) and not world.ask(
        "loadBalancer.members", {"some node takes part": True, "no node takes part": False}
    ):
        return
    listed = scene.snapshot.knows(Node)
    if not listed:
        world.assume("no node is kept out of load balancers: there are no Node objects")
    if scene.service.external_policy is TrafficPolicy.LOCAL:
        for name in scene.members:
            known = nodes.get(name)
            if not known.excluded if known is not None else not listed:
                yield Member(node=name)
    elif nodes:
        yield from _alike(world, scene, apart)
    else:
        yield from _unlisted(world, scene, apart)


def _alike(world: World, scene: Scene, apart: str) -> Iterator[Member]:
    """Every node that is not excluded, folded by what its kube-proxy may do differently."""
    found: dict[tuple[str, str, bool], Member] = {}
    by_version = not (world.facts.version.known or world.facts.version.withheld)
    alone = _told_apart(scene, apart)
    hosts = {name: None for name in _hosts(scene) if name not in alone}
    for sort, group in scene.snapshot.inventory.nodes_alike.sorted_groups():
        if sort.excluded:
            continue
        here = [name for name in alone if name in group.nodes]
        yield from (Member(node=name) for name in here)
        hosting = [name for name in hosts if name in group.nodes]
        key = (sort.version if by_version else "", sort.zone if scene.backends.hinted else "")
        if hosting:
            _fold(found, (*key, True), hosting[0], len(hosting))
        if rest := len(group.nodes) - len(here) - len(hosting):
            first = next(name for name in group.nodes if name not in alone and name not in hosts)
            _fold(found, (*key, False), first, rest)
    yield from found.values()


def _fold(
    found: dict[tuple[str, str, bool], Member], key: tuple[str, str, bool], node: str, stands_for: int
) -> None:
    already = found.get(key, Member(node=node, stands_for=0))
    found[key] = Member(node=already.node, stands_for=already.stands_for + stands_for)


def _hosts(scene: Scene) -> dict[str, None]:
    """The nodes of which a process is an endpoint: what they deliver to it they do not masquerade."""
    backends = scene.backends
    endpoints = (*backends.ready, *backends.leaving)
    return dict.fromkeys(each.node for each in endpoints if scene.on_host_network(each))


def _told_apart(scene: Scene, apart: str) -> dict[str, None]:
    """The nodes that may do what no other does, under policy Cluster too.

    The client's own where that loses the reply; those with endpoints while internalTrafficPolicy Local leaks
    (before v1.24); those that a topology hint names (since v1.34).
    """
    names = dict.fromkeys([apart] if apart else [])
    backends = scene.backends
    if scene.service.internal_policy is TrafficPolicy.LOCAL:
        names |= dict.fromkeys([*backends.ready_on, *backends.leaving_on])
    if backends.hinted:
        names |= dict.fromkeys(node for endpoint in backends.ready for node in endpoint.node_hints)
    return names


def _unlisted(world: World, scene: Scene, apart: str) -> Iterator[Member]:
    """Without Node objects: the nodes that endpoints name, and others that nobody listed."""
    alone = _told_apart(scene, apart)
    yield from (Member(node=name) for name in alone)
    others = set(scene.backends.ready_on) - {apart}
    if apart and not others and not world.ask("nodes", {f"only {apart}": False, "more than one": True}):
        return
    yield Member(node=ANY_NODE)
