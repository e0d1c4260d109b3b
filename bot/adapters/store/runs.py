"""Verification runs as rows."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, select, update

from bot.adapters.store import codec, dialect, locks
from bot.adapters.store.database import Database
from bot.adapters.store.dialect import now
from bot.adapters.store.jobs import SqlJobs, submit
from bot.adapters.store.tables import runs as table
from bot.domain.change import ServiceRef
from bot.domain.verification import Run
from bot.ports import AlreadyOpen, Job, NotFound, Stale, Unreadable


class SqlRuns:
    """Runs; one under way at a time for a Service."""

    def __init__(self, database: Database, jobs: SqlJobs) -> None:
        self._database = database
        self._jobs = jobs

    async def open(self, run: Run, *, jobs: Sequence[Job] = ()) -> Run:
        """Store a run; the same id twice returns the first."""

        def work(connection: Connection) -> Run:
            if not _insert(connection, run):
                return _get(connection, run.id)
            if run.open:
                _lock(connection, run)
            submit(connection, jobs)
            return run

        opened = await self._database.write(work)
        self._jobs.poke(jobs)
        return opened

    async def get(self, run_id: str) -> Run:
        """Read one run."""
        return await self._database.read(lambda connection: _get(connection, run_id))

    async def save(self, before: Run, after: Run, *, jobs: Sequence[Job] = ()) -> Run:
        """Compare `before.version`, set `after`; return what is stored, its version counted up."""
        saved = replace(after, version=max(after.version, before.version + 1))

        def work(connection: Connection) -> None:
            _compare_and_set(connection, before, saved)
            if not saved.open:
                locks.release(connection, _holder(saved))
            submit(connection, jobs)

        await self._database.write(work)
        self._jobs.poke(jobs)
        return saved

    async def last(self, service: ServiceRef) -> Run | None:
        """Return the run of a Service that ended last."""
        mine = (
            table.c.cluster == service.cluster,
            table.c.namespace == service.namespace,
            table.c.name == service.name,
        )
        query = select(table).where(*mine, table.c.open.is_(False)).order_by(table.c.saved_at.desc()).limit(1)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else _run(row)


def _holder(run: Run) -> str:
    return f"run:{run.id}"


def _insert(connection: Connection, run: Run) -> bool:
    service = run.service
    query = dialect.insert(connection, table).values(
        id=run.id,
        cluster=service.cluster,
        namespace=service.namespace,
        name=service.name,
        body=codec.dump(run),
        **_moving(run),
    )
    query = query.on_conflict_do_nothing(index_elements=[table.c.id])
    return connection.execute(query.returning(table.c.id)).scalar_one_or_none() is not None


def _lock(connection: Connection, run: Run) -> None:
    subjects = [f"run:{service}" for service in run.services]
    holder = locks.take(connection, run.service.cluster, subjects, _holder(run))
    if holder is not None:
        raise AlreadyOpen(holder.removeprefix("run:"), 0)


def _compare_and_set(connection: Connection, before: Run, after: Run) -> None:
    held = (table.c.id == before.id, table.c.version == before.version)
    stored = dialect.locked_body(connection, table, *held)
    if stored is None:
        _get(connection, before.id)
        raise Stale("the verification moved on meanwhile")
    body = codec.dump_over(stored, after)
    connection.execute(update(table).where(*held).values(**_moving(after), body=body))


def _moving(run: Run) -> dict[str, Any]:
    """Return the columns that a save sets, beside the body."""
    return {"version": run.version, "open": run.open, "saved_at": now()}


def _get(connection: Connection, run_id: str) -> Run:
    row = connection.execute(select(table).where(table.c.id == run_id)).one_or_none()
    if row is None:
        raise NotFound("there is no such verification")
    return _run(row)


def _run(row: Row[Any]) -> Run:
    try:
        return replace(codec.load(Run, row.body), version=row.version)
    except ValueError as error:
        raise Unreadable("the verification") from error
