"""One walk: from a client to the endpoints that may answer, hop by hop, in one possible world.

The way is always the same — the client, the rules of its node, the load balancer, the rules of the node it picks,
the endpoint — and each step asks the rules what happens; where they leave a choice, the walk splits.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from bot.domain import rules_balancer as rules
from bot.domain import rules_kube_proxy as node_rules
from bot.domain.balancer import (
    ANY_NODE,
    Member,
    after_balancer,
    bound_by,
    bypasses_nodes,
    delivery,
    left_out,
    members,
    seen_by_balancer,
)
from bot.domain.catalogue import RULES
from bot.domain.cluster_facts import Category, Delivery, Mode, Platform
from bot.domain.elb import keeps_client_address
from bot.domain.explanation import ClientKind, End, Hop, SourceIP, Trace
from bot.domain.network_policy import lets_out, permits
from bot.domain.objects import Endpoint, Ingress, ServicePort
from bot.domain.packet import Aim, Packet, Sender
from bot.domain.possibility import World
from bot.domain.proxier import Fate, Proxier
from bot.domain.proxier_iptables import Iptables
from bot.domain.proxier_ipvs import Ipvs
from bot.domain.proxier_nftables import Nftables
from bot.domain.ranges import covers_everything, of_family
from bot.domain.scene import Scene
from bot.domain.traveller import Traveller

PROXIERS: dict[Mode, Proxier] = {
    Mode.IPTABLES: Iptables(),
    Mode.IPVS: Ipvs(),
    Mode.NFTABLES: Nftables(),
}
BALANCER = "load-balancer"
Hops = tuple[Hop, ...]


@lru_cache(maxsize=16384)
def _hop(kind: str, name: str, rule: str) -> Hop:
    entry = RULES[rule]
    return Hop(kind=kind, name=name, action=entry.action or entry.text, rule=rule)


def _stays(packet: Packet, endpoint: Endpoint, scene: Scene) -> bool:
    """Whether a packet from elsewhere ends on the node whose rules it meets, so that it is never sent out again."""
    elsewhere = packet.sender is not Sender.HOST
    return elsewhere and endpoint.node == packet.node and scene.on_host_network(endpoint)


def node_hops(node: str, ids: Iterable[str]) -> Hops:
    """One hop per rule that a node applies."""
    return tuple(_hop("node", node, rule) for rule in ids)


def balancer_hop(rule: str) -> Hop:
    """A step of the load balancer."""
    return _hop(BALANCER, "load balancer", rule)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """An entry in a node's rules for the address and port: whose scene it belongs to."""

    scene: Scene
    by_claim: bool = False
    """Held as an external IP, not as a load balancer's address."""
    filtered: bool = True

    @property
    def rule(self) -> str:
        """The rule by which the node answers for the address."""
        return node_rules.EXTERNAL_IP_CAPTURED.id if self.by_claim else node_rules.ADDRESS_CAPTURED.id


@dataclass(slots=True)
class Walk:
    """One walk of one client to one destination; `arrives_at` is the node that the question fixes."""

    world: World
    scene: Scene
    traveller: Traveller
    arrives_at: str | None = None

    def traces(self) -> list[Trace]:
        """Walk every branch.

        Raises:
            Undecided: A fact is needed that nobody knows and nothing is supposed about.
        """
        start: Hops = (_hop("client", self._client_name(), rules.CONNECTS.id),)
        if self.traveller.sender is not Sender.STRANGER:
            return list(self._at_own_node(start))
        if self._speaks_another_family():
            no_way = _hop("client", self._client_name(), rules.CLIENT_FAMILY.id)
            return [self._end((no_way,), start, End.DROP, crossed=True)]
        outside = _hop("client", self._client_name(), rules.OUTSIDE.id)
        return list(self._at_balancer((*start, outside)))

    def _speaks_another_family(self) -> bool:
        """Whether the address that was asked about cannot be the source of a packet to this destination."""
        scene = self.scene
        return bool(
            scene.point.ip and self.traveller.addresses and self.traveller.address(scene.family) is None
        )

    def _client_name(self) -> str:
        client = self.traveller.client
        return f"{client.namespace}/{client.name}" if client.kind is ClientKind.POD else client.name

    # -- the client's node

    def _at_own_node(self, start: Hops) -> Iterator[Trace]:
        if self._other_proxier(self.traveller.node):
            yield self._end(node_hops(self.traveller.node, [node_rules.OTHER_PROXIER.id]), start, End.ABORT)
            return
        direct = bypasses_nodes(self.world, self.scene.service, self.traveller.sender)
        if direct is not None:
            yield from self._at_balancer((*start, *node_hops(self.traveller.node, [direct])))
            return
        held = self._held(self.traveller.node)
        if isinstance(held, str):
            yield from self._not_captured(start, held)
        else:
            yield from self._captured(start, held)

    def _held(self, node: str) -> "Held | str":
        """What the node has in its rules for this address and port, or the rule by which it has nothing."""
        why = left_out(self.world, self.scene.service, self.scene.point, node)
        own = why is None and self.scene.port is not None
        if not self.scene.claimants:
            return Held(scene=self.scene) if own else why or node_rules.PORT_NOT_PROGRAMMED.id
        return self._contended(node, own=own) or why or node_rules.PORT_NOT_PROGRAMMED.id

    def _contended(self, node: str, *, own: bool) -> "Held | None":
        """Which entry answers where external IPs hold the address too; None where none has the port."""
        claims = {each.service.ref: each for each in self.scene.claims()}
        mine = claims.pop(self.scene.service.ref, None)
        found = {str(ref): Held(scene=claim, by_claim=True, filtered=False) for ref, claim in claims.items()}
        if own or mine:
            # The entry of the external IP comes first in iptables, and knows no source ranges; elsewhere both are one.
            filtered = own and (mine is None or self.world.mode(node) is not Mode.IPTABLES)
            found[str(self.scene.service.ref)] = Held(scene=self.scene, by_claim=not own, filtered=filtered)
        if len(found) <= 1:
            return next(iter(found.values()), None)
        owner: Held = self.world.ask(
            "kubeProxy.ruleOrder", {f"{name} first": each for name, each in found.items()}
        )
        return owner

    def _other_proxier(self, node: str) -> bool:
        # A host name is in nobody's rules, whoever writes them.
        return bool(self.scene.point.ip) and self.world.facts.mode.value is Mode.OTHER and bool(node)

    def _not_captured(self, start: Hops, why: str) -> Iterator[Trace]:
        node = self.traveller.node
        if self._trapped(node):
            yield self._end(node_hops(node, [node_rules.IPVS_TRAP.id]), start, End.REJECT)
        else:
            yield from self._at_balancer((*start, *node_hops(node, [why])))

    def _trapped(self, node: str) -> bool:
        """Whether the address is bound on the node without a rule for this port."""
        if not self.scene.point.ip:
            return False
        bound = bool(self.scene.claimants) or bound_by(self.world, self.scene, node) is not None
        return bound and self.world.mode(node) is Mode.IPVS

    def _captured(self, start: Hops, held: "Held") -> Iterator[Trace]:
        packet = Packet(
            sender=self.traveller.sender,
            node=self.traveller.node,
            aim=Aim.ADDRESS,
            source=SourceIP.NODE if self.traveller.sender is Sender.HOST else SourceIP.PRESERVED,
            address=self.traveller.address(self.scene.family),
            name=self.traveller.name,
        )
        self._assume_upstream()
        fate = self._meet(packet, held)
        if fate.end is None and not fate.endpoints:
            yield from self._at_balancer((*start, *node_hops(packet.node, fate.rules)))
        else:
            hops = (*start, *node_hops(packet.node, [held.rule, *fate.rules]))
            yield from self._arrivals(hops, packet, fate, held.scene, crossed=False, stands_for=1)

    def _meet(self, packet: Packet, held: "Held") -> Fate:
        proxier = PROXIERS[self.world.mode(packet.node)]
        programmed = held.scene.programmed
        return proxier.meet(
            self.world, programmed if held.filtered else replace(programmed, filtered=False), packet
        )

    def _assume_upstream(self) -> None:
        if self.world.facts.platform.value is Platform.CCE:
            self.world.assume("CCE's kube-proxy behaves as upstream's")

    # -- the load balancer

    def _at_balancer(self, hops: Hops) -> Iterator[Trace]:
        if self.scene.destination.scope == "public" and self.traveller.sender is not Sender.STRANGER:
            self.world.assume("the node may go out to the public address")
            hops = (*hops, balancer_hop(rules.EGRESS.id))
        port = self.scene.port
        if port is None:
            yield self._without_port(hops)
        elif not self.scene.service.has_family(self.scene.family):
            yield self._end((balancer_hop(rules.OTHER_FAMILY.id),), hops, End.ABORT, crossed=True)
        elif self._kept_out():
            yield self._end((balancer_hop(rules.SOURCE_RANGE_UNKNOWN.id),), hops, End.DROP, crossed=True)
        else:
            yield from self._delivered(hops, port)

    def _without_port(self, hops: Hops) -> Trace:
        """The Service has no such port; an Ingress on its load balancer may."""
        number = self.scene.destination.port
        if self.scene.snapshot.doubts(Ingress) or any(
            each.may_listen_on(number) for each in self.scene.ingresses
        ):
            return self._end((balancer_hop(rules.INGRESS_LISTENER.id),), hops, End.ABORT, crossed=True)
        return self._end((balancer_hop(rules.NO_LISTENER.id),), hops, End.NO_BACKEND, crossed=True)

    def _kept_out(self) -> bool:
        """Whether a client of unknown address is supposed to be outside of the source ranges."""
        ranges = of_family(self.scene.service.source_ranges, self.scene.family)
        if self.traveller.sender is not Sender.STRANGER or not ranges:
            return False
        if self.traveller.address(self.scene.family) or covers_everything(ranges, self.scene.family):
            return False
        return not self.world.ask(
            "client.ip", {"inside the source ranges": True, "outside the source ranges": False}
        )

    def _delivered(self, hops: Hops, port: ServicePort) -> Iterator[Trace]:
        how = delivery(self.world, self.scene.service)
        keeps = keeps_client_address(self.world, self.scene.service, port)
        if how is Delivery.VIP and keeps is None:
            keeps = True  # KEP-1860: a load balancer that leaves the destination leaves the source too
        source = after_balancer(seen_by_balancer(self.world, self.traveller), keeps=keeps)
        lost = self._same_node_is_lost(keeps=keeps)
        if how is Delivery.POD:
            yield from self._to_pods((*hops, balancer_hop(rules.TO_POD.id)), source, lost=lost)
        elif how is Delivery.NODEPORT and not port.node_port and not self._node_port_assumed():
            yield self._end((balancer_hop(rules.NO_NODE_PORT.id),), hops, End.NO_BACKEND, crossed=True)
        else:
            yield from self._to_nodes(hops, how, source, lost=lost)

    def _node_port_assumed(self) -> bool:
        return not self.scene.service.ingress and self.scene.service.allocate_node_ports

    def _same_node_is_lost(self, *, keeps: bool | None) -> bool:
        """Whether a client on the node that is picked gets no reply."""
        return (
            bool(keeps)
            and self.traveller.sender is not Sender.STRANGER
            and (self.scene.destination.scope == "private" or not self.scene.point.ip)
            and self.world.platform() is Platform.CCE
            and self.world.category() is Category.STANDARD
            and self._private()
        )

    def _private(self) -> bool:
        """Whether the address is a private one; a host name is never resolved, so it may stand for either."""
        if self.scene.point.ip:
            return self.scene.destination.scope == "private"
        return bool(self.world.ask("loadBalancer.address", {"a private one": True, "a public one": False}))

    def _to_pods(self, hops: Hops, source: SourceIP, *, lost: bool) -> Iterator[Trace]:
        if not self.scene.backends.ready:
            yield self._end((balancer_hop(rules.NO_MEMBER.id),), hops, End.NO_BACKEND, crossed=True)
        for endpoint in self.scene.backends.ready:
            if lost and endpoint.node == self.traveller.node:
                yield self._lost(hops, endpoint.node)
            else:
                if source is SourceIP.PRESERVED and endpoint.name == self.traveller.name:
                    self.world.assume("a backend that the load balancer hands to itself gets its reply")
                yield self._received(hops, endpoint, source, self.scene, crossed=True, stands_for=1)

    def _to_nodes(self, hops: Hops, how: Delivery, source: SourceIP, *, lost: bool) -> Iterator[Trace]:
        rule = rules.TO_NODE_PORT if how is Delivery.NODEPORT else rules.AS_IS
        own = self.traveller.node if lost else ""
        picked = self._picked(own)
        if not picked:
            yield self._end((balancer_hop(rules.NO_MEMBER.id),), hops, End.NO_BACKEND, crossed=True)
        ahead = (*hops, balancer_hop(rule.id))
        if self.arrives_at:
            ahead = (*ahead, balancer_hop(rules.ARRIVES_AT.id))
        for member in picked:
            if lost and member.node == own:
                yield self._lost(ahead, member.node)
            else:
                yield from self._at_picked_node(ahead, member, how, source)

    def _picked(self, own: str) -> list[Member]:
        if self.arrives_at:
            return [Member(node=self.arrives_at)]
        return list(members(self.world, self.scene, own))

    def _lost(self, hops: Hops, node: str) -> Trace:
        return self._end(node_hops(node, [rules.SAME_NODE.id]), hops, End.REPLY_LOST, crossed=True)

    # -- the node that the load balancer picks

    def _at_picked_node(self, hops: Hops, member: Member, how: Delivery, source: SourceIP) -> Iterator[Trace]:
        node = member.node
        aim = Aim.NODE_PORT if how is Delivery.NODEPORT else Aim.ADDRESS
        if self.world.facts.mode.value is Mode.OTHER:
            yield self._end(node_hops(node, [node_rules.OTHER_PROXIER.id]), hops, End.ABORT, crossed=True)
            return
        held = self._held(node) if aim is Aim.ADDRESS else Held(scene=self.scene)
        if isinstance(held, str):
            yield self._unknown_address(hops, node)
            return
        packet = Packet(
            sender=Sender.STRANGER,
            node=node,
            aim=aim,
            source=source,
            # Source ranges are about the client, whoever enforces them for a balancer that speaks for itself.
            address=self.traveller.address(self.scene.family),
        )
        self._assume_upstream()
        fate = self._meet(packet, held)
        claimed = [held.rule] if held.by_claim else []
        ahead = (*hops, *node_hops(node, [*claimed, *fate.rules]))
        yield from self._arrivals(ahead, packet, fate, held.scene, crossed=True, stands_for=member.stands_for)

    def _unknown_address(self, hops: Hops, node: str) -> Trace:
        if self._trapped(node):
            return self._end(node_hops(node, [node_rules.IPVS_TRAP.id]), hops, End.REJECT, crossed=True)
        return self._end(node_hops(node, [node_rules.NOT_PROGRAMMED_DROP.id]), hops, End.DROP, crossed=True)

    # -- the endpoint

    def _arrivals(
        self, hops: Hops, packet: Packet, fate: Fate, scene: Scene, *, crossed: bool, stands_for: int
    ) -> Iterator[Trace]:
        if fate.end is not None:
            yield self._end((), hops, fate.end, crossed=crossed, stands_for=stands_for)
        for endpoint in fate.endpoints:
            stays = fate.masquerade and _stays(packet, endpoint, scene)
            source = packet.source if stays else self._source(packet, fate)
            itself = not fate.masquerade and bool(packet.name) and endpoint.name == packet.name
            more = [node_rules.HAIRPIN.id] if itself else [node_rules.HOST_ENDPOINT.id] if stays else []
            ahead = (*hops, *node_hops(packet.node, more))
            if fate.reply_lost:
                yield Trace(
                    end=End.REPLY_LOST,
                    endpoint=endpoint.name,
                    hops=ahead,
                    via_load_balancer=crossed,
                    stands_for=stands_for,
                )
            else:
                seen = SourceIP.NODE if itself else source
                yield self._received(ahead, endpoint, seen, scene, crossed=crossed, stands_for=stands_for)

    def _source(self, packet: Packet, fate: Fate) -> SourceIP:
        if fate.masquerade:
            return SourceIP.NODE
        return SourceIP.LB if fate.from_address else packet.source

    def _received(
        self,
        hops: Hops,
        endpoint: Endpoint,
        source: SourceIP,
        scene: Scene,
        *,
        crossed: bool,
        stands_for: int,
    ) -> Trace:
        outward = lets_out(self.world, scene, self.traveller, endpoint, crossed=crossed)
        if outward is not None:
            hops = (hops[0], _hop("client", self._client_name(), outward.rule), *hops[1:])
            if not outward.allowed:
                return self._end((), hops[:2], End.DROP, stands_for=stands_for)
        steps = [_hop("pod", endpoint.name, rules.RECEIVES.id)]
        verdict = permits(self.world, scene, self.traveller, endpoint, source)
        if verdict is not None:
            steps.insert(0, _hop("pod", endpoint.name, verdict.rule))
            if not verdict.allowed:
                return self._end((steps[0],), hops, End.DROP, crossed=crossed, stands_for=stands_for)
        return Trace(
            end=End.DELIVER,
            endpoint=endpoint.name,
            hops=(*hops, *steps),
            via_load_balancer=crossed,
            source=source,
            stands_for=stands_for,
        )

    def _end(
        self, last: Hops, before: Hops, end: End, *, crossed: bool = False, stands_for: int = 1
    ) -> Trace:
        return Trace(end=end, hops=(*before, *last), via_load_balancer=crossed, stands_for=stands_for)


__all__ = ["ANY_NODE", "Walk"]
