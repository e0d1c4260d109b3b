"""The audit log: sealed into a chain behind whoever clicked, checked, exported, and cut off when it is old.

Positions are given at sealing, under a lock, to rows whose transactions are finished: only those are seen. So
the chain has no gap, however many replicas write, and whatever order their transactions end in.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    Text,
    bindparam,
    func,
    or_,
    select,
    text,
    type_coerce,
    update,
)

from bot.adapters.store import codec, people
from bot.adapters.store.database import Database
from bot.adapters.store.link import CUT, UNREADABLE, Head, Link, link_after
from bot.adapters.store.tables import chain, changes, incidents, runs
from bot.adapters.store.tables import events as table
from bot.domain.words import duration

_BATCH = 500
_LOCK = 0x656C6271
"""The advisory lock of whoever seals or cuts; one more than the migrations'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the export: a link, with what helps a reader and is not hashed."""

    link: Link
    hash: str
    """As it is stored: of a link that somebody altered it is not the link's own."""
    label: str
    """CHG-7; empty when retention has taken the change away."""
    people: dict[str, str]
    """Pseudonym → Slack user id, of those who were not erased."""

    def wire(self) -> dict[str, Any]:
        """Return the line as JSON."""
        return {**self.link.record(), "hash": self.hash, "label": self.label, "people": self.people}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Where the chain breaks first."""

    position: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What is left of somebody who was erased."""

    pseudonym: str
    open: tuple[str, ...]
    """Changes that still name the person, for they have not ended: CHG-7."""
    again: bool = False
    """Whether the log knew nobody of that id any more, and only what is kept beside it did."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """What the log itself says of the links that retention has taken away."""

    at: datetime
    """When it was done."""
    until: datetime
    """Of when the youngest of them was."""
    retention: float
    """Seconds that events were kept then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a look at the whole chain found."""

    links: int
    """How many are whole, up to the break if there is one."""
    head: Head
    broken: Broken | None = None
    unsealed: int = 0
    """Events that wait for the next sealing."""
    since: int = 0
    """The last position that retention has taken away."""
    cut: Cut | None = None
    """The proof of that; None where a version took it away that left none."""
    bindings: people.Bindings = field(default_factory=people.Bindings)
    """Whether those who did it are those whom it names."""


class Audit:
    """The chain over the event log."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def seal(self) -> Head:
        """Chain every event that is committed and not chained yet; return the new head."""
        while True:
            sealed, head = await self._database.write(_seal)
            if sealed < _BATCH:
                return head

    async def lines(self) -> AsyncIterator[Line]:
        """Give every sealed event, oldest first."""
        head = await self._database.read(_anchor)
        while batch := await self._database.read(partial(_lines, after=head)):
            for line in batch:
                yield line
            head = Head(position=batch[-1].link.position, hash=batch[-1].hash)

    async def check(self, *, known: Head | None = None, retention: float = 0.0) -> Check:
        """Walk the chain and compute it anew.

        Args:
            known: a head that was noted earlier and must still be in it.
            retention: seconds for which events are kept; what was taken away sooner is a break.

        Raises:
            ValueError: retention has taken away what that head was the end of.
        """
        check = await self._walked(known, retention)
        since = check.since
        if check.broken is None and known is not None and 0 < known.position < since:
            raise ValueError(
                f"the head {known} is older than what is kept: retention has taken everything up to {since} away"
            )
        return check

    async def _walked(self, known: Head | None, retention: float) -> Check:
        head = await self._database.read(_anchor)
        since = head.position
        cut = await self._database.read(_cut)
        if since and (why := _unproved(cut, retention)):
            return Check(links=0, head=head, broken=Broken(position=since, why=why), since=since)
        links, seen = 0, known is None or known.hash == head.hash
        while rows := await self._database.read(partial(_rows, after=head)):
            for row in rows:
                broken = _compare(head, row)
                if broken is not None:
                    return Check(links=links, head=head, broken=broken, since=since)
                head = Head(position=row.position, hash=row.hash)
                links, seen = links + 1, seen or (known is not None and head.hash == known.hash)
        return Check(
            links=links,
            head=head,
            broken=None if seen or known is None or 0 < known.position < since else _missing(known, head),
            unsealed=await self._database.read(_unsealed),
            since=since,
            cut=cut if isinstance(cut, Cut) else None,
            bindings=await self._database.read(people.bindings),
        )

    async def erase(self, person: str) -> Erased | None:
        """Forget who a pseudonym is, and leave the chain whole; None: nobody of that id was ever recorded.

        What ended is rewritten to name the pseudonym; open changes go on naming the person until they end.
        """
        return await self._database.write(partial(_erase, person=person))


def _erase(connection: Connection, person: str) -> Erased | None:
    known = people.erase(connection, person)
    if known is None and not _named(connection, person):
        return None
    # Erased before, while a change was open that has ended since without another word of theirs: nobody knows as whom.
    pseudonym = known or people.nobody(person)
    ended = (
        # Not by its phase: one that only a newer version knows may be open.
        (changes, changes.c.ended_at.is_not(None)),
        (runs, runs.c.open.is_(False)),
        (incidents, incidents.c.live_key.is_(None)),
    )
    for rows, over in ended:
        body: ColumnElement[str] = rows.c.body
        for form in ('"{}"', "<@{}>"):
            body = func.replace(body, form.format(person), form.format(pseudonym))
        connection.execute(update(rows).where(over, rows.c.body.contains(person)).values(body=body))
    query = select(changes.c.number).where(changes.c.ended_at.is_(None), changes.c.body.contains(person))
    numbers = connection.execute(query.order_by(changes.c.number)).scalars()
    open_ = tuple(f"CHG-{number}" for number in numbers)
    return Erased(pseudonym=pseudonym, open=open_, again=known is None)


def _named(connection: Connection, person: str) -> bool:
    """Whether a change, a run or an incident names a person."""
    return any(
        connection.execute(
            select(rows.c.body)
            .where(or_(rows.c.body.contains(f'"{person}"'), rows.c.body.contains(f"<@{person}>")))
            .limit(1)
        ).first()
        for rows in (changes, runs, incidents)
    )


def lock(connection: Connection) -> None:
    """Let nobody else seal or cut until the transaction ends; on SQLite nobody else writes anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def _seal(connection: Connection) -> tuple[int, Head]:
    lock(connection)
    head = _head(connection)
    query = select(*_RAW).where(table.c.position.is_(None)).order_by(table.c.seq).limit(_BATCH)
    rows = connection.execute(query).all()
    sealed = []
    for row in rows:
        head = link_after(head, row).head
        sealed.append({"row": row.seq, "position": head.position, "hash": head.hash})
    if sealed:
        connection.execute(update(table).where(table.c.seq == bindparam("row")), sealed)
    return len(sealed), head


def _head(connection: Connection) -> Head:
    query = select(table.c.position, table.c.hash).where(table.c.position.is_not(None))
    row = connection.execute(query.order_by(table.c.position.desc()).limit(1)).one_or_none()
    return _anchor(connection) if row is None else Head(position=row.position, hash=row.hash)


def _anchor(connection: Connection) -> Head:
    """Return the last link that was cut off; the chain goes on from it."""
    row = connection.execute(select(chain.c.position, chain.c.hash)).one_or_none()
    return Head() if row is None else Head(position=row.position, hash=row.hash)


def _cut(connection: Connection) -> Cut | str | None:
    """Find the event that tells of the cut; a sentence where there is none, None where none is to be expected."""
    row = connection.execute(select(chain)).one_or_none()
    if row is None or row.retention is None:
        return None
    link = {"hash": row.hash, "position": str(row.position), "retention": row.retention, "until": row.until}
    told = select(type_coerce(table.c.at, Text).label("at")).where(
        table.c.kind == CUT,
        table.c.detail == codec.dump(link),
        or_(table.c.position > row.position, table.c.position.is_(None)),
    )
    found = connection.execute(told.limit(1)).one_or_none()
    if found is None:
        return "what is older is missing, and the log does not say that retention took it away"
    try:
        return Cut(
            at=datetime.fromisoformat(found.at),
            until=datetime.fromisoformat(row.until),
            retention=float(row.retention),
        )
    except ValueError:
        return "what the log says of the older events that are missing cannot be read"


def _unproved(cut: Cut | str | None, retention: float) -> str:
    """Say why what is missing was not retention's to take; nothing where it was, or where an older version took it."""
    if cut is None or isinstance(cut, str):
        return cut or ""
    age = (cut.at - cut.until).total_seconds()
    # A cut under a second is the same moment twice, by two ways of writing it down.
    if age + 1 < max(cut.retention, retention):
        return (
            f"what is older was taken away at {cut.at:%Y-%m-%d %H:%M} UTC when the youngest of it, of "
            f"{cut.until:%Y-%m-%d %H:%M} UTC, was {duration(max(age, 0.0))} old; retention is {duration(max(cut.retention, retention))}"
        )
    return ""


_RAW: list[Any] = [
    type_coerce(column, Text).label("at") if column is table.c.at else column for column in table.c
]
"""The columns as they are stored: a moment that is none any more is somebody's work, and must not end the look."""


def _rows(connection: Connection, after: Head) -> Sequence[Row[Any]]:
    query: Select[Any] = (
        select(*_RAW, changes.c.number)
        .join_from(table, changes, changes.c.id == table.c.change, isouter=True)
        .where(table.c.position > after.position)
        .order_by(table.c.position)
        .limit(_BATCH)
    )
    return connection.execute(query).all()


def _lines(connection: Connection, after: Head) -> list[Line]:
    rows = _rows(connection, after)
    names = people.known(connection, (said for row in rows for said in (row.by, row.detail)))
    lines = []
    for row in rows:
        link = link_after(after, row, position=row.position)
        after = Head(position=row.position, hash=row.hash)
        mine = {alias: name for alias, name in names.items() if alias in f"{row.by} {row.detail}"}
        lines.append(
            Line(link=link, hash=row.hash, label=f"CHG-{row.number}" if row.number else "", people=mine)
        )
    return lines


def _compare(head: Head, row: Row[Any]) -> Broken | None:
    """Say what is wrong with a row as the link after `head`, if anything."""
    if row.position != head.position + 1:
        return Broken(position=head.position + 1, why="the event is missing")
    what = f"{row.kind} of change {row.change}"
    link = link_after(head, row)
    if row.hash != link.hash and UNREADABLE in link.detail:
        return Broken(position=row.position, why=f"{what} cannot be read any more")
    if row.hash != link.hash:
        return Broken(position=row.position, why=f"{what} is not what was sealed, or what precedes it is not")
    return None


def _missing(known: Head, head: Head) -> Broken:
    """The chain is whole in itself; only who noted a head can tell that its end was taken away or made anew."""
    if known.position > head.position:
        gone = known.position - head.position
        events = "1 event" if gone == 1 else f"{gone} events"
        return Broken(position=head.position + 1, why=f"{events} up to the head that was given are missing")
    return Broken(position=known.position, why="the chain does not lead to the head that was given")


def _unsealed(connection: Connection) -> int:
    query = select(func.count()).select_from(table).where(table.c.position.is_(None))
    return int(connection.execute(query).scalar_one())
