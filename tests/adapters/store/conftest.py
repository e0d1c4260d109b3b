"""The store under test: SQLite, PostgreSQL, and the twin in memory."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from bot.adapters.store import SqlStore, migrate, open_store
from tests.adapters.store.databases import BACKENDS, empty_database, empty_url, url
from tests.fakes.store import MemoryStore

__all__ = ["empty_url", "url"]


@pytest.fixture(params=["memory", *BACKENDS])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[MemoryStore | SqlStore]:
    """Give each store in turn: one contract for all of them."""
    if request.param == "memory":
        yield MemoryStore()
        return
    async with AsyncExitStack() as stack:
        where = stack.enter_context(empty_database(request.param, tmp_path))
        migrate(where)
        opened = open_store(where)
        stack.push_async_callback(opened.close)
        yield opened
