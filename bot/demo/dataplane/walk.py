"""One connection's way through the simulated network, packet by packet."""

from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal

from bot.demo.dataplane.balancer import Balancer, Listener, Member
from bot.demo.dataplane.node import ProxyNode
from bot.demo.dataplane.packet import Entry, Fate, Packet
from bot.demo.dataplane.parsing import PodState
from bot.demo.dataplane.reply import Answer, Station, returns

if TYPE_CHECKING:
    from bot.demo.dataplane.plane import DataPlane

Result = Literal["connected", "refused", "timeout"]
NAT_GATEWAY = "80.158.2.1"
INTERNET = "internet"
_MOST_HOPS = 8  # a rule that sends a packet round in circles ends as the kernel's hop limit ends it


@dataclass(frozen=True, slots=True, kw_only=True)
class Journey:
    """How a connection ended: what answered, the address that it saw, the load balancer crossed."""

    result: Result
    backend: str | None = None
    source: str | None = None
    balancer: str | None = None
    hops: tuple[str, ...] = ()


class Walk:
    """Carries one first packet from its client to its end, then the answer back."""

    def __init__(self, plane: "DataPlane", dice: Random, *, counted: bool = True) -> None:
        self._plane = plane
        self._dice = dice
        self._counted = counted
        self._stations: list[Station] = []
        self._hops: list[str] = []
        self._balancer: str | None = None

    def from_host(self, node: ProxyNode, packet: Packet) -> Journey:
        """A process in the node's own network opens the connection."""
        return self._through_node(node, packet, Entry.OUTPUT)

    def from_pod(self, node: ProxyNode, packet: Packet) -> Journey:
        """A process in a Pod on the node opens the connection."""
        balancer = self._plane.elb.at(packet.destination)
        if self._plane.turbo and balancer is not None:
            # A Turbo Pod has a network interface of its own, so the node's rules never see this packet.
            return self.through_balancer(balancer, self._public(balancer, packet))
        return self._through_node(node, packet, Entry.PREROUTING)

    def _public(self, balancer: Balancer, packet: Packet) -> Packet:
        """What goes to a public address leaves by the NAT gateway, and comes from the Internet."""
        if packet.destination != balancer.eip:
            return packet
        sent = packet.sent_by(NAT_GATEWAY)
        self._stations.append(Station(place=INTERNET, before=packet, after=sent))
        return sent

    def from_outside(self, packet: Packet) -> Journey:
        """A client that is not in the cluster opens the connection."""
        balancer = self._plane.elb.at(packet.destination)
        if balancer is not None:
            return self.through_balancer(balancer, packet)
        node = self._plane.node_at(packet.destination)
        return self._through_node(node, packet, Entry.PREROUTING) if node else self._end("timeout")

    def through_balancer(self, balancer: Balancer, packet: Packet) -> Journey:
        """The load balancer takes the connection, counts it, and picks a member that is online."""
        self._balancer = balancer.id
        self._hops.append(f"elb {balancer.name}")
        listener = balancer.listener_at(packet.port, packet.protocol)
        if listener is None:
            return self._end("refused")
        if self._counted:
            listener.counter.record(self._plane.clock())
        online = [m for m in listener.members if self._plane.online(balancer, listener, m)]
        if not online:
            return self._end("refused")
        return self.to_member(balancer, listener, self._dice.choice(online), packet)

    def to_member(self, balancer: Balancer, listener: Listener, member: Member, packet: Packet) -> Journey:
        """The load balancer hands the connection to this member, with or without the client's address."""
        handed = packet.to(member.address, member.port)
        if not listener.transparent:
            handed = handed.sent_by(balancer.source)
        place = f"elb:{balancer.id}"
        self._stations.append(Station(place=place, before=packet, after=handed, balancer=True))
        if member.pod:
            return self._deliver_to(handed)
        node = self._plane.node_at(member.address)
        return self._through_node(node, handed, Entry.PREROUTING) if node else self._end("timeout")

    def _through_node(self, node: ProxyNode, packet: Packet, entry: Entry) -> Journey:
        self._hops.append(f"node {node.options.node}")
        if node.failed or len(self._hops) > _MOST_HOPS:
            return self._end("timeout")
        handling = node.handle(packet, entry, self._dice)
        if handling.packet != packet:
            self._note(node, packet, handling.packet)
        match handling.fate:
            case Fate.DROP:
                return self._end("timeout")
            case Fate.REJECT:
                return self._end("refused")
            case Fate.LOCAL:
                return self._deliver_to_host(node, handling.packet)
            case Fate.FORWARD:
                return self._leave(node, handling.packet)

    def _note(self, node: ProxyNode, before: Packet, after: Packet) -> None:
        self._stations.append(Station(place=node.options.node, before=before, after=after))

    def _leave(self, node: ProxyNode, packet: Packet) -> Journey:
        if packet.destination in self._plane.picture.pods_by_address:
            return self._deliver_to(packet)
        packet = self._source_nat(node, packet)
        balancer = self._plane.elb.at(packet.destination)
        if balancer is not None:
            return self.through_balancer(balancer, self._public(balancer, packet))
        other = self._plane.node_at(packet.destination)
        if other is not None and other is not node:
            return self._through_node(other, packet, Entry.PREROUTING)
        return self._end("timeout")

    def _source_nat(self, node: ProxyNode, packet: Packet) -> Packet:
        """What a Pod sends out of the cluster's network carries its node's address (elb_bp_1014)."""
        if self._plane.turbo or packet.source not in self._plane.picture.pods_by_address:
            return packet
        sent = packet.sent_by(node.options.address)
        self._note(node, packet, sent)
        return sent

    def _deliver_to(self, packet: Packet) -> Journey:
        pod = self._plane.picture.pods_by_address.get(packet.destination)
        if pod is None or self._plane.node_is_down(pod.node):
            return self._end("timeout")
        self._hops.append(f"pod {pod.label}")
        return self._finish(pod, packet, place=self._plane.place_of(pod))

    def _deliver_to_host(self, node: ProxyNode, packet: Packet) -> Journey:
        pod = self._plane.host_pod(node.options.node, packet.port)
        if pod is None and packet.port in self._plane.host_ports:
            return self._end("connected", backend=f"node:{node.options.node}", source=packet.source)
        return self._finish(pod, packet, place=node.options.node) if pod else self._end("refused")

    def _finish(self, pod: PodState, packet: Packet, *, place: str) -> Journey:
        if not pod.listens(packet.port) or pod.label in self._plane.deaf:
            return self._end("refused")
        answer = Answer(here=place, source=packet.destination, port=packet.port, destination=packet.source)
        if not returns(self._stations, answer, self._plane.route):
            return self._end("timeout", source=packet.source)
        return self._end("connected", backend=pod.label, source=packet.source)

    def _end(self, result: Result, *, backend: str | None = None, source: str | None = None) -> Journey:
        return Journey(
            result=result,
            backend=backend,
            source=source,
            balancer=self._balancer,
            hops=tuple(self._hops),
        )
