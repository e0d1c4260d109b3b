"""kube-proxy in IPVS mode (`pkg/proxy/ipvs/proxier.go`)."""

from bot.domain import rules_kube_proxy as rules
from bot.domain.explanation import End
from bot.domain.packet import Aim, Packet, Sender
from bot.domain.possibility import World
from bot.domain.proxier import Fate, Programmed, ended, refused_by_ranges
from bot.domain.ranges import contains


class Ipvs:
    """The source range sets, then the virtual server with whatever real servers policy and version gave it."""

    def meet(self, world: World, port: Programmed, packet: Packet) -> Fate:
        """Walk the sets and the virtual server."""
        if self._refused(world, port, packet):
            return ended(rules.IPVS_RANGES.id, End.DROP)
        # The address is bound to kube-ipvs0, so the kernel picks it as a host process' own.
        bound = packet.sender is Sender.HOST and packet.aim is Aim.ADDRESS
        steps = (rules.IPVS_HOST_SOURCE.id,) if bound else ()
        if port.local:
            return self._policy_local(world, port, packet, steps)
        choice = port.backends.cluster(world, packet.node)
        if not choice.endpoints:
            return ended(rules.IPVS_NO_ENDPOINT.id, End.REJECT)
        ids = (*steps, *choice.rules, rules.IPVS_CLUSTER.id)
        return Fate(rules=ids, endpoints=choice.endpoints, masquerade=True, from_address=bound)

    def _refused(self, world: World, port: Programmed, packet: Packet) -> bool:
        if packet.sender is not Sender.HOST or packet.aim is not Aim.ADDRESS or not port.ranges:
            return refused_by_ranges(world, port, packet)
        if world.holds(rules.IPVS_RANGES_HOST_OPEN, packet.node):
            return False
        # The packet's source is the load balancer's address, which is let in if the node's own address is.
        return refused_by_ranges(world, port, packet) and not (
            world.holds(_BY_ADDRESS, packet.node) and contains(port.ranges, port.address)
        )

    def _policy_local(self, world: World, port: Programmed, packet: Packet, steps: tuple[str, ...]) -> Fate:
        here = port.backends.local(world, packet.node)
        if here.endpoints:
            return Fate(
                rules=(*steps, *here.rules, rules.IPVS_LOCAL.id),
                endpoints=here.endpoints,
                from_address=bool(steps),
            )
        if world.holds(rules.IPVS_EMPTY, packet.node):
            return ended(rules.IPVS_EMPTY.id, End.REJECT)
        return self._fallback(world, port, packet, steps)

    def _fallback(self, world: World, port: Programmed, packet: Packet, steps: tuple[str, ...]) -> Fate:
        choice = port.backends.cluster(world, packet.node)
        if not choice.endpoints:
            return ended(rules.IPVS_NO_ENDPOINT.id, End.REJECT)
        lost = packet.sender is not Sender.POD
        ids = (
            *steps,
            *choice.rules,
            rules.IPVS_FALLBACK.id,
            *((rules.IPVS_FALLBACK_LOST.id,) if lost else ()),
        )
        return Fate(rules=ids, endpoints=choice.endpoints, reply_lost=lost, from_address=bool(steps))


_BY_ADDRESS = rules.IPVS_RANGES_HOST_BY_ADDRESS
