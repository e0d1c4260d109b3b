"""How long something has been so: endpoints flap during a rollout, so wait, count, and then speak once."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.incident import Member

_REMEMBERED = 5
"""Settling times for which coming and going is counted."""
FLAPPING = 6
"""Comings and goings within that time which are news by themselves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """One thing that is or was wrong with one Service."""

    member: Member
    holds: bool
    since: datetime
    """When it last came, or went."""
    flips: tuple[datetime, ...] = ()
    newborn: bool = False
    """It has been so since the Service was made: nothing became wrong."""

    @classmethod
    def begun(cls, member: Member, at: datetime, *, newborn: bool = False) -> "Track":
        """See something for the first time."""
        return cls(member=member, holds=True, since=at, newborn=newborn)

    def seen(self, member: Member, at: datetime) -> "Track":
        """See it again; it may have changed."""
        if self.holds:
            return self if self.member == member else replace(self, member=member)
        return replace(
            self, member=member, holds=True, since=at, flips=(*self.flips, at)[-FLAPPING:], newborn=False
        )

    def gone(self, at: datetime) -> "Track":
        """See it no longer."""
        if not self.holds:
            return self
        return replace(self, holds=False, since=at, flips=(*self.flips, at)[-FLAPPING:])

    def ended(self, at: datetime) -> "Track":
        """See that what it was about is gone for good; what takes its place has no past."""
        return replace(self.gone(at), flips=())

    def shifted(self, by: timedelta) -> "Track":
        """Tell all its times by a clock that was put forward or back."""
        return replace(self, since=self.since + by, flips=tuple(flip + by for flip in self.flips))

    def flapping(self, now: datetime, settle: timedelta) -> bool:
        """Whether it comes and goes so often that this itself is to be told."""
        recent = [flip for flip in self.flips if now - flip <= settle * _REMEMBERED]
        return len(recent) >= FLAPPING

    def turns(self, now: datetime, settle: timedelta) -> datetime | None:
        """Return when it will have lasted, or been gone, long enough; None: it has."""
        return at if (at := self.since + settle) > now else None

    def told(self, now: datetime, settle: timedelta) -> bool:
        """Whether it has lasted, or flapped, long enough to be told."""
        return (self.holds and now - self.since >= settle) or self.flapping(now, settle)

    def began(self, now: datetime, settle: timedelta) -> datetime:
        """Return since when it is told to be so: where it flaps, since it first came or went."""
        return self.flips[0] if self.flapping(now, settle) else self.since

    def over(self, now: datetime, settle: timedelta) -> bool:
        """Whether it has been gone for long enough to be believed."""
        return not self.holds and now - self.since >= settle and not self.flapping(now, settle)

    def forgotten(self, now: datetime, settle: timedelta) -> bool:
        """Whether nothing of it matters any more."""
        return not self.holds and now - self.since >= settle * (_REMEMBERED + 1)

    def restless(self, now: datetime, settle: timedelta) -> bool:
        """Whether time alone may soon change what is to be told of it."""
        return now - self.since <= settle * (_REMEMBERED + 1) + timedelta(seconds=5)


def last_flip(tracks: Iterable[Track], default: datetime) -> datetime:
    """Return when the last of several things came or went."""
    return max((track.since for track in tracks), default=default)
