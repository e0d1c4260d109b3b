"""A packet, as the simulated network carries it: the first one of a connection."""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from ipaddress import ip_address, ip_network


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """Addresses and destination port; source ports are left out because nothing decides by them."""

    source: str
    destination: str
    port: int
    protocol: str = "TCP"

    def to(self, destination: str, port: int) -> "Packet":
        """The packet after destination NAT."""
        return Packet(source=self.source, destination=destination, port=port, protocol=self.protocol)

    def sent_by(self, source: str) -> "Packet":
        """The packet after source NAT."""
        return Packet(source=source, destination=self.destination, port=self.port, protocol=self.protocol)


class Entry(Enum):
    """Where a packet enters a node's network stack."""

    PREROUTING = "from a Pod's interface or from the wire"
    OUTPUT = "from a process in the node's own network"


class Fate(Enum):
    """What a node's rules do with a packet."""

    FORWARD = "routed on"
    LOCAL = "given to the node's own sockets"
    DROP = "dropped in silence"
    REJECT = "answered with a reset or an ICMP error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """A packet's fate on one node, and the packet as it leaves the rules."""

    fate: Fate
    packet: Packet


@lru_cache(maxsize=65_536)
def within(address: str, network: str) -> bool:
    """Whether the address lies in the network; never across address families."""
    return ip_address(address) in ip_network(network, strict=False)
