import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, make_url, text

from bot.adapters.store import migrate, open_store
from bot.adapters.store.database import Database, _prepare_sqlite, make_engine, parse_url
from bot.ports import Invalid, Job, NotFound, Unavailable
from tests.adapters.store.databases import empty_database, hang_up


@pytest.mark.parametrize(
    ("url", "driver"),
    [
        ("sqlite:////data/bot.db", "sqlite+pysqlite"),
        ("postgresql://u:p@h/db", "postgresql+psycopg"),
        ("postgres://u:p@h/db", "postgresql+psycopg"),
        ("postgresql+psycopg://u:p@h/db", "postgresql+psycopg"),
    ],
)
def test_urls_get_their_driver(url: str, driver: str) -> None:
    """Heroku's spelling too."""
    assert parse_url(url).drivername == driver


@pytest.mark.parametrize(
    "url",
    [
        "",
        "bot.db",
        "mysql://u:hunter2@h/db",
        "sqlite://",
        "sqlite:///:memory:",
        "postgresql://u:hunter2@h:port/db",
        "postgresql://u:p@hunter2@h/db",
    ],
)
def test_other_urls_are_refused_without_repeating_them(url: str) -> None:
    """A password must not be told to the log."""
    with pytest.raises(Invalid, match="DATABASE_URL") as refused:
        parse_url(url)
    assert "hunter2" not in str(refused.value)


async def test_sqlite_commits_outlive_a_power_cut(tmp_path: Path) -> None:
    """Write-ahead log with a full sync, and foreign keys on."""
    database = Database(lambda: f"sqlite:///{tmp_path / 'bot.db'}")

    def pragmas(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys")
        return [connection.execute(text(f"PRAGMA {name}")).scalar_one() for name in names]

    found = await database.read(pragmas)
    await database.close()
    assert found == ["wal", 2, 1]


class _Contended(sqlite3.Connection):
    """A connection to a file that others switch to its write-ahead log at this moment."""

    refusals = 3

    def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
        """Refuse at first, as SQLite does without waiting."""
        if "journal_mode" in statement and self.refusals:
            self.refusals -= 1
            raise sqlite3.OperationalError("database is locked")
        return super().execute(statement, *values)


def test_replicas_that_open_a_new_file_at_once_wait_for_each_other(tmp_path: Path) -> None:
    """SQLite's busy timeout does not cover the switch to the write-ahead log."""
    with closing(sqlite3.connect(tmp_path / "bot.db", factory=_Contended)) as connection:
        _prepare_sqlite(connection, None)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.refusals == 0


@pytest.mark.parametrize(("patient", "milliseconds"), [(False, 5_000), (True, 60_000)])
def test_a_migration_waits_longer_than_a_click(tmp_path: Path, *, patient: bool, milliseconds: int) -> None:
    """A replica at its start waits for the one that migrates; a click cannot wait that long."""
    engine = make_engine(parse_url(f"sqlite:///{tmp_path / 'bot.db'}"), connections=1, patient=patient)
    with engine.begin() as connection:
        found = connection.execute(text("PRAGMA busy_timeout")).scalar_one()
    engine.dispose()
    assert found == milliseconds


async def test_sqlite_is_written_by_one_thread(tmp_path: Path) -> None:
    """Several connections of one process would starve each other."""
    database = Database(lambda: f"sqlite:///{tmp_path / 'bot.db'}")
    threads = await asyncio.gather(*(database.write(lambda _: threading.get_ident()) for _ in range(20)))
    await database.close()
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


async def test_a_transaction_is_undone_by_whatever_is_raised(url: str) -> None:
    """By our own refusals too."""
    store = open_store(url)

    def refuse(connection: Connection) -> None:
        connection.execute(text("INSERT INTO people (pseudonym, person) VALUES ('person-1', 'U1')"))
        raise NotFound("no")

    with pytest.raises(NotFound):
        await store.database.write(refuse)
    count = await store.database.read(lambda c: c.execute(text("SELECT count(*) FROM people")).scalar_one())
    await store.close()
    assert count == 0


async def test_a_moment_without_a_zone_is_refused(tmp_path: Path) -> None:
    """It would be another one elsewhere."""
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    migrate(url)
    store = open_store(url)
    with pytest.raises(Unavailable, match="without a time zone"):
        await store.pauses.pause("prod", "U0ALICE1", datetime(2026, 3, 1))  # noqa: DTZ001 - the very mistake
    await store.close()


async def test_a_cancelled_caller_tears_no_transaction(url: str) -> None:
    """It commits whole although nobody waits for it any more."""
    store = open_store(url)
    begun, go = threading.Event(), threading.Event()

    def work(connection: Connection) -> None:
        connection.execute(text("INSERT INTO people (pseudonym, person) VALUES ('person-1', 'U1')"))
        begun.set()
        go.wait(10)
        connection.execute(text("INSERT INTO people (pseudonym, person) VALUES ('person-2', 'U2')"))

    caller = asyncio.create_task(store.database.write(work))
    await asyncio.to_thread(begun.wait, 10)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go.set()
    await store.close()
    again = open_store(url)
    count = await again.database.read(lambda c: c.execute(text("SELECT count(*) FROM people")).scalar_one())
    await again.close()
    assert count == 2


async def test_a_closed_store_is_unavailable(url: str) -> None:
    """Whoever comes late is told so."""
    store = open_store(url)
    await store.close()
    with pytest.raises(Unavailable, match="closed"):
        await store.ping()


async def test_a_database_without_tables_is_unavailable(empty_url: str) -> None:
    """One sentence that says what makes them, not a traceback of SQL."""
    store = open_store(empty_url)
    with pytest.raises(Unavailable, match="elb-passthrough migrate makes them"):
        await store.jobs.submit(Job(key="k", kind="a", payload={"token": "hunter2"}))
    await store.close()


async def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    """A directory that is not there."""
    store = open_store(f"sqlite:///{tmp_path / 'nowhere' / 'bot.db'}")
    with pytest.raises(Unavailable, match="unable to open database file"):
        await store.ping()
    await store.close()


async def test_a_full_disk_is_unavailable_until_there_is_room(tmp_path: Path) -> None:
    """What was committed stays, what was refused is not there, and nothing has to be restarted."""
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    migrate(url)
    store = open_store(url)
    await store.jobs.submit(Job(key="before", kind="a", payload={}))
    await store.database.read(lambda c: c.exec_driver_sql("PRAGMA max_page_count=1").close())
    with pytest.raises(Unavailable, match="database or disk is full"):
        await store.jobs.submit(Job(key="too-much", kind="a", payload={"reason": "x" * 100_000}))
    await store.database.read(lambda c: c.exec_driver_sql("PRAGMA max_page_count=100000").close())
    await store.jobs.submit(Job(key="after", kind="a", payload={}))
    claimed = await store.jobs.claim(limit=9, lease=1.0)
    await store.close()
    assert {each.job.key for each in claimed} == {"before", "after"}


async def test_a_file_that_somebody_else_writes_for_too_long_is_unavailable(tmp_path: Path) -> None:
    """A backup, or a shell that was left open in a transaction: said so, and done once it lets go."""
    file = tmp_path / "bot.db"
    migrate(f"sqlite:///{file}")
    store = open_store(f"sqlite:///{file}")
    await store.database.read(lambda c: c.exec_driver_sql("PRAGMA busy_timeout=1").close())
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable, match="database is locked"):
            await store.jobs.submit(Job(key="k", kind="a", payload={}))
        await store.ping()
        other.execute("ROLLBACK")
    await store.jobs.submit(Job(key="k", kind="a", payload={}))
    await store.close()


async def test_a_server_that_is_away_is_unavailable() -> None:
    """The sentence leaves the password out."""
    store = open_store("postgresql://bot:hunter2@127.0.0.1:1/bot")
    with pytest.raises(Unavailable, match="the database does not answer") as refused:
        await store.ping()
    await store.close()
    assert "hunter2" not in str(refused.value)


@pytest.mark.postgresql
async def test_a_connection_that_was_lost_while_idle_is_replaced(tmp_path: Path) -> None:
    """No click pays for a restart of the server or a forgetful firewall."""
    with empty_database("postgresql", tmp_path) as url:
        migrate(url)
        store = open_store(url)
        await store.ping()
        hang_up(url)
        await store.ping()
        await store.close()


@pytest.mark.postgresql
async def test_a_replica_that_stopped_within_a_transaction_is_not_waited_for(tmp_path: Path) -> None:
    """Its lock costs the others seconds, and they are told so; then its transaction is gone."""
    with empty_database("postgresql", tmp_path) as url:
        migrate(url)
        store = open_store(url)
        limits = await store.database.read(_limits)
        await store.close()
    assert limits == ["3s", "15s", "15s"]


def _limits(connection: Connection) -> list[str]:
    names = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout")
    return [connection.execute(text(f"SHOW {name}")).scalar_one() for name in names]


@pytest.mark.postgresql
async def test_a_rotated_password_is_used_without_a_restart(tmp_path: Path) -> None:
    """The URL is asked for again with each new connection."""
    with empty_database("postgresql", tmp_path) as url:
        passwords = ["first", "second"]
        store = open_store(
            lambda: make_url(url).set(password=passwords[0]).render_as_string(hide_password=False)
        )
        sent: list[str] = []
        event.listen(store.database._engine, "do_connect", lambda *seen: sent.append(seen[3]["password"]))
        await store.ping()
        passwords.pop(0)
        hang_up(url)
        await store.ping()
        await store.close()
    assert sent == ["first", "second"]


async def test_what_a_done_job_held_is_gone_from_the_database(url: str) -> None:
    """Its key stays, so that it is not done twice; the address that it could answer to does not."""
    store = open_store(url)
    try:
        await store.jobs.submit(
            Job(key="click", kind="click", payload={"response_url": "https://hooks.example/T/B/x"})
        )
        (leased,) = await store.jobs.claim(limit=1, lease=30)
        await store.jobs.finish(leased)
        kept = await store.database.read(
            lambda connection: connection.execute(text("SELECT payload FROM jobs")).all()
        )
        assert [row.payload for row in kept] == ["{}"]
        await store.jobs.submit(Job(key="click", kind="click", payload={}))
        assert await store.jobs.claim(limit=1, lease=30) == []
    finally:
        await store.close()


async def test_a_failure_that_lost_its_reason_is_asked_for_it_again(tmp_path: Path) -> None:
    """As sqlite3 loses it to another thread's garbage collection; a reason that never comes is one sentence."""
    database = Database(lambda: f"sqlite:///{tmp_path / 'bot.db'}")
    asked: list[int] = []

    def told_at(attempt: int) -> Callable[[Connection], int]:
        def work(connection: Connection) -> int:
            asked.append(len(asked))
            if len(asked) < attempt:
                raise SystemError("returned NULL without setting an exception")
            found: int = connection.execute(text("SELECT 7")).scalar_one()
            return found

        return work

    assert await database.write(told_at(3)) == 7
    asked.clear()
    with pytest.raises(Unavailable, match="did not say why"):
        await database.write(told_at(4))
    await database.close()
