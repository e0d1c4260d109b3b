"""Slack, in our words: messages and people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from bot.domain.change import Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What people read: a full sentence for notifications and screen readers, and blocks."""

    text: str
    blocks: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member of the workspace, as far as rights depend on it."""

    id: str
    team: str
    name: str
    full_member: bool
    """Neither guest, bot, deactivated nor of another workspace."""
    zone: str = "UTC"
    teams: frozenset[str] = frozenset()
    """Every workspace that the person belongs to; on Enterprise Grid there are several."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture for people who can see it, and its description for those who cannot."""

    name: str
    """A file's name; its end says the format."""
    data: bytes
    title: str
    alt: str
    """What it shows, in one or two full sentences."""


class Messenger(Protocol):
    """Slack, in our words."""

    async def post(
        self,
        channel: str,
        message: Message,
        *,
        key: str,
        thread: str | None = None,
        broadcast: bool = False,
        look: bool = False,
    ) -> Place:
        """Post a message; with `look`, first look whether it is there already (by key), and bring that up to date.

        Raises:
            NotFound: no such channel, or the bot is not in it.
            Unavailable: Slack does not answer; the message may be there.
            Invalid: Slack refused the content.
        """
        ...

    async def edit(self, place: Place, message: Message) -> None:
        """Replace a message's content; raises as post."""
        ...

    async def whisper(self, channel: str, user: str, message: Message, *, thread: str | None = None) -> None:
        """Show a message to one person only, in a channel; a direct message where that cannot be."""
        ...

    async def show(
        self, channel: str, picture: Picture, *, comment: str = "", thread: str | None = None
    ) -> None:
        """Share a picture in a channel, in a thread there, or with one person where `channel` is a user's id.

        Args:
            channel: where to.
            picture: what is shown.
            comment: what stands above it: a rendered message's text, for nothing is escaped here.
            thread: the first message of a thread.

        Raises:
            Forbidden: the app lacks the right to upload; say it in words.
            NotFound, Unavailable, Invalid: as post. Shared once more where it is called once more.
        """
        ...

    async def answer(
        self, response_url: str, message: Message, *, replace: bool = False, in_channel: bool = False
    ) -> None:
        """Answer a command or a click, to its person; raises as post, and Forbidden for another host."""
        ...

    async def person(self, user: str) -> Person:
        """Look a person up, cached for a minute.

        Raises:
            Unavailable, NotFound: as named; callers refuse then.
        """
        ...

    async def members(self, group: str) -> frozenset[str]:
        """Return the user ids of a user group, cached for a minute; raises as person."""
        ...

    async def member_of(self, channel: str) -> bool:
        """Whether the bot may post there: a channel it is a member of."""
        ...

    async def inside(self, channel: str) -> frozenset[str]:
        """Return the user ids of those who are in a channel, cached for a minute.

        Raises:
            NotFound, Forbidden, Unavailable: as named.
        """
        ...

    async def publish_home(self, user: str, view: Mapping[str, Any]) -> None:
        """Show a person's Home tab; raises as post."""
        ...

    async def permalink(self, place: Place) -> str:
        """Return a link to a message; empty where there is none."""
        ...
