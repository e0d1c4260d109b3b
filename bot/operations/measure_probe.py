"""One burst of a run: its Pods are named, created, watched and counted."""

from asyncio import gather
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256

from bot.domain.change import MeasuredClient
from bot.domain.objects import Ref
from bot.domain.snapshot import Snapshot
from bot.domain.verification import Burst, Part, Probe, ProbePhase, Run
from bot.domain.verification_client import ClientClassCode, backend_on, nodes_of
from bot.domain.verification_pattern import LATE, Begin, burst_length, patience, timeout
from bot.domain.verification_period import later
from bot.ports import (
    Cluster,
    Forbidden,
    Invalid,
    NotFound,
    ProbePod,
    ProbeState,
    TargetCount,
    Unavailable,
)

LOOK_EVERY = (0.1, 3.0)
"""Seconds between two looks at a Pod, at least and at most; in between, an eighth of a period."""


def begin(run: Run, step: Begin, snapshot: Snapshot, now: datetime) -> Burst:
    """Plan a burst: its nodes as they are now, and its Pods' names. A class without a node is closed at once."""
    skipped = dict(step.skipped)
    there = [n for n in _nodes(run, step, snapshot) if n not in skipped]
    nodes = there[: run.plan.sent_by(step.client) // len(step.client.targets)]
    if not nodes:
        why = "more addresses and ports than connections" if there else "no node of this class is there now"
        skipped = skipped or {step.node or step.client.node: why}
    shares = _shares(run, step.client, len(nodes))
    return Burst(
        part=step.part,
        client=step.client.name,
        node=step.node,
        attempt=step.attempt,
        at=step.at,
        skipped=skipped,
        closed_at=None if nodes else now,
        probes=tuple(
            Probe(name=_name(run, step, node), node=node, connections=share, created_at=now)
            for node, share in zip(nodes, shares, strict=True)
        ),
    )


def _shares(run: Run, client: MeasuredClient, nodes: int) -> list[int]:
    """How many connections each node opens to each target: the class's number, spread evenly, and never more.

    Several nodes are told apart by less than a whole burst, so the cloud's rounding may matter. A rate that comes
    out even would not show it; one connection less does.
    """
    if not nodes:
        return []
    targets = len(client.targets)
    each, over = divmod(run.plan.sent_by(client) // targets, nodes)
    shares = [each] * (nodes - over) + [each + 1] * over
    coarse = run.plan.period >= each * targets
    even = nodes > 1 and coarse and sum(shares) * targets % run.plan.period == 0
    return [each - 1 if even and each > 1 else each, *shares[1:]]


def _nodes(run: Run, step: Begin, snapshot: Snapshot) -> list[str]:
    """The planned nodes that are still of the class, filled up from the class as it is now."""
    client = step.client
    if client.kind not in set(ClientClassCode):
        found = [n for n in (client.nodes or (client.node,)) if n in snapshot.inventory.nodes]
    else:
        found = list(nodes_of(snapshot, client.service or run.service, ClientClassCode(client.kind)))
    if step.part is Part.RECHECK:
        return [step.node] if step.node in found else []
    planned = [n for n in (client.nodes or (client.node,)) if n in found]
    others = [n for n in found if n not in planned]
    return (planned + others)[: max(1, len(client.nodes))]


def _name(run: Run, step: Begin, node: str) -> str:
    identity = "\0".join([run.id, step.part, step.client.name, step.node, str(step.attempt), node])
    return f"elb-passthrough-{sha256(identity.encode()).hexdigest()[:20]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Turn:
    """One burst under way, and what its Pods are reached through."""

    run: Run
    burst: Burst
    client: MeasuredClient
    cluster: Cluster
    clock: Callable[[], datetime]


async def follow(
    run: Run, burst: Burst, cluster: Cluster, clock: Callable[[], datetime]
) -> tuple[Burst, int]:
    """Create the Pods that are not there yet, look at the others, and close the burst when all have ended.

    Returns the burst and how many calls that took.
    """
    client = run.client(burst.client)
    if client is None:
        return replace(burst, closed_at=clock()), 0
    turn = _Turn(run=run, burst=burst, client=client, cluster=cluster, clock=clock)
    waiting = [p for p in burst.probes if not p.ended]
    probes = await gather(*(_take_further(turn, probe) for probe in waiting))
    latest = {p.name: p for p in (*burst.probes, *probes)}
    done = all(p.ended for p in latest.values())
    closed = clock() if done else None
    return replace(burst, probes=tuple(latest.values()), closed_at=closed), len(waiting)


async def _take_further(turn: _Turn, probe: Probe) -> Probe:
    if probe.phase is ProbePhase.PLANNED and turn.clock() <= _deadline(turn.run, turn.burst):
        return await _create(turn, probe)
    try:
        state = await turn.cluster.probe_state(probe.name)
    except Unavailable as error:
        return _overdue(turn.run, probe, turn.clock(), str(error))
    except (Forbidden, Invalid, NotFound) as error:
        return _ended(probe, ProbePhase.LOST, turn.clock(), str(error))
    return _read(turn, probe, state)


def _deadline(run: Run, burst: Burst) -> datetime:
    """Until when a Pod may still be created for this burst's period."""
    late = max(LATE * run.plan.period, patience(run.plan) / 2 if run.blind else 0.0)
    return later(burst.at, late)


async def _create(turn: _Turn, probe: Probe) -> Probe:
    inside = _inside(turn, probe)
    if inside is None and turn.client.kind == ClientClassCode.BACKEND:
        why = "no backend is ready on it any more"
        return _ended(probe, ProbePhase.NEVER_STARTED, turn.clock(), why)
    pod = ProbePod(
        name=probe.name,
        run=turn.run.id,
        node=probe.node,
        host_network=turn.client.host_network,
        targets=turn.client.targets,
        connections=probe.connections,
        duration=burst_length(turn.run.plan),
        timeout=timeout(turn.run.plan),
        inside=inside,
    )
    try:
        await turn.cluster.start_probe(pod)
    except (Forbidden, Invalid, NotFound) as error:
        return _ended(probe, ProbePhase.NEVER_STARTED, turn.clock(), str(error))
    except Unavailable:
        # Whether it was created is not known: asked again, and creating it twice is creating it once.
        return probe
    return replace(probe, phase=ProbePhase.CREATED)


def _inside(turn: _Turn, probe: Probe) -> Ref | None:
    """The Pod in which a command connects; None where a Pod of our own does."""
    if turn.client.kind != ClientClassCode.BACKEND:
        return None
    return backend_on(turn.cluster.snapshot(), turn.client.service or turn.run.service, probe.node)


def _read(turn: _Turn, probe: Probe, state: ProbeState) -> Probe:
    """Take over what a Pod's state says."""
    now = turn.clock()
    probe = replace(
        probe,
        started_at=state.started_at or probe.started_at,
        finished_at=state.finished_at or probe.finished_at,
    )
    match state.phase:
        case "done":
            return _counted(turn.client, probe, state.counts, now)
        case "failed":
            never = probe.started_at is None
            phase = ProbePhase.NEVER_STARTED if never else ProbePhase.LOST
            return _ended(probe, phase, now, state.why or "it failed")
        case "gone":
            return _ended(probe, ProbePhase.LOST, now, state.why or "its Pod is gone")
        case "running":
            return _overdue(turn.run, replace(probe, phase=ProbePhase.RUNNING), now, "it did not end")
        case _:
            return _overdue(turn.run, replace(probe, phase=ProbePhase.CREATED), now, _pending(state))


def _pending(state: ProbeState) -> str:
    return state.why or "it did not start in time"


def _overdue(run: Run, probe: Probe, now: datetime, why: str) -> Probe:
    """Give a Pod up that has not started, or not ended, for too long."""
    since = probe.created_at or now
    if probe.phase is ProbePhase.RUNNING or probe.started_at is not None:
        began = max(since, min(probe.started_at or since, now))  # a node's clock may be ahead
        limit = later(began, burst_length(run.plan) + patience(run.plan))
        return probe if now <= limit else _ended(probe, ProbePhase.LOST, now, why)
    limit = later(since, patience(run.plan))
    return probe if now <= limit else _ended(probe, ProbePhase.NEVER_STARTED, now, why)


def _ended(probe: Probe, phase: ProbePhase, now: datetime, why: str = "") -> Probe:
    return replace(probe, phase=phase, seen_at=now, why=why)


def _counted(client: MeasuredClient, probe: Probe, counts: Mapping[str, TargetCount], now: datetime) -> Probe:
    """Add the targets up; a target without a count is no count at all."""
    absent = [target for target in client.targets if target not in counts]
    if absent:
        return _ended(probe, ProbePhase.LOST, now, f"it brought no count for {', '.join(absent)}")
    mine = [counts[target] for target in client.targets]
    silent = tuple(t for t in client.targets if counts[t].attempts and not counts[t].connected)
    if any(not 0 <= c.connected <= c.attempts for c in mine):
        return _ended(probe, ProbePhase.LOST, now, "its counts contradict themselves")
    errors: dict[str, int] = {}
    for kind, number in ((k, n) for c in mine for k, n in c.errors.items()):
        errors[kind] = errors.get(kind, 0) + number
    return replace(
        _ended(probe, ProbePhase.DONE, now),
        attempts=sum(c.attempts for c in mine),
        connected=sum(c.connected for c in mine),
        errors=errors,
        silent=silent,
        p50_ms=max((c.p50_ms for c in mine if c.p50_ms is not None), default=None),
        p99_ms=max((c.p99_ms for c in mine if c.p99_ms is not None), default=None),
    )


def next_look(run: Run, burst: Burst, now: datetime) -> datetime:
    """When to look at a burst's Pods again: soon while they start, then when they should have ended."""
    least, most = LOOK_EVERY
    soon = later(now, min(most, max(least, run.plan.period / 8)))
    started = [p.started_at for p in burst.probes if not p.ended and p.phase is ProbePhase.RUNNING]
    running = [min(at, now) for at in started if at is not None]  # a node's clock may be ahead
    if run.plan.how == "exec":
        return soon  # costs no call, and a pause is noticed that soon
    if not running or len(running) < sum(not p.ended for p in burst.probes):
        return soon
    return max(soon, later(min(running), burst_length(run.plan)))
