"""A message, as the workspace keeps it and as Slack's API spells it."""

from dataclasses import dataclass, replace
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message; an edit is a new value with the same `ts`.

    `only_for` is the one addressee of an ephemeral message; `via` the bot id when an app posted it.
    """

    channel: str
    ts: str
    user: str
    text: str = ""
    blocks: tuple[Json, ...] = ()
    attachments: tuple[Json, ...] = ()
    files: tuple[Json, ...] = ()
    thread_ts: str | None = None
    broadcast: bool = False
    via: str | None = None
    app: str | None = None
    team: str = ""
    metadata: Json | None = None
    edited: str | None = None
    only_for: str | None = None
    reactions: tuple[tuple[str, tuple[str, ...]], ...] = ()
    username: str | None = None
    icon: str | None = None

    @property
    def is_reply(self) -> bool:
        """Whether the message stands in a thread of another one."""
        return self.thread_ts is not None and self.thread_ts != self.ts

    @property
    def in_channel(self) -> bool:
        """Whether the message shows in the channel itself, not only in a thread."""
        return not self.is_reply or self.broadcast

    def reacted(self, name: str, user: str) -> "Message":
        """Return the message with one more reaction."""
        found = dict(self.reactions)
        found[name] = (*found.get(name, ()), user)
        return replace(self, reactions=tuple(found.items()))

    def wire(self, *, metadata: bool = False) -> Json:
        """Return the message object of the Web API, with metadata where asked for."""
        body: Json = {
            "type": "message",
            "ts": self.ts,
            "user": self.user,
            "text": self.text,
            "team": self.team,
        }
        body |= {key: value for key, value in self._optional().items() if value}
        if metadata and self.metadata is not None:
            body["metadata"] = self.metadata
        return body

    def _optional(self) -> Json:
        return {
            "subtype": "thread_broadcast" if self.broadcast and self.is_reply else None,
            "bot_id": self.via,
            "app_id": self.app,
            "blocks": list(self.blocks),
            "attachments": list(self.attachments),
            "files": list(self.files),
            "thread_ts": self.thread_ts,
            "username": self.username,
            "edited": {"user": self.user, "ts": self.edited} if self.edited else None,
            "is_ephemeral": True if self.only_for else None,
            "reactions": [{"name": n, "users": list(u), "count": len(u)} for n, u in self.reactions],
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What Slack itself tells one person, such as that an app did not answer in time."""

    user: str
    text: str
    channel: str | None = None
    at: str = ""

    def wire(self) -> Json:
        """Return the notice as the page shows it: a message of Slackbot that only this person sees."""
        text = self.text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        body = {"type": "message", "ts": self.at, "user": "USLACKBOT", "text": text}
        return body | {"channel": self.channel, "only_for": self.user, "is_ephemeral": True, "notice": True}
