"""SQLite's jobs and their twin's, through any story that Hypothesis thinks of."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from bot.adapters.store import SqlStore, migrate, open_store
from bot.adapters.store.tables import jobs
from bot.ports import Job, Leased, Store
from tests.fakes.store import MemoryStore

LATE = 3600.0
"""Seconds that do not pass while a test runs; 0 seconds have passed when the next verb is heard."""

KEYS = st.sampled_from(["a", "b"])
TIMES = st.sampled_from([0.0, LATE])
NUMBERS = st.sampled_from([0, 0, 1])
STEPS = st.one_of(
    st.tuples(st.just("submit"), KEYS, TIMES, st.sampled_from([True, True, False])),
    st.tuples(st.just("claim"), TIMES),
    st.tuples(st.just("finish"), NUMBERS),
    st.tuples(st.just("retry"), NUMBERS, TIMES, st.sampled_from(["", "Unavailable"])),
    st.tuples(st.just("renew"), NUMBERS, TIMES),
)


class Teller:
    """Tells one story to one store, and notes everything that can be seen of it."""

    def __init__(self, store: Store) -> None:
        self._jobs = store.jobs
        self._held: list[Leased] = []
        self.seen: list[object] = []

    async def tell(self, story: list[tuple[object, ...]]) -> list[object]:
        """Return what was seen, step by step."""
        for number, (verb, *arguments) in enumerate(story):
            await getattr(self, f"_{verb}")(*arguments, number)
            due = await self._jobs.next_due()
            self.seen.append(None if due is None else due < LATE / 2)
        return self.seen

    async def _submit(self, key: str, delay: float, again: bool, number: int) -> None:  # noqa: FBT001 - drawn
        await self._jobs.submit(Job(key=key, kind="k", payload={"n": number}, delay=delay, again=again))

    async def _claim(self, lease: float, _: int) -> None:
        claimed = sorted(await self._jobs.claim(limit=9, lease=lease), key=lambda leased: leased.job.key)
        self.seen += [(one.job.key, one.job.payload, one.attempt, one.generation) for one in claimed]
        self._held += claimed

    async def _finish(self, which: int, _: int) -> None:
        if which < len(self._held):
            await self._jobs.finish(self._held[-1 - which])

    async def _retry(self, which: int, delay: float, error: str, _: int) -> None:
        if which < len(self._held):
            await self._jobs.retry(self._held[-1 - which], delay=delay, error=error)

    async def _renew(self, which: int, lease: float, _: int) -> None:
        if which < len(self._held):
            self.seen.append(await self._jobs.renew(self._held[-1 - which], lease=lease))


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[asyncio.Runner, SqlStore]]:
    """One loop and one SQLite file for all stories."""
    path: Path = tmp_path_factory.mktemp("model") / "bot.db"
    migrate(f"sqlite:///{path}")
    with asyncio.Runner() as runner:
        store = open_store(f"sqlite:///{path}")
        yield runner, store
        runner.run(store.close())


@settings(
    max_examples=150,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(STEPS, min_size=10, max_size=30))
def test_any_story_is_the_same_in_both(
    stage: tuple[asyncio.Runner, SqlStore], story: list[tuple[object, ...]]
) -> None:
    """Who holds what, which attempt it is, what is due."""
    runner, store = stage
    runner.run(store.database.write(lambda connection: connection.execute(delete(jobs))))
    assert runner.run(Teller(store).tell(story)) == runner.run(Teller(MemoryStore()).tell(story))
