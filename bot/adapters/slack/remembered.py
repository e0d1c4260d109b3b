"""Answers that may be a minute old: people, groups and channels."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class Remembered(Generic[T]):
    """Keeps answers for `ttl` seconds, the latest `most` of them; a failed look-up is not kept, and raises every time."""

    def __init__(
        self,
        ask: Callable[[str], Awaitable[T]],
        *,
        ttl: float = 60.0,
        most: int = 5000,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._ask = ask
        self._ttl = ttl
        self._most = most
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, T]] = OrderedDict()

    async def __call__(self, key: str) -> T:
        """Return the answer for a key; raises what the look-up raises."""
        known = self._known.get(key)
        if known and self._clock() - known[0] < self._ttl:
            return known[1]
        self._known.pop(key, None)
        answer = await self._ask(key)
        self._known[key] = (self._clock(), answer)
        if len(self._known) > self._most:
            self._known.popitem(last=False)
        return answer
