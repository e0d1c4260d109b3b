"""kube-proxy in nftables mode (`pkg/proxy/nftables/proxier.go`)."""

from dataclasses import replace

from bot.domain import rules_kube_proxy as rules
from bot.domain.explanation import End
from bot.domain.packet import Packet, Sender
from bot.domain.possibility import World
from bot.domain.proxier import Fate, Programmed, ended, forwarded, recognised, refused_by_ranges


class Nftables:
    """The firewall check before DNAT, the service map, and the check of what was not translated after it."""

    def meet(self, world: World, port: Programmed, packet: Packet) -> Fate:
        """Walk the hooks."""
        steps: tuple[str, ...] = ()
        if refused_by_ranges(world, port, packet):
            if packet.sender is Sender.HOST or not world.holds(rules.NFTABLES_RANGES_OPEN, packet.node):
                return ended(rules.NFTABLES_RANGES.id, End.DROP)
            steps = (rules.NFTABLES_RANGES_OPEN.id,)
        fate = self._inside(world, port, packet)
        return replace(fate, rules=(*steps, *fate.rules)) if steps else fate

    def _inside(self, world: World, port: Programmed, packet: Packet) -> Fate:
        """Go on behind the firewall check."""
        if not port.backends.any(world, packet.node):
            return ended(rules.NFTABLES_NO_ENDPOINT.id, End.REJECT)
        if not port.local:
            choice = port.backends.cluster(world, packet.node)
            return forwarded(rules.NFTABLES_CLUSTER.id, choice, masquerade=True)
        return self._policy_local(world, port, packet)

    def _policy_local(self, world: World, port: Programmed, packet: Packet) -> Fate:
        if recognised(world, port, packet):
            return forwarded(rules.NFTABLES_POD.id, port.backends.cluster(world, packet.node))
        here = port.backends.local(world, packet.node)
        if packet.sender is Sender.HOST:
            if not here.endpoints and world.holds(rules.NFTABLES_HOST_DROP, packet.node):
                return ended(rules.NFTABLES_HOST_DROP.id, End.DROP)
            choice = port.backends.cluster(world, packet.node)
            return forwarded(rules.NFTABLES_HOST.id, choice, masquerade=True)
        if here.endpoints:
            return forwarded(rules.NFTABLES_LOCAL.id, here)
        return ended(rules.NFTABLES_NO_LOCAL.id, End.DROP)
