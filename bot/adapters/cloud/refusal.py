"""What a cloud service's error means, in the words of `bot.ports`.

The gateway's message on a refused signature repeats the signed headers, security token included: it is not passed
on. Other messages are, bounded and without any secret.
"""

import json
import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from bot.ports import Forbidden, Invalid, NotFound, Unavailable, WorldError

_SENTENCE = 300
_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f]+")
_KNOWN: dict[int, type[WorldError]] = {HTTPStatus.FORBIDDEN: Forbidden, HTTPStatus.NOT_FOUND: NotFound}
_LATER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT}


def is_passing(status: int) -> bool:
    """Whether the same request may succeed a moment later."""
    lasting = status == HTTPStatus.NOT_IMPLEMENTED
    return status in _LATER or (status >= HTTPStatus.INTERNAL_SERVER_ERROR and not lasting)


def refusal(service: str, status: int, body: bytes, *, secrets: Iterable[str], skew: str) -> WorldError:
    """Translate an error answer; `skew` is a sentence on the clocks, if they differ."""
    name = service.upper()
    if status == HTTPStatus.UNAUTHORIZED:
        return Forbidden(f"{name} does not accept the credentials" + (f"; {skew}" if skew else ""))
    told = sentence(_message(body), secrets)
    what = f"{name} answered {status}" + (f": {told}" if told else "")
    if is_passing(status):
        return Unavailable(what)
    return _KNOWN.get(status, Invalid)(what)


def sentence(text: str, secrets: Iterable[str]) -> str:
    """Make text from outside fit for a person: one line, bounded, without our secrets."""
    for secret in secrets:
        if secret:
            text = text.replace(secret, "…")
    line = _NOT_PRINTED.sub(" ", text).strip()
    return line if len(line) <= _SENTENCE else line[: _SENTENCE - 1] + "…"


def _message(body: bytes) -> str:
    """Find the message: each service has its own shape for it."""
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    if not isinstance(answer, dict):
        return ""
    for found in (answer.get("error_msg"), answer.get("errorMessage"), answer.get("message")):
        if isinstance(found, str):
            return found
    for inner in (answer.get("message"), answer.get("error")):
        if isinstance(inner, dict):
            return _inner(inner)
    return ""


def _inner(answer: Mapping[str, Any]) -> str:
    return str(answer.get("details") or answer.get("message") or "")
