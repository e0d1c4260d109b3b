"""The load balancer's side of a run: which listeners are counted, and what they counted."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from bot.domain.verification import Counter, Reading, Run
from bot.domain.verification_period import Span, index, start_of
from bot.ports import Cloud, Forbidden, Invalid, Listener, NotFound, Point, Unavailable


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


async def read(run: Run, span: Span, cloud: Cloud | None, now: datetime) -> Run:
    """Read the counters of a span; what came earlier stays, what did not come is missing."""
    if not run.counters:
        run = await look(run, cloud)
    if run.blind or cloud is None or not run.counters:
        return replace(run, read_at=now)
    try:
        each = [await _points(counter, span, cloud) for counter in run.counters]
    except (Forbidden, NotFound, Invalid) as error:
        return replace(run, read_at=now, blind=str(error), calls=run.calls + 1)
    except Unavailable as error:
        return replace(run, read_at=now, trouble=str(error), calls=run.calls + 1)
    readings = _merged(run, each)
    return replace(run, read_at=now, readings=readings, trouble="", calls=run.calls + len(each))


async def _points(counter: Counter, span: Span, cloud: Cloud) -> Sequence[Point]:
    listener = Listener(id=counter.id, protocol=counter.protocol, port=counter.port)
    return await cloud.new_connections(listener, start=span.start, end=span.end)


def _merged(run: Run, each: Sequence[Sequence[Point]]) -> tuple[Reading, ...]:
    """Add the listeners up, period by period; a period that one listener lacks is missing."""
    period = run.plan.period
    series = [{index(point.at, period): point.value for point in points} for points in each]
    complete = set.intersection(*(set(values) for values in series))
    found = {index(r.at, period): r.value for r in run.readings}
    found |= {number: sum(values[number] for values in series) for number in complete}
    return tuple(Reading(at=start_of(number, period), value=found[number]) for number in sorted(found))
