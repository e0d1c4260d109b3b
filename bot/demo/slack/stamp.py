"""The workspace's stamps: message timestamps, and ids in Slack's manner."""

import random
from collections.abc import Callable

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MICRO = 1_000_000


class Stamps:
    """Unique, increasing `ts` strings and random-looking ids, both repeatable from a seed."""

    def __init__(self, *, clock: Callable[[], float], seed: int) -> None:
        self.clock = clock
        self._last = 0
        self._random = random.Random(seed)

    def ts(self) -> str:
        """Return the next message timestamp: epoch seconds with six decimals, never the same twice."""
        self._last = max(self._last + 1, int(self.clock() * _MICRO))
        return f"{self._last // _MICRO}.{self._last % _MICRO:06d}"

    def id(self, prefix: str, length: int = 10) -> str:
        """Return an id such as V0K3… for the prefix V."""
        return prefix + "".join(self._random.choices(_ALPHABET, k=length))
