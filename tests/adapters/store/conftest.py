"""The store under test: SQLite, PostgreSQL, SQLite as the next version migrates it, and the twin in memory."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.adapters.store import SqlStore, migrate, open_store
from tests.adapters.store.databases import BACKENDS, empty_database, empty_url, migrate_further, url
from tests.fakes.store import MemoryStore

__all__ = ["empty_url", "url"]


FURTHER = "sqlite, migrated further"


@pytest.fixture(params=["memory", *BACKENDS, FURTHER])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MemoryStore | SqlStore]:
    """Give each store in turn: one contract for all of them."""
    if request.param == "memory":
        yield MemoryStore()
        return
    async with AsyncExitStack() as stack:
        backend, _, further = request.param.partition(", ")
        where = stack.enter_context(empty_database(backend, tmp_path))
        (migrate_further if further else migrate)(where)
        opened = open_store(where)
        stack.push_async_callback(opened.close)
        yield opened
