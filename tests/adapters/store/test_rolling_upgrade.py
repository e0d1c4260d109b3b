"""Two versions on one database: what one cannot read, it leaves to the other."""

import json
import logging
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import select, update

from bot.adapters.store import SqlStore, open_store
from bot.adapters.store.tables import changes, jobs, runs
from bot.domain.change import ServiceRef
from bot.ports import Job, Unavailable
from tests.adapters.store.examples import a_change, a_run, an_event

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
