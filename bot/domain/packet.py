"""A packet on its way: who sent it, where it is, and what its source address says."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.explanation import SourceIP


class Sender(StrEnum):
    """What a node takes the sender for."""

    POD = "pod"
    HOST = "host"
    STRANGER = "stranger"
    """Neither a Pod of this node nor a process of it: from outside, or from the load balancer."""


class Aim(StrEnum):
    """What the destination address is when a packet meets a node's rules."""

    ADDRESS = "address"
    NODE_PORT = "node port"


@dataclass(frozen=True, slots=True, kw_only=True)
class Packet:
    """One packet as it meets the rules of `node`."""

    sender: Sender
    node: str
    aim: Aim
    source: SourceIP
    """What an endpoint would see if nothing rewrote it."""
    address: str | None
    """The source address, where it is known; a host's is its node's own."""
    name: str = ""
    """The sending endpoint's name, to notice that it reaches itself."""
