"""What a load balancer's listener counts, kept in tenths of a second."""

from bisect import bisect_left

TICKS_PER_SECOND = 10
RETENTION = 2 * 3600 * TICKS_PER_SECOND


class Counter:
    """New connections of one listener over at least the last two hours.

    Kept as running totals by tick, so that any window is two look-ups away.
    """

    def __init__(self) -> None:
        self._ticks: list[int] = []
        self._totals: list[int] = []
        self.total = 0

    def record(self, at: float) -> None:
        """Count one new connection at `at`, in seconds since the epoch; time must not run backwards."""
        tick = int(at * TICKS_PER_SECOND + 1e-5)
        self.total += 1
        if self._ticks and self._ticks[-1] >= tick:
            self._totals[-1] = self.total
            return
        self._ticks.append(tick)
        self._totals.append(self.total)
        self._forget(tick - RETENTION)

    def between(self, start: float, end: float) -> int:
        """How many connections were opened from `start` until before `end`, in seconds since the epoch."""
        return self._before(end) - self._before(start)

    def _before(self, at: float) -> int:
        index = bisect_left(self._ticks, round(at * TICKS_PER_SECOND))
        return self._totals[index - 1] if index else 0

    def _forget(self, before: int) -> None:
        """Drop what is too old, in big strides: a list is slow at its head."""
        if len(self._ticks) > RETENTION // 4 and self._ticks[len(self._ticks) // 2] < before:
            half = len(self._ticks) // 2
            del self._ticks[:half], self._totals[:half]
