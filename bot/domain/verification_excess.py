"""What a burst added to the load balancer's counter, if points are stamped with one end of their period: bounds.

The counter is `m4_ncps`, new connections per second averaged over a period (ELB, Cloud Eye namespace SYS.ELB), so
a period's count is value times period, known to within the decimals that the cloud gives. The connections of
other clients are what the quiet periods around the bursts counted. Bounds rather than means are used, so that
taking data away only ever widens them: less data can turn an answer into "unclear", and never into another one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, sqrt

from bot.domain.verification import Burst, Crossing, Part, Run
from bot.domain.verification_pattern import excused, off_periods, on_periods
from bot.domain.verification_period import index

Z = 2.33
"""Standard deviations for 99 %, one-sided: connections of others arrive independently, as a Poisson process."""
MOST, FEW = 0.85, 0.05
"""Parts of the connections between which the counter shows neither all nor nothing; a rate that is cut to one
decimal loses a tenth of twenty connections a minute."""
MORE_THAN_SENT = 2.0
"""If the counter may have risen by more than this part of what was sent, others may have been busy just then."""
SMEARED = 0.9
"""Part of the connections from which the neighbouring periods make up for what a burst's own lack."""
DECIMALS = 6


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
class Excess:
    """What one burst may have added to the counter."""

    total: float
    """What was counted in its periods."""
    width: int
    """How many periods those are."""
    low: float
    """The least that it added."""
    high: float
    """The most that it added."""
    beside: tuple[float | None, ...]
    """What was counted in the periods right before and after; None where that never came."""
    grain: float
    """By how much rounding may hide more."""
    sent: int
    made: int
    """How many of them connected."""
    least: int
    """What the smallest node has in it; before the patch the class counts as one node."""
    noise: Noise

    def crossing(self) -> tuple[Crossing, str]:
        """Say which answers the bounds leave, and why none where that is so.

        "All" must exclude that one whole node is short, and "nothing" that one whole node is in it: the line is half
        of what the smallest node sent, and what rounding hides must not bridge a node's whole part.
        """
        all_of_it = self.low > self.made - self.least / 2 and self.low - self.grain >= self.made - self.least
        if all_of_it and self.high + self.grain > MORE_THAN_SENT * self.sent:
            return (
                Crossing.UNCLEAR,
                "the load balancer counted more than was sent: others were busy just then",
            )
        if all_of_it and self.high >= MOST * self.made:
            return Crossing.CROSSED, ""
        if self.nothing(self.high) and self.low <= FEW * self.made:
            return Crossing.BYPASSED, ""
        if self.low - self.grain > FEW * self.made and self.high + self.grain < MOST * self.made:
            return Crossing.PARTLY, ""
        return Crossing.UNCLEAR, "noise and rounding leave more than one answer"

    def smeared(self) -> bool:
        """Whether the periods right before and after would make up for what the burst's own lack, or did not come."""
        guards = [n for n in self.beside if n is not None]
        if len(guards) < len(self.beside):
            return True
        wide = self.total + sum(guards) - (self.width + len(guards)) * self.noise.low
        return wide >= SMEARED * self.made

    def beside_nothing(self) -> bool:
        """Whether neither of the periods right before and after can hold a node's part of it; they are never excused."""
        margin = Z * sqrt(max(self.noise.high, 0.0))
        return all(n is not None and self.nothing(n - self.noise.low + margin) for n in self.beside)

    def nothing(self, most: float) -> bool:
        """Whether so many connections, at most, cannot be one node's."""
        return most < self.least / 2 and most + self.grain <= self.least


def stamped(run: Run) -> dict[int, float]:
    """New connections by the number of the period that the cloud names; what is no count is missing."""
    period = run.plan.period
    return {index(r.at, period): r.value * period for r in run.readings if isfinite(r.value) and r.value >= 0}


def grain(run: Run) -> float:
    """Connections per period to within which the cloud gives its values, by the decimals that it uses."""
    values = [r.value for r in run.readings if isfinite(r.value)]
    for decimals in range(DECIMALS):
        if all(abs(v * 10**decimals - round(v * 10**decimals)) < 1e-6 for v in values):  # noqa: PLR2004  float dust
            return run.plan.period / 10.0**decimals
    return 0.0


def quiet(run: Run, *, after_patch: bool, late: bool | None) -> tuple[int, ...]:
    """Numbers of the points that hold nothing of a burst; with `late` unknown those that cannot, either way."""
    found = set(off_periods(run, after_patch=after_patch))
    shifts = (False, True) if late is None else (late,)
    return tuple(sorted(set.intersection(*({n + shift for n in found} for shift in shifts))))


def points_of(run: Run, burst: Burst, *, late: bool | None) -> range:
    """Numbers of the points that may hold a burst; with `late` unknown those of either way."""
    on = on_periods(run, burst)
    return range(on[0] + bool(late), on[-1] + 1 + (late is not False))


def noise(run: Run, *, after_patch: bool, late: bool | None) -> Noise | None:
    """Bounds of the quiet periods on one side of the patch; None where too few of them came.

    A few may be missing, or out of the ordinary: as many as are excused, less those that are missing, are left
    out at either end.
    """
    return _noise(stamped(run), quiet(run, after_patch=after_patch, late=late))


def _noise(have: Mapping[int, float], points: Sequence[int]) -> Noise | None:
    came = sorted(have[n] for n in points if n in have)
    spare = excused(len(points)) - (len(points) - len(came))
    if spare < 0 or len(points) < 2:  # noqa: PLR2004  one period has no spread
        return None
    return Noise(low=came[spare], high=came[-1 - spare], mean=sum(came) / len(came))


def excess(run: Run, burst: Burst, *, late: bool | None) -> Excess | None:
    """Bounds of what a burst in which something connected added; None where a counter that it takes never came.

    Args:
        run: for its readings and its quiet periods.
        burst: the burst, with counts.
        late: whether points are stamped with the end of their period; None: it is looked for in both places.
    """
    have, on = stamped(run), points_of(run, burst, late=late)
    others = _noise(have, quiet(run, after_patch=burst.part is not Part.BEFORE, late=late))
    if others is None or any(n not in have for n in on):
        return None
    total, width = sum(have[n] for n in on), len(on)
    made = [p.connected for p in burst.probes if p.connected]
    margin = Z * sqrt(max(others.high, 0.0))
    return Excess(
        total=total,
        width=width,
        low=total - width * others.high - sqrt(width) * margin,
        high=total - width * others.low + sqrt(width) * margin,
        beside=tuple(have.get(n) for n in (on[0] - 1, on[-1] + 1)),
        grain=width * grain(run),
        sent=sum(p.attempts or 0 for p in burst.probes),
        made=sum(made),
        least=sum(made) if burst.part is Part.BEFORE else min(made, default=0),
        noise=others,
    )
