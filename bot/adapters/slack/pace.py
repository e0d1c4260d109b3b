"""One message a second to a channel, in the order in which they were asked for.

Slack allows about that much (docs: rate limits of chat.postMessage); keeping it ourselves costs less than
being told to wait.
"""

import asyncio
from collections import OrderedDict

REMEMBERED = 1000
"""Channels whose last message is remembered; the oldest are forgotten first."""


class _Lane:
    """One channel's order and when it is free again."""

    __slots__ = ("free_at", "lock")

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.free_at = 0.0


class Pace:
    """Lets one caller per channel through at a time, at least `gap` seconds after the one before."""

    def __init__(self, gap: float = 1.0) -> None:
        self._gap = gap
        self._lanes: OrderedDict[str, _Lane] = OrderedDict()

    async def turn(self, channel: str) -> None:
        """Wait for this caller's turn in the channel.

        The gap counts from when the one before really went, however late a busy loop woke it.
        """
        lane = self._lanes.setdefault(channel, _Lane())
        self._lanes.move_to_end(channel)
        if len(self._lanes) > REMEMBERED:
            self._lanes.popitem(last=False)
        loop = asyncio.get_running_loop()
        async with lane.lock:
            await asyncio.sleep(max(0.0, lane.free_at - loop.time()))
            lane.free_at = max(lane.free_at, loop.time()) + self._gap
