"""Weekly windows of local time."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.freeze import DAYS, Weekly, Window, freeze_at, frozen_until

BERLIN = ZoneInfo("Europe/Berlin")
WEEKEND = Window(start=0, end=1440, zone="Europe/Berlin", days=frozenset({"sat", "sun"}))
NIGHT = Window(start=22 * 60, end=7 * 60, zone="Europe/Berlin")

windows = st.builds(
    Window,
    start=st.integers(0, 1439),
    end=st.integers(1, 1440),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York"]),
    days=st.frozensets(st.sampled_from(DAYS)),
)
near_a_change_of_clocks = st.builds(
    lambda day, minutes: day + timedelta(minutes=minutes),
    st.sampled_from([datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)]),
    st.integers(-300, 300),
)
any_minute = st.integers(0, 4 * 365 * 1440).map(
    lambda m: datetime(2024, 1, 1, tzinfo=UTC) + timedelta(minutes=m)
)
moments = near_a_change_of_clocks | any_minute


@pytest.mark.parametrize(
    ("moment", "covered"),
    [
        (datetime(2026, 11, 20, 23, 59, tzinfo=BERLIN), False),
        (datetime(2026, 11, 21, 0, 0, tzinfo=BERLIN), True),
        (datetime(2026, 11, 22, 23, 59, 59, tzinfo=BERLIN), True),
        (datetime(2026, 11, 23, 0, 0, tzinfo=BERLIN), False),
        (datetime(2026, 11, 20, 23, 30, tzinfo=UTC), True),
    ],
)
def test_a_weekend_begins_and_ends_at_midnight_in_its_own_zone(moment: datetime, *, covered: bool) -> None:
    """The start is inside, the end outside; another zone's Friday may be Saturday here."""
    assert WEEKEND.covers(moment) is covered


@pytest.mark.parametrize(("hour", "covered"), [(21, False), (22, True), (0, True), (6, True), (7, False)])
def test_a_window_that_ends_before_it_starts_ends_on_the_next_day(hour: int, *, covered: bool) -> None:
    """Night hours."""
    assert NIGHT.covers(datetime(2026, 11, 18, hour, tzinfo=BERLIN)) is covered


def test_a_night_belongs_to_the_day_on_which_it_starts() -> None:
    """Friday's night covers Saturday's early hours, and not Friday's own."""
    friday = Window(start=22 * 60, end=7 * 60, days=frozenset({"fri"}))
    assert friday.covers(datetime(2026, 11, 21, 3, tzinfo=UTC))
    assert not friday.covers(datetime(2026, 11, 20, 3, tzinfo=UTC))


def test_a_freeze_of_two_days_ends_after_the_second() -> None:
    """Saturday's and Sunday's windows touch; people are told the end of both."""
    until = frozen_until([WEEKEND], datetime(2026, 11, 21, 12, tzinfo=BERLIN))
    assert until == datetime(2026, 11, 23, 0, 0, tzinfo=BERLIN)


def test_no_window_covers_a_moment_outside_all_of_them() -> None:
    """None means: not frozen."""
    assert frozen_until([WEEKEND, NIGHT], datetime(2026, 11, 18, 12, tzinfo=BERLIN)) is None


def test_a_freeze_without_end_is_told_as_one() -> None:
    """Somebody who freezes every day, all day, must get an answer too: no day is made up."""
    always = Window(start=0, end=1440)
    now = datetime(2026, 11, 18, 12, tzinfo=UTC)
    found = freeze_at([always], now)
    assert str(found) == "for good"
    assert found is not None
    assert found.lasts(now + timedelta(days=400))


def test_a_freeze_with_a_gap_in_the_week_is_not_for_good() -> None:
    """Also in the week whose hour comes twice: from just behind one gap to the next is longer than seven days."""
    days = frozenset(DAYS) - {"wed"}
    windows = [
        Window(start=0, end=1440, days=days, zone="Europe/Berlin"),
        Window(start=60, end=1440, days=frozenset({"wed"}), zone="Europe/Berlin"),
    ]
    behind = datetime(2026, 10, 21, 1, 0, tzinfo=BERLIN)
    found = freeze_at(windows, behind)
    assert str(found) == "until Wed 28 Oct 00:00 (Europe/Berlin)"
    assert found is not None
    assert found.lasts(datetime(2026, 10, 28, 0, 0, tzinfo=BERLIN))
    assert not found.lasts(datetime(2026, 10, 28, 0, 1, tzinfo=BERLIN))


def test_outside_of_every_window_there_is_no_freeze() -> None:
    """None, as for the windows themselves."""
    assert freeze_at([WEEKEND], datetime(2026, 11, 18, 12, tzinfo=BERLIN)) is None


def test_the_hour_that_comes_twice_is_frozen_twice() -> None:
    """When clocks go back, the wall clock decides, both times."""
    window = Window(start=2 * 60, end=3 * 60, zone="Europe/Berlin")
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert window.covers(first)
    assert window.covers(first + timedelta(hours=1))
    assert not window.covers(first + timedelta(hours=2))


def in_words(window: Window, moment: datetime) -> bool:
    """The same, from the minutes of a week that the window takes, written down one by one."""
    taken = set()
    for index, day in enumerate(DAYS):
        length = window.end - window.start if window.end > window.start else window.end - window.start + 1440
        first = index * 1440 + window.start
        taken |= (
            {minute % (7 * 1440) for minute in range(first, first + length)} if day in window.days else set()
        )
    local = moment.astimezone(ZoneInfo(window.zone))
    return local.weekday() * 1440 + local.hour * 60 + local.minute in taken


@given(windows, moments)
def test_the_wall_clock_decides(window: Window, moment: datetime) -> None:
    """Around midnight, around the week's end, and in the hours that clocks skip or repeat."""
    assert window.covers(moment) is in_words(window, moment)


SPRING = datetime(2026, 3, 29, tzinfo=UTC)
"""At 01:00 UTC, Berlin's clocks go from 02:00 to 03:00."""


@pytest.mark.parametrize(
    ("start", "end", "minutes", "covered"),
    [
        (2 * 60, 3 * 60, (30, 60, 90), ()),
        (2 * 60 + 30, 4 * 60, (59, 60, 119, 120), (60, 119)),
        (60, 2 * 60 + 30, (0, 59, 60), (0, 59)),
        (22 * 60, 7 * 60, (0, 59, 60, 299, 300), (0, 59, 60, 299)),
    ],
)
def test_the_hour_that_is_skipped_is_not_frozen(
    start: int, end: int, minutes: tuple[int, ...], covered: tuple[int, ...]
) -> None:
    """A window in it never comes; one that begins or ends in it begins or ends with it. Minutes after midnight, UTC."""
    window = Window(start=start, end=end, zone="Europe/Berlin")
    assert tuple(m for m in minutes if window.covers(SPRING + timedelta(minutes=m))) == covered


@given(windows, moments)
def test_a_window_covers_a_moment_exactly_if_it_ends_later(window: Window, moment: datetime) -> None:
    """`covers` and `end_after` agree."""
    assert window.covers(moment) == (window.end_after(moment) is not None)


@given(st.lists(windows, max_size=4), moments)
def test_a_freeze_always_ends_after_the_moment(known: list[Window], moment: datetime) -> None:
    """Also around the hours that clocks skip or repeat."""
    until = frozen_until(known, moment)
    assert (until is not None) == any(window.covers(moment) for window in known)
    assert until is None or until > moment


@given(
    weekly=st.builds(
        Weekly,
        day=st.sampled_from(DAYS),
        minute=st.integers(0, 1439),
        zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu", "America/New_York"]),
    ),
    moment=moments,
)
def test_a_moment_of_the_week_is_one_of_each_week(weekly: Weekly, moment: datetime) -> None:
    """Never ahead, at most a week and the hour of a change of clocks ago, on its day, and always the same one."""
    last = weekly.last(moment)
    ago = moment - last.astimezone(UTC)
    assert timedelta(0) <= ago <= timedelta(days=7, hours=1)
    assert (DAYS[last.weekday()], last.hour * 60 + last.minute) == (weekly.day, weekly.minute)
    between = moment - ago / 2
    assert weekly.last(between).date() == last.date()
