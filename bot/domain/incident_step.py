"""What is to be done about one key now: read what is seen and what is stored, decide, and act elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.incident import Incident, Key, Member, Phase, What, incident_id, worst
from bot.domain.incident_rule import RULES
from bot.domain.incident_track import Track, last_flip

_SOON = 5
"""Settling times within which what comes back is the same incident."""
MOST_MEMBERS = 200
"""Services that a row keeps; more are counted as such by nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A new incident."""

    incident: Incident


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """An incident is another one now."""

    before: Incident
    after: Incident
    worse: bool = False
    """Graver than it was when it was told: an edit alone would notify nobody."""


Step = Open | Save | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """When it is looked at, and how long things must last."""

    now: datetime
    settle: timedelta
    synced_at: datetime
    """Since when this replica knows the cluster: what is stored but not seen has been gone since then at the latest."""


def step(key: Key, tracks: Sequence[Track], last: Incident | None, look: Look) -> Step:
    """Decide about one key; `last` is its live incident, else the one that was over last."""
    told = tuple(track for track in tracks if track.told(look.now, look.settle))
    if last is not None and last.live:
        return _of_live(last, tracks, told, look)
    if not told:
        return None
    if last is not None and _same(last, look) and not _others(last, told):
        return Save(before=last, after=_come_back(last, told))
    return Open(incident=_new(key, told, last, look))


def _others(row: Incident, tracks: Sequence[Track]) -> bool:
    """Whether all of this is about Services that were made since, and are other ones whatever their names."""
    known = {(member.name, member.uid) for member in row.members}
    return all(track.newborn and (track.member.name, track.member.uid) not in known for track in tracks)


def _same(last: Incident, look: Look) -> bool:
    """Whether what comes now is what was over a moment ago."""
    return (
        last.opened_at is not None
        and last.over_at is not None
        and look.now - last.over_at <= look.settle * _SOON
    )


def _come_back(last: Incident, told: Sequence[Track]) -> Incident:
    members = _members(told)
    return last.after(
        What.CAME_BACK,
        over_at=None,
        closed_at=None,
        ended_by="",
        times=last.times + 1,
        members=members,
        severity=worst(members),
        flips=max(last.flips, _flips(told)),
    )


def _new(key: Key, told: Sequence[Track], last: Incident | None, look: Look) -> Incident:
    members = _members(told)
    since = min(track.began(look.now, look.settle) for track in told)
    born = all(track.newborn for track in told)
    return Incident(
        id=incident_id(key, since),
        cluster=key.cluster,
        group=key.group,
        rule=key.rule,
        title=RULES[key.rule].title,
        severity=worst(members),
        since=since,
        members=members,
        phase=Phase.STANDING if born else Phase.OPEN,
        opened_at=None if born else look.now,
        flips=_flips(told),
        # Silence that somebody asked for outlasts one coming and going.
        snooze=last.snooze if last is not None and last.snoozed(look.now) else None,
    )


def standing(key: Key, tracks: Sequence[Track], look: Look) -> Incident:
    """Return what is so at the very first look: listed, and never told by a message of its own."""
    found = _new(key, tracks, None, look)
    return replace(found, phase=Phase.STANDING, opened_at=None)


def _of_live(row: Incident, tracks: Sequence[Track], told: Sequence[Track], look: Look) -> Step:
    lasting = [track for track in tracks if not track.over(look.now, look.settle)]
    if not lasting or _others(row, lasting):
        return _ended(row, tracks, look)
    known = {member.name for member in row.members}
    kept = [track for track in lasting if track in told or track.member.name in known]
    if not kept:
        return None
    news = [track for track in told if track.member.name not in known and not track.newborn]
    members = _members(kept)
    if row.phase is Phase.STANDING and news:
        opened = row.after(
            What.GREW,
            members=members,
            severity=worst(members),
            opened_at=look.now,
            since=min(t.since for t in news),
        )
        return Save(before=row, after=opened)
    after = replace(row, members=members, severity=worst(members), flips=max(row.flips, _flips(told)))
    if (after.fingerprint, after.flips) == (row.fingerprint, row.flips):
        return None
    return Save(before=row, after=after, worse=row.phase is Phase.OPEN and _rank(after) > _rank(row))


def _ended(row: Incident, tracks: Sequence[Track], look: Look) -> Step:
    if not tracks and look.now - look.synced_at < look.settle:
        return None
    # Nobody saw it end: while this replica was not looking yet, or just now.
    unseen = look.synced_at if look.synced_at > row.since else look.now
    over = last_flip(tracks, unseen)
    return Save(before=row, after=row.after(What.ENDED, over_at=over, closed_at=look.now))


def _members(tracks: Sequence[Track]) -> tuple[Member, ...]:
    return tuple(sorted((track.member for track in tracks), key=lambda member: member.name))[:MOST_MEMBERS]


def _flips(tracks: Sequence[Track]) -> int:
    return max((len(track.flips) for track in tracks), default=0)


def _rank(incident: Incident) -> int:
    return ("info", "warning", "error").index(str(incident.severity))
