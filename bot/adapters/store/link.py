"""A link of the audit log's chain: what is hashed, and how."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from sqlalchemy import Row

from bot.adapters.store import codec

_DIGEST = re.compile(r"[0-9a-f]{64}")
CUT = "cut"
"""The kind of the event that tells of what retention takes away; it belongs to no change."""
START = "0" * 64
"""What the first link calls its predecessor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last link: who knows it can tell whether the log before it is still the same."""

    position: int = 0
    hash: str = START

    def __str__(self) -> str:
        """As it is printed, to be noted elsewhere."""
        return f"{self.position}:{self.hash}"


def noted_head(text: str) -> Head:
    """Read a head as it was printed, POSITION:HASH, or the hash alone.

    Raises:
        ValueError: it is neither.
    """
    position, _, digest = text.strip().rpartition(":")
    if not _DIGEST.fullmatch(digest) or not (position or "0").isdecimal():
        raise ValueError(
            f"'{text:.80}' is no head: POSITION:HASH is expected, as the log and `audit verify` print it"
        )
    return Head(position=int(position or 0), hash=digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One event as the chain holds it; people by pseudonym."""

    position: int
    """From 1, without a gap."""
    prev: str
    """The hash of the link before."""
    change: str
    cluster: str
    kind: str
    at: str
    """UTC, as ISO 8601 with microseconds: what is stored, so that what somebody made of it is hashed as it is."""
    by: str
    detail: Mapping[str, str] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Return what is hashed."""
        return {
            "position": self.position,
            "prev": self.prev,
            "change": self.change,
            "cluster": self.cluster,
            "kind": self.kind,
            "at": self.at,
            "by": self.by,
            "detail": dict(self.detail),
        }

    @property
    def hash(self) -> str:
        """SHA-256, in hex, of the record as JSON: keys sorted, no white space, ASCII."""
        return sha256(json.dumps(self.record(), sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def head(self) -> Head:
        """This link as the end of the chain."""
        return Head(position=self.position, hash=self.hash)


def link_after(head: Head, row: Row[Any], *, position: int | None = None) -> Link:
    """Return a row of the event log as the link that follows a head, or as what it says that it is."""
    return Link(
        position=head.position + 1 if position is None else position,
        prev=head.hash,
        change=row.change,
        cluster=row.cluster,
        kind=row.kind,
        at=row.at,
        by=row.by,
        detail=_detail(row.detail),
    )


UNREADABLE = "unreadable"


def _detail(stored: str) -> Mapping[str, str]:
    """Read an event's detail; what is no JSON any more is shown as it stands there."""
    try:
        return codec.load(dict[str, str], stored)
    except codec.UnreadableError:
        return {UNREADABLE: stored}
