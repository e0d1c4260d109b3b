"""Elastic load balancers: what they are made of, as the cloud knows them."""

from dataclasses import dataclass, field
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from bot.demo.dataplane.counters import Counter

Kind = Literal["shared", "dedicated"]
LAYER_7 = frozenset({"HTTP", "HTTPS", "TERMINATED_HTTPS"})


def made_id(*parts: str) -> str:
    """A UUID that is the same for the same names, so that a world looks alike at each start."""
    return str(uuid5(NAMESPACE_URL, "/".join(parts)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A backend: a node with its node port, or (Turbo with a dedicated balancer) a Pod."""

    id: str
    address: str
    port: int
    pod: bool = False


@dataclass(slots=True, kw_only=True)
class Listener:
    """A listener with its one pool; transparent means that members see the client's own address."""

    id: str
    pool_id: str
    name: str
    balancer_id: str
    protocol: str
    port: int
    transparent: bool
    service: str
    members: tuple[Member, ...] = ()
    counter: Counter = field(default_factory=Counter)

    @property
    def transport(self) -> str:
        """The transport that clients use: HTTP(S) runs over TCP."""
        return "UDP" if self.protocol == "UDP" else "TCP"


@dataclass(slots=True, kw_only=True)
class Balancer:
    """A load balancer with its addresses; `source` is the address that members see when not transparent."""

    id: str
    name: str
    kind: Kind
    vip: str
    eip: str | None
    source: str
    listeners: dict[tuple[str, int], Listener] = field(default_factory=dict)
    unhealthy: set[str] = field(default_factory=set)
    autocreated: bool = False

    @property
    def addresses(self) -> list[str]:
        """As CCE writes them into `status.loadBalancer.ingress`: the public one first (cce_10_0924)."""
        return [self.eip, self.vip] if self.eip else [self.vip]

    def listener_at(self, port: int, transport: str) -> Listener | None:
        """The listener that takes connections to this port."""
        return self.listeners.get((transport, port))
