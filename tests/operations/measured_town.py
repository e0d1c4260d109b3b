"""A town in which verifications are really played: probes connect, and the load balancer counts what crosses it."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.config.settings import Clients, OnFailure, VerificationSettings
from bot.domain.verification import Run
from bot.ports import (
    Listener,
    LoadBalancerFacts,
    Metered,
    Metrics,
    Point,
    ProbePod,
    ProbeState,
    TargetCount,
)
from tests.fakes.cloud import MemoryCloud
from tests.fakes.store import MemoryRuns
from tests.fakes.world import CHECKOUT, KEY, Cluster, Town, shop

ELB = LoadBalancerFacts(
    id="elb-1",
    name="shop-elb",
    kind="union",
    private_ips=("10.9.0.9",),
    public_ips=(),
    listeners=(
        Listener(id="listener-443", protocol="HTTPS", port=443),
        Listener(id="listener-8000", protocol="HTTP", port=8000),
    ),
)
PERIOD = 60.0


class CountingCloud(MemoryCloud):
    """Counts what crossed, by period, as far as those are over."""

    def __init__(self, town: "MeasuredTown") -> None:
        super().__init__(ELB)
        self._town = town

    async def metrics(self, listeners: Sequence[Listener], *, start: datetime, end: datetime) -> Metrics:
        """Cut it into periods; somebody always connected before the bot did, so each listener is known to count."""
        self._called("metrics")
        return Metrics(
            each=[Metered(new_connections=self._points(each.port, start, end)) for each in listeners]
        )

    def _points(self, port: int, start: datetime, end: datetime) -> list[Point]:
        crossed = [at for at, whereto in self._town.crossed if whereto == port]
        found, at = [], start
        while at < end and at + timedelta(seconds=PERIOD) <= self._town.clock():
            after = at + timedelta(seconds=PERIOD)
            found.append(Point(at=at, value=sum(at <= c < after for c in crossed) / PERIOD))
            at = after
        return found


class MeasuredTown(Town):
    """Nodes send their clients through the load balancer as the annotation says, but for those that do not follow."""

    def __init__(self, *, on_failure: OnFailure = OnFailure.OFFER, cluster: Cluster | None = None) -> None:
        self.crossed: list[tuple[datetime, int]] = []
        """When somebody crossed the load balancer, and to which port."""
        self.stuck: dict[str, bool] = {}
        """Node → whether it sends its clients through the load balancer, whatever the annotation says."""
        self.deaf: set[str] = set()
        """Targets whose clients go past the load balancer, whatever the annotation says."""
        self._begun: dict[str, datetime] = {}
        super().__init__(
            clusters=(cluster or shop(),),
            verification=VerificationSettings(clients=Clients.PROBE, on_failure=on_failure),
        )
        self.store.runs = MemoryRuns(self.store.jobs)
        self.cluster.play = self._play
        self.crossed += [(self.clock() - timedelta(minutes=9), each.port) for each in ELB.listeners]
        self.clouds = {"prod": CountingCloud(self)}
        self.world = self.replica()

    @property
    def here(self) -> Cluster:
        """The cluster."""
        return self.cluster

    def runs_of(self, change_id: str) -> list[Run]:
        """The measurements of a change."""
        return [run for run in self.store.runs.rows.values() if run.change_id == change_id]

    def _play(self, pod: ProbePod) -> ProbeState:
        """A Pod that starts as soon as it is looked at, and connects every time."""
        begun = self._begun.setdefault(pod.name, self.clock())
        counts = {
            target: TargetCount(attempts=pod.connections, connected=pod.connections, errors={})
            for target in pod.targets
        }
        over = begun + timedelta(seconds=pod.duration)
        follows = KEY in self.here.annotations(CHECKOUT) and self.deaf.isdisjoint(pod.targets)
        if begun == self.clock() and self.stuck.get(pod.node, follows):
            each = timedelta(seconds=pod.duration / pod.connections)
            ports = [int(target.rpartition(":")[2]) for target in pod.targets]
            self.crossed += [(begun + n * each, port) for port in ports for n in range(pod.connections)]
        if self.clock() < over:
            return ProbeState(phase="running", started_at=begun)
        return ProbeState(phase="done", started_at=begun, finished_at=over, counts=counts)
