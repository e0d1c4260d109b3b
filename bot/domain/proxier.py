"""kube-proxy on one node: what becomes of a packet that meets its rules."""

from dataclasses import dataclass
from typing import Protocol

from bot.domain.backends import Backends, Choice
from bot.domain.explanation import End
from bot.domain.objects import Endpoint, Service, TrafficPolicy
from bot.domain.packet import Aim, Packet, Sender
from bot.domain.possibility import World
from bot.domain.ranges import contains, covers_everything, of_family


@dataclass(frozen=True, slots=True, kw_only=True)
class Fate:
    """What the node does: ends the packet, forwards it to one of the endpoints, or lets it leave (neither)."""

    rules: tuple[str, ...]
    end: End | None = None
    endpoints: tuple[Endpoint, ...] = ()
    masquerade: bool = False
    from_address: bool = False
    """The packet's source is the load balancer's address, bound to this node."""
    reply_lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Programmed:
    """One port of a Service as a node has it in its rules; `address` is the load balancer's."""

    service: Service
    backends: Backends
    address: str
    family: str
    filtered: bool = True
    """Whether the Service's source ranges apply; they are about load balancers' addresses, not external IPs."""

    @property
    def local(self) -> bool:
        """Whether externalTrafficPolicy is Local."""
        return self.service.external_policy is TrafficPolicy.LOCAL

    @property
    def ranges(self) -> tuple[str, ...]:
        """The source ranges of this address family; none where they let everybody in.

        A range of /0 is no filter to kube-proxy either (pkg/proxy/serviceport.go).
        """
        mine = of_family(self.service.source_ranges, self.family) if self.filtered else ()
        return () if covers_everything(mine, self.family) else mine


class Proxier(Protocol):
    """One mode of kube-proxy."""

    def meet(self, world: World, port: Programmed, packet: Packet) -> Fate:
        """Say what becomes of a packet to this port's address or node port.

        Raises:
            Undecided: It depends on a fact that is not known.
        """
        ...


def forwarded(rule: str, choice: Choice, *, masquerade: bool = False) -> Fate:
    """The packet goes to one of the chosen endpoints."""
    return Fate(rules=(*choice.rules, rule), endpoints=choice.endpoints, masquerade=masquerade)


def ended(rule: str, end: End) -> Fate:
    """The packet ends here."""
    return Fate(rules=(rule,), end=end)


def refused_by_ranges(world: World, port: Programmed, packet: Packet) -> bool:
    """Whether the source ranges of the load balancer's address keep this packet out.

    They never apply to node ports (TestLoadBalancer: "nodePort bypasses LoadBalancerSourceRanges"). kube-proxy keeps
    the address families apart: ranges of the other family only filter nothing here.
    """
    if packet.aim is not Aim.ADDRESS or not port.ranges:
        return False
    if packet.address is None:
        return not world.ask(
            "client.ip", {"inside the source ranges": True, "outside the source ranges": False}
        )
    return not contains(port.ranges, packet.address)


def recognised(world: World, port: Programmed, packet: Packet) -> bool:
    """Whether the local-traffic detector takes the packet for one of a Pod of this node.

    A clusterCIDR without a block of the address' family is no detector for that family.
    """
    if packet.sender is not Sender.POD or not world.detector():
        return False
    stated = world.facts.cluster_cidr.value
    if stated is None:
        return True
    blocks = of_family(tuple(stated.split(",")), port.family)
    if blocks and packet.address is None:
        return bool(world.ask("client.ip", {"inside clusterCIDR": True, "outside of it": False}))
    return bool(blocks) and contains(blocks, packet.address or "")
