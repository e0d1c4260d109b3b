"""What any kube-proxy leaves on its node: rules that a packet is put through."""

from dataclasses import dataclass
from random import Random
from typing import Literal, Protocol

from bot.demo.dataplane.packet import Entry, Handling, Packet

Mode = Literal["iptables", "ipvs", "nftables"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProxyOptions:
    """One node's kube-proxy: its node, Kubernetes 1.`minor` and, if it has one, the local-traffic detector.

    `cce` is CCE's own build, the only one that reads the pass-through annotation.
    """

    node: str
    address: str
    minor: int
    cluster_cidr: str | None
    cce: bool = True


class Rules(Protocol):
    """One node's programmed rules."""

    @property
    def bound(self) -> frozenset[str]:
        """The addresses that the kernel of this node takes for its own."""
        ...

    def handle(self, packet: Packet, entry: Entry, dice: Random) -> Handling:
        """Put one packet of a new connection through the rules."""
        ...
