"""Slack's payloads, read once: whatever is missing or of another type becomes an empty string."""

import re
from collections.abc import Mapping
from typing import Any

from bot.operations.caller import Caller

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ue000-\uf8ff]")
REASON_LIMIT = 1000
"""Characters of a reason that are kept."""


def text(body: Any, *path: str | int) -> str:
    """Follow keys and indices into a payload; anything unexpected on the way is an empty string."""
    for key in path:
        if isinstance(key, int):
            body = body[key] if isinstance(body, list) and len(body) > key else None
        else:
            body = body.get(key) if isinstance(body, Mapping) else None
    return body if isinstance(body, str) else ""


def reason(said: str) -> str:
    """A reason as it is stored: no control characters, not endless."""
    return _CONTROL.sub("", said).strip()[:REASON_LIMIT]


def command_caller(body: Mapping[str, Any]) -> Caller:
    """Read who gave a slash command, and where."""
    return Caller(
        user=text(body, "user_id"),
        team=text(body, "team_id"),
        channel=text(body, "channel_id"),
        response_url=text(body, "response_url"),
    )


def action_caller(body: Mapping[str, Any]) -> Caller:
    """Read who clicked, and where; a click in a thread is answered in that thread."""
    return Caller(
        user=text(body, "user", "id"),
        team=text(body, "user", "team_id") or text(body, "team", "id"),
        channel=text(body, "channel", "id") or text(body, "container", "channel_id"),
        response_url=text(body, "response_url"),
    )


def mention_caller(body: Mapping[str, Any]) -> Caller:
    """Read who mentioned the bot, and in which thread; outside a thread the mention starts one."""
    return Caller(
        user=text(body, "event", "user"),
        team=text(body, "event", "team") or text(body, "team_id"),
        channel=text(body, "event", "channel"),
        thread=text(body, "event", "thread_ts") or text(body, "event", "ts"),
    )


def shortcut_caller(body: Mapping[str, Any]) -> Caller:
    """Read who used the message shortcut, and on which message's thread."""
    caller = action_caller(body)
    thread = text(body, "message", "thread_ts") or text(body, "message", "ts")
    return Caller(
        user=caller.user,
        team=caller.team,
        channel=caller.channel,
        thread=thread,
        response_url=caller.response_url,
    )
