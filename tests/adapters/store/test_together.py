"""Jobs that are submitted at the same time share a commit, and nothing else."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
from sqlalchemy import Connection, event

from bot.adapters.store import SqlStore, open_store
from bot.ports import Job


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    """A store on each database."""
    opened = open_store(url)
    yield opened
    await opened.close()


def job(number: int, **changed: object) -> Job:
    """A job of its own."""
    return Job(key=f"k-{number}", kind="a", payload={"number": number, **changed})


async def test_what_comes_in_during_a_commit_shares_the_next(store: SqlStore) -> None:
    """Sixty-four clicks at once need two commits and not sixty-four."""
    commits: list[Connection] = []
    event.listen(store.database._engine, "commit", commits.append)
    await asyncio.gather(*(store.jobs.submit(job(number)) for number in range(64)))
    assert len(commits) <= 2
    assert len(await store.jobs.claim(limit=99, lease=60)) == 64


async def test_a_job_that_cannot_be_stored_spoils_no_other(store: SqlStore) -> None:
    """Who submitted it is told; the others are stored."""
    bad = job(2, what=object())
    results = await asyncio.gather(
        *(store.jobs.submit(each) for each in (job(1), bad, job(3))), return_exceptions=True
    )
    assert [type(result) for result in results] == [type(None), TypeError, type(None)]
    assert {leased.job.key for leased in await store.jobs.claim(limit=9, lease=60)} == {"k-1", "k-3"}


async def test_who_stops_waiting_leaves_the_others_alone(store: SqlStore) -> None:
    """What was handed over is stored all the same."""
    begun, go = threading.Event(), threading.Event()

    def hold(_: Connection) -> None:
        begun.set()
        go.wait(10)

    event.listen(store.database._engine, "commit", hold, once=True)
    first = asyncio.create_task(store.jobs.submit(job(1)))
    await asyncio.to_thread(begun.wait, 10)
    second, third = (asyncio.create_task(store.jobs.submit(job(number))) for number in (2, 3))
    await asyncio.sleep(0)
    second.cancel()
    go.set()
    results = await asyncio.gather(first, second, third, return_exceptions=True)
    assert [type(result) for result in results] == [type(None), asyncio.CancelledError, type(None)]
    assert len(await store.jobs.claim(limit=9, lease=60)) == 3


async def test_after_a_failure_the_next_is_stored(store: SqlStore) -> None:
    """Nothing stays behind."""
    with pytest.raises(TypeError):
        await store.jobs.submit(job(1, what=object()))
    await store.jobs.submit(job(2))
    assert [leased.job.key for leased in await store.jobs.claim(limit=9, lease=60)] == ["k-2"]
