"""Retention: what is old enough is taken away, from the oldest on, and the chain goes on without it."""

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import ColumnElement, Connection, Select, Text, delete, func, select, type_coerce

from bot.adapters.store import audit, codec
from bot.adapters.store.database import Database
from bot.adapters.store.dialect import insert, now
from bot.adapters.store.link import CUT
from bot.adapters.store.tables import chain, changes, events, incidents, jobs, messages, runs, subjects
from bot.domain.approval import BOT

SHORTEST_FOR_JOBS = 2 * 86400.0
"""Seconds for which a done job keeps its key: Slack delivers a request again for far less than that."""
LONGEST_FOR_JOBS = 7 * 86400.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """How many rows were taken away."""

    changes: int
    events: int
    jobs: int


async def remove_older(database: Database, *, seconds: float) -> Removed:
    """Remove what ended longer ago than that; done jobs after two to seven days."""
    keep = min(max(seconds, SHORTEST_FOR_JOBS), LONGEST_FOR_JOBS)

    def work(connection: Connection) -> Removed:
        audit.lock(connection)
        cutoff = datetime.fromtimestamp(connection.execute(select(now())).scalar_one() - seconds, tz=UTC)
        gone = _remove_changes(connection, cutoff)
        cut = _cut_chain(connection, cutoff, seconds)
        connection.execute(delete(runs).where(runs.c.open.is_(False), runs.c.saved_at < now() - seconds))
        connection.execute(delete(messages).where(messages.c.saved_at < now() - seconds))
        over = (incidents.c.live_key.is_(None), incidents.c.saved_at < now() - seconds)
        connection.execute(delete(incidents).where(*over))
        done = connection.execute(delete(jobs).where(jobs.c.done_at < now() - keep)).rowcount
        return Removed(changes=gone, events=cut, jobs=done)

    return await database.write(work)


def _remove_changes(connection: Connection, cutoff: datetime) -> int:
    old = _ended_before(cutoff)
    numbers = select(changes.c.number).where(*old)
    connection.execute(delete(subjects).where(subjects.c.change.in_(numbers)))
    return connection.execute(delete(changes).where(*old)).rowcount


def _ended_before(cutoff: datetime) -> list[ColumnElement[bool]]:
    # Not by its phase: one that only a newer version knows may be open.
    return [changes.c.ended_at < cutoff]


def _cut_chain(connection: Connection, cutoff: datetime, seconds: float) -> int:
    """Remove the oldest links, up to the first that is young enough or belongs to a change that is still there.

    The log tells of it first: what is cut off, and that it was old enough; triggers let nothing else go.
    """
    kept = select(changes.c.id)
    young = select(func.min(events.c.position)).where((events.c.at >= cutoff) | events.c.change.in_(kept))
    first = connection.execute(young).scalar_one()
    last = select(events.c.position, events.c.hash).order_by(events.c.position.desc()).limit(1)
    old = events.c.position.is_not(None) if first is None else events.c.position < first
    row = connection.execute(last.where(old)).one_or_none()
    if row is None or not connection.execute(_worth_it(row.position)).first():
        return 0
    gone = events.c.position <= row.position
    until = connection.execute(select(func.max(type_coerce(events.c.at, Text))).where(gone)).scalar_one()
    link = {"position": row.position, "hash": row.hash, "retention": str(float(seconds)), "until": until}
    _tell(connection, {key: str(value) for key, value in link.items()})
    query = insert(connection, chain).values(id=1, **link)
    connection.execute(query.on_conflict_do_update(index_elements=[chain.c.id], set_=link))
    return connection.execute(delete(events).where(gone)).rowcount


def _worth_it(position: int) -> Select[tuple[int]]:
    """What tells of an earlier cut alone is not cut off: that would be told again, for ever."""
    return select(events.c.seq).where(events.c.position <= position, events.c.kind != CUT).limit(1)


def _tell(connection: Connection, detail: dict[str, str]) -> None:
    at = datetime.fromtimestamp(connection.execute(select(now())).scalar_one(), tz=UTC)
    row = {"change": "", "cluster": "", "kind": CUT, "at": at, "by": BOT, "detail": codec.dump(detail)}
    connection.execute(events.insert().values(**row))
