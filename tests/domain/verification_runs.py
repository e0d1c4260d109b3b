"""Runs of a verification, made without a world: what was sent and counted is what the test says."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain.change import MeasuredClient, MeasurementPlan, ServiceRef
from bot.domain.verification import Burst, Part, Probe, ProbePhase, Reading, Run, Target
from bot.domain.verification_pattern import (
    AwaitPatch,
    Begin,
    Conclude,
    ReadCounters,
    Wait,
    Weigh,
    needed,
    next_step,
    on_periods,
)
from bot.domain.verification_period import index, start_of

START = datetime(2026, 3, 2, 14, 0, 7, tzinfo=UTC)
SERVICE = ServiceRef(cluster="prod", namespace="shop", name="checkout")
TARGET = "https://10.9.0.9:443"
Result = Callable[[Part, str, str], tuple[int, int]]
"""Part, client and node → connected, seen by the load balancer."""


def client(name: str, /, *nodes: str, **changed: object) -> MeasuredClient:
    """A class that should move onto the load balancer."""
    played = nodes or (f"{name}-1",)
    plain = MeasuredClient(
        name=name,
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
    """Periods of a minute, a baseline of five, a window of ten."""
    plain = MeasurementPlan(
        service=SERVICE,
        how="probe",
        clients=clients or (client("beside"), client("apart")),
        connections=120,
        period=60.0,
        baseline=300.0,
        window=600.0,
        watch=1800.0,
        load_balancer="elb-1",
        ports=(443,),
    )
    return replace(plain, **changed)  # type: ignore[arg-type]  # replace() checks the names itself


def as_hoped(part: Part, name: str, node: str) -> tuple[int, int]:
    """Everything connects, and crosses the load balancer after the patch."""
    del name, node
    return 120, 0 if part is Part.BEFORE else 120


def fresh(measurement: MeasurementPlan | None = None, **changed: object) -> Run:
    """A run at its start, its counters known."""
    plain = Run(
        id="run-1",
        service=SERVICE,
        change_id="change-1",
        plan=measurement or plan(),
        requested_by="U01",
        channel="C01",
        started_at=START,
        looked=True,
    )
    return replace(plain, **changed)  # type: ignore[arg-type]  # replace() checks the names itself


def measured(
    result: Result = as_hoped,
    measurement: MeasurementPlan | None = None,
    *,
    quiet: Callable[[int], float] = lambda _: 0.0,
    packets: Callable[[int, float], float | None] = lambda _, new: 6 * new,
    again: tuple[Target, ...] = (),
    **changed: object,
) -> Run:
    """A run whose every step was taken.

    Args:
        result: what each probe counts, and the load balancer of it.
        measurement: the plan.
        quiet: connections of others in each period.
        packets: the load balancer's incoming ones in each period, by number and new connections.
        again: what is looked at once more.
        changed: fields of the run.
    """
    run = fresh(measurement, **changed)
    now, seen = START, dict[tuple[Part, str, int], int]()
    for _ in range(200):
        match next_step(run, now):
            case Wait(until=until):
                now = until
            case Begin() as step:
                burst, number = _burst(step, result, now)
                seen[step.part, step.client.name + step.node, step.attempt] = number
                run = replace(run, bursts=(*run.bursts, burst))
            case AwaitPatch():
                run = replace(run, applied_at=now)
            case ReadCounters():
                told = readings(run, seen, quiet)
                run = replace(run, read_at=now, readings=tuple(_counted(each, packets, run) for each in told))
            case Weigh():
                run = replace(run, again=again, rechecked=True)
            case Conclude():
                return run
            case step:
                raise AssertionError(step)
    raise AssertionError("the run does not end")


def _counted(reading: Reading, packets: Callable[[int, float], float | None], run: Run) -> Reading:
    """Add what else the load balancer counts."""
    period = run.plan.period
    brought = packets(index(reading.at, period), reading.value * period)
    return replace(
        reading, concurrent=reading.value / 2, packets=None if brought is None else brought / period
    )


def _burst(step: Begin, result: Result, now: datetime) -> tuple[Burst, int]:
    nodes = (step.node,) if step.node else step.client.nodes
    counts = [result(step.part, step.client.name, node) for node in nodes]
    probes = tuple(
        Probe(
            name=f"{step.part}-{step.client.name}-{node}",
            node=node,
            connections=120 // len(nodes),
            phase=ProbePhase.DONE,
            created_at=now,
            started_at=now,
            seen_at=now + timedelta(seconds=40),
            attempts=120,
            connected=connected,
            errors={"refused": 120 - connected},
        )
        for node, (connected, _) in zip(nodes, counts, strict=True)
    )
    closed = now + timedelta(seconds=40)
    burst = Burst(
        part=step.part, client=step.client.name, node=step.node, at=step.at, probes=probes, closed_at=closed
    )
    return burst, sum(number for _, number in counts)


def readings(
    run: Run, seen: Mapping[tuple[Part, str, int], int], quiet: Callable[[int], float]
) -> tuple[Reading, ...]:
    """What the cloud tells of every period that is needed."""
    extra = {on_periods(run, b)[0]: seen[b.part, b.client + b.node, b.attempt] for b in run.bursts}
    period = run.plan.period
    return tuple(
        Reading(at=start_of(n, period), value=(quiet(n) + extra.get(n, 0)) / period) for n in needed(run)
    )
