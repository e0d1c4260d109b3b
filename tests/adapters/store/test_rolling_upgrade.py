"""Two versions on one database: what one cannot read, it leaves to the other.

`rows/` holds bodies as an early version wrote them. They are never written anew: a version that cannot read them
would lose what is open while it is installed.
"""

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, select, text, update

from bot.adapters.store import SqlStore, migrate, open_store
from bot.adapters.store.database import make_engine, parse_url
from bot.adapters.store.migration import SCRIPTS
from bot.adapters.store.tables import changes, jobs, runs
from bot.domain.change import Event, EventKind, Phase, ServiceRef
from bot.ports import Job, Unavailable
from tests.adapters.store.examples import AT, a_change, a_run, an_event

ROWS = Path(__file__).parent / "rows"
DIGEST = "eaae4df29e5ace436033447de946d700cd8151ff7c2968433d0b0e77e3bb1597"
"""Of the change in `rows/`, by the version that wrote it: what was approved then is approved now."""

CART = ServiceRef(cluster="prod", namespace="shop", name="cart")


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    """A store on each database."""
    opened = open_store(url)
    yield opened
    await opened.close()


async def test_fields_of_a_newer_version_do_not_disturb(store: SqlStore) -> None:
    """They are passed over."""
    stored = await store.changes.open(a_change(), an_event(), jobs=[])
    query = select(changes.c.body)
    body = json.loads(await store.database.read(lambda c: c.execute(query).scalar_one())) | {"mood": "good"}
    await store.database.write(lambda c: c.execute(update(changes).values(body=json.dumps(body))))
    assert await store.changes.get("c-1") == stored


@pytest.mark.parametrize("values", [{"phase": "a phase of tomorrow"}, {"body": '{"id": "c-1"}'}])
async def test_a_change_that_cannot_be_read_is_left_to_others(
    store: SqlStore, values: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    """Its job is tried again by whoever can; lists go on without it."""
    await store.changes.open(a_change(), an_event(), jobs=[])
    await store.changes.open(a_change("c-2", CART), an_event(), jobs=[])
    query = update(changes).where(changes.c.id == "c-1").values(**values)
    await store.database.write(lambda connection: connection.execute(query))
    with pytest.raises(Unavailable, match="CHG-1 was written by another version"):
        await store.changes.get("c-1")
    with caplog.at_level(logging.WARNING):
        assert [change.id for change in await store.changes.find()] == ["c-2"]
    assert "CHG-1 was written by another version" in caplog.text


async def test_a_run_that_cannot_be_read_is_left_to_others(store: SqlStore) -> None:
    """As a change."""
    await store.runs.open(a_run())
    await store.database.write(lambda connection: connection.execute(update(runs).values(body="{}")))
    with pytest.raises(Unavailable, match="another version"):
        await store.runs.get("r-1")


async def test_a_job_that_cannot_be_read_does_not_stop_the_others(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    """It is looked at again when its lease ends."""
    await store.jobs.submit(Job(key="bad", kind="a"), Job(key="good", kind="a"))
    query = update(jobs).where(jobs.c.key == "bad").values(payload="no JSON")
    await store.database.write(lambda connection: connection.execute(query))
    (leased,) = await store.jobs.claim(limit=9, lease=60)
    assert leased.job.key == "good"
    assert "job bad (a) cannot be performed" in caplog.text
    await store.jobs.finish(leased)
    assert await store.jobs.next_due() is not None


def as_written(name: str) -> str:
    """A body of an early version."""
    return json.dumps(json.loads((ROWS / f"{name}.json").read_text(encoding="utf-8")))


def leave_old_rows(connection: Connection) -> None:
    """The schema before the last, and what it holds: an open change with its lock and event, a run, an incident."""
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    command.upgrade(config, "0002")
    rows = {
        "INSERT INTO changes (id, cluster, phase, version, created_at, expires_at, body) "
        "VALUES ('c-1', 'prod', 'proposed', 0, :at, :at, :body)": as_written("change"),
        "INSERT INTO runs (id, cluster, namespace, name, version, open, saved_at, body) "
        "VALUES ('r-1', 'prod', 'shop', 'checkout', 0, true, 0, :body)": as_written("run"),
        "INSERT INTO incidents (id, cluster, key, live_key, phase, folded, version, saved_at, body) "
        "VALUES ('i-1', 'prod', 'k', 'k', 'settling', '', 0, 0, :body)": as_written("incident"),
        "INSERT INTO locks (cluster, subject, holder) VALUES ('prod', 'change:shop/checkout', 'c-1')": "",
        "INSERT INTO people (pseudonym, person) VALUES ('person-0123456789abcdef', 'U0ALICE1')": "",
        "INSERT INTO events (change, cluster, kind, at, by, detail) "
        "VALUES ('c-1', 'prod', 'proposed', :at, 'person-0123456789abcdef', '{}')": "",
    }
    for statement, body in rows.items():
        given = {"at": AT.isoformat(timespec="microseconds"), "body": body}
        connection.execute(text(statement), {name: given[name] for name in given if f":{name}" in statement})


async def test_an_upgrade_loses_nothing_that_was_open(empty_url: str) -> None:
    """Rows of an early version are read, moved and sealed by this one; what was approved keeps its digest."""
    engine = make_engine(parse_url(empty_url), connections=1)
    with engine.begin() as connection:
        leave_old_rows(connection)
    engine.dispose()
    migrate(empty_url)
    store = open_store(empty_url)
    try:
        change = await store.changes.get("c-1")
        assert (change.label, change.phase, change.digest) == ("CHG-1", Phase.PROPOSED, DIGEST)
        assert (await store.runs.get("r-1")).open
        assert (await store.incidents.get("i-1")).live
        event = Event(kind=EventKind.REJECTED, at=AT, by="U0ALICE1")
        await store.changes.move(change, change.after(event), event)
        assert [each.by for each in await store.changes.events("c-1")] == ["U0ALICE1", "U0ALICE1"]
        await store.audit.seal()
        check = await store.audit.check()
        assert (check.links, check.broken, check.bindings.exchanged) == (2, None, ())
    finally:
        await store.close()
