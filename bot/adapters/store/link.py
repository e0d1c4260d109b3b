"""A link of the audit log's chain: what is hashed, and how."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import Row

from bot.adapters.store import codec

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
    at: datetime
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
            "at": self.at.astimezone(UTC).isoformat(timespec="microseconds"),
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


def link_after(head: Head, row: Row[Any]) -> Link:
    """Return a row of the event log as the link that follows a head."""
    return Link(
        position=head.position + 1,
        prev=head.hash,
        change=row.change,
        cluster=row.cluster,
        kind=row.kind,
        at=row.at,
        by=row.by,
        detail=codec.load(dict[str, str], row.detail),
    )
