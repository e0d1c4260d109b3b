"""The cloud's twin in memory."""

from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import datetime

from bot.ports import ClusterKind, Listener, LoadBalancerFacts, Metered, Metrics, NotFound, Point, WorldError


class MemoryCloud:
    """Load balancers and points are put in; `fail(verb, error)` lets the next call of a verb fail.

    Verbs are the port's: load_balancer, metrics, cluster.
    """

    def __init__(self, *balancers: LoadBalancerFacts, kind: ClusterKind | None = None) -> None:
        self.balancers = {balancer.id: balancer for balancer in balancers}
        self.points: defaultdict[str, list[Point]] = defaultdict(list)
        """New connections by listener id; what is not here is missing."""
        self.concurrent: defaultdict[str, list[Point]] = defaultdict(list)
        self.packets: defaultdict[str, list[Point]] = defaultdict(list)
        self.clock_ahead: float | None = 0.0
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

    async def metrics(self, listeners: Sequence[Listener], *, start: datetime, end: datetime) -> Metrics:
        """Give the points of the periods that start in `start` ≤ t < `end`, oldest first."""
        self._called("metrics")

        def cut(points: Sequence[Point]) -> list[Point]:
            return sorted((p for p in points if start <= p.at < end), key=lambda p: p.at)

        return Metrics(
            each=[
                Metered(
                    new_connections=cut(self.points[each.id]),
                    concurrent=cut(self.concurrent[each.id]),
                    packets=cut(self.packets[each.id]),
                )
                for each in listeners
            ]
        )

    def ahead(self) -> float | None:
        """As the test says."""
        return self.clock_ahead

    async def cluster(self) -> ClusterKind:
        """Describe the cluster."""
        self._called("cluster")
        return self.kind

    def _called(self, verb: str) -> None:
        self.calls.append(verb)
        if self._errors[verb]:
            raise self._errors[verb].popleft()
