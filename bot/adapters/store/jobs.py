"""The leased jobs as rows."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from secrets import token_hex
from typing import Any

from sqlalchemy import Connection, Row, Select, Update, bindparam, case, func, null, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bot.adapters.store import codec
from bot.adapters.store.database import Database
from bot.adapters.store.dialect import insert, now
from bot.adapters.store.tables import jobs as table
from bot.ports import Job, Leased

_log = logging.getLogger("bot.store")
_LONGEST_ERROR = 500
_COLUMNS = (table.c.key, table.c.kind, table.c.payload, table.c.attempt, table.c.generation)


class SqlJobs:
    """Jobs that any replica may take over: a lease by the database's clock, and no executor's identity."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._pokes: list[Callable[[], None]] = []
        self._waiting: list[_Submission] = []
        self._committing: asyncio.Task[None] | None = None

    def subscribe(self, poke: Callable[[], None]) -> None:
        """Call `poke`, in the event loop, after each commit that submitted jobs through this store."""
        self._pokes.append(poke)

    def poke(self, jobs: Sequence[Job]) -> None:
        """Tell the subscribers that jobs were committed, if there were any."""
        for poke in self._pokes if jobs else ():
            poke()

    async def submit(self, *jobs: Job) -> None:
        """Commit jobs; durable when it returns. What comes in while a commit is under way shares the next one."""
        submission = _Submission(jobs=jobs, done=asyncio.get_running_loop().create_future())
        self._waiting.append(submission)
        if self._committing is None:
            self._committing = asyncio.create_task(self._commit_waiting(), name="commit")
        await submission.done
        self.poke(jobs)

    async def _commit_waiting(self) -> None:
        try:
            while self._waiting:
                together, self._waiting = self._waiting, []
                await self._commit(together)
        finally:
            self._committing = None

    async def _commit(self, together: Sequence["_Submission"]) -> None:
        """Commit submissions in one transaction; where that fails, each by itself, so that none spoils another."""
        jobs = [job for submission in together for job in submission.jobs]
        try:
            await self._database.write(lambda connection: submit(connection, jobs))
        except Exception as error:  # noqa: BLE001 - whoever submitted gets it, whatever it is
            if len(together) == 1:
                together[0].fail(error)
                return
            for submission in together:
                await self._commit([submission])
        else:
            for submission in together:
                submission.succeed()

    async def claim(
        self, *, limit: int, lease: float, kinds: Collection[str] | None = None
    ) -> Sequence[Leased]:
        """Lease due jobs for so many seconds, those that waited longest first."""
        fence = token_hex(16)
        query = _claim(limit, kinds).values(lease=fence, due_at=now() + lease)
        rows = await self._database.write(lambda connection: connection.execute(query).all())
        return [leased for row in rows if (leased := _leased(row, fence))]

    async def renew(self, leased: Leased, *, lease: float) -> bool:
        """Extend a lease; False when it was lost."""
        query = _held(leased).values(due_at=now() + lease)
        return await self._database.write(lambda connection: connection.execute(query).rowcount == 1)

    async def finish(self, leased: Leased, *, then: Sequence[Job] = ()) -> None:
        """Mark done and submit what follows. Submitted again meanwhile: due again."""

        def work(connection: Connection) -> None:
            if connection.execute(_finished(leased)).rowcount == 1:
                submit(connection, then)

        await self._database.write(work)
        self.poke(then)

    async def retry(self, leased: Leased, *, delay: float, error: str = "") -> None:
        """Give the lease back, due after `delay` seconds, or as soon as somebody asked for it meanwhile."""
        query = _held(leased).values(
            lease=None,
            due_at=_earlier(table.c.again_at, now() + delay),
            last_error=error.replace("\0", "")[:_LONGEST_ERROR],
            attempt=table.c.attempt if error else 0,
        )
        await self._database.write(lambda connection: connection.execute(query))

    async def free_all(self) -> int:
        """Make every held job due now; only for a process that knows that all holders are dead."""
        query = update(table).where(table.c.lease.is_not(None)).values(lease=None, due_at=now())
        return await self._database.write(lambda connection: connection.execute(query).rowcount)

    async def next_due(self, *, kinds: Collection[str] | None = None) -> float | None:
        """Seconds until a job is due or its lease ends (0: now); None: no job waits."""
        query = select(func.min(table.c.due_at) - now()).where(*_of(kinds))
        seconds = await self._database.read(lambda connection: connection.execute(query).scalar_one())
        return None if seconds is None else max(0.0, float(seconds))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Submission:
    """Jobs that somebody waits for; who was cancelled meanwhile is told nothing."""

    jobs: Sequence[Job]
    done: asyncio.Future[None]

    def succeed(self) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


def submit(connection: Connection, jobs: Iterable[Job]) -> None:
    """Write jobs in somebody's transaction."""
    # In the order of their keys, so that two transactions never wait for each other crosswise.
    ordered = sorted(jobs, key=lambda job: job.key)
    query = insert(connection, table).values(
        key=bindparam("key"),
        kind=bindparam("kind"),
        payload=bindparam("payload"),
        due_at=now() + bindparam("delay", type_=table.c.due_at.type),
        attempt=0,
        generation=1,
        last_error="",
    )
    once = [_row(job) for job in ordered if not job.again]
    again = [_row(job) for job in ordered if job.again]
    if once:
        connection.execute(query.on_conflict_do_nothing(index_elements=[table.c.key]), once)
    if again:
        connection.execute(_wanted_again(query), again)


def _row(job: Job) -> dict[str, Any]:
    return {"key": job.key, "kind": job.kind, "payload": codec.dump(job.payload), "delay": job.delay}


def _wanted_again(query: postgresql.Insert | sqlite.Insert) -> postgresql.Insert | sqlite.Insert:
    """Make a job that is there due once more: when it is held, only after its holder has finished."""
    held, wanted = table.c.lease.is_not(None), query.excluded.due_at
    return query.on_conflict_do_update(
        index_elements=[table.c.key],
        set_={
            "kind": query.excluded.kind,
            "payload": query.excluded.payload,
            "generation": table.c.generation + 1,
            "due_at": case((held, table.c.due_at), else_=_earlier(table.c.due_at, wanted)),
            "again_at": case((held, _earlier(table.c.again_at, wanted)), else_=null()),
            "attempt": case((table.c.done_at.is_not(None), 0), else_=table.c.attempt),
            "done_at": null(),
        },
    )


def _earlier(stored: Any, wanted: Any) -> Any:
    return case((stored < wanted, stored), else_=wanted)


def _of(kinds: Collection[str] | None) -> list[Any]:
    return [] if kinds is None else [table.c.kind.in_(sorted(kinds))]


def _due(limit: int, kinds: Collection[str] | None) -> Select[Any]:
    return (
        select(table.c.key)
        .where(table.c.due_at <= now(), *_of(kinds))
        .order_by(table.c.due_at)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )


def _claim(limit: int, kinds: Collection[str] | None) -> Any:
    # A CTE, for PostgreSQL may run a plain subquery more than once and lock more rows than the limit.
    picked = _due(limit, kinds).cte("picked")
    return (
        update(table)
        .where(table.c.key.in_(select(picked.c.key)))
        .values(
            attempt=table.c.attempt + 1,
            again_at=case((table.c.again_at > now(), table.c.again_at), else_=null()),
        )
        .returning(*_COLUMNS)
    )


def _held(leased: Leased) -> Update:
    return update(table).where(table.c.key == leased.job.key, table.c.lease == leased.lease)


def _finished(leased: Leased) -> Update:
    over = table.c.again_at.is_(None)
    return _held(leased).values(
        lease=None,
        due_at=table.c.again_at,
        again_at=None,
        done_at=case((over, now()), else_=null()),
        attempt=case((over, table.c.attempt), else_=0),
        last_error="",
        # A command's job holds the address to answer to, which lets its holder write to a person. Done, it goes.
        payload=case((over, "{}"), else_=table.c.payload),
    )


def _leased(row: Row[Any], fence: str) -> Leased | None:
    """Read a job; one that cannot be read keeps its lease, and is looked at again when that ends."""
    try:
        payload = codec.load(dict[str, Any], row.payload)
    except codec.UnreadableError as error:
        _log.error("job %s (%s) cannot be performed: %s", row.key, row.kind, error)
        return None
    job = Job(key=row.key, kind=row.kind, payload=payload)
    return Leased(job=job, lease=fence, attempt=row.attempt, generation=row.generation)
