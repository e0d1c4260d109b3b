"""What one side of the patch brought for one class of client: its own counts and the load balancer's, together."""

from collections.abc import Iterable, Mapping, Sequence

from bot.domain.verification import Burst, Connectivity, Count, Crossing, Part, Probe, Run, Target
from bot.domain.verification_pattern import affordable, given_up, tries
from bot.domain.verification_signal import Signal, signal
from bot.domain.words import counted

ENOUGH = 10
"""Attempts below which nothing is said about a client."""
REACHABLE = 0.95
"""Part of the attempts that must connect."""
NETWORK_ERRORS = frozenset({"refused", "timeout"})
"""The ways in which a network says no; anything else is the client's own trouble."""


def count(run: Run, client: str, *, before: bool) -> Count:
    """Count one class of client on one side of the patch; the latest look at it counts."""
    again = [] if before else [t for t in run.again if t.client == client]
    first = Target(client=client, node="")
    if again:
        return _count(run, [(Part.RECHECK, t) for t in again])
    return _count(run, [(Part.BEFORE if before else Part.AFTER, first)])


def chosen(run: Run, part: Part, turn: Target) -> Burst | None:
    """The burst of a turn that counts: the latest that brought every count."""
    return next((b for b in reversed(tries(run, part, turn)) if b.usable), None)


def _count(run: Run, turns: Sequence[tuple[Part, Target]]) -> Count:
    bursts = [chosen(run, part, turn) for part, turn in turns]
    found = [b for b in bursts if b is not None]
    probes = [p for b in found for p in b.probes]
    if len(found) < len(turns):
        return Count(why=_why_none(run, turns), nodes=tuple(p.node for p in probes))
    signals = [signal(run, b) for b in found]
    attempts, connected = _sum(p.attempts for p in probes), _sum(p.connected for p in probes)
    reach, why = connectivity(probes)
    crossing = _all(s.crossing for s in signals)
    return Count(
        attempts=attempts,
        connected=connected,
        seen=_sum(s.seen for s in signals) if all(s.seen is not None for s in signals) else None,
        connectivity=reach,
        crossing=crossing,
        nodes=tuple(p.node for p in probes),
        errors=_errors(probes),
        p50_ms=max((p.p50_ms for p in probes if p.p50_ms is not None), default=None),
        p99_ms=max((p.p99_ms for p in probes if p.p99_ms is not None), default=None),
        confidence=min((s.confidence for s in signals), default=0.0),
        why=why or _first_why(signals, crossing),
    )


def astray(run: Run, client: str) -> tuple[str, ...]:
    """Nodes that were looked at by themselves and did not send their connections the way that was expected."""
    played = run.client(client)
    through = played.through_after if played else None
    wrong = {True: Crossing.BYPASSED, False: Crossing.CROSSED, None: Crossing.PARTLY}[through]
    return tuple(
        t.node
        for t in run.again
        if t.client == client
        and (burst := chosen(run, Part.RECHECK, t)) is not None
        and signal(run, burst).crossing in {wrong, Crossing.PARTLY}
    )


def cut_off(run: Run, client: str) -> tuple[str, ...]:
    """Nodes from which nothing connected at the latest look."""
    turns = [(Part.RECHECK, t) for t in run.again if t.client == client]
    turns = turns or [(Part.AFTER, Target(client=client, node=""))]
    bursts = [b for part, turn in turns if (b := chosen(run, part, turn)) is not None]
    return tuple(p.node for b in bursts for p in b.probes if p.attempts and not p.connected)


def connectivity(probes: Sequence[Probe]) -> tuple[Connectivity, str]:
    """Say whether a class gets there: 95 % is reachable, none unreachable, between inconsistent."""
    attempts, connected = _sum(p.attempts for p in probes), _sum(p.connected for p in probes)
    if 0 < attempts < ENOUGH and broken_off(probes):
        return (
            Connectivity.UNKNOWN,
            f"its connections broke off; it stopped after {counted(attempts, 'attempt')}",
        )
    if attempts < ENOUGH:
        return Connectivity.UNKNOWN, _too_few(attempts, connected)
    errors = _errors(probes)
    if not connected and not any(errors.get(kind) for kind in NETWORK_ERRORS):
        return Connectivity.UNKNOWN, "the client could not try: its errors are not the network's"
    if not connected:
        return Connectivity.UNREACHABLE, ""
    silent = any(p.silent or (p.attempts and not p.connected) for p in probes)
    if connected >= REACHABLE * attempts and not silent:
        return Connectivity.REACHABLE, ""
    return Connectivity.INCONSISTENT, ""


def _too_few(attempts: int, connected: int) -> str:
    """Say what was seen before what cannot be said: where nobody got through, a reader must not miss that."""
    if not attempts:
        return "no connection was tried"
    of = counted(attempts, "attempt")
    seen = f"{connected} of {of} connected" if connected else f"none of {of} connected"
    return f"{seen}, and fewer than {ENOUGH} prove nothing"


def broken_off(probes: Iterable[Probe]) -> bool:
    """Whether every connection ended in an error that is not the network's own: a client stops after a few."""
    return all(p.errors.get("other", 0) == p.attempts for p in probes)


def _all(each: Iterable[Crossing]) -> Crossing:
    """What several nodes of a class amount to: one that is not seen hides the rest, unless one is wrong."""
    found = set(each)
    if len(found) == 1:
        return found.pop()
    if Crossing.PARTLY in found or {Crossing.CROSSED, Crossing.BYPASSED} <= found:
        return Crossing.PARTLY
    return next((each for each in (Crossing.UNSEEN, Crossing.STUCK) if each in found), Crossing.UNCLEAR)


def _why_none(run: Run, turns: Sequence[tuple[Part, Target]]) -> str:
    for part, turn in turns:
        for burst in reversed(tries(run, part, turn)):
            lost = [p for p in burst.probes if p.why]
            if lost:
                return f"{lost[0].node}: {lost[0].why}"
            if given_up(burst):
                node, why = next(iter(given_up(burst).items()))
                return f"{node}: {why}"
    used_up = any(not affordable(run, turn.client) for _, turn in turns)
    return "the connections that were approved are used up" if used_up else "it was not measured"


def _first_why(signals: Iterable[Signal], crossing: Crossing) -> str:
    return next((s.why for s in signals if s.crossing is crossing and s.why), "")


def _sum(values: Iterable[int | None]) -> int:
    return sum(v or 0 for v in values)


def _errors(probes: Iterable[Probe]) -> Mapping[str, int]:
    total: dict[str, int] = {}
    for probe in probes:
        for kind, number in probe.errors.items():
            total[kind] = total.get(kind, 0) + number
    return total
