"""What Slack's error codes mean to us."""

from collections.abc import Mapping
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError

from bot.ports import Forbidden, Invalid, NotFound, Unavailable, WorldError

MISSING = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "message_not_found",
        # Not ours, or too old to be edited: as good as gone, for whoever wants to bring it up to date.
        "cant_update_message",
        "edit_window_closed",
        "user_not_found",
        "user_not_in_channel",
        "users_not_found",
        "no_such_subteam",
        "subteam_disabled",
    }
)
REFUSED_CONTENT = frozenset(
    {
        "invalid_blocks",
        "invalid_blocks_format",
        "msg_blocks_too_long",
        "msg_too_long",
        "no_text",
        "invalid_arguments",
    }
)
PASSING = frozenset(
    {"ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
UNKNOWN = "unknown_method"
"""This server is not Slack's own."""
_NO_SUCH_PAGE = frozenset({"HTTP 404", "HTTP 405", "HTTP 501"})
LACKING = _NO_SUCH_PAGE | {UNKNOWN, "missing_scope", "method_deprecated", "not_allowed_token_type"}
"""A method that this app, or this server, does not have: it costs what it is for, never the answer."""
_NO_ANSWER = frozenset({"HTTP 0", "HTTP 200"})
"""Statuses that, without an error code of Slack's, mean that something else answered in its place."""
LONGEST_WAIT = 300.0
"""Seconds that a Retry-After may make us wait; more is a mistake of somebody's."""


class ThreadGone(NotFound):
    """The thread's first message was deleted."""


class Lacking(Forbidden):
    """This server, or this app, does not have the method: what needs it is left out."""


class UnknownMethod(Lacking):
    """This server does not have the method, and says so in Slack's word; a proxy's page of an error does not."""


def translated(error: SlackApiError, method: str) -> WorldError:
    """Return our error for Slack's; its message names the method and the code, never a token."""
    code, status = code_of(error), status_of(error)
    sentence = f"Slack answered {method} with {code}"
    if code == "thread_not_found":
        return ThreadGone(sentence)
    if code in PASSING or (code not in LACKING and (passing(status) or code in _NO_ANSWER)):
        return Unavailable(sentence, retry_after=retry_after(getattr(error.response, "headers", None)))
    return _kind(code)(sentence)


def silence(error: BaseException) -> str:
    """Say in words how no answer came; a class's name says nothing to people."""
    match error:
        case TimeoutError():
            return "it took too long"
        case aiohttp.ClientConnectorError():
            return "no connection"
        case aiohttp.ClientPayloadError() | aiohttp.ContentTypeError():
            return "its answer cannot be read"
        case aiohttp.ClientConnectionError() | OSError() | EOFError():
            return "the connection broke off"
        case _:
            return "what came is no answer"


def _kind(code: str) -> type[WorldError]:
    if code in MISSING:
        return NotFound
    if code in REFUSED_CONTENT:
        return Invalid
    if code == UNKNOWN:
        return UnknownMethod
    return Lacking if code in LACKING else Forbidden


def code_of(error: SlackApiError) -> str:
    """Return Slack's error code, or the HTTP status where the body holds none."""
    data = getattr(error.response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    return str(code) if code else f"HTTP {status_of(error)}"


def status_of(error: SlackApiError) -> int:
    """Return the HTTP status; a body that is no JSON comes as aiohttp's response rather than the SDK's."""
    status = getattr(error.response, "status_code", None) or getattr(error.response, "status", 0)
    return status if isinstance(status, int) else 0


def passing(status: int) -> bool:
    """Whether an HTTP status means that the same may work later."""
    return status == 429 or status >= 500  # noqa: PLR2004 - HTTP's own numbers


def retry_after(headers: Mapping[str, Any] | None) -> float | None:
    """Return how many seconds Slack asks to wait; None where it does not say."""
    wait = next((str(v) for name, v in (headers or {}).items() if name.lower() == "retry-after"), "")
    return min(LONGEST_WAIT, float(wait)) if wait.isascii() and wait.isdigit() else None
