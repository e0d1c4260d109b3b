"""Which end of its period the cloud stamps a point with, and whether its counter counts at all: the data must tell.

No vendor page says which end it is, so both are possible until a burst settles it, and what follows from a run must
follow from either. A counter that never moves may count nothing, so what it says is no evidence either way.
"""

from collections.abc import Iterable, Mapping

from bot.domain.verification import Burst, Crossing, Run
from bot.domain.verification_excess import excess, points_of, quiet, stamped


def stampings(run: Run) -> tuple[bool, ...]:
    """Whether points are stamped with the end of their period, as far as the data tell: one answer, or both.

    A burst tells when it is whole in the period that one of the two says, and the period that the other says holds
    nothing of it; and no burst says the opposite. What is missing might have said so.
    """
    have = stamped(run)
    said = [late for late in (False, True) if any(_tells(run, b, have, late=late) for b in run.bursts)]
    if len(said) == 1 and not any(_denies(run, b, have, late=said[0]) for b in run.bursts):
        return (said[0],)
    return (False, True)


def _tells(run: Run, burst: Burst, have: Mapping[int, float], *, late: bool) -> bool:
    """Whether a burst is where this stamping says, as a whole, and nowhere else."""
    on = points_of(run, burst, late=late)
    here, elsewhere = _sum(have, on), have.get(on[0] - 1 if late else on[-1] + 1)
    if not burst.usable or here is None or elsewhere is None or here <= elsewhere:
        return False
    found = excess(run, burst, late=late)
    if found is None or not found.made or found.crossing()[0] is not Crossing.CROSSED:
        return False
    return elsewhere - found.noise.low < found.least / 2


def _denies(run: Run, burst: Burst, have: Mapping[int, float], *, late: bool) -> bool:
    """Whether most of a burst is where the other stamping says; it may be where a counter of either is missing."""
    here, there = (_sum(have, points_of(run, burst, late=end)) for end in (late, not late))
    if here is None or there is None:
        return True
    sent = sum(p.connections if p.connected is None else p.connected for p in burst.probes)
    return there - here > sent / 2


def _sum(have: Mapping[int, float], numbers: Iterable[int]) -> float | None:
    """The counts of some periods together; None where one never came."""
    each = [have.get(n) for n in numbers]
    came = [n for n in each if n is not None]
    return sum(came) if len(came) == len(each) else None


def moved(run: Run, burst: Burst) -> bool:
    """Whether the counter was seen to move, of every listener that a burst connects to: then it counts."""
    client = run.client(burst.client)
    ports = {target.rpartition(":")[2] for target in client.targets} if client else set[str]()
    told = [c.moved for c in run.counters if str(c.port) in ports]
    if told and None not in told:
        return all(told)
    return len({reading.value for reading in run.readings}) > 1


def quiet_counts(run: Run, *, after_patch: bool) -> list[float]:
    """New connections of the periods on one side of the patch that hold nothing of a burst, as far as that is known."""
    have, possible = stamped(run), stampings(run)
    points = quiet(run, after_patch=after_patch, late=possible[0] if len(possible) == 1 else None)
    return [have[n] for n in points if n in have]


def counts(run: Run) -> dict[int, float]:
    """New connections by period number, as they are most likely stamped."""
    late = stampings(run)[0]
    return {number - late: value for number, value in stamped(run).items()}
