"""Traces of a message whose answer was lost: looked for before it is posted again."""

import logging
from collections.abc import AsyncIterator, Mapping
from time import time
from typing import Any

from bot.adapters.slack.calls import Calls
from bot.domain.change import Place
from bot.ports import Forbidden, Invalid, NotFound, WorldError

log = logging.getLogger(__name__)

METADATA = "elb_passthrough"
"""`event_type` of our messages' metadata; its payload holds the message's key and nothing else."""
LOOK_BACK = 3 * 3600
"""Seconds of a channel's history in which a message is looked for."""
PAGE = 200
MOST_PAGES = 10


def stamp_of(message: Mapping[str, Any]) -> str:
    """Return a message's time stamp, which is its name; some servers write the number that it looks like."""
    ts = message.get("ts")
    return f"{ts:.6f}" if isinstance(ts, float | int) else str(ts or "")


class Traces:
    """Finds our messages by their keys."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def find(self, channel: str, thread: str | None, key: str) -> Place | None:
        """Return where a message is; None: nowhere, or the bot may not look. A second copy is removed.

        Raises:
            Unavailable: Slack does not answer; whether it is there is not known.
        """
        try:
            found = [ts async for ts, k in self._messages(channel, thread) if k == key]
        except (Forbidden, Invalid, NotFound) as error:
            log.warning("cannot look whether a message is there already: %s", error)
            return None
        for copy in sorted(found)[1:]:
            await self._remove(Place(channel=channel, ts=copy))
        return Place(channel=channel, ts=min(found)) if found else None

    async def _messages(self, channel: str, thread: str | None) -> AsyncIterator[tuple[str, str]]:
        """The timestamps and keys of what was posted lately, page by page."""
        where: dict[str, Any] = {
            "channel": channel,
            "include_all_metadata": "true",
            "limit": str(PAGE),
            "oldest": f"{time() - LOOK_BACK:.6f}",
            "ts": thread,
        }
        method = "conversations.replies" if thread else "conversations.history"
        for _ in range(MOST_PAGES):
            answer = await self._calls.read(method, **where)
            for message in answer.get("messages") or ():
                if isinstance(message, dict):
                    yield stamp_of(message), _key(message)
            more = answer.get("response_metadata")
            where["cursor"] = more.get("next_cursor") if isinstance(more, dict) else None
            if not where["cursor"]:
                return

    async def _remove(self, copy: Place) -> None:
        try:
            await self._calls.write("chat.delete", channel=copy.channel, ts=copy.ts)
        except WorldError as error:
            log.info("a second copy of a message stays: %s", error)


def _key(message: dict[str, Any]) -> str:
    metadata = message.get("metadata")
    if not isinstance(metadata, dict) or metadata.get("event_type") != METADATA:
        return ""
    payload = metadata.get("event_payload")
    return str(payload.get("key", "")) if isinstance(payload, dict) else ""
