"""The log of requests, for tests that count and for people who wonder."""

import asyncio
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

KEPT = 50_000


@dataclass(slots=True, kw_only=True)
class Seen:
    """One request. `status` is None while it is not answered, 0 where the connection was broken instead."""

    method: str
    path: str
    query: str
    user: str
    agent: str
    verb: str
    resource: str
    status: int | None = None


class Requests:
    """What was asked, oldest first."""

    def __init__(self) -> None:
        self._seen: deque[Seen] = deque(maxlen=KEPT)
        self._news = asyncio.Event()

    def __iter__(self) -> Iterator[Seen]:
        return iter(tuple(self._seen))

    def __len__(self) -> int:
        return len(self._seen)

    def note(self, seen: Seen) -> Seen:
        """Remember a request."""
        self._seen.append(seen)
        self._news.set()
        self._news = asyncio.Event()
        return seen

    def of(self, verb: str | None = None, resource: str | None = None) -> list[Seen]:
        """Return the requests of a verb (`patch`, `list`) and a resource (`services`, `services/status`)."""
        return [
            each for each in self._seen if verb in {None, each.verb} and resource in {None, each.resource}
        ]

    async def reach(self, count: int, verb: str | None = None, resource: str | None = None) -> list[Seen]:
        """Wait until that many requests of a verb and a resource have arrived, and return them."""
        while len(found := self.of(verb, resource)) < count:
            await self._news.wait()
        return found

    def clear(self) -> None:
        """Forget everything."""
        self._seen.clear()
