"""What Slack's error codes mean to us."""

from slack_sdk.errors import SlackApiError

from bot.ports import Forbidden, Invalid, NotFound, Unavailable, WorldError

MISSING = frozenset(
    {
        "channel_not_found",
        "not_in_channel",
        "is_archived",
        "message_not_found",
        "user_not_found",
        "no_such_subteam",
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


def translated(error: SlackApiError, method: str) -> WorldError:
    """Return our error for Slack's; its message names the method and the code, never a token."""
    code = code_of(error)
    sentence = f"Slack answered {method} with {code}"
    if code in MISSING:
        return NotFound(sentence)
    if code in REFUSED_CONTENT:
        return Invalid(sentence)
    if code in PASSING or _status(error) >= 500 or _status(error) == 429:  # noqa: PLR2004 - HTTP's own numbers
        return _unavailable(error, sentence)
    return Forbidden(sentence)


def code_of(error: SlackApiError) -> str:
    """Return Slack's error code, or the HTTP status where the body holds none."""
    data = getattr(error.response, "data", None)
    code = data.get("error") if isinstance(data, dict) else None
    return str(code) if code else f"HTTP {_status(error)}"


def _status(error: SlackApiError) -> int:
    status = getattr(error.response, "status_code", 0)
    return status if isinstance(status, int) else 0


def _unavailable(error: SlackApiError, sentence: str) -> Unavailable:
    headers = getattr(error.response, "headers", None) or {}
    wait = next((str(value) for name, value in headers.items() if name.lower() == "retry-after"), "")
    return Unavailable(sentence, retry_after=float(wait) if wait.isdigit() else None)
