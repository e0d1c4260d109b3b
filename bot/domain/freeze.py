"""Weekly windows and moments of local time: change freezes, the quiet hours of incidents, their digest."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAY = 24 * 60
_WEEK = 7
_LONG = timedelta(days=_WEEK + 1)
"""What lasts longer lasts for ever: a gap comes back every week, an hour later where clocks are put back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """From one time of day to another, on some days of the week, on the clocks of a zone.

    A window that ends at or before its start ends on the next day, and belongs to the day on which it starts.
    The start is inside, the end is outside. Where clocks are put forward or back, the wall clock decides.
    """

    start: int
    """Minutes after midnight, 0 to 1439."""
    end: int
    """Minutes after midnight, 1 to 1440 (24:00)."""
    zone: str = "UTC"
    days: frozenset[str] = frozenset(DAYS)
    """On which it starts."""

    def covers(self, moment: datetime) -> bool:
        """Whether a moment (with a zone) falls into the window."""
        return self._end_after(moment.astimezone(ZoneInfo(self.zone))) is not None

    def end_after(self, moment: datetime) -> datetime | None:
        """Return when the window that covers the moment ends, in the window's zone; None: none covers it."""
        return self._end_after(moment.astimezone(ZoneInfo(self.zone)))

    def _end_after(self, local: datetime) -> datetime | None:
        minute = local.hour * 60 + local.minute
        overnight = self.end <= self.start
        if DAYS[local.weekday()] in self.days and minute >= self.start and (overnight or minute < self.end):
            return _at(local, self.end + (DAY if overnight else 0))
        yesterday = DAYS[local.weekday() - 1]
        if overnight and yesterday in self.days and minute < self.end:
            return _at(local, self.end)
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """A moment of each week, on the clocks of a zone."""

    day: str = "mon"
    minute: int = 9 * 60
    """Minutes after midnight, 0 to 1439."""
    zone: str = "UTC"

    def last(self, moment: datetime) -> datetime:
        """Return when it was last, at or before a moment (with a zone)."""
        local = moment.astimezone(ZoneInfo(self.zone))
        back = (local.weekday() - DAYS.index(self.day)) % _WEEK
        at = _at(local - timedelta(days=back), self.minute)
        return at if at.timestamp() <= local.timestamp() else _at(at - timedelta(days=_WEEK), self.minute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """A change freeze that is on."""

    until: datetime
    endless: bool
    """Whether its windows never let go; `until` says nothing then."""

    def lasts(self, moment: datetime) -> bool:
        """Whether it is on up to a moment, without a gap."""
        return self.endless or self.until >= moment

    def __str__(self) -> str:
        """How long, in words that follow "frozen"."""
        return "for good" if self.endless else f"until {self.until:%a %d %b %H:%M} ({self.until.tzinfo})"


def freeze_at(windows: Iterable[Window], moment: datetime) -> Freeze | None:
    """Return the freeze that a moment falls into; None: into none."""
    known = tuple(windows)
    until = frozen_until(known, moment)
    return None if until is None else Freeze(until=until, endless=until - moment >= _LONG)


def frozen_until(windows: Iterable[Window], moment: datetime) -> datetime | None:
    """Return when the windows that cover the moment, one after the other, let go; None: none covers it.

    Windows that never let go (all week, all day) give the first end that is eight days away or more.
    """
    known, until = tuple(windows), moment
    while until - moment < _LONG:
        ends = [end for window in known if (end := window.end_after(until)) is not None and end > until]
        if not ends:
            break
        until = max(ends)
    return None if until is moment else until


def _at(local: datetime, minutes: int) -> datetime:
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    day = midnight + timedelta(days=minutes // DAY)
    return day.replace(hour=minutes % DAY // 60, minute=minutes % DAY % 60, fold=local.fold)
