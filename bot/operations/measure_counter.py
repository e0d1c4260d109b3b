"""The load balancer's side of a run: which listeners are counted, and what they counted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain.verification import Counter, Reading, Run
from bot.domain.verification_pattern import needed
from bot.domain.verification_period import Span, index, later, start_of
from bot.ports import Cloud, Forbidden, Invalid, Listener, Metered, NotFound, Point, Unavailable

SAME = 2.0
"""Seconds by which two measurements of the clocks' difference may differ: Date headers tell whole seconds."""


async def look(run: Run, cloud: Cloud | None) -> Run:
    """Find the listeners of the Service's ports, or the reason why none can be counted.

    A cloud that does not answer now is asked again when the counters are read.
    """
    if cloud is None:
        return replace(run, looked=True, blind="no cloud credentials are configured for this cluster")
    if not run.plan.load_balancer:
        return replace(run, looked=True, blind="the load balancer's id is not known")
    try:
        facts = await cloud.load_balancer(run.plan.load_balancer)
        run = _by_its_clock(run, cloud.ahead())
    except (NotFound, Forbidden, Invalid) as error:
        return replace(run, looked=True, blind=str(error), calls=run.calls + 1)
    except Unavailable as error:
        return replace(run, looked=True, trouble=str(error), calls=run.calls + 1)
    found = tuple(
        Counter(id=each.id, protocol=each.protocol, port=each.port)
        for each in facts.listeners
        if each.port in run.plan.ports and each.protocol.upper() not in {"UDP", "QUIC"}
    )
    ports = ", ".join(str(port) for port in run.plan.ports)
    blind = "" if found else f"the load balancer has no listener for port {ports}"
    return replace(run, looked=True, counters=found, blind=blind, calls=run.calls + 1)


def _by_its_clock(run: Run, ahead: float | None) -> Run:
    """Keep the run's time by the cloud's clock from its start on; bursts that are sent already stay where they are."""
    if run.bursts or run.ahead:
        return run
    if ahead is None:
        return replace(run, timed=False)
    return replace(run, timed=True, ahead=ahead, started_at=later(run.started_at, -ahead))


def _still_by_its_clock(run: Run, ahead: float | None) -> Run:
    """Note that a clock was set meanwhile, or that the cloud's time was learnt only when bursts were sent already."""
    same = ahead is not None and abs(ahead - run.ahead) <= max(SAME, run.plan.period / 4)
    return run if same else replace(run, timed=False)


async def read(run: Run, span: Span, cloud: Cloud | None, now: datetime) -> Run:
    """Read the counters of a span; what came earlier stays, what did not come is missing."""
    if not run.counters:
        run = await look(run, cloud)
    if run.blind or cloud is None or not run.counters:
        return replace(run, read_at=now)
    elb = run.plan.load_balancer
    listeners = [Listener(id=c.id, protocol=c.protocol, port=c.port, load_balancer=elb) for c in run.counters]
    try:
        metrics = await cloud.metrics(listeners, start=span.start, end=span.end)
    except (Forbidden, NotFound, Invalid) as error:
        return replace(run, read_at=now, blind=str(error), calls=run.calls + 1)
    except Unavailable as error:
        return replace(run, read_at=now, trouble=str(error), calls=run.calls + 1)
    readings = _merged(run, metrics.each)
    counters = tuple(
        replace(counter, moved=counter.moved or _moved(told))
        for counter, told in zip(run.counters, metrics.each, strict=True)
    )
    run = _still_by_its_clock(run, cloud.ahead())
    return replace(
        run,
        read_at=now,
        counters=counters,
        readings=readings,
        trouble="",
        calls=run.calls + metrics.calls,
    )


def _moved(told: Metered) -> bool:
    """Whether a listener's counter had more than one value: then it counts."""
    return len({point.value for point in told.new_connections}) > 1


def _merged(run: Run, each: Sequence[Metered]) -> tuple[Reading, ...]:
    """Add the listeners up, period by period; a period that one listener lacks is missing.

    Of what was before the run the one with the most decimals is kept: it shows how the cloud rounds.
    """
    period = run.plan.period
    new = _sums([listener.new_connections for listener in each], period)
    concurrent = _sums([listener.concurrent for listener in each], period)
    packets = _sums([listener.packets for listener in each], period)
    found = {index(r.at, period): r for r in run.readings}
    for number, value in new.items():
        known = found.get(number)
        found[number] = Reading(
            at=start_of(number, period),
            value=value,
            concurrent=concurrent.get(number, known.concurrent if known else None),
            packets=packets.get(number, known.packets if known else None),
        )
    first = needed(run)[0]
    early = [found[number] for number in sorted(found) if number < first]
    finest = max(early, key=_decimals, default=None)
    return tuple(r for r in (finest, *(found[n] for n in sorted(found) if n >= first)) if r is not None)


def _decimals(reading: Reading) -> int:
    """How many decimals a value has, up to six."""
    return len(f"{reading.value:.6f}".rstrip("0").partition(".")[2])


def _sums(each: Sequence[Sequence[Point]], period: float) -> dict[int, float]:
    series = [{index(point.at, period): point.value for point in points} for points in each]
    complete = set.intersection(*(set(values) for values in series))
    return {number: sum(values[number] for values in series) for number in complete}
