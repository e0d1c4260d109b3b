"""Two versions on one database: what one cannot read, it leaves to the other.

`rows/` holds bodies as an early version wrote them. They are never written anew: a version that cannot read them
would lose what is open while it is installed.
"""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, Table, insert, select, text, update

from bot.adapters.store import SqlStore, migrate, open_store
from bot.adapters.store.database import make_engine, parse_url
from bot.adapters.store.migration import SCRIPTS
from bot.adapters.store.retention import remove_older
from bot.adapters.store.tables import changes, events, incidents, jobs, runs
from bot.domain.change import Event, EventKind, Phase, ServiceRef
from bot.ports import AlreadyOpen, Job, Unavailable, Unreadable
from tests.adapters.store.examples import AT, a_change, a_run, an_event
from tests.adapters.store.test_incidents import an_incident

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


async def body(store: SqlStore, table: Table) -> dict[str, Any]:
    """What the only row of a table holds."""
    query = select(table.c.body)
    found: dict[str, Any] = json.loads(await store.database.read(lambda c: c.execute(query).scalar_one()))
    return found


async def as_newer(store: SqlStore, table: Table, *paths: str) -> dict[str, Any]:
    """Let a newer version have written more into the only row of a table; return what it wrote."""
    stored = await body(store, table)
    for path in ("", *paths):
        part: Any = stored
        for name in filter(None, path.split(".")):
            part = part[int(name) if name.isdecimal() else name]
        part["mood"] = f"good, in {path or 'the row'}"
    query = update(table).values(body=json.dumps(stored))
    await store.database.write(lambda connection: connection.execute(query))
    return stored


async def test_a_change_keeps_what_a_newer_version_wrote(store: SqlStore) -> None:
    """It does not disturb, and stays when this version notes and moves."""
    opened = await store.changes.open(a_change(), an_event(), jobs=[])
    stored = await as_newer(store, changes, "service", "steps.0", "steps.0.service", "plan", "findings.0")
    assert await store.changes.get("c-1") == opened
    noted = await store.changes.note(opened, replace(opened, progress="waiting"))
    event = an_event(EventKind.REJECTED)
    rejected = noted.after(event, decided_by="U0BOB")
    await store.changes.move(noted, rejected, event)
    changed = {"progress": "", "phase": "rejected", "decided_by": "U0BOB", "number": 1, "version": 2}
    assert await body(store, changes) == {**stored, **changed, "ended_at": AT.isoformat()}


async def test_a_run_keeps_what_a_newer_version_wrote(store: SqlStore) -> None:
    """In its bursts and their probes too."""
    run = await store.runs.open(a_run())
    stored = await as_newer(store, runs, "plan.clients.0", "bursts.0", "bursts.0.probes.0", "readings.0")
    (burst,) = run.bursts
    again = replace(burst, probes=tuple(replace(probe, attempts=9) for probe in burst.probes))
    await store.runs.save(run, replace(run, bursts=(again,), calls=4))
    stored["bursts"][0]["probes"][0]["attempts"] = 9
    assert await body(store, runs) == {**stored, "calls": 4, "version": 1}


async def test_an_incident_keeps_what_a_newer_version_wrote(store: SqlStore) -> None:
    """In its members too."""
    incident = await store.incidents.open(an_incident())
    stored = await as_newer(store, incidents, "members.0", "members.0.service")
    await store.incidents.save(incident, replace(incident, times=2))
    assert await body(store, incidents) == {**stored, "times": 2, "version": 1}


@pytest.mark.parametrize("changed", [{"verb": "toggle"}, {"phase": "queued"}])
async def test_what_only_a_newer_version_understands_is_not_written_over(
    store: SqlStore, changed: dict[str, str]
) -> None:
    """Who read the change before it became so is told, and the row is left."""
    opened = await store.changes.open(a_change(), an_event(), jobs=[])
    stored = json.dumps({**await body(store, changes), **changed})
    values = {"body": stored, "version": 1, **({"phase": "queued"} if "phase" in changed else {})}
    await store.database.write(lambda c: c.execute(update(changes).values(**values)))
    event = an_event(EventKind.REJECTED)
    with pytest.raises(Unreadable, match="CHG-1 was written by another version"):
        await store.changes.move(opened, opened.after(event), event)
    with pytest.raises(Unreadable):
        await store.changes.note(opened, replace(opened, progress="waiting"))
    with pytest.raises(AlreadyOpen):
        await store.changes.open(a_change("c-2"), an_event(), jobs=[])
    assert json.dumps(await body(store, changes)) == stored


async def test_an_event_that_only_a_newer_version_knows_is_passed_over(
    store: SqlStore, caplog: pytest.LogCaptureFixture
) -> None:
    """The history is one line shorter, and the chain as long as ever."""
    await store.changes.open(a_change(), an_event(), jobs=[])
    values = {"change": "c-1", "cluster": "prod", "kind": "queued", "at": AT, "by": "bot", "detail": "{}"}
    await store.database.write(lambda connection: connection.execute(insert(events).values(**values)))
    with caplog.at_level(logging.WARNING):
        assert await store.changes.events("c-1") == [an_event()]
    assert "“queued”, was written by another version" in caplog.text
    await store.audit.seal()
    assert (await store.audit.check()).links == 2


async def test_a_phase_that_only_a_newer_version_knows_is_not_taken_for_an_end(store: SqlStore) -> None:
    """Neither retention nor erasure touches a change that may be open."""
    await store.changes.open(a_change(), an_event(), jobs=[])
    await store.database.write(lambda c: c.execute(update(changes).values(phase="queued")))
    stored = await body(store, changes)
    await remove_older(store.database, seconds=0.0)
    erased = await store.audit.erase("U0ALICE1")
    assert erased is not None
    assert erased.open == ("CHG-1",)
    assert await body(store, changes) == stored


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
