"""kill -9, at every named point and at chance moments: nothing is lost, and nothing is decided twice."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from bot.adapters.store import open_store
from bot.domain.change import EventKind, Phase, ServiceRef
from bot.ports import Job
from tests.adapters.store.examples import a_change, an_event
from tests.worker.victim import POINTS

PATIENCE = 120.0
"""Seconds after which a replica hangs."""


async def propose(url: str, count: int) -> list[str]:
    """Store proposals, and for each the clicks of one who approves and one who rejects."""
    store = open_store(url)
    ids = [f"c-{n}" for n in range(count)]
    for change_id in ids:
        service = ServiceRef(cluster="prod", namespace="shop", name=change_id)
        clicks = [
            _click(change_id, EventKind.APPROVED, "U0BOB002"),
            _click(change_id, EventKind.REJECTED, "U0CAT003"),
        ]
        if int(change_id[2:]) % 2:
            clicks.reverse()
        await store.changes.open(a_change(change_id, service), an_event(), jobs=clicks)
    await store.close()
    return ids


def _click(change_id: str, kind: EventKind, by: str) -> Job:
    payload = {"change": change_id, "kind": kind.value, "by": by}
    return Job(key=f"click:{change_id}:{by}", kind="click", payload=payload)


async def replica(url: str, world: Path, mode: str) -> int:
    """Let a replica work; return how it ended."""
    arguments = ("-W", "error", "-m", "tests.worker.victim", url, str(world), mode)
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments)
    async with asyncio.timeout(PATIENCE):
        return await process.wait()


async def assert_one_story_each(url: str, world: Path, ids: list[str]) -> None:
    """Decided once, applied if and only if approved, told once, and the chain of events is whole."""
    store = open_store(url)
    for change_id in ids:
        change = await store.changes.get(change_id)
        kinds = [event.kind for event in await store.changes.events(change_id)]
        approved = EventKind.APPROVED in kinds
        assert change.phase is (Phase.VERIFYING if approved else Phase.REJECTED)
        after = [EventKind.APPROVED, EventKind.APPLY_STARTED, EventKind.APPLIED]
        assert kinds == [EventKind.PROPOSED, *(after if approved else [EventKind.REJECTED])]
        assert (world / f"patched {change_id}").exists() is approved
        assert (world / f"posted {change_id}").exists()
    assert await store.jobs.next_due() is None
    await store.audit.seal()
    assert (await store.audit.check()).broken is None
    await store.close()


@pytest.fixture
def world(tmp_path: Path) -> Path:
    """The outside, on which effects are seen."""
    folder = tmp_path / "world"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("point", POINTS)
async def test_a_replica_that_is_killed_loses_nothing(url: str, world: Path, point: str) -> None:
    """Another takes over when the lease ends, and the story is the same."""
    ids = await propose(url, 2)
    assert await replica(url, world, f"at:{point}") == -signal.SIGKILL
    assert await replica(url, world, "never") == 0
    await assert_one_story_each(url, world, ids)


async def test_replicas_that_are_killed_at_chance_moments_lose_nothing(url: str, world: Path) -> None:
    """Two at a time on one database, each killed twice and started again."""
    ids = await propose(url, 24)

    async def keep_alive(*modes: str) -> int:
        ends = [await replica(url, world, mode) for mode in (*modes, "never")]
        assert set(ends) <= {0, -signal.SIGKILL}
        assert ends[-1] == 0
        return ends.count(-signal.SIGKILL)

    kills = await asyncio.gather(keep_alive("hook:9", "hook:23"), keep_alive("hook:14", "hook:17"))
    assert sum(kills) >= 1
    await assert_one_story_each(url, world, ids)
