"""Who asks, and where the answer goes: parsed once at Slack's edge, stored with what was asked."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A person's command or click, as far as the answer depends on it."""

    user: str
    """Slack user id: identity is never a name or an e-mail address."""
    team: str
    """The workspace the person belongs to."""
    channel: str
    """Where it happened; empty where Slack names none."""
    thread: str = ""
    """The thread it happened in, by its first message; empty outside threads."""
    response_url: str = ""
    """Answers for 30 minutes, five times; empty for mentions."""

    def as_json(self) -> dict[str, str]:
        """Give what a job stores."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> "Caller":
        """Read what a job stored; fields that this version does not know are passed over."""
        return cls(**{name: str(stored.get(name, "")) for name in cls.__dataclass_fields__})
