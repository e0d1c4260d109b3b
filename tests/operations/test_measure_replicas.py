"""Two replicas on one PostgreSQL database: one verification of a Service at a time, whoever starts it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from bot.adapters.store import SqlStore, migrate, open_store
from bot.config.settings import Clients, VerificationSettings
from bot.domain.verification import Run
from bot.operations.refusal import Refused
from bot.operations.verify import stop, verify
from bot.operations.world import World
from tests.adapters.store.databases import empty_database
from tests.fakes.world import ALICE, Town, caller

CALLER = caller(ALICE)
pytestmark = pytest.mark.postgresql


@pytest.fixture
async def replicas(tmp_path: Path) -> AsyncIterator[list[World]]:
    """Two processes over one world: each has connections of its own to the database."""
    async with AsyncExitStack() as stack:
        where = stack.enter_context(empty_database("postgresql", tmp_path))
        migrate(where)
        stores: list[SqlStore] = [open_store(where) for _ in range(2)]
        for store in stores:
            stack.push_async_callback(store.close)
        town = Town(verification=VerificationSettings(clients=Clients.PROBE))
        yield [town.replica(store=store) for store in stores]


async def asked(world: World, request: str) -> Run | str:
    """What comes of a command: a run, or the sentence for the person."""
    try:
        return await verify(world, request, CALLER, "shop/checkout", CALLER.channel)
    except Refused as refused:
        return str(refused)


async def test_two_who_verify_at_once_get_one_run(replicas: list[World]) -> None:
    """The other one is told that it is under way; nobody's connections are counted as somebody else's."""
    for number in range(10):
        answers = await asyncio.gather(
            *(asked(world, f"{number}-{each}") for each, world in enumerate(replicas * 3))
        )
        runs = [answer for answer in answers if isinstance(answer, Run)]
        assert len(runs) == 1
        assert all("is under way already" in answer for answer in answers if isinstance(answer, str))
        await replicas[number % 2].store.runs.save(runs[0], _ended(runs[0], replicas[0]))


async def test_the_same_command_performed_by_both_is_one_run(replicas: list[World]) -> None:
    """A job that one replica lost and the other took over."""
    first, second = await asyncio.gather(*(asked(world, "the same") for world in replicas))
    assert isinstance(first, Run)
    assert isinstance(second, Run)
    assert first.id == second.id


async def test_a_run_that_one_replica_started_is_stopped_at_the_other(replicas: list[World]) -> None:
    """Who stops it is in the row, and its next step sees it."""
    one, other = replicas
    run = await verify(one, "r", CALLER, "shop/checkout", CALLER.channel)
    assert "stops" in await stop(other, run.id, CALLER)
    assert (await one.store.runs.get(run.id)).stopped_by == ALICE


def _ended(run: Run, world: World) -> Run:
    return replace(run, finished_at=world.clock())
