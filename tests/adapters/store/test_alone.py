from pathlib import Path

from bot.adapters.store import migrate, open_store
from bot.ports import Job


async def test_the_only_process_takes_over_what_a_dead_one_held(tmp_path: Path) -> None:
    """A lease that has minutes to run is free at once; its attempt still counts, for half of it may be done."""
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    migrate(url)
    dead = open_store(url)
    await dead.jobs.submit(Job(key="k", kind="a"))
    (held,) = await dead.jobs.claim(limit=1, lease=300)
    await dead.close()
    store = open_store(url)
    try:
        assert await store.jobs.claim(limit=1, lease=30) == []
        assert await store.take_over() == 1
        (again,) = await store.jobs.claim(limit=1, lease=30)
        assert (held.attempt, again.attempt) == (1, 2)
    finally:
        await store.close()


async def test_nothing_is_taken_from_a_process_that_lives(tmp_path: Path) -> None:
    """Two on one file: the second frees nothing; once the first is gone it may."""
    url = f"sqlite:///{tmp_path / 'bot.db'}"
    migrate(url)
    first, second = open_store(url), open_store(url)
    try:
        await first.take_over()
        await first.jobs.submit(Job(key="k", kind="a"))
        await first.jobs.claim(limit=1, lease=300)
        assert await second.take_over() == 0
        assert await second.jobs.claim(limit=1, lease=30) == []
        await first.close()
        assert await second.take_over() == 1
    finally:
        await second.close()
