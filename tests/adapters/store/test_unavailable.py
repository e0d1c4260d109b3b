"""A database that does not answer: every verb says so, in each store."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from bot.adapters.store import open_store
from bot.domain.change import EventKind, Place
from bot.ports import Job, Leased, Store, Unavailable
from tests.adapters.store.examples import AT, a_change, a_run, an_event
from tests.fakes.store import MemoryStore

JOB = Job(key="k", kind="a")
LEASED = Leased(job=JOB, lease="x", attempt=1, generation=1)
REJECTED = an_event(EventKind.REJECTED)

VERBS: dict[str, Callable[[Store], Awaitable[object]]] = {
    "ping": lambda store: store.ping(),
    "jobs.submit": lambda store: store.jobs.submit(JOB),
    "jobs.claim": lambda store: store.jobs.claim(limit=1, lease=1),
    "jobs.renew": lambda store: store.jobs.renew(LEASED, lease=1),
    "jobs.finish": lambda store: store.jobs.finish(LEASED),
    "jobs.retry": lambda store: store.jobs.retry(LEASED, delay=1),
    "jobs.next_due": lambda store: store.jobs.next_due(),
    "changes.open": lambda store: store.changes.open(a_change(), an_event(), jobs=[]),
    "changes.get": lambda store: store.changes.get("c-1"),
    "changes.move": lambda store: store.changes.move(a_change(), a_change().after(REJECTED), REJECTED),
    "changes.note": lambda store: store.changes.note(a_change(), a_change()),
    "changes.find": lambda store: store.changes.find(),
    "changes.events": lambda store: store.changes.events("c-1"),
    "runs.open": lambda store: store.runs.open(a_run()),
    "runs.get": lambda store: store.runs.get("r-1"),
    "runs.save": lambda store: store.runs.save(a_run(), a_run()),
    "messages.place": lambda store: store.messages.place("card:c-1"),
    "messages.remember": lambda store: store.messages.remember("card:c-1", Place(channel="C01", ts="1.2")),
    "pauses.pause": lambda store: store.pauses.pause("prod", "U0ALICE1", AT),
    "pauses.resume": lambda store: store.pauses.resume("prod"),
    "pauses.paused": lambda store: store.pauses.paused("prod"),
}


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def away(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """Give each store with nothing behind it; no server is needed for that."""
    if request.param == "memory":
        memory = MemoryStore()
        memory.down = True
        yield memory
        return
    urls = {
        "sqlite": f"sqlite:///{tmp_path / 'nowhere' / 'bot.db'}",
        "postgresql": "postgresql://bot:hunter2@127.0.0.1:1/bot",
    }
    store = open_store(urls[request.param])
    yield store
    await store.close()


@pytest.mark.parametrize("verb", VERBS)
async def test_every_verb_says_that_the_database_is_away(away: Store, verb: str) -> None:
    """With the one error that callers know, and one sentence without the password."""
    with pytest.raises(Unavailable, match="the database does not answer") as refused:
        await VERBS[verb](away)
    assert "hunter2" not in str(refused.value)
