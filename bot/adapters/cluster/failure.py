"""What went wrong with a call to an API server, in the words of `bot.ports`.

The sentences are shown to people, so they are bounded, hold no control characters and never a credential.
"""

import json
import re
from http import HTTPStatus

import aiohttp
from kubernetes.aio.config import ConfigException

from bot.ports import Conflict, Forbidden, Invalid, NotFound, Unavailable, WorldError

TRANSPORT = (aiohttp.ClientError, TimeoutError, OSError, ConfigException)
"""What a call may raise below HTTP: no connection, a broken one, none in time, unusable credentials."""

_SENTENCE = 400
_SECRET = re.compile(r"(?i)\b(?:bearer|basic)\s+\S+|\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?")
_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f]+")


class Unauthorized(Forbidden):
    """401: the credentials are not, or no longer, accepted."""


class AlreadyThere(Conflict):
    """409 AlreadyExists: an object of that name is there."""


class ExpiredError(WorldError):
    """410: the resourceVersion or the continue token is older than the API server remembers."""


class DisorderError(WorldError):
    """The server's answers contradict each other; only a fresh list tells what is so."""


_KNOWN: dict[int, type[WorldError]] = {
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.NOT_FOUND: NotFound,
    HTTPStatus.CONFLICT: Conflict,
    HTTPStatus.GONE: ExpiredError,
}
_LATER = {HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.REQUEST_TIMEOUT}


def sentence(text: str) -> str:
    """Make text from outside fit for a person: one line, bounded, without anything like a credential."""
    line = _SECRET.sub("…", _NOT_PRINTED.sub(" ", text)).strip()
    return line if len(line) <= _SENTENCE else line[: _SENTENCE - 1] + "…"


def refusal(status: int, body: bytes, *, cluster: str) -> WorldError:
    """Translate an HTTP status and its `Status` body.

    A stale resourceVersion in a merge patch is a 409, an admission webhook's refusal a 403, as measured against
    a real API server.
    """
    reason, message = _status(body)
    message = message or f"{cluster} answered with status {status}"
    if reason == "AlreadyExists":
        return AlreadyThere(message)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _LATER:
        return Unavailable(f"{cluster} cannot answer now: {message}")
    return _KNOWN.get(status, Invalid)(message)


def silence(error: BaseException, *, cluster: str, seconds: float) -> Unavailable:
    """Translate what happened below HTTP; whether the server acted is not known."""
    return Unavailable(f"{cluster} does not answer: {_why(error, seconds)}")


def _why(error: BaseException, seconds: float) -> str:
    match error:
        case ConfigException():
            return sentence(f"the kubeconfig cannot be used ({error})")
        case TimeoutError():
            return f"nothing came within {seconds:g} s"
        case aiohttp.ClientConnectorCertificateError():
            return "its certificate is not trusted"
        case aiohttp.ClientConnectorError():
            return sentence(error.os_error.strerror or "no connection").lower()
    return "the connection broke off"


def _status(body: bytes) -> tuple[str, str]:
    try:
        status = json.loads(body)
    except ValueError:
        return "", ""
    if not isinstance(status, dict):
        return "", ""
    return str(status.get("reason", "")), sentence(str(status.get("message", "")))
