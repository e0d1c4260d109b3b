"""Slack's signature of a request, checked.

Source: docs.slack.dev/authentication/verifying-requests-from-slack. Our own few lines, because the SDK's raise where
a header or a body is not the text that it expects, and everybody may send anything.
"""

import hmac
from hashlib import sha256

OLDEST = 300.0
"""Seconds that a request may be old, or ahead of our clock; a recorded one is refused later."""


def signature_of(secret: str, stamp: str, body: bytes) -> str:
    """Return the signature that Slack gives a request of that body and time."""
    base = b"v0:" + stamp.encode() + b":" + body
    return "v0=" + hmac.new(secret.encode(), base, sha256).hexdigest()


def genuine(secret: str, stamp: str, body: bytes, signature: str, *, now: float) -> bool:
    """Whether Slack signed this body within the last five minutes; `now` is in epoch seconds."""
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):  # noqa: PLR2004 - seconds, until the year 33658
        return False
    if abs(now - int(stamp)) > OLDEST:
        return False
    expected = signature_of(secret, stamp, body).encode()
    return hmac.compare_digest(expected, signature.encode("utf-8", "surrogateescape"))
