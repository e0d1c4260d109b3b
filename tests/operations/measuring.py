"""A world in which a verification can be played in no time: its clock moves only when nothing is due.

Connections happen at moments of that clock, are counted by what the network says, and read back by period. The
truth is the network's: nothing here asks the path engine.
"""

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from math import floor
from random import Random

from bot.domain.change import MeasuredClient, MeasurementPlan
from bot.domain.verification import Run
from bot.operations import measure
from bot.ports import Listener, LoadBalancerFacts, Metered, Metrics, Point, ProbePod, ProbeState, TargetCount
from tests.domain import verification_runs as runs
from tests.domain.verification_runs import SERVICE, START, TARGET, plan
from tests.fakes.cloud import MemoryCloud
from tests.fakes.cluster import MemoryCluster
from tests.fakes.store import MemoryStore

ELB = LoadBalancerFacts(
    id="elb-1",
    name="james",
    kind="union",
    private_ips=("10.9.0.9",),
    public_ips=(),
    listeners=(Listener(id="listener-443", protocol="HTTPS", port=443),),
)
Connection = Callable[[str, str], tuple[str, bool]]
"""Node and target → result, and whether the load balancer was crossed."""
STEPS_AT_MOST = 5000
__all__ = ["SERVICE", "START", "TARGET", "plan"]


@dataclass(slots=True, kw_only=True)
class Clock:
    """Virtual time, and what is to happen at which moment of it."""

    now: datetime = START
    _due: list[tuple[datetime, int, Callable[[], None]]] = field(default_factory=list)
    _order: "count[int]" = field(default_factory=count)

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def at(self, when: datetime, do: Callable[[], None]) -> None:
        """Do something at a moment."""
        heapq.heappush(self._due, (when, next(self._order), do))

    def move(self, to: datetime) -> None:
        """Let everything happen that is due until then."""
        while self._due and self._due[0][0] <= to:
            when, _, do = heapq.heappop(self._due)
            self.now = max(self.now, when)
            do()
        self.now = max(self.now, to)


@dataclass(slots=True, kw_only=True)
class Metering:
    """How the cloud tells what it counted."""

    delay: float = 0.0
    """Seconds after a period's end until its point is there."""
    decimals: int | None = 2
    at_the_end: bool = False
    dropped: Callable[[int], bool] = lambda _: False
    idle: bool = True
    """Whether a period without connections has a point."""
    skew: float = 0.0
    """Seconds by which the cloud's clock is ahead of the bot's."""
    dated: bool = True
    """Whether the time that the cloud's answers tell is believed."""
    misread: float = 0.0
    """Seconds by which that is read wrongly, for it is told in whole seconds."""
    packets: int | None = 6
    """How many packets a connection brings; None: that metric never comes."""


class CountingCloud(MemoryCloud):
    """A cloud whose points are made of the connections that crossed."""

    def __init__(self, clock: Clock, period: float, metering: Metering) -> None:
        super().__init__(ELB)
        self.crossed: list[datetime] = []
        self.metering = metering
        self._clock = clock
        self._period = period

    async def metrics(self, listeners: Sequence[Listener], *, start: datetime, end: datetime) -> Metrics:
        """Cut the connections into periods, as far as those are over; each brings six packets."""
        self._called("metrics")
        first, last = (floor(at.timestamp() / self._period + 1e-6) for at in (start, end))
        return Metrics(each=[self._metered(listener, range(first, last)) for listener in listeners])

    def ahead(self) -> float | None:
        """What the Date headers of the cloud's answers tell."""
        return self.metering.misread - self.metering.skew if self.metering.dated else None

    def _metered(self, listener: Listener, stamps: Iterable[int]) -> Metered:
        found = [(n, self._rate(listener, n)) for n in stamps]
        there = [
            (datetime.fromtimestamp(n * self._period, UTC), rate) for n, rate in found if rate is not None
        ]
        brought = 0 if self.metering.packets is None else self.metering.packets
        return Metered(
            new_connections=[Point(at=at, value=self._rounded(rate)) for at, rate in there],
            concurrent=[Point(at=at, value=self._rounded(rate / 2)) for at, rate in there],
            packets=[]
            if self.metering.packets is None
            else [Point(at=at, value=self._rounded(rate * brought + 1)) for at, rate in there],
        )

    def _rate(self, listener: Listener, stamp: int) -> float | None:
        """New connections per second of one period; None: there is no point of it."""
        number = stamp - self.metering.at_the_end
        now = self._clock().timestamp() + self.metering.skew
        there = (number + 1) * self._period + self.metering.delay <= now + 1e-6
        opened = self.opened(listener, number)
        if not there or self.metering.dropped(number) or not (opened or self.metering.idle):
            return None
        return opened / self._period

    def opened(self, listener: Listener, number: int) -> int:
        """How many connections crossed in a period, by the cloud's clock."""
        del listener
        times = (at.timestamp() + self.metering.skew for at in self.crossed)
        return sum(floor(at / self._period + 1e-6) == number for at in times)

    def _rounded(self, value: float) -> float:
        return value if self.metering.decimals is None else round(value, self.metering.decimals)


class Kubelet(MemoryCluster):
    """A cluster whose probe Pods connect while they run."""

    def __init__(self, clock: Clock, connect: Connection, crossed: list[datetime]) -> None:
        super().__init__()
        self.clock = clock
        self.connect = connect
        self.crossed = crossed
        self.latency: Callable[[ProbePod], float] = lambda _: 0.05
        """Seconds until a Pod's container starts."""
        self.fate: Callable[[ProbePod], ProbeState | None] = lambda _: None
        """What becomes of a Pod that does not connect at all."""
        self.skew = 0.0
        """Seconds by which the nodes' clocks are ahead of the bot's."""
        self.created: list[ProbePod] = []
        self._results: dict[str, dict[str, list[str]]] = {}
        self._started: dict[str, datetime] = {}
        self.play = self._state

    async def start_probe(self, pod: ProbePod) -> None:
        """Run the Pod's connections, spread over its duration."""
        fresh = pod.name not in self.started
        try:
            await super().start_probe(pod)
        finally:
            if fresh and pod.name in self.started and self.fate(pod) is None:
                self._begin(pod)

    def _begin(self, pod: ProbePod) -> None:
        self.created.append(pod)
        begin = self.clock() + timedelta(seconds=self.latency(pod))
        self._started[pod.name] = begin
        self._results[pod.name] = {target: [] for target in pod.targets}
        for target in pod.targets:
            for number in range(pod.connections):
                at = begin + timedelta(seconds=pod.duration * number / pod.connections)
                self.clock.at(at, lambda t=target: self._open(pod, t))  # type: ignore[misc]  # bound now

    def _open(self, pod: ProbePod, target: str) -> None:
        if pod.name not in self.started:
            return
        result, crossed = self.connect(pod.node, target)
        self._results[pod.name][target].append(result)
        if crossed:
            self.crossed.append(self.clock())

    def _state(self, pod: ProbePod) -> ProbeState:
        if (fate := self.fate(pod)) is not None:
            return fate
        started, now = self._started[pod.name], self.clock()
        if now < started:
            return ProbeState(phase="pending", why="ContainerCreating")
        told = (started + timedelta(seconds=self.skew)).replace(microsecond=0)
        if now < started + timedelta(seconds=pod.duration):
            return ProbeState(phase="running", started_at=told)
        counts = {target: _counted(results) for target, results in self._results[pod.name].items()}
        return ProbeState(phase="done", started_at=told, counts=counts)


def _counted(results: Sequence[str]) -> TargetCount:
    errors = {kind: results.count(kind) for kind in ("refused", "timeout", "other")}
    return TargetCount(
        attempts=len(results),
        connected=results.count("connected"),
        errors=errors,
        p50_ms=1.2,
        p99_ms=4.0,
    )


def node(name: str) -> Mapping[str, object]:
    """A ready node."""
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }


def slices(*nodes: str) -> Mapping[str, object]:
    """The Service's endpoints: one on each of these nodes."""
    endpoints = [
        {"addresses": [f"10.0.0.{i + 1}"], "nodeName": name, "conditions": {"ready": True}}
        for i, name in enumerate(nodes)
    ]
    labels = {"kubernetes.io/service-name": SERVICE.name}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": "checkout-1", "namespace": SERVICE.namespace, "labels": labels},
        "addressType": "IPv4",
        "ports": [{"port": 8443, "protocol": "TCP"}],
        "endpoints": endpoints,
    }


def client(kind: str = "pod-with-backend", /, *nodes: str, **changed: object) -> MeasuredClient:
    """A class of the path engine's that should move onto the load balancer."""
    return runs.client(kind, *(nodes or ("node-a",)), **{"kind": kind, **changed})


class Scene:
    """One Service, its clients, and a verification of it."""

    def __init__(
        self,
        measurement: MeasurementPlan | None = None,
        *,
        metering: Metering | None = None,
        change: str = "change-1",
    ) -> None:
        self.clock = Clock()
        self.through: dict[str, bool] = {}
        """Node → whether it sends connections through the load balancer; by default as the patch says."""
        self.patched = False
        self.on_patch: Callable[[], None] = lambda: None
        self.refusing: dict[str, str] = {}
        """Node → the result that its connections have instead."""
        self.plan = measurement or plan(
            client("pod-with-backend", "node-a", "node-b"), client("pod-without-backend", "node-c")
        )
        self.cloud = CountingCloud(self.clock, self.plan.period, metering or Metering())
        self.cluster = Kubelet(self.clock, self.connect, self.cloud.crossed)
        for name in ("node-a", "node-b", "node-c"):
            self.cluster.put(node(name))
        self.cluster.put(slices("node-a", "node-b"))
        self.store = MemoryStore(clock=lambda: 0.0)
        self.run = Run(
            id="run-1",
            service=SERVICE,
            change_id=change,
            plan=self.plan,
            requested_by="U01",
            channel="C01",
            started_at=self.clock(),
        )
        self.seeing = True
        self.seen: list[measure.Progress] = []

    def connect(self, name: str, target: str) -> tuple[str, bool]:
        """One connection, by what the test made of the world."""
        del target
        crossed = self.through.get(name, self.patched)
        return self.refusing.get(name, "connected"), crossed and name not in self.refusing

    def noise(self, rate: float, seconds: float, dice: Random) -> None:
        """Let strangers connect through the load balancer, so many a second on average."""
        at = self.clock()
        end = at + timedelta(seconds=seconds)
        while rate and (at := at + timedelta(seconds=dice.expovariate(rate))) < end:
            self.clock.at(at, lambda: self.cloud.crossed.append(self.clock()))

    def patch(self) -> None:
        """What applying does to the world."""
        self.patched = True
        self.on_patch()

    async def step(self) -> measure.Progress:
        """Let the job run once."""
        run = await self.store.runs.get(self.run.id)
        progress = await measure.advance(
            run,
            cluster=self.cluster,
            cloud=self.cloud if self.seeing else None,
            store=self.store,
            clock=self.clock,
        )
        self.seen.append(progress)
        return progress

    async def open(self) -> None:
        """Store the run; that it is there already is fine."""
        self.run = await self.store.runs.open(self.run)

    async def play(self, *, until: Callable[[Run], bool] = lambda _: False) -> measure.Complete:
        """Let the job run whenever it is due, apply the patch in between, until the verdict.

        Raises:
            StopIteration: `until` held of the run.
        """
        await self.open()
        for _ in range(STEPS_AT_MOST):
            progress = await self.step()
            if until(progress.run):
                raise StoppedEarly(progress.run)
            match progress:
                case measure.Complete():
                    return progress
                case measure.BeforeComplete():
                    self.patch()
                    await measure.patched(self.run.id, self.clock(), store=self.store)
                case measure.Waiting():
                    self.clock.move(max(progress.until, self.clock() + timedelta(milliseconds=1)))
        raise AssertionError("the run does not end")


class StoppedEarly(Exception):  # noqa: N818  it is no error
    """The test wanted to stop here."""

    def __init__(self, run: Run) -> None:
        super().__init__(run.id)
        self.run = run
