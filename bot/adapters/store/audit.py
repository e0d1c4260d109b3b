"""The audit log: sealed into a chain behind whoever clicked, checked, exported, and cut off when it is old.

Positions are given at sealing, under a lock, to rows whose transactions are finished: only those are seen. So
the chain has no gap, however many replicas write, and whatever order their transactions end in.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, func, select, text, update

from bot.adapters.store import codec, people
from bot.adapters.store.database import Database
from bot.adapters.store.link import Head, Link, link_after
from bot.adapters.store.tables import chain, changes, runs
from bot.adapters.store.tables import events as table
from bot.domain.change import OPEN

_OPEN = [phase.value for phase in OPEN]
_BATCH = 500
_LOCK = 0x656C6271
"""The advisory lock of whoever seals or cuts; one more than the migrations'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the export: a link, with what helps a reader and is not hashed."""

    link: Link
    label: str
    """CHG-7; empty when retention has taken the change away."""
    people: dict[str, str]
    """Pseudonym → Slack user id, of those who were not erased."""

    def wire(self) -> dict[str, Any]:
        """Return the line as JSON."""
        return {**self.link.record(), "hash": self.link.hash, "label": self.label, "people": self.people}


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Where the chain breaks first."""

    position: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """What a look at the whole chain found."""

    links: int
    """How many are whole, up to the break if there is one."""
    head: Head
    broken: Broken | None = None
    unsealed: int = 0
    """Events that wait for the next sealing."""


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
            head = batch[-1].link.head

    async def check(self, *, known: Head | None = None) -> Check:
        """Walk the chain and compute it anew; `known` is a head that was noted earlier and must still be in it."""
        head = await self._database.read(_anchor)
        links, seen = 0, known is None or known == head
        while rows := await self._database.read(partial(_rows, after=head)):
            for row in rows:
                broken = _compare(head, row)
                if broken is not None:
                    return Check(links=links, head=head, broken=broken)
                head = Head(position=row.position, hash=row.hash)
                links, seen = links + 1, seen or head == known
        broken = None if seen or known is None else _missing(known)
        unsealed = await self._database.read(_unsealed)
        return Check(links=links, head=head, broken=broken, unsealed=unsealed)

    async def erase(self, person: str) -> str | None:
        """Forget who a pseudonym is, and leave the chain whole; None: nobody of that id was ever recorded.

        What ended is rewritten to name the pseudonym; open changes go on naming the person until they end.
        """
        return await self._database.write(partial(_erase, person=person))


def _erase(connection: Connection, person: str) -> str | None:
    pseudonym = people.erase(connection, person)
    if pseudonym is None:
        return None
    for rows, ended in ((changes, changes.c.phase.not_in(_OPEN)), (runs, runs.c.open.is_(False))):
        body: ColumnElement[str] = rows.c.body
        for form in ('"{}"', "<@{}>"):
            body = func.replace(body, form.format(person), form.format(pseudonym))
        connection.execute(update(rows).where(ended, rows.c.body.contains(person)).values(body=body))
    return pseudonym


def lock(connection: Connection) -> None:
    """Let nobody else seal or cut until the transaction ends; on SQLite nobody else writes anyway."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def _seal(connection: Connection) -> tuple[int, Head]:
    lock(connection)
    head = _head(connection)
    query = select(table).where(table.c.position.is_(None)).order_by(table.c.seq).limit(_BATCH)
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


def _rows(connection: Connection, after: Head) -> Sequence[Row[Any]]:
    query = (
        select(table, changes.c.number)
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
        link = link_after(after, row)
        after = link.head
        mine = {alias: name for alias, name in names.items() if alias in f"{row.by} {row.detail}"}
        lines.append(Line(link=link, label=f"CHG-{row.number}" if row.number else "", people=mine))
    return lines


def _compare(head: Head, row: Row[Any]) -> Broken | None:
    """Say what is wrong with a row as the link after `head`, if anything."""
    if row.position != head.position + 1:
        return Broken(position=head.position + 1, why="the event is missing")
    what = f"{row.kind} of change {row.change}"
    try:
        right = link_after(head, row).hash
    except codec.UnreadableError:
        return Broken(position=row.position, why=f"{what} cannot be read any more")
    if row.hash != right:
        return Broken(position=row.position, why=f"{what} is not what was sealed, or what precedes it is not")
    return None


def _missing(known: Head) -> Broken:
    return Broken(position=known.position, why="the chain does not lead to the head that was given")


def _unsealed(connection: Connection) -> int:
    query = select(func.count()).select_from(table).where(table.c.position.is_(None))
    return int(connection.execute(query).scalar_one())
