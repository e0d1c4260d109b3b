"""Changes as rows: every move is one compare-and-set, in one transaction with its event and its jobs."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from bot.adapters.store import codec, dialect, events, locks
from bot.adapters.store.database import Database
from bot.adapters.store.jobs import SqlJobs, submit
from bot.adapters.store.tables import changes as table
from bot.adapters.store.tables import subjects
from bot.domain.change import OPEN, Change, Event, Phase, ServiceRef
from bot.ports import AlreadyOpen, Job, NotFound, Stale, Unreadable

_log = logging.getLogger("bot.store")
_OPEN = [phase.value for phase in OPEN]


class SqlChanges:
    """The truth about changes; every message is a view of a row here."""

    def __init__(self, database: Database, jobs: SqlJobs) -> None:
        self._database = database
        self._jobs = jobs

    async def open(self, change: Change, event: Event, *, jobs: Sequence[Job]) -> Change:
        """Store a proposal, number it, and lock what it is about; the same id twice returns the first."""

        def work(connection: Connection) -> Change:
            # A number that is given and not used is gone: PostgreSQL takes none back. So it is given last.
            if connection.execute(select(table.c.id).where(table.c.id == change.id)).one_or_none():
                return _get(connection, change.id)
            _lock(connection, change)
            number = _number(connection, change)
            _index(connection, change, number)
            events.append(connection, change, event)
            submit(connection, jobs)
            return replace(change, number=number)

        try:
            opened = await self._database.write(work)
        except _TwiceError:
            return await self.get(change.id)
        self._jobs.poke(jobs)
        return opened

    async def get(self, change_id: str) -> Change:
        """Read one change."""
        return await self._database.read(lambda connection: _get(connection, change_id))

    async def move(self, before: Change, after: Change, event: Event, *, jobs: Sequence[Job] = ()) -> None:
        """Compare `before.version`, set `after`, append the event, submit the jobs; all or nothing."""
        if after.version <= before.version:
            raise ValueError("a move counts the version up")

        def work(connection: Connection) -> None:
            _compare_and_set(connection, before, after)
            if after.phase not in OPEN:
                locks.release(connection, after.id)
            events.append(connection, after, event)
            submit(connection, jobs)

        await self._database.write(work)
        self._jobs.poke(jobs)

    async def note(self, before: Change, after: Change, *, jobs: Sequence[Job] = ()) -> Change:
        """As move, for what is no event; return what is stored, with its new version."""
        if before.phase is not after.phase:
            raise ValueError(f"a note cannot move a change from {before.phase} to {after.phase}")

        noted = replace(after, version=max(after.version, before.version + 1))

        def work(connection: Connection) -> None:
            _compare_and_set(connection, before, noted)
            submit(connection, jobs)

        await self._database.write(work)
        self._jobs.poke(jobs)
        return noted

    async def find(
        self,
        *,
        cluster: str | None = None,
        namespace: str | None = None,
        name: str | None = None,
        open_only: bool = False,
        limit: int = 20,
    ) -> Sequence[Change]:
        """Return changes, newest first; one of several Services is found by any of them."""
        query = select(table).order_by(table.c.number.desc()).limit(limit)
        if cluster is not None:
            query = query.where(table.c.cluster == cluster)
        if open_only:
            query = query.where(table.c.phase.in_(_OPEN))
        if namespace is not None or name is not None:
            query = query.where(table.c.number.in_(_about(namespace, name)))
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [change for row in rows if (change := _readable(row))]

    async def events(self, change_id: str) -> Sequence[Event]:
        """Return a change's events, oldest first."""
        return await self._database.read(lambda connection: events.of(connection, change_id))


def _about(namespace: str | None, name: str | None) -> Any:
    query = select(subjects.c.change)
    if namespace is not None:
        query = query.where(subjects.c.namespace == namespace)
    return query if name is None else query.where(subjects.c.name == name)


class _TwiceError(Exception):
    """The same proposal was stored by somebody else at the same moment; nothing of this one is kept."""


def _number(connection: Connection, change: Change) -> int:
    """Insert the row and return its number."""
    query = dialect.insert(connection, table).values(
        id=change.id,
        cluster=change.cluster,
        created_at=change.requested_at,
        expires_at=change.expires_at,
        body=codec.dump(change),
        **_moving(change),
    )
    query = query.on_conflict_do_nothing(index_elements=[table.c.id])
    number: int | None = connection.execute(query.returning(table.c.number)).scalar_one_or_none()
    if number is None:
        raise _TwiceError
    return number


def _lock(connection: Connection, change: Change) -> None:
    if change.phase not in OPEN:
        return
    holder = locks.take(connection, change.cluster, _locked(change), change.id)
    if holder is not None:
        query = select(table.c.number).where(table.c.id == holder)
        raise AlreadyOpen(holder, connection.execute(query).scalar_one())


def _locked(change: Change) -> set[str]:
    """Every Service of it; and the load balancer where it has one setting for all that share it, as under IPVS."""
    services = {f"change:{service}" for service in _services(change)} | set(change.balancers)
    shared = {f"elb:{step.load_balancer}" for step in change.steps if step.load_balancer}
    return services | shared if len(change.steps) > 1 else services


def _services(change: Change) -> set[ServiceRef]:
    return {change.service, *(step.service for step in change.steps)}


def _index(connection: Connection, change: Change, number: int) -> None:
    rows = [
        {"cluster": s.cluster, "namespace": s.namespace, "name": s.name, "change": number}
        for s in _services(change)
    ]
    connection.execute(insert(subjects), rows)


def _compare_and_set(connection: Connection, before: Change, after: Change) -> None:
    held = (table.c.id == before.id, table.c.version == before.version)
    stored = dialect.locked_body(connection, table, *held)
    if stored is None:
        current = _get(connection, before.id)
        raise Stale(f"{current.label} moved on: it is {current.phase} now")
    body = codec.dump_over(stored, after)
    connection.execute(update(table).where(*held).values(**_moving(after), body=body))


def _moving(change: Change) -> dict[str, Any]:
    """Return the columns that a move sets, beside the body."""
    return {"phase": change.phase.value, "version": change.version, "ended_at": change.ended_at}


def _get(connection: Connection, change_id: str) -> Change:
    row = connection.execute(select(table).where(table.c.id == change_id)).one_or_none()
    if row is None:
        raise NotFound("there is no such change")
    return _change(row)


def _change(row: Row[Any]) -> Change:
    try:
        stored = codec.load(Change, row.body)
        return replace(stored, number=row.number, phase=Phase(row.phase), version=row.version)
    except ValueError as error:
        raise Unreadable(f"CHG-{row.number}") from error


def _readable(row: Row[Any]) -> Change | None:
    """Pass over what a newer version wrote: a history with one line less is better than none."""
    try:
        return _change(row)
    except Unreadable as error:
        _log.warning("%s", error)
        return None
