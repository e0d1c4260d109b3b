"""Clients from the Internet that nobody asked for."""

import asyncio
from random import Random

from bot.demo.dataplane.plane import DataPlane


class Noise:
    """Opens connections to one address at random moments, `rate` per second on average."""

    def __init__(self, plane: DataPlane, *, address: str, port: int, rate: float, seed: int = 0) -> None:
        self._plane = plane
        self._target = (address, port)
        self._dice = Random(seed)
        self._timer: asyncio.TimerHandle | None = None
        self.rate = rate
        self.opened = 0

    def start(self) -> None:
        """Begin; needs a running event loop."""
        if self._timer is None and self.rate > 0:
            wait = self._dice.expovariate(self.rate)
            self._timer = asyncio.get_running_loop().call_later(wait, self._open)

    def stop(self) -> None:
        """End."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _open(self) -> None:
        self._timer = None
        self._plane.trace_external(*self._target)
        self.opened += 1
        self.start()
