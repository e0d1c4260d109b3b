"""By how much this machine's clock is ahead of the cloud's, as whole seconds in Date headers tell it."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.cloud.clocks import Clocks

NOW = datetime(2026, 3, 2, 14, 0, 7, 250_000, tzinfo=UTC)


def answer(clocks: Clocks, ahead: float, *, after: float = 0.0, took: float = 0.2) -> None:
    """Get an answer whose Date was written half way."""
    asked = NOW + timedelta(seconds=after)
    date = asked + timedelta(seconds=took / 2 - ahead)
    clocks.compare(format_datetime(date, usegmt=True), asked, asked + timedelta(seconds=took))


def test_before_the_first_answer_nothing_is_known() -> None:
    """And nothing is corrected, or said."""
    assert (Clocks().ahead, Clocks().sentence(), Clocks().theirs(NOW)) == (0.0, "", NOW)


@given(ahead=st.floats(-0.3, 0.3), after=st.floats(0, 100))
def test_less_than_whole_seconds_tell_is_no_difference(ahead: float, after: float) -> None:
    """A clock that is right is not corrected by a rounding."""
    clocks = Clocks()
    for number in range(20):
        answer(clocks, ahead, after=after + number * 0.37)
    assert clocks.ahead == 0


@given(ahead=st.floats(-3600, 3600), afters=st.lists(st.floats(0, 1000), min_size=1, max_size=20))
def test_the_difference_is_always_within_the_range(ahead: float, afters: list[float]) -> None:
    """Each answer narrows it down, none excludes the truth."""
    clocks = Clocks()
    for after in afters:
        answer(clocks, ahead, after=after)
    assert clocks.least - 1e-3 <= ahead <= clocks.most + 1e-3
    assert clocks.ahead is not None
    assert clocks.ahead == 0 or abs(clocks.ahead - ahead) <= 0.7


@given(lag=st.floats(0, 0.99), after=st.floats(0, 100))
def test_a_date_that_a_server_keeps_for_a_second_is_no_difference(lag: float, after: float) -> None:
    """Many write it once a second, and not for each answer."""
    clocks = Clocks()
    answer(clocks, lag, after=after, took=0.001)
    assert clocks.ahead == 0


def test_a_clock_that_is_set_is_learnt_anew() -> None:
    """The ranges do not meet any more: the latest counts."""
    clocks = Clocks()
    answer(clocks, 300.0)
    answer(clocks, 0.0, after=60)
    assert clocks.ahead == 0
    answer(clocks, -90.0, after=120)
    assert clocks.ahead == pytest.approx(-90, abs=1)


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (59.0, ""),
        (-59.0, ""),
        (75.0, "this machine's clock is 75 s ahead of the cloud's"),
        (-75.0, "this machine's clock is 75 s behind the cloud's"),
    ],
)
def test_a_large_difference_is_said(ahead: float, said: str) -> None:
    """A small one is corrected in silence."""
    clocks = Clocks()
    answer(clocks, ahead)
    assert clocks.sentence() == said
    assert abs(clocks.theirs(NOW) - NOW + timedelta(seconds=ahead)) <= timedelta(seconds=1)


def test_another_day_is_not_believed() -> None:
    """It is said, and neither followed nor taken for the time."""
    clocks = Clocks()
    answer(clocks, 180_000.0)
    assert (clocks.ahead, clocks.theirs(NOW)) == (None, NOW)
    assert clocks.sentence() == "this machine's clock is 180000 s ahead of the cloud's"


@pytest.mark.parametrize("date", ["", "soon", "Mon, 02 Mar 2026 14:00:07"])
def test_a_date_that_is_none_teaches_nothing(date: str) -> None:
    """Or one without a zone."""
    clocks = Clocks()
    clocks.compare(date, NOW, NOW)
    assert clocks == Clocks()
