"""The database: one engine, its threads, and transactions that fit into one function call."""

import asyncio
import re
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, QueuePool, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from bot.ports import Invalid, Unavailable

Result = TypeVar("Result")

BUSY_SECONDS = 5.0
"""How long a writer waits for another process's transaction on one SQLite file."""
_PATIENT_SECONDS = 60.0
"""How long a replica waits at its start for another that migrates."""
_SERVER_THREADS = 8
_SERVER_LIMITS = (
    # A click waits no longer than Slack does for what another replica has locked …
    "SET lock_timeout = '3s'",
    "SET statement_timeout = '15s'",
    # … and a replica that was stopped within a transaction does not hold the others up.
    "SET idle_in_transaction_session_timeout = '15s'",
)
_READING = "elb_passthrough_reading"


def parse_url(url: str) -> URL:
    """Return DATABASE_URL with the driver filled in.

    Raises:
        Invalid: neither PostgreSQL nor an SQLite file; the sentence leaves any password out.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise Invalid("DATABASE_URL is not a URL: sqlite:///PATH or postgresql://… is expected") from None
    if "@" in (parsed.host or ""):
        # What stands before it is the end of a password, which no message may repeat.
        raise Invalid("DATABASE_URL: an @ in the password is written %40, as in every URL")
    name = parsed.get_backend_name()
    if name in {"postgresql", "postgres"}:
        return parsed.set(drivername="postgresql+psycopg")
    if name != "sqlite":
        raise Invalid(f"DATABASE_URL: {name} is no database that is supported; sqlite or postgresql are")
    if parsed.database in {None, "", ":memory:"}:
        raise Invalid("DATABASE_URL names no file: a database in memory would forget every change")
    return parsed.set(drivername="sqlite+pysqlite")


def make_engine(url: URL, *, connections: int, patient: bool = False) -> Engine:
    """Return an engine with at most so many connections; nothing is connected yet.

    `patient` is for migrations, which may take their time, and wait for each other's.

    Raises:
        Invalid: the database's driver is not installed.
    """
    try:
        engine = create_engine(
            url,
            poolclass=QueuePool,
            pool_size=connections,
            max_overflow=0,
            # A connection that a firewall has forgotten costs a look, not somebody's click.
            pool_pre_ping=url.get_backend_name() == "postgresql",
            hide_parameters=True,
            connect_args=_connect_args(url, _PATIENT_SECONDS if patient else BUSY_SECONDS),
        )
    except ModuleNotFoundError as error:
        raise Invalid(
            "DATABASE_URL: PostgreSQL needs its driver: pip install 'elb-passthrough[postgres]'"
        ) from error
    if url.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    elif not patient:
        event.listen(engine, "connect", _limit_postgresql)
    return engine


def _connect_args(url: URL, busy: float) -> dict[str, Any]:
    """Return what the URL leaves open; what it says itself wins."""
    if url.get_backend_name() == "sqlite":
        return {"timeout": busy, "check_same_thread": False}
    defaults = {
        "connect_timeout": 5,
        "keepalives_idle": 30,
        "tcp_user_timeout": 15_000,
        "application_name": "elb-passthrough",
    }
    return {name: value for name, value in defaults.items() if name not in url.query}


def _limit_postgresql(connection: Any, _record: object) -> None:
    """Let no statement wait for ever. Not as startup options, which connection poolers refuse."""
    connection.autocommit = True
    for statement in _SERVER_LIMITS:
        connection.execute(statement)
    connection.autocommit = False


def _prepare_sqlite(connection: Any, _record: object) -> None:
    """Make commits outlive a power cut, and leave BEGIN to us."""
    # The driver's own BEGIN comes late and deferred; two writers would then meet in the middle.
    connection.isolation_level = None
    _switch_to_wal(connection)
    for pragma in ("synchronous=FULL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _switch_to_wal(connection: Any) -> None:
    """Switch a new file to its write-ahead log; the file stays so."""
    # Alone among SQLite's locks, this one is not waited for by the busy timeout.
    patience = monotonic() + _PATIENT_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL").close()
        except sqlite3.OperationalError:
            if monotonic() > patience:
                raise
            sleep(0.01)
        else:
            return


def _begin_sqlite(connection: Connection) -> None:
    """Take the write lock at once, so that waiting for it happens here and nowhere else."""
    reading = connection.get_execution_options().get(_READING, False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


_UNTOLD = 3
"""Tries of a transaction whose failure has lost its reason."""
_UNMIGRATED = re.compile(r"no such (table|column)|(relation|column) .* does not exist")
"""What SQLite and PostgreSQL say of a database that `migrate` has not seen, or not for long."""


def database_name(url: str) -> str:
    """Name a database so that people know which one it is, without user or password.

    Raises:
        Invalid: the URL names no database that is supported.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite":
        return str(parsed.database)
    port = f":{parsed.port}" if parsed.port else ""
    return f"{parsed.database or ''} at {parsed.host or 'the local socket'}{port}"


def sentence(error: SQLAlchemyError, url: URL) -> str:
    """Say in one sentence what the database said, without the password."""
    said = str(error.orig if isinstance(error, DBAPIError) else error).strip()
    first = said.splitlines()[0] if said else type(error).__name__
    if url.password:
        first = first.replace(str(url.password), "***")
    if _UNMIGRATED.search(first):
        return (
            "the database has not the tables that this version needs; elb-passthrough migrate makes them, "
            "unless a newer version has changed them: then start that one"
        )
    return f"the database does not answer: {first}"


class Database:
    """Transactions as functions of a connection, run in threads of its own.

    SQLite gets one thread and one connection: several in one process starve each other on its busy handler.
    `reveal` gives DATABASE_URL; it is asked again for each connection. No transaction is open across an `await`, and a cancelled caller leaves it whole: it commits, or never began.
    """

    def __init__(self, reveal: Callable[[], str]) -> None:
        self._reveal = reveal
        self.url = parse_url(reveal())
        size = 1 if self.url.get_backend_name() == "sqlite" else _SERVER_THREADS
        self._engine = make_engine(self.url, connections=size)
        event.listen(self._engine, "do_connect", self._with_todays_password)
        self._reader = self._engine.execution_options(**{_READING: True})
        self._threads = ThreadPoolExecutor(size, thread_name_prefix="store")

    async def write(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in one transaction; durable when it returns.

        Raises:
            Unavailable: the database does not answer, or refused.
        """
        return await self._hop(self._engine, work)

    async def read(self, work: Callable[[Connection], Result]) -> Result:
        """As write, for what changes nothing."""
        return await self._hop(self._reader, work)

    async def close(self) -> None:
        """Let what is under way end, then disconnect."""
        await asyncio.to_thread(self._threads.shutdown, wait=True)
        self._engine.dispose()

    def _with_todays_password(self, _dialect: object, _record: object, _args: object, params: Any) -> None:
        """Connect with the password as it is now: a secret in a file may have been rotated."""
        if self.url.password:
            params["password"] = parse_url(self._reveal()).password

    async def _hop(self, engine: Engine, work: Callable[[Connection], Result]) -> Result:
        loop = asyncio.get_running_loop()
        try:
            hop = loop.run_in_executor(self._threads, self._transact, engine, work)
        except RuntimeError as error:  # the threads are shut down
            raise Unavailable("the database was closed") from error
        return await hop

    def _transact(self, engine: Engine, work: Callable[[Connection], Result]) -> Result:
        for _ in range(_UNTOLD):
            try:
                with engine.begin() as connection:
                    return work(connection)
            except SQLAlchemyError as error:
                raise Unavailable(sentence(error, self.url)) from error
            except SystemError as error:
                # CPython's sqlite3 asks for a failure's reason after it let other threads run. One that collects a
                # cursor of this connection at that moment resets the reason. Nothing was done: the transaction is
                # rolled back, and the same again tells the reason.
                untold = error
        raise Unavailable("the database refused a statement and did not say why") from untold
