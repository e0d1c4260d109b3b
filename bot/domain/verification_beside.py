"""What else the load balancer counted beside new connections: evidence, and a check on the counter that decides.

Incoming packets (`m5_in_pps`) can contradict the counter: a connection that crosses brings at least its SYN, its ACK
and its FIN or RST. They never show that connections crossed, for packets of open connections are counted too. Open
connections (`m1_cps`) are only shown: short ones may be over before anybody looks.

A metric that does not come, or that stays at zero throughout, says nothing. Of the quiet periods the plain extremes
are used, so that a missing one never lifts a contradiction.
"""

from collections.abc import Callable, Iterable
from math import isfinite, sqrt

from bot.domain.verification import Beside, Burst, Crossing, Part, Reading, Run
from bot.domain.verification_pattern import off_periods, on_periods
from bot.domain.verification_period import index

PACKETS_AT_LEAST = 3
"""Packets that a connection brings: SYN, ACK, and one to end it."""
Z = 2.33
"""Standard deviations for 99 %, one-sided."""


def packets_contradict(run: Run, burst: Burst, crossing: Crossing, connected: int, *, late: bool) -> bool:
    """Whether incoming packets cannot be so if a burst crossed the load balancer, or if it did not.

    Args:
        run: for its readings.
        burst: the burst, with counts.
        crossing: what the new connections say.
        connected: how many of the burst's connections were made.
        late: whether points are stamped with the end of their period.
    """
    have = _by_period(run, lambda r: r.packets, late=late)
    numbers = on_periods(run, burst)
    quiet = [have[n] for n in off_periods(run, after_patch=burst.part is not Part.BEFORE) if n in have]
    if not quiet or not any(have.values()) or any(n not in have for n in numbers):
        return False
    period, width = run.plan.period, len(numbers)
    total = sum(have[n] for n in numbers) * period
    low, high = (width * period * bound for bound in (min(quiet), max(quiet)))
    margin = Z * sqrt(high)
    if crossing is Crossing.CROSSED:
        return total - low + margin < connected
    if crossing is Crossing.BYPASSED:
        return total - high - margin - (high - low) > PACKETS_AT_LEAST * connected
    return False


def beside(run: Run, *, late: bool) -> tuple[Beside, ...]:
    """What the other metrics were outside the bursts and in them; nothing where no counter came at all."""
    if not run.readings:
        return ()
    return (
        _beside(run, "incoming packets per second", lambda r: r.packets, late=late),
        _beside(run, "open connections", lambda r: r.concurrent, late=late),
    )


def _beside(run: Run, name: str, value: Callable[[Reading], float | None], *, late: bool) -> Beside:
    have = _by_period(run, value, late=late)
    quiet = [*off_periods(run, after_patch=False), *off_periods(run, after_patch=True)]
    return Beside(
        name=name,
        quiet=_mean(have, quiet),
        before=_mean(have, _periods_of(run, Part.BEFORE)),
        after=_mean(have, _periods_of(run, Part.AFTER)),
    )


def _periods_of(run: Run, part: Part) -> set[int]:
    return {n for b in run.bursts if b.part is part and b.usable for n in on_periods(run, b)}


def _by_period(run: Run, value: Callable[[Reading], float | None], *, late: bool) -> dict[int, float]:
    found = ((index(r.at, run.plan.period) - late, value(r)) for r in run.readings)
    return {number: each for number, each in found if each is not None and isfinite(each) and each >= 0}


def _mean(have: dict[int, float], numbers: Iterable[int]) -> float | None:
    came = [have[n] for n in set(numbers) if n in have]
    return sum(came) / len(came) if came else None
