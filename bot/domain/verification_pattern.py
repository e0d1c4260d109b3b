"""The on/off pattern: which step of a run is due, decided from what it holds and the time alone.

Baseline, one burst per class of client, patch, settling, one burst per class, the counters, and once more, node
by node, what was not settled. Every burst starts on a period boundary and is followed by a whole period of
quiet, so that each class can be told from the others and from outside noise.
"""

from dataclasses import dataclass
from datetime import datetime
from math import ceil

from bot.domain.change import MeasuredClient, MeasurementPlan
from bot.domain.verification import Burst, Part, Probe, ProbePhase, Run, Target
from bot.domain.verification_period import Span, ceiling, index, later, start_of, touched, whole

SETTLE_PERIODS = 2
"""Periods of quiet after the patch: kube-proxy resynchronises in them, and they are the noise to compare with."""
SETTLE_AT_LEAST = 15.0
"""Seconds for kube-proxy to resynchronise, as far as a quarter of the window allows; how long CCE takes is
documented nowhere, so what is not settled then is looked at once more."""
LATE = 0.4
"""Part of a period by which a burst may start late and still end in it."""
ATTEMPTS = 3
"""How often an interrupted burst is started."""
FEW, MANY = 4, 12
"""Below the first no quiet period is excused, below the second one, else two."""
MORE_BURSTS = 6
"""Bursts beyond one for each class and side that may be sent: to repeat what was interrupted, and to look again, node
by node, at what was not as expected."""
LOOK_BACK = 120
"""Periods before the run that are read too while the counter has not moved: they may show that it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Find the load balancer's listeners."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Start a burst, in the period that starts at `at`."""

    part: Part
    client: MeasuredClient
    node: str
    attempt: int
    at: datetime
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Follow:
    """Look after the probes of the burst that is open."""

    burst: Burst


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCounters:
    """Ask for the counters of this span."""

    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Weigh:
    """Decide what to look at once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AwaitPatch:
    """Everything before the patch is measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Nothing is due before `until`."""

    until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Conclude:
    """Nothing is left to be done: give the verdict."""


Step = Look | Begin | Follow | ReadCounters | Weigh | AwaitPatch | Wait | Conclude


def next_step(run: Run, now: datetime) -> Step:
    """Say what is due."""
    if run.verdict is not None:
        return Conclude()
    patched = run.applied_at is not None or not run.change_id
    if _pointless(run) or (not patched and not run.comparing):
        return Conclude() if patched else AwaitPatch()
    if not run.looked:
        return Look()
    opened = next((b for b in run.bursts if b.closed_at is None), None)
    return Follow(burst=opened) if opened is not None else _on_schedule(run, now)


def _pointless(run: Run) -> bool:
    """Whether nothing will be measured, or measured any more."""
    return bool(run.stopped_by) or not run.plan.clients or run.plan.how == "none"


def _on_schedule(run: Run, now: datetime) -> Step:
    if run.comparing and run.applied_at is None:
        return _begin(run, Part.BEFORE, now) or _wait(quiet_from(run), now) or AwaitPatch()
    return _begin(run, Part.AFTER, now) or _once_more(run, now)


def _once_more(run: Run, now: datetime) -> Step:
    if not run.rechecked:
        return _counters(run, now) or Weigh()
    return _begin(run, Part.RECHECK, now) or _counters(run, now) or Conclude()


def _wait(until: datetime, now: datetime) -> Wait | None:
    return Wait(until=until) if now < until else None


def _begin(run: Run, part: Part, now: datetime) -> Step | None:
    """The next burst of a part, or the wait for its period; None when the part is through."""
    turn = next((t for t in turns(run, part) if not settled(run, part, t)), None)
    client = run.client(turn.client) if turn else None
    if turn is None or client is None:
        return None
    at = slot(run, part, now)
    if now < at:
        return Wait(until=at)
    earlier = tries(run, part, turn)
    skipped = {n: why for b in earlier for n, why in given_up(b).items()}
    return Begin(
        part=part,
        client=client,
        node=turn.node,
        attempt=len(earlier) + 1,
        at=at,
        skipped=tuple(sorted(skipped.items())),
    )


def turns(run: Run, part: Part) -> tuple[Target, ...]:
    """Who takes a turn in a part of the run, in order."""
    if part is Part.RECHECK:
        return run.again
    return tuple(Target(client=c.name, node="") for c in run.plan.clients)


def tries(run: Run, part: Part, turn: Target) -> list[Burst]:
    """The bursts that were started for one turn, oldest first."""
    mine = [b for b in run.bursts if (b.part, b.client, b.node) == (part, turn.client, turn.node)]
    return sorted(mine, key=lambda b: b.attempt)


def settled(run: Run, part: Part, turn: Target) -> bool:
    """Whether a turn brought its counts, has no node left, was tried often enough, or may send no more."""
    found = tries(run, part, turn)
    if any(b.usable or not b.probes for b in found) or len(found) >= ATTEMPTS:
        return True
    return (bool(found) or part is Part.RECHECK) and not affordable(run, turn.client)


def at_most(plan: MeasurementPlan) -> int:
    """How many connections are opened in all, whatever happens; this is on the card."""
    each = [plan.sent_by(client) for client in plan.clients]
    return sum(each) * (2 if plan.compare else 1) + MORE_BURSTS * max(each, default=0)


def affordable(run: Run, *clients: str) -> bool:
    """Whether one more burst of each of these classes stays within what was approved.

    What was told to a probe counts as sent, whatever became of it, and each class's first turn on either side of the
    patch is kept free.
    """
    told = 0
    for burst in run.bursts:
        client = run.client(burst.client)
        told += sum(p.connections for p in burst.probes) * (len(client.targets) if client else 1)
    sides = (Part.BEFORE, Part.AFTER) if run.comparing else (Part.AFTER,)
    first = [t.client for part in sides for t in turns(run, part) if not tries(run, part, t)]
    wanted = [client for name in (*first, *clients) if (client := run.client(name)) is not None]
    return told + sum(run.plan.sent_by(client) for client in wanted) <= at_most(run.plan)


def given_up(burst: Burst) -> dict[str, str]:
    """Nodes on which no probe of the burst started, with why: the next attempt leaves them out."""
    return {
        **burst.skipped,
        **{p.node: p.why for p in burst.probes if p.phase is ProbePhase.NEVER_STARTED},
    }


def slot(run: Run, part: Part, now: datetime) -> datetime:
    """When the next burst starts: a boundary after enough quiet, or at once where no counter is read."""
    earliest = max(quiet_from(run), _opening(run, part))
    if run.blind:
        return max(earliest, now)
    if now <= later(earliest, LATE * run.plan.period):
        return earliest
    missed = ceiling(now, run.plan.period)
    begun = later(missed, -run.plan.period)
    return begun if now <= later(begun, LATE * run.plan.period) else missed


def _opening(run: Run, part: Part) -> datetime:
    """When a part may start at the earliest."""
    if part is Part.BEFORE or run.applied_at is None:
        return run.started_at if run.blind else later(*_baseline(run))
    settling = settle(run.plan)
    return later(run.applied_at if run.blind else ceiling(run.applied_at, run.plan.period), settling)


def _baseline(run: Run) -> tuple[datetime, float]:
    period = run.plan.period
    return ceiling(run.started_at, period), max(2, ceil(run.plan.baseline / period)) * period


def settle(plan: MeasurementPlan) -> float:
    """Seconds of quiet after the patch, in whole periods."""
    wanted = max(SETTLE_PERIODS * plan.period, min(SETTLE_AT_LEAST, plan.window / 4))
    return ceil(wanted / plan.period - 1e-9) * plan.period


def burst_length(plan: MeasurementPlan) -> float:
    """Seconds over which one burst is spread: part of a period, for Pods start some seconds late."""
    part = 0.6 * plan.period
    return float(int(part)) if part >= 1 else part


def timeout(plan: MeasurementPlan) -> float:
    """Seconds that one connection may take."""
    return min(3.0, max(1.0, plan.period / 10))


def patience(plan: MeasurementPlan) -> float:
    """Seconds until a Pod that has not started is given up."""
    return min(max(2 * plan.period, 10.0), max(plan.window, 2 * plan.period))


def span(run: Run, burst: Burst) -> Span:
    """The time, by the bot's clock, in which a burst's connections may have been opened."""
    length = burst_length(run.plan)
    each = [_probe_span(run.plan, burst.at, probe) for probe in burst.probes]
    each = each or [Span(start=burst.at, end=later(burst.at, length))]
    return Span(start=min(s.start for s in each), end=max(s.end for s in each))


def _probe_span(plan: MeasurementPlan, at: datetime, probe: Probe) -> Span:
    """From when a Pod was asked for until it was seen to have ended.

    A kubelet's clock may be off, and it tells whole seconds: what it says narrows the span only where the Pod
    started more than a period late, or was seen more than a period after its end. A start after the end was seen is
    no start.
    """
    asked = probe.created_at or at
    began = max(asked, _started(probe) or asked)
    latest = later(began, 1 + _lasted(plan, probe))
    start = max(asked, later(began, -plan.period))
    return Span(start=start, end=max(start, min(probe.seen_at or latest, later(latest, plan.period))))


def _started(probe: Probe) -> datetime | None:
    """When a Pod started, by a clock that may be right."""
    told, seen = probe.started_at, probe.seen_at
    return None if told is not None and seen is not None and told > seen else told


def _lasted(plan: MeasurementPlan, probe: Probe) -> float:
    """Seconds that a probe took at most: both ends by one clock, or as long as it may."""
    if probe.started_at is None or probe.finished_at is None:
        return burst_length(plan) + timeout(plan)
    return max(0.0, (probe.finished_at - probe.started_at).total_seconds()) + 1


def quiet_from(run: Run) -> datetime:
    """When the period of quiet after the last burst is over; the start of the run where there was none."""
    ends = [span(run, b).end for b in run.bursts]
    if not ends or run.blind:
        return max([run.started_at, *ends])
    return later(ceiling(max(ends), run.plan.period), run.plan.period)


def on_periods(run: Run, burst: Burst) -> range:
    """Numbers of the periods that a burst touches."""
    return touched(span(run, burst), run.plan.period)


def off_periods(run: Run, *, after_patch: bool) -> tuple[int, ...]:
    """Numbers of the quiet periods on one side of the patch, the guards behind its bursts included."""
    period = run.plan.period
    patched = run.applied_at
    if after_patch and patched is not None:
        whole_side = Span(start=ceiling(patched, period), end=quiet_from(run))
    else:
        end = patched if patched is not None else quiet_from(run)
        whole_side = Span(start=_baseline(run)[0], end=end)
    busy = {number for burst in run.bursts for number in on_periods(run, burst)}
    return tuple(n for n in whole(whole_side, period) if n not in busy)


def needed(run: Run) -> tuple[int, ...]:
    """Numbers of every period whose counter the verdict reads, and one more: points may be stamped a period late."""
    on = {number for burst in run.bursts for number in on_periods(run, burst)}
    quiet = {*off_periods(run, after_patch=False), *off_periods(run, after_patch=True)}
    return tuple(sorted({*on, *quiet, index(quiet_from(run), run.plan.period)}))


def missing(run: Run) -> tuple[int, ...]:
    """Numbers of the periods whose counter has not come; missing is not zero."""
    have = {index(r.at, run.plan.period) for r in run.readings}
    return tuple(n for n in needed(run) if n not in have)


def _counters(run: Run, now: datetime) -> Step | None:
    """Read the counters until they are there or the window is over; None when there is no more to wait for."""
    if run.blind:
        return None
    closed = later(quiet_from(run), run.plan.period)
    if now < closed:
        return Wait(until=closed)
    asked_since = run.read_at is not None and run.read_at >= closed
    if asked_since and complete(run):
        return None
    deadline = later(closed, run.plan.window)
    if asked_since and now >= deadline:
        return None
    due = later(run.read_at, poll(run.plan)) if asked_since and run.read_at else closed
    if now < due:
        return Wait(until=min(due, max(deadline, now)))
    numbers, period = needed(run), run.plan.period
    back = 0 if run.counters and all(c.moved for c in run.counters) else LOOK_BACK
    return ReadCounters(
        span=Span(start=start_of(numbers[0] - back, period), end=start_of(numbers[-1] + 1, period))
    )


def complete(run: Run) -> bool:
    """Whether there is nothing more to wait for: every counter came, or the newest and all but a few quiet ones."""
    gaps = set(missing(run))
    if not gaps:
        return True
    sides = [off_periods(run, after_patch=side) for side in (False, True)]
    quiet = {n for side in sides for n in side}
    beside = {n for b in run.bursts for n in around(run, b)}
    excusable = all(len(gaps & set(side)) <= excused(len(side)) for side in sides)
    return excusable and gaps <= quiet - beside and needed(run)[-1] not in gaps


def excused(count: int) -> int:
    """How many of so many quiet periods may be missing, or out of the ordinary, without hurting."""
    return 0 if count < FEW else 1 if count < MANY else 2


def around(run: Run, burst: Burst) -> tuple[int, int]:
    """Numbers of the periods right before and right after a burst: they betray a clock that is off."""
    on = on_periods(run, burst)
    return on[0] - 1, on[-1] + 1


def poll(plan: MeasurementPlan) -> float:
    """Seconds between two looks at the counters."""
    return max(0.25, min(plan.period / 2, 30.0))


def duration(plan: MeasurementPlan) -> float:
    """Seconds that a run takes when nothing has to be repeated, for "about 14 min" on the card."""
    period = plan.period
    bursts = len(plan.clients) * 2 * period
    if not plan.load_balancer:
        bursts = len(plan.clients) * (burst_length(plan) + timeout(plan))
    baseline = max(2, ceil(plan.baseline / period)) * period if plan.load_balancer else 0.0
    metrics = min(plan.window, 2 * period) if plan.load_balancer else 0.0
    return baseline + bursts * (2 if plan.compare else 1) + (settle(plan) if plan.compare else 0) + metrics
