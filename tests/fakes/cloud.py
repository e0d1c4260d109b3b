"""The cloud's twin in memory."""

from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import datetime

from bot.ports import ClusterKind, Listener, LoadBalancerFacts, NotFound, Point, WorldError


class MemoryCloud:
    """Load balancers and points are put in; `fail(verb, error)` lets the next call of a verb fail.

    Verbs are the port's: load_balancer, new_connections, cluster.
    """

    def __init__(self, *balancers: LoadBalancerFacts, kind: ClusterKind | None = None) -> None:
        self.balancers = {balancer.id: balancer for balancer in balancers}
        self.points: defaultdict[str, list[Point]] = defaultdict(list)
        """By listener id; what is not here is missing."""
        self.kind = kind or ClusterKind(category=None, version=None, proxy_mode=None)
        self.calls: list[str] = []
        self._errors: defaultdict[str, deque[WorldError]] = defaultdict(deque)

    def fail(self, verb: str, error: WorldError) -> None:
        """Let the next call of a verb fail."""
        self._errors[verb].append(error)

    async def load_balancer(self, elb_id: str) -> LoadBalancerFacts:
        """Describe a load balancer."""
        self._called("load_balancer")
        if elb_id not in self.balancers:
            raise NotFound("there is no load balancer of that id")
        return self.balancers[elb_id]

    async def new_connections(self, listener: Listener, *, start: datetime, end: datetime) -> Sequence[Point]:
        """Give the points of the periods that start in `start` ≤ t < `end`, oldest first."""
        self._called("new_connections")
        points = [point for point in self.points[listener.id] if start <= point.at < end]
        return sorted(points, key=lambda point: point.at)

    async def cluster(self) -> ClusterKind:
        """Describe the cluster."""
        self._called("cluster")
        return self.kind

    def _called(self, verb: str) -> None:
        self.calls.append(verb)
        if self._errors[verb]:
            raise self._errors[verb].popleft()
