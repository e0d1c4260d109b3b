"""Request signatures of the cloud (SDK-HMAC-SHA256), as the gateway checks them.

The canonical form is the vendor's "API Request Signing Guide".
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from urllib.parse import parse_qsl, quote, unquote

ALGORITHM = "SDK-HMAC-SHA256"
STAMP = "%Y%m%dT%H%M%SZ"
MOST_SKEW = 15 * 60
_AUTHORIZATION = re.compile(
    rf"{ALGORITHM} +Access=(?P<access>[^, ]+), *SignedHeaders=(?P<headers>[^, ]+), *Signature=(?P<signature>\w+)"
)


class SignatureRefusedError(Exception):
    """A request whose signature does not hold; the text is the gateway's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """The parts of a request that a signature covers; header names in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the Authorization header says."""

    access: str
    signed_headers: tuple[str, ...]
    signature: str


def claim_of(incoming: Incoming) -> Claim:
    """The parsed Authorization header.

    Raises:
        SignatureRefusedError: it is not there, or of another form.
    """
    found = _AUTHORIZATION.fullmatch(incoming.headers.get("authorization", "").strip())
    if found is None:
        raise SignatureRefusedError("authorization header format error")
    headers = tuple(found["headers"].split(";"))
    if "x-sdk-date" not in headers:
        raise SignatureRefusedError("x-sdk-date is not signed")
    return Claim(access=found["access"], signed_headers=headers, signature=found["signature"])


def check(incoming: Incoming, claim: Claim, secret: str, *, now: float) -> None:
    """Check date and signature; `now` is in seconds since the epoch.

    Raises:
        SignatureRefusedError: the date is off by more than 15 minutes, or the signature is another's.
    """
    stamp = incoming.headers.get("x-sdk-date", "")
    if abs(_seconds(stamp) - now) > MOST_SKEW:
        raise SignatureRefusedError("x-sdk-date is expired")
    canonical = canonical_request(incoming, claim.signed_headers)
    text = f"{ALGORITHM}\n{stamp}\n{sha256(canonical.encode()).hexdigest()}"
    expected = hmac.new(secret.encode(), text.encode(), sha256).hexdigest()
    if not hmac.compare_digest(expected, claim.signature):
        shown = canonical.replace("\n", "|")
        raise SignatureRefusedError(f"verify aksk signature fail, canonicalRequest:{shown}")


def _seconds(stamp: str) -> float:
    try:
        return datetime.strptime(stamp, STAMP).replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise SignatureRefusedError("x-sdk-date format error") from None


def canonical_request(incoming: Incoming, signed_headers: tuple[str, ...]) -> str:
    """The text whose hash is signed."""
    path = "/".join(quote(unquote(segment), safe="~") for segment in incoming.path.split("/"))
    pairs = sorted(parse_qsl(incoming.query, keep_blank_values=True))
    headers = [f"{name}:{incoming.headers.get(name, '').strip()}" for name in signed_headers]
    return "\n".join(
        [
            incoming.method,
            path if path.endswith("/") else f"{path}/",
            "&".join(f"{quote(k, safe='~')}={quote(v, safe='~')}" for k, v in pairs),
            *headers,
            "",
            ";".join(signed_headers),
            sha256(incoming.body).hexdigest(),
        ]
    )
