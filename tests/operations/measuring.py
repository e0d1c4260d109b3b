"""A world in which a verification can be played in no time: its clock moves only when nothing is due.

Connections happen at moments of that clock, are counted by what the network says, and read back by period. The
truth is the network's: nothing here asks the path engine.
"""

import heapq
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import count
from math import floor
from random import Random

from bot.domain.change import MeasuredClient, MeasurementPlan, ServiceRef
from bot.domain.verification import Run
from bot.operations import measure
from bot.ports import Listener, LoadBalancerFacts, Point, ProbePod, ProbeState, TargetCount
from tests.fakes.cloud import MemoryCloud
from tests.fakes.cluster import MemoryCluster
from tests.fakes.store import MemoryStore

START = datetime(2026, 3, 2, 14, 0, 7, tzinfo=UTC)
SERVICE = ServiceRef(cluster="prod", namespace="shop", name="checkout")
ELB = LoadBalancerFacts(
    id="elb-1",
    name="james",
    kind="union",
    private_ips=("10.9.0.9",),
    public_ips=(),
    listeners=(Listener(id="listener-443", protocol="HTTPS", port=443),),
)
TARGET = "https://10.9.0.9:443"
Connection = Callable[[str, str], tuple[str, bool]]
"""Node and target → result, and whether the load balancer was crossed."""
STEPS_AT_MOST = 5000


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
    """Seconds by which the cloud's clock is ahead."""


class CountingCloud(MemoryCloud):
    """A cloud whose points are made of the connections that crossed."""

    def __init__(self, clock: Clock, period: float, metering: Metering) -> None:
        super().__init__(ELB)
        self.crossed: list[datetime] = []
        self.metering = metering
        self._clock = clock
        self._period = period

    async def new_connections(self, listener: Listener, *, start: datetime, end: datetime) -> Sequence[Point]:
        """Cut the connections into periods, as far as those are over."""
        self._called("new_connections")
        del listener
        first, last = (floor(at.timestamp() / self._period + 1e-6) for at in (start, end))
        counted = [self._number(at + timedelta(seconds=self.metering.skew)) for at in self.crossed]
        return [p for n in range(first, last) for p in self._point(n, counted)]

    def _number(self, at: datetime) -> int:
        return floor(at.timestamp() / self._period + 1e-6)

    def _point(self, stamp: int, counted: Sequence[int]) -> Sequence[Point]:
        number = stamp - self.metering.at_the_end
        there = (number + 1) * self._period + self.metering.delay <= self._clock().timestamp() + 1e-6
        connections = counted.count(number)
        if not there or self.metering.dropped(number) or not (connections or self.metering.idle):
            return []
        value = connections / self._period
        if self.metering.decimals is not None:
            value = round(value, self.metering.decimals)
        return [Point(at=datetime.fromtimestamp(stamp * self._period, UTC), value=value)]


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
        self.created: list[ProbePod] = []
        self._results: dict[str, dict[str, list[str]]] = {}
        self._started: dict[str, datetime] = {}
        self.play = self._state

    async def start_probe(self, pod: ProbePod) -> None:
        """Run the Pod's connections, spread over its duration."""
        fresh = pod.name not in self.probes
        try:
            await super().start_probe(pod)
        finally:
            if fresh and pod.name in self.probes and self.fate(pod) is None:
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
        if pod.name not in self.probes:
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
        told = started.replace(microsecond=0)
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


def client(kind: str = "pod-with-backend", *nodes: str, **changed: object) -> MeasuredClient:
    """A class that should move onto the load balancer."""
    played = nodes or ("node-a",)
    plain = MeasuredClient(
        name=kind,
        kind=kind,
        node=played[0],
        nodes=played,
        of=len(played),
        host_network=False,
        targets=(TARGET,),
        expect_before="reachable",
        through_before=False,
        expect_after="reachable",
        through_after=True,
    )
    return replace(plain, **changed)  # type: ignore[arg-type]  # replace() checks the names itself


def plan(*clients: MeasuredClient, **changed: object) -> MeasurementPlan:
    """The contract's defaults: periods of a minute, baseline five, window ten."""
    plain = MeasurementPlan(
        service=SERVICE,
        how="probe",
        clients=clients,
        connections=120,
        period=60.0,
        baseline=300.0,
        window=600.0,
        watch=1800.0,
        load_balancer=ELB.id,
        ports=(443,),
    )
    return replace(plain, **changed)  # type: ignore[arg-type]  # replace() checks the names itself


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
