from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.verification import Crossing, Part, Run
from bot.domain.verification_excess import grain, noise, stamped
from bot.domain.verification_pattern import off_periods, on_periods
from bot.domain.verification_period import index, start_of
from bot.domain.verification_signal import signal
from bot.domain.verification_stamp import stampings
from tests.domain.verification_runs import client, measured, plan


def after(run: Run) -> Crossing:
    """What the first burst after the patch is."""
    burst = next(b for b in run.bursts if b.part is Part.AFTER)
    return signal(run, burst).crossing


def without(run: Run, *numbers: int) -> Run:
    """The run without these periods' readings."""
    return replace(run, readings=tuple(r for r in run.readings if index(r.at, 60.0) not in numbers))


def test_a_count_is_the_rate_times_the_period() -> None:
    """The vendor's unit is connections per second."""
    run = measured()
    burst = next(b for b in run.bursts if b.part is Part.AFTER)
    assert stamped(run)[on_periods(run, burst)[0]] == pytest.approx(120)
    assert signal(run, burst).seen == 120


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1.0])
def test_what_is_no_count_is_missing(value: float) -> None:
    """A broken point is not evidence."""
    run = measured()
    broken = tuple(replace(r, value=value) for r in run.readings)
    assert stamped(replace(run, readings=broken)) == {}
    assert after(replace(run, readings=broken)) is Crossing.UNSEEN


def test_quiet_periods_bound_the_noise_but_for_an_outlier() -> None:
    """One of seven may be a stranger's burst."""
    run = measured(quiet=lambda n: 500.0 if n % 9 == 0 else 3.0)
    found = noise(run, after_patch=False, late=False)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((3.0, 3.0))


def test_one_missing_quiet_period_is_excused_and_two_are_not() -> None:
    """Of seven; then nothing is known, rather than little."""
    run = measured()
    quiet = off_periods(run, after_patch=False)
    assert noise(without(run, quiet[0]), after_patch=False, late=False) is not None
    assert noise(without(run, *quiet[:2]), after_patch=False, late=False) is None


def test_the_bounds_only_widen_when_a_quiet_period_goes_missing() -> None:
    """Whichever it is."""
    run = measured(quiet=lambda n: float(n * 7 % 11))
    whole = noise(run, after_patch=False, late=False)
    assert whole is not None
    for number in off_periods(run, after_patch=False):
        less = noise(without(run, number), after_patch=False, late=False)
        assert less is not None
        assert less.low <= whole.low
        assert less.high >= whole.high


@pytest.mark.parametrize(
    ("values", "expected"), [([0.0, 2.0], 60.0), ([0.0, 1.9], 6.0), ([0.33, 1.98], 0.6), ([1 / 3], 0.0)]
)
def test_rounding_is_read_off_the_values(values: list[float], expected: float) -> None:
    """No vendor page says how many decimals there are."""
    run = measured()
    some = tuple(replace(r, value=v) for r, v in zip(run.readings, values, strict=False))
    assert grain(replace(run, readings=some)) == pytest.approx(expected, abs=1e-3)


def test_whole_numbers_tell_one_node_but_not_four() -> None:
    """Thirty connections a minute would vanish in a rate of whole numbers."""
    one = measured(measurement=plan(client("a", "n1")))
    four = measured(
        lambda part, *_: (30, 0 if part is Part.BEFORE else 30), plan(client("a", "n1", "n2", "n3", "n4"))
    )
    assert after(one) is Crossing.CROSSED
    assert after(four) is Crossing.UNCLEAR


def test_noise_as_strong_as_the_burst_hides_it() -> None:
    """Strangers' ten thousand are not one hundred and twenty."""
    run = measured(quiet=lambda n: 10000.0 + n * 37 % 300)
    assert after(run) is Crossing.UNCLEAR


def test_steady_noise_is_subtracted() -> None:
    """Thirty a minute do not hide four times as many."""
    run = measured(quiet=lambda n: 30.0 + n % 3)
    assert after(run) is Crossing.CROSSED
    assert [signal(run, b).crossing for b in run.bursts[:2]] == [Crossing.BYPASSED] * 2


def test_a_burst_in_the_period_next_door_is_a_clock_that_is_off() -> None:
    """Not a bypass: all of it is there, a little early."""
    run = measured(measurement=plan(client("a", "n1")))
    burst = next(b for b in run.bursts if b.part is Part.AFTER)
    on = on_periods(run, burst)[0]
    moved = {on: 40.0, on - 1: 80.0}
    early = tuple(replace(r, value=moved.get(index(r.at, 60.0), r.value * 60) / 60) for r in run.readings)
    assert after(replace(run, readings=early)) is Crossing.UNCLEAR


def test_points_stamped_with_the_end_of_their_period_are_understood() -> None:
    """The bursts are all one period late, and none is where it was sent."""
    run = measured()
    late = tuple(replace(r, at=r.at + timedelta(seconds=60)) for r in run.readings)
    assert stampings(run) == (False,)
    assert stampings(replace(run, readings=late)) == (True,)
    assert after(replace(run, readings=late)) is Crossing.CROSSED


def test_a_missing_period_of_a_burst_settles_nothing_about_stamps() -> None:
    """Else a stranger's burst next door could stand in for ours."""
    run = measured()
    late = replace(run, readings=tuple(replace(r, at=r.at + timedelta(seconds=60)) for r in run.readings))
    on = on_periods(run, run.bursts[0])[0]
    assert stampings(without(late, on)) == (False, True)
    assert start_of(on, 60.0) == run.bursts[0].at


def test_nothing_connected_leaves_nothing_to_see() -> None:
    """A counter of zero is then no bypass."""
    run = measured(lambda *_: (0, 0))
    assert after(run) is Crossing.UNSEEN
