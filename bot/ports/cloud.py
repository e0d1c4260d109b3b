"""The cloud's own view: load balancers, their counters, and the kind of a cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One listener of a load balancer."""

    id: str
    protocol: str
    port: int
    load_balancer: str = ""
    """The load balancer's id: metrics of a listener are looked up under both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancerFacts:
    """A load balancer as the cloud's API describes it."""

    id: str
    name: str
    kind: str
    """union | performance: the values of elb.class."""
    private_ips: tuple[str, ...]
    public_ips: tuple[str, ...]
    listeners: tuple[Listener, ...]
    unhealthy: tuple[str, ...] = ()
    """ADDRESS:PORT of members that are OFFLINE."""
    members: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterKind:
    """What the CCE API says of a cluster; None where it is silent."""

    category: str | None
    version: str | None
    proxy_mode: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One metric value: the period that starts at `at` (UTC)."""

    at: datetime
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Metered:
    """What one listener's metrics say, each oldest first; a missing period is missing, not 0."""

    new_connections: Sequence[Point] = ()
    """Per second (m4_ncps)."""
    concurrent: Sequence[Point] = ()
    """Connections that were open (m1_cps)."""
    packets: Sequence[Point] = ()
    """Incoming ones per second (m5_in_pps)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What was asked of several listeners, in their order, and how many calls that took."""

    each: Sequence[Metered]
    calls: int = 1


class Cloud(Protocol):
    """ELB, Cloud Eye and CCE of one project. None of it where no credentials are configured."""

    async def load_balancer(self, elb_id: str) -> LoadBalancerFacts:
        """Describe a load balancer.

        Raises:
            NotFound, Forbidden, Unavailable: as named.
        """
        ...

    async def metrics(self, listeners: Sequence[Listener], *, start: datetime, end: datetime) -> Metrics:
        """Read the metrics of the periods that start in `start` ≤ t < `end`.

        Only the new connections are owed: the others are empty where they cannot be read.

        Raises:
            Forbidden, NotFound, Invalid, Unavailable: as named.
        """
        ...

    async def cluster(self) -> ClusterKind:
        """Describe the cluster; raises as load_balancer."""
        ...

    def ahead(self) -> float | None:
        """Seconds by which this machine's clock is ahead of the cloud's; 0 where nothing tells that they differ.

        None: the cloud tells a time that is not believed.
        """
        ...
