"""Presence: whether the app is there to be spoken to, as far as whoever runs it tells."""

import asyncio
from typing import Any, Literal

from bot.demo.slack.feed import Change, Feed

Json = dict[str, Any]
State = Literal["unknown", "starting", "there"]
PATIENCE = 40.0
"""Seconds for which what a person does waits for an app that is starting."""


class Presence:
    """Unknown until told: Slack itself does not know, and lets a command fail."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._settled = asyncio.Event()
        self._settled.set()
        self.state: State = "unknown"

    def wire(self) -> Json:
        """Return what the page shows."""
        return {"state": self.state}

    def tell(self, state: State) -> None:
        """Say what has become of the app."""
        self.state = state
        if state == "starting":
            self._settled.clear()
        else:
            self._settled.set()
        self._feed.publish(Change(kind="presence", data=self.wire()))

    async def settled(self) -> None:
        """Wait while the app is starting, but not for ever."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._settled.wait()
        except TimeoutError:
            return  # what is sent now fails as it would in Slack, and the person is told so
