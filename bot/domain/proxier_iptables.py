"""kube-proxy in iptables mode (`pkg/proxy/iptables/proxier.go`)."""

from bot.domain import rules_kube_proxy as rules
from bot.domain.explanation import End
from bot.domain.packet import Aim, Packet, Sender
from bot.domain.possibility import World
from bot.domain.proxier import Fate, Programmed, ended, forwarded, recognised, refused_by_ranges


class Iptables:
    """KUBE-SERVICES, the firewall chain, KUBE-EXT and the policy chains, in the order in which a packet meets them."""

    def meet(self, world: World, port: Programmed, packet: Packet) -> Fate:
        """Walk the chains."""
        if not port.backends.any(world, packet.node):
            return self._without_endpoint(world, packet)
        if refused_by_ranges(world, port, packet):
            return ended(rules.IPTABLES_RANGES.id, End.DROP)
        if not port.local:
            choice = port.backends.cluster(world, packet.node)
            return forwarded(rules.IPTABLES_CLUSTER.id, choice, masquerade=True)
        return self._policy_local(world, port, packet)

    def _without_endpoint(self, world: World, packet: Packet) -> Fate:
        leaves = rules.IPTABLES_NO_ENDPOINT_HOST
        if packet.sender is Sender.HOST and packet.aim is Aim.ADDRESS and world.holds(leaves, packet.node):
            return Fate(rules=(leaves.id,))
        return ended(rules.IPTABLES_NO_ENDPOINT.id, End.REJECT)

    def _policy_local(self, world: World, port: Programmed, packet: Packet) -> Fate:
        if recognised(world, port, packet):
            return forwarded(rules.IPTABLES_POD.id, port.backends.cluster(world, packet.node))
        if packet.sender is Sender.HOST and world.holds(rules.IPTABLES_HOST, packet.node):
            choice = port.backends.cluster(world, packet.node)
            return forwarded(rules.IPTABLES_HOST.id, choice, masquerade=True)
        choice = port.backends.local(world, packet.node)
        if choice.endpoints:
            return forwarded(rules.IPTABLES_LOCAL.id, choice)
        return ended(rules.IPTABLES_NO_LOCAL.id, End.DROP)
