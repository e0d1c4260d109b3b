"""Take a verification run further: one leased job at a time, each step stored before the next.

Whatever is done is done under a name that follows from the run, so a step that a crash cut short is found again
and finished, or repeated in a later period, by whichever replica takes the job over.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from bot.domain.verification import Burst, ProbePhase, Run, Verdict
from bot.domain.verification_pattern import (
    AwaitPatch,
    Begin,
    Conclude,
    Follow,
    Look,
    ReadCounters,
    Step,
    Wait,
    Weigh,
    next_step,
)
from bot.domain.verification_period import later
from bot.domain.verification_verdict import look_again, verdict
from bot.operations.measure_counter import look, read
from bot.operations.measure_probe import begin, follow, next_look
from bot.ports import Cloud, Cluster, Stale, Store, WorldError

STEPS_AT_ONCE = 12
"""Steps after which the job gives way, so that no call lasts for long."""
PAUSED = 5.0
"""Seconds after which a paused run looks again."""
TRIES = 5
"""How often a stop, or the news of a patch, is written again when the run moved on meanwhile."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Nothing is due before `until`."""

    run: Run
    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class BeforeComplete:
    """Everything before the patch is measured: apply it, and say so by `patched`."""

    run: Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Complete:
    """The run is over, and nothing of it is left in the cluster."""

    run: Run
    verdict: Verdict


Progress = Waiting | BeforeComplete | Complete


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reach:
    """What a run reaches."""

    cluster: Cluster
    cloud: Cloud | None
    store: Store
    clock: Callable[[], datetime]


async def advance(
    run: Run, *, cluster: Cluster, cloud: Cloud | None, store: Store, clock: Callable[[], datetime]
) -> Progress:
    """Do what is due, store it, and say when to come again.

    Raises:
        Unavailable: the database does not answer; what was done is found again next time.
    """
    try:
        for _ in range(STEPS_AT_ONCE):
            reach = _Reach(cluster=cluster, cloud=cloud, store=store, clock=_cloud_time(run, clock))
            done = await _step(run, next_step(run, reach.clock()), reach)
            if isinstance(done, Waiting):
                return replace(done, until=later(done.until, done.run.ahead))
            if not isinstance(done, Run):
                return done
            run = done
    except Stale:
        run = await store.runs.get(run.id)
    return Waiting(run=run, until=clock())


def _cloud_time(run: Run, clock: Callable[[], datetime]) -> Callable[[], datetime]:
    """The clock that a run keeps its time by."""
    return lambda: later(clock(), -run.ahead)


async def _step(run: Run, step: Step, reach: _Reach) -> Run | Progress:
    """Do one step: the run as stored where another may follow at once, else where it stands."""
    match step:
        case Wait():
            return Waiting(run=run, until=step.until)
        case Begin():
            return await _begin(run, step, reach)
        case Follow():
            return await _follow(run, step, reach)
        case AwaitPatch() | Conclude():
            return await _end_of_part(run, step, reach)
        case Look() | ReadCounters() | Weigh():
            return await _save(run, await _learn(run, step, reach), reach)
        case _:
            assert_never(step)


async def _learn(run: Run, step: Look | ReadCounters | Weigh, reach: _Reach) -> Run:
    """Ask the cloud, or decide from what it said."""
    match step:
        case Look():
            return await look(run, reach.cloud)
        case ReadCounters():
            return await read(run, step.span, reach.cloud, reach.clock())
        case Weigh():
            return replace(run, again=look_again(run), rechecked=True)


async def _end_of_part(run: Run, step: AwaitPatch | Conclude, reach: _Reach) -> BeforeComplete | Complete:
    if isinstance(step, Conclude):
        return await _conclude(run, reach)
    await _sweep(run, reach.cluster)
    return BeforeComplete(run=run)


async def _save(run: Run, after: Run, reach: _Reach) -> Run:
    return await reach.store.runs.save(run, after)


async def _begin(run: Run, step: Begin, reach: _Reach) -> Run | Progress:
    """Store the burst with its Pods' names first; they are created when it is followed."""
    now = reach.clock()
    if await reach.store.pauses.paused(run.service.cluster) is not None:
        return Waiting(run=run, until=later(now, max(PAUSED, run.plan.period)))
    burst = begin(run, step, reach.cluster.snapshot(), now)
    return await _save(run, replace(run, bursts=(*run.bursts, burst)), reach)


async def _follow(run: Run, step: Follow, reach: _Reach) -> Run | Progress:
    now = reach.clock()
    if _unsent(step.burst) and await reach.store.pauses.paused(run.service.cluster) is not None:
        return Waiting(run=run, until=later(now, max(PAUSED, run.plan.period)))
    burst, calls = await follow(run, step.burst, reach.cluster, reach.clock)
    bursts = tuple(burst if b == step.burst else b for b in run.bursts)
    if burst != step.burst:
        run = await _save(run, replace(run, bursts=bursts, calls=run.calls + calls), reach)
    if burst.closed_at is None:
        return Waiting(run=run, until=next_look(run, burst, reach.clock()))
    await _sweep(run, reach.cluster)
    return run


def _unsent(burst: Burst) -> bool:
    """Whether a Pod of the burst may still be to be created."""
    return any(probe.phase is ProbePhase.PLANNED for probe in burst.probes)


async def _conclude(run: Run, reach: _Reach) -> Complete:
    await _sweep(run, reach.cluster)
    return await _finished(run, reach.store, lambda: later(reach.clock(), run.ahead))


async def _finished(run: Run, store: Store, clock: Callable[[], datetime]) -> Complete:
    if run.verdict is None:
        run = await store.runs.save(run, replace(run, verdict=verdict(run), finished_at=clock()))
    return Complete(run=run, verdict=run.verdict or verdict(run))


async def halt(run: Run, cluster: Cluster) -> None:
    """Stop what a run sends at this moment; the burst is sent once more when the run goes on."""
    if any(burst.closed_at is None for burst in run.bursts):
        with suppress(WorldError):
            await cluster.sweep_probes(run.id)


async def _sweep(run: Run, cluster: Cluster) -> None:
    """Delete the run's Pods.

    The run does not wait for a cluster that does not answer: each Pod has a deadline of its own, and the cluster
    is swept when the bot starts.
    """
    if run.bursts:
        with suppress(WorldError):
            await cluster.sweep_probes(run.id)


async def patched(run_id: str, at: datetime, *, store: Store) -> Run:
    """Tell a run that the patch is on the Service since `at`; saying so twice is saying it once.

    Raises:
        NotFound: there is no such run.
        Stale: it kept moving.
    """
    return await _amend(
        run_id, store, lambda r: r if r.applied_at else replace(r, applied_at=later(at, -r.ahead))
    )


async def stop(run_id: str, by: str, *, store: Store, clock: Callable[[], datetime]) -> Run:
    """Stop a run: nothing more is sent, its Pods are swept at the next step, and the verdict says who stopped it.

    Raises:
        NotFound: there is no such run.
        Stale: it kept moving.
    """
    now = clock()
    return await _amend(
        run_id,
        store,
        lambda r: r if r.stopped_by or not r.open else replace(r, stopped_by=by, stopped_at=now),
    )


async def abandon(
    run_id: str, *, cluster: Cluster | None, store: Store, clock: Callable[[], datetime]
) -> Complete:
    """End a run whose patch will never come: its Service is free again, and its Pods are swept.

    `cluster` is None where it is configured no more: then nobody is left to sweep, and each Pod has its own deadline.

    Raises:
        NotFound: there is no such run.
        Stale: it kept moving.
    """
    run = await stop(run_id, "bot", store=store, clock=clock)
    if cluster is not None:
        await _sweep(run, cluster)
    return await _finished(run, store, clock)


async def _amend(run_id: str, store: Store, change: Callable[[Run], Run]) -> Run:
    for tried in range(TRIES):
        run = await store.runs.get(run_id)
        after = change(run)
        if after == run:
            return run
        try:
            return await store.runs.save(run, after)
        except Stale:
            if tried == TRIES - 1:
                raise
    raise AssertionError("the last try returns or raises")
