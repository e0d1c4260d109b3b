"""Slack's payloads, read once: whatever is missing or of another type becomes an empty string."""

import re
from collections.abc import Mapping
from hashlib import sha256
from json import JSONDecodeError, dumps, loads
from typing import Any

from bot.operations.caller import Caller

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ue000-\uf8ff]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
"""Valid in JSON, and refused by databases: NUL, and halves of a pair of surrogates."""
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|[^>]*)?>")
_MARKUP = re.compile(r"<(?:([^<>|]*)\|)?([^<>|]*)>")
REASON_LIMIT = 1000
"""Characters of a reason that are kept."""


def text(body: Any, *path: str | int) -> str:
    """Follow keys and indices into a payload; anything unexpected on the way is an empty string."""
    for key in path:
        if isinstance(key, int):
            body = body[key] if isinstance(body, list) and len(body) > key else None
        else:
            body = body.get(key) if isinstance(body, Mapping) else None
    return _UNSTORABLE.sub("", body) if isinstance(body, str) else ""


def reason(said: str) -> str:
    """A reason as it is stored: no control characters, not endless; where it was cut, it says so."""
    kept = _CONTROL.sub("", said).strip()
    return kept if len(kept) <= REASON_LIMIT else f"{kept[: REASON_LIMIT - 1]}…"


def delivery(body: Any, event: str = "") -> str:
    """Name a delivery by what is its own, so that a second one of the same is known.

    An event is known by its id, under which Slack repeats it. Anything else is known as a whole: a server that
    is only compatible with Slack may give every command the same trigger_id.
    """
    own = event or dumps(body, sort_keys=True, default=str)
    return sha256(own.encode("utf-8", "surrogatepass")).hexdigest()[:32]


# --- what somebody wrote ---------------------------------------------------------------------------------


def command_text(body: Mapping[str, Any]) -> str:
    """What was typed behind the slash command; Slack escapes three characters."""
    return _unescaped(text(body, "text"))


def mention_text(body: Mapping[str, Any]) -> str:
    """What was said to the bot: what follows its name, or else what goes before it."""
    said, bot = text(body, "event", "text"), text(body, "authorizations", 0, "user_id")
    found = next((m for m in _MENTION.finditer(said) if bot in ("", m[1])), None)
    if found is None:
        return _unescaped(_shown(said))
    after = _shown(said[found.end() :]).lstrip(" \t\n,:")
    return _unescaped(after or _shown(said[: found.start()])).strip()


def _shown(said: str) -> str:
    """A message's text as it is shown: links by their label, people and channels by their sign."""
    return _MARKUP.sub(lambda m: f"@{m[2]}" if (m[1] or "").startswith("@") else m[2], said)


def _unescaped(said: str) -> str:
    return said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


# --- who did it, and where -------------------------------------------------------------------------------


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
    message = text(body, "container", "message_ts") or text(body, "message", "ts")
    thread = text(body, "container", "thread_ts") or text(body, "message", "thread_ts")
    return Caller(
        user=text(body, "user", "id"),
        team=text(body, "user", "team_id") or text(body, "team", "id"),
        channel=text(body, "channel", "id") or text(body, "container", "channel_id"),
        # The message that a thread hangs on is itself in the channel.
        thread="" if thread == message else thread,
        response_url=text(body, "response_url"),
    )


def mention_caller(body: Mapping[str, Any]) -> Caller:
    """Read who mentioned the bot, and in which thread; outside a thread the mention starts one."""
    return Caller(
        user=text(body, "event", "user"),
        team=text(body, "event", "user_team") or text(body, "event", "team") or text(body, "team_id"),
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


def submission_caller(body: Mapping[str, Any]) -> Caller:
    """Read who submitted a modal: whoever Slack says, in the place that the modal remembers."""
    stored = metadata(body).get("caller")
    place = Caller.from_json(stored if isinstance(stored, Mapping) else {})
    return Caller(
        user=text(body, "user", "id"),
        team=text(body, "user", "team_id") or text(body, "team", "id"),
        channel=place.channel,
        thread=place.thread,
        response_url=place.response_url,
    )


def action_value(body: Mapping[str, Any]) -> str:
    """What a button carries, or the option that was chosen in a menu."""
    return text(body, "actions", 0, "value") or text(body, "actions", 0, "selected_option", "value")


# --- modals ----------------------------------------------------------------------------------------------


def metadata(body: Any) -> dict[str, Any]:
    """What a view of ours remembers; a foreign one remembers nothing."""
    try:
        found = loads(text(body, "view", "private_metadata") or "{}")
    except (JSONDecodeError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def chosen(body: Any, field: str) -> str:
    """The option that was chosen in a field of the `ask` view."""
    return text(body, "view", "state", "values", field, f"ask:{field}", "selected_option", "value")
