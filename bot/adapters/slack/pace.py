"""One message a second to a channel, in the order in which they were asked for.

Slack allows about that much (docs: rate limits of chat.postMessage); keeping it ourselves costs less than
being told to wait.
"""

import asyncio
from collections import OrderedDict

REMEMBERED = 1000
"""Channels whose last message is remembered; the oldest are forgotten first."""


class Pace:
    """Lets one caller per channel through at a time, at least `gap` seconds after the one before."""

    def __init__(self, gap: float = 1.0) -> None:
        self._gap = gap
        self._free_at: OrderedDict[str, float] = OrderedDict()

    async def turn(self, channel: str) -> None:
        """Wait for this caller's turn in the channel."""
        now = asyncio.get_running_loop().time()
        at = max(now, self._free_at.pop(channel, 0.0))
        self._free_at[channel] = at + self._gap
        if len(self._free_at) > REMEMBERED:
            self._free_at.popitem(last=False)
        if at > now:
            await asyncio.sleep(at - now)
