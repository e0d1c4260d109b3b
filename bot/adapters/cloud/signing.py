"""SDK-HMAC-SHA256 request signatures, as a pure function.

The canonical form is that of the vendor's "API Request Signing Guide": method, path with a trailing slash, sorted
query, the headers by lower-case name, their names, and the body's SHA-256.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

ALGORITHM = "SDK-HMAC-SHA256"
Query = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An access key; a temporary one goes with a security token."""

    access: str
    secret: str
    token: str = ""


def stamp(at: datetime) -> str:
    """Write a time as X-Sdk-Date wants it."""
    return at.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def encoded(query: Query) -> str:
    """Write a query as it is signed; it must be sent in the same words."""
    return "&".join(f"{_escape(name)}={_escape(value)}" for name, value in sorted(query))


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request before it is authorised; `path` is plain text, not escaped."""

    method: str
    path: str
    query: Query = ()
    body: bytes = b""


def authorization(key: Key, request: Request, headers: Mapping[str, str]) -> str:
    """Return the Authorization header for a request.

    Every header is signed; X-Sdk-Date must be among them, and X-Security-Token where the key has a token.
    """
    signed = {name.lower(): value.strip() for name, value in headers.items()}
    path = escaped(request.path)
    names = ";".join(sorted(signed))
    canonical = "\n".join(
        (
            request.method.upper(),
            path if path.endswith("/") else f"{path}/",
            encoded(request.query),
            *(f"{name}:{signed[name]}" for name in sorted(signed)),
            "",
            names,
            hashlib.sha256(request.body).hexdigest(),
        )
    )
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = f"{ALGORITHM}\n{signed['x-sdk-date']}\n{digest}"
    signature = hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    return f"{ALGORITHM} Access={key.access}, SignedHeaders={names}, Signature={signature}"


def escaped(path: str) -> str:
    """Write a path as it is signed and sent."""
    return "/".join(_escape(part) for part in path.split("/"))


def _escape(text: str) -> str:
    return quote(text, safe="~")
