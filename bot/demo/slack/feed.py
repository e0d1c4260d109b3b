"""The change feed: everything that happens in the workspace, to those who may see it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

Json = dict[str, Any]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that happened; `to` names the only person who may see it, `channel` where it happened."""

    kind: str
    data: Json = field(default_factory=dict)
    to: str | None = None
    channel: str | None = None


class Feed:
    """Hands every change to each subscriber, and wakes those who wait for a condition."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Change | None]] = set()
        self._changed = asyncio.Event()

    def publish(self, change: Change) -> None:
        """Tell everybody."""
        for queue in self._queues:
            queue.put_nowait(change)
        woken, self._changed = self._changed, asyncio.Event()
        woken.set()

    def close(self) -> None:
        """End every subscription."""
        for queue in self._queues:
            queue.put_nowait(None)

    @asynccontextmanager
    async def subscribed(self) -> AsyncIterator[AsyncIterator[Change]]:
        """Give the changes from now on, until the feed closes."""
        queue: asyncio.Queue[Change | None] = asyncio.Queue()
        self._queues.add(queue)
        try:
            yield _drain(queue)
        finally:
            self._queues.discard(queue)

    async def wait_for(self, predicate: Callable[[], Found | None], timeout: float) -> Found:  # noqa: ASYNC109 - the caller names the limit, asyncio.timeout keeps it
        """Return what `predicate` gives as soon as it is truthy, asked now and after every change.

        Raises:
            TimeoutError: it was not within `timeout` seconds.
        """
        async with asyncio.timeout(timeout):
            while True:
                changed = self._changed
                found = predicate()
                if found:
                    return found
                await changed.wait()


async def _drain(queue: asyncio.Queue[Change | None]) -> AsyncIterator[Change]:
    while (change := await queue.get()) is not None:
        yield change
