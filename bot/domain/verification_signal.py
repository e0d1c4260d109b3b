"""What the load balancer's counter says of one burst: all of it crossed, nothing, some, or it cannot be told.

Each way in which the points may be stamped is weighed by itself, and an answer is one that all of them give.
"""

from dataclasses import dataclass
from math import erf, sqrt

from bot.domain.verification import Burst, Crossing, Part, Run
from bot.domain.verification_beside import packets_contradict
from bot.domain.verification_excess import Excess, excess, points_of, stamped
from bot.domain.verification_stamp import moved, stampings

ALL = 0.95
"""Part of the attempts that must connect for a burst to be whole, as for reachability."""
MOST_SURE = 0.999
_UNTIMED = (
    "the cloud tells a time that cannot be, or a clock was set meanwhile, so what it counted may lie in other periods "
    "than the bursts"
)
_BESIDE = "the period beside the burst's own may hold a part of it"
_SMEARED = "the load balancer's clock and the cluster's seem to be apart"
_MIXED = "some connections failed, so its nodes cannot be told apart"
_EITHER = (
    "whether the load balancer's points are stamped with the start or the end of their period is not known, and here "
    "it matters"
)
_STUCK = "the load balancer's counter did not move at all, so nothing shows that it counts"
_AGAINST = {
    Crossing.CROSSED: "the load balancer counted these connections, but not the packets that they bring: its metrics "
    "contradict each other",
    Crossing.BYPASSED: "the load balancer counted no such connections, but as many packets as they bring: its metrics "
    "contradict each other",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What a burst left in the counter."""

    crossing: Crossing
    seen: int | None = None
    """New connections above the noise; None where the counter never came, or that depends on how it is stamped."""
    confidence: float = 0.0
    why: str = ""


def signal(run: Run, burst: Burst) -> Signal:
    """Decide whether a usable burst crossed the load balancer."""
    if not any(p.connected for p in burst.probes):
        return Signal(crossing=Crossing.UNSEEN, why="nothing connected")
    if run.blind:
        return Signal(crossing=Crossing.UNSEEN, why=run.blind)
    each = [_stamped(run, burst, late=late) for late in stampings(run)]
    if len({one.crossing for one in each}) == 1:
        return min(each, key=lambda one: one.confidence)
    unseen = next((one for one in each if one.crossing is Crossing.UNSEEN), None)
    return unseen or _either(run, burst)


def _either(run: Run, burst: Burst) -> Signal:
    """What it is where the answer depends on how the points are stamped.

    Before the patch it is only asked whether some of it crossed, wherever that was counted.
    """
    if burst.part is Part.BEFORE:
        found = _stamped(run, burst, late=None)
        if found.crossing is Crossing.PARTLY:
            return found
    return Signal(crossing=Crossing.UNCLEAR, why=_EITHER)


def _stamped(run: Run, burst: Burst, *, late: bool | None) -> Signal:
    """What it is if points are stamped so; with `late` unknown, if it is looked for in both places."""
    found = excess(run, burst, late=late)
    if found is None:
        return Signal(crossing=Crossing.UNSEEN, why=run.trouble or _lacking(run, burst, late=late))
    crossing, why = found.crossing()
    if doubt := _doubt(run, burst, found, crossing, late=late):
        crossing, why = Crossing.UNCLEAR, doubt
    if crossing is not Crossing.CROSSED and not moved(run, burst):
        crossing, why = Crossing.STUCK, _STUCK
    return Signal(
        crossing=crossing,
        seen=None
        if crossing is Crossing.STUCK
        else max(0, round(found.total - found.width * found.noise.mean)),
        confidence=_confidence(crossing, found),
        why=why,
    )


def _lacking(run: Run, burst: Burst, *, late: bool | None) -> str:
    """Say which counters never came."""
    have = stamped(run)
    if all(n in have for n in points_of(run, burst, late=late)):
        return "too few counters of quiet periods came to compare"
    return "the counter of its period did not come"


def _doubt(run: Run, burst: Burst, found: Excess, crossing: Crossing, *, late: bool | None) -> str:
    """Say what else speaks against an answer that the bounds leave."""
    lacking = crossing in {Crossing.BYPASSED, Crossing.PARTLY}
    after = burst.part is not Part.BEFORE
    if crossing is Crossing.CROSSED and after and _mixed(burst):
        return _MIXED
    if lacking and after and not run.timed:
        return _UNTIMED
    if lacking and found.smeared():
        return _SMEARED
    if crossing is Crossing.BYPASSED and not found.beside_nothing():
        return _BESIDE
    if late is not None and packets_contradict(run, burst, crossing, found.made, late=late):
        return _AGAINST[crossing]
    return ""


def _mixed(burst: Burst) -> bool:
    """Whether failed attempts of one node, which may be counted too, could stand in for another node's."""
    sent = sum(p.attempts or 0 for p in burst.probes)
    return len(burst.probes) > 1 and sum(p.connected or 0 for p in burst.probes) < ALL * sent


def _confidence(crossing: Crossing, found: Excess) -> float:
    """Probability that a normal law of the noise does not explain the answer; 0 where it is open."""
    others, width = found.noise, found.width
    sigma = sqrt(width * max(others.high, others.spread**2, 1.0))
    match crossing:
        case Crossing.CROSSED:
            distance = found.total - width * others.high
        case Crossing.BYPASSED:
            distance = found.made - (found.total - width * others.low)
        case Crossing.PARTLY:
            above = found.total - width * others.mean
            distance = min(above, found.made - above)
        case _:
            return 0.0
    return max(0.0, min(MOST_SURE, 0.5 * (1 + erf(distance / sigma / sqrt(2)))))
