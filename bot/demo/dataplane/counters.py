"""What a load balancer's listener counts, kept in tenths of a second."""

from collections import deque
from dataclasses import dataclass

TICK = 0.1
RETENTION = 2 * 3600.0


@dataclass(slots=True, kw_only=True)
class Tick:
    """The counts of one tenth of a second."""

    index: int
    connections: int = 0


class Counter:
    """New connections of one listener over the last two hours, by the clock that records them."""

    def __init__(self) -> None:
        self._ticks: deque[Tick] = deque()
        self.total = 0

    def record(self, at: float) -> None:
        """Count one new connection at `at`, in seconds since the epoch."""
        index = round(at / TICK - 0.5)
        if not self._ticks or self._ticks[-1].index < index:
            self._ticks.append(Tick(index=index))
            self._forget(index - round(RETENTION / TICK))
        self._ticks[-1].connections += 1
        self.total += 1

    def between(self, start: float, end: float) -> int:
        """How many connections were opened from `start` until before `end`."""
        first, last = round(start / TICK), round(end / TICK)
        counted = 0
        for tick in reversed(self._ticks):
            if tick.index < first:
                break
            if tick.index < last:
                counted += tick.connections
        return counted

    def _forget(self, before: int) -> None:
        while self._ticks and self._ticks[0].index < before:
            self._ticks.popleft()
