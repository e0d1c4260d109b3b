"""Slack's speed limits, as token buckets.

Source: docs.slack.dev/apis/web-api/rate-limits: about one message per second and channel with short bursts;
tiers of 20, 50 and 100 calls a minute for the others.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bot.demo.slack.problem import SlackProblem


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many calls a second, after a burst of so many; per channel or for the whole app."""

    per_second: float
    burst: int
    per_channel: bool = False


_POST = Rate(per_second=1, burst=10, per_channel=True)
_TIER_2 = Rate(per_second=20 / 60, burst=20)
_TIER_3 = Rate(per_second=50 / 60, burst=50)
_TIER_4 = Rate(per_second=100 / 60, burst=100)

REALISTIC: Mapping[str, Rate] = {
    "chat.postMessage": _POST,
    "chat.postEphemeral": _TIER_4,
    "chat.update": _TIER_3,
    "chat.delete": _TIER_3,
    "conversations.list": _TIER_2,
    "conversations.history": _TIER_3,
    "conversations.replies": _TIER_3,
    "users.list": _TIER_2,
    "users.info": _TIER_4,
    "usergroups.list": _TIER_2,
    "usergroups.users.list": _TIER_2,
    "views.open": _TIER_4,
    "views.update": _TIER_4,
    "views.push": _TIER_4,
    "views.publish": _TIER_4,
    "reactions.add": _TIER_3,
}
NONE: Mapping[str, Rate] = {}


class Rates:
    """Counts calls and refuses those that come too fast."""

    def __init__(self, table: Mapping[str, Rate], clock: Callable[[], float]) -> None:
        self.table = table
        self._clock = clock
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def spend(self, method: str, channel: str) -> None:
        """Count one call.

        Raises:
            SlackProblem: too fast; its `retry_after` says how many seconds to wait.
        """
        rate = self.table.get(method)
        if rate is None:
            return
        key = (method, channel if rate.per_channel else "")
        now = self._clock()
        tokens, at = self._buckets.get(key, (float(rate.burst), now))
        tokens = min(float(rate.burst), tokens + (now - at) * rate.per_second)
        if tokens < 1:
            self._buckets[key] = (tokens, now)
            wait = max(1, math.ceil((1 - tokens) / rate.per_second))
            raise SlackProblem("ratelimited", status=429, retry_after=wait)
        self._buckets[key] = (tokens - 1, now)
