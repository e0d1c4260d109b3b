"""What the load balancer's counter says of one burst: all of it crossed, nothing, some, or it cannot be told.

The counter is `m4_ncps`, new connections per second averaged over a period (ELB, Cloud Eye namespace SYS.ELB), so
a period's count is value times period, known to within the decimals that the cloud gives. The connections of
other clients are what the quiet periods around the bursts counted. Bounds rather than means are used, so that
taking data away only ever widens them: less data can turn an answer into "unclear", and never into another one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import erf, isfinite, sqrt

from bot.domain.verification import Burst, Crossing, Part, Run
from bot.domain.verification_beside import packets_contradict
from bot.domain.verification_pattern import around, excused, off_periods, on_periods
from bot.domain.verification_period import index

Z = 2.33
"""Standard deviations for 99 %, one-sided: connections of others arrive independently, as a Poisson process."""
ALL = 0.95
"""Part of the attempts that must connect for a burst to be whole, as for reachability."""
MOST, FEW = 0.85, 0.05
"""Parts of the connections between which the counter shows neither all nor nothing; a rate that is cut to one
decimal loses a tenth of twenty connections a minute."""
MORE_THAN_SENT = 2.0
"""If the counter may have risen by more than this part of what was sent, others may have been busy just then."""
MOST_SURE = 0.999
DECIMALS = 6
_UNTIMED = (
    "the cloud tells a time that cannot be, or a clock was set meanwhile, so what it counted may lie in other periods "
    "than the bursts"
)
_AGAINST = {
    Crossing.CROSSED: "the load balancer counted these connections, but not the packets that they bring: its metrics "
    "contradict each other",
    Crossing.BYPASSED: "the load balancer counted no such connections, but as many packets as they bring: its metrics "
    "contradict each other",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Noise:
    """New connections of others per period: bounds and mean of the quiet periods."""

    low: float
    high: float
    mean: float

    @property
    def spread(self) -> float:
        """Half the range."""
        return (self.high - self.low) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """What a burst left in the counter."""

    crossing: Crossing
    seen: int | None = None
    """New connections above the noise; None where the counter never came."""
    confidence: float = 0.0
    why: str = ""


def stamped(run: Run) -> dict[int, float]:
    """New connections by the number of the period that the cloud names; what is no count is missing."""
    period = run.plan.period
    return {index(r.at, period): r.value * period for r in run.readings if isfinite(r.value) and r.value >= 0}


def counts(run: Run) -> dict[int, float]:
    """New connections by period number, whichever end of its period the cloud stamps a point with."""
    late = stamped_at_the_end(run)
    return {number - late: value for number, value in stamped(run).items()}


def stamped_at_the_end(run: Run) -> bool:
    """Whether the points are stamped with the end of their period.

    No vendor page says which end it is, so the bursts tell: none is in the period that it filled, and one is
    wholly in the next. Where a burst's own period is missing, nothing is concluded.
    """
    have = stamped(run)
    bursts = [b for b in run.bursts if b.usable and any(p.connected for p in b.probes)]
    empty = [_empty(run, burst, have) for burst in bursts]
    return all(empty) and any(_late(run, burst, have) is Crossing.CROSSED for burst in bursts)


def _empty(run: Run, burst: Burst, have: Mapping[int, float]) -> bool:
    """Whether a burst's own periods hold less than half of it above their quieter neighbour; all must be there."""
    on, beside = on_periods(run, burst), around(run, burst)
    if any(n not in have for n in (*on, *beside)):
        return False
    quiet = min(have[n] for n in beside)
    return sum(have[n] - quiet for n in on) < sum(p.connected or 0 for p in burst.probes) / 2


def _late(run: Run, burst: Burst, have: Mapping[int, float]) -> Crossing:
    """What a burst would be if points were stamped a period late."""
    moved = {number - 1: value for number, value in have.items()}
    others = _noise(run, moved, after_patch=burst.part is not Part.BEFORE)
    on = on_periods(run, burst)
    if others is None or any(n not in moved for n in on):
        return Crossing.UNSEEN
    made = [p.connected for p in burst.probes if p.connected]
    return _classify(_excess(run, burst, moved, others), made, whole=burst.part is Part.BEFORE)[0]


def grain(run: Run) -> float:
    """Connections per period to within which the cloud gives its values, by the decimals that it uses."""
    values = [r.value for r in run.readings if isfinite(r.value)]
    for decimals in range(DECIMALS):
        if all(abs(v * 10**decimals - round(v * 10**decimals)) < 1e-6 for v in values):  # noqa: PLR2004  float dust
            return run.plan.period / 10.0**decimals
    return 0.0


def noise(run: Run, *, after_patch: bool) -> Noise | None:
    """Bounds of the quiet periods on one side of the patch; None where too few of them came.

    A few may be missing, or out of the ordinary: as many as are excused, less those that are missing, are left
    out at either end.
    """
    return _noise(run, counts(run), after_patch=after_patch)


def _noise(run: Run, have: Mapping[int, float], *, after_patch: bool) -> Noise | None:
    quiet = off_periods(run, after_patch=after_patch)
    came = sorted(have[n] for n in quiet if n in have)
    spare = excused(len(quiet)) - (len(quiet) - len(came))
    if spare < 0 or len(quiet) < 2:  # noqa: PLR2004  one period has no spread
        return None
    return Noise(low=came[spare], high=came[-1 - spare], mean=sum(came) / len(came))


def signal(run: Run, burst: Burst, *, after_patch: bool) -> Signal:
    """Decide whether a usable burst crossed the load balancer."""
    made = [p.connected for p in burst.probes if p.connected]
    if not made:
        return Signal(crossing=Crossing.UNSEEN, why="nothing connected")
    have = counts(run)
    on = on_periods(run, burst)
    if run.blind or any(n not in have for n in on):
        return Signal(
            crossing=Crossing.UNSEEN, why=run.blind or run.trouble or "the counter of its period did not come"
        )
    others = noise(run, after_patch=after_patch)
    if others is None:
        return Signal(
            crossing=Crossing.UNSEEN, why=run.trouble or "too few counters of quiet periods came to compare"
        )
    return _decide(run, burst, others, made)


def _decide(run: Run, burst: Burst, others: Noise, made: list[int]) -> Signal:
    have, on = counts(run), on_periods(run, burst)
    total = sum(have[n] for n in on)
    excess = _excess(run, burst, have, others)
    crossing, why = _classify(excess, made, whole=burst.part is Part.BEFORE)
    if crossing is Crossing.CROSSED and burst.part is not Part.BEFORE and _mixed(burst):
        crossing, why = Crossing.UNCLEAR, "some connections failed, so its nodes cannot be told apart"
    if crossing in {Crossing.BYPASSED, Crossing.PARTLY} and not run.timed and burst.part is not Part.BEFORE:
        crossing, why = Crossing.UNCLEAR, _UNTIMED
    if crossing in {Crossing.BYPASSED, Crossing.PARTLY} and _smeared(run, burst, others, sum(made)):
        crossing, why = Crossing.UNCLEAR, "the load balancer's clock and the cluster's seem to be apart"
    if packets_contradict(run, burst, crossing, sum(made), late=stamped_at_the_end(run)):
        crossing, why = Crossing.UNCLEAR, _AGAINST[crossing]
    return Signal(
        crossing=crossing,
        seen=max(0, round(total - len(on) * others.mean)),
        confidence=_confidence(crossing, total, len(on), others, sum(made)),
        why=why,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Excess:
    """Least and most that a burst added to the counter, and by how much rounding may hide more."""

    low: float
    high: float
    grain: float
    sent: int


def _excess(run: Run, burst: Burst, have: Mapping[int, float], others: Noise) -> _Excess:
    values = [have[n] for n in on_periods(run, burst)]
    total, width = sum(values), len(values)
    margin = Z * sqrt(width * max(others.high, 0.0))
    return _Excess(
        low=total - width * others.high - margin,
        high=total - width * others.low + margin,
        grain=width * grain(run),
        sent=sum(p.attempts or 0 for p in burst.probes),
    )


def _classify(excess: _Excess, made: Iterable[int], *, whole: bool) -> tuple[Crossing, str]:
    """Say which answers the bounds of the excess leave.

    "All" must exclude that one whole node is short, and "nothing" that one whole node is in it: the line is half
    of what the smallest node sent, and what rounding hides must not bridge a node's whole part. With `whole`,
    before the patch, the class counts as one node.
    """
    sums = list(made)
    connected = sum(sums)
    least = connected if whole else min(sums)
    low, high = excess.low, excess.high
    all_of_it = low > connected - least / 2 and low - excess.grain >= connected - least
    none_of_it = high < least / 2 and high + excess.grain <= least
    if all_of_it and high + excess.grain > MORE_THAN_SENT * excess.sent:
        return Crossing.UNCLEAR, "the load balancer counted more than was sent: others were busy just then"
    if all_of_it and high >= MOST * connected:
        return Crossing.CROSSED, ""
    if none_of_it and low <= FEW * connected:
        return Crossing.BYPASSED, ""
    if low - excess.grain > FEW * connected and high + excess.grain < MOST * connected:
        return Crossing.PARTLY, ""
    return Crossing.UNCLEAR, "noise and rounding leave more than one answer"


def _mixed(burst: Burst) -> bool:
    """Whether failed attempts of one node, which may be counted too, could stand in for another node's."""
    sent = sum(p.attempts or 0 for p in burst.probes)
    return len(burst.probes) > 1 and sum(p.connected or 0 for p in burst.probes) < ALL * sent


def _smeared(run: Run, burst: Burst, others: Noise, connected: int) -> bool:
    """Whether the periods right before and after would make up for what the burst's own lack, or did not come."""
    have = counts(run)
    wide = [*on_periods(run, burst), *around(run, burst)]
    if any(n not in have for n in wide):
        return True
    return sum(have[n] - others.low for n in wide) >= 0.9 * connected


def _confidence(crossing: Crossing, total: float, width: int, others: Noise, connected: int) -> float:
    """Probability that a normal law of the noise does not explain the answer; 0 where it is open."""
    sigma = sqrt(width * max(others.high, others.spread**2, 1.0))
    match crossing:
        case Crossing.CROSSED:
            distance = total - width * others.high
        case Crossing.BYPASSED:
            distance = connected - (total - width * others.low)
        case Crossing.PARTLY:
            above = total - width * others.mean
            distance = min(above, connected - above)
        case _:
            return 0.0
    return max(0.0, min(MOST_SURE, 0.5 * (1 + erf(distance / sigma / sqrt(2)))))
