"""The messenger's twin in memory: a workspace whose people, groups and channels a test names."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import count
from typing import Any

from bot.domain.change import Place
from bot.ports import Message, NotFound, Person, Picture, Unavailable, WorldError

TEAM = "T01TEAM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A message that is in a channel now."""

    place: Place
    key: str
    message: Message
    thread: str | None = None
    broadcast: bool = False
    edits: int = 0

    @property
    def text(self) -> str:
        """Everything that is to be read in it."""
        return read(self.message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture that was shared."""

    channel: str
    picture: Picture
    comment: str = ""
    thread: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What one person alone was told: by a response_url, or in a channel."""

    user: str
    message: Message
    response_url: str = ""
    channel: str = ""
    thread: str | None = None
    in_channel: bool = False

    @property
    def text(self) -> str:
        """Everything that is to be read in it."""
        return read(self.message)


class MemoryMessenger:
    """Posts are kept, and everybody who asks is answered.

    `fail(verb, error)` lets the next call of a verb fail before it does anything; `lose_reply(verb)` lets it
    happen and then fail. Verbs are the port's.
    """

    def __init__(self) -> None:
        self.people: dict[str, Person] = {}
        self.groups: dict[str, frozenset[str]] = {}
        self.channels: set[str] = set()
        """Those that the bot is a member of."""
        self.elsewhere: set[str] = set()
        """People who are in no channel."""
        self.posts: list[Posted] = []
        self.down = False
        """Whether Slack does not answer at all."""
        self.told: list[Told] = []
        self.shown: list[Shown] = []
        self.homes: defaultdict[str, list[Mapping[str, Any]]] = defaultdict(list)
        """What each person's Home tab has shown, oldest first."""
        self.calls: list[str] = []
        self._ts = count(1)
        self._errors: defaultdict[str, deque[WorldError]] = defaultdict(deque)
        self._lost: defaultdict[str, int] = defaultdict(int)

    # -- the test's side

    def add(self, *names: str, full: bool = True, team: str = TEAM) -> None:
        """Let people be members: ALICE has the id U0ALICE."""
        for name in names:
            id_ = f"U0{name}"
            self.people[id_] = Person(id=id_, team=team, name=name.title(), full_member=full)

    def fail(self, verb: str, error: WorldError) -> None:
        """Let the next call of a verb fail; nothing happens then."""
        self._errors[verb].append(error)

    def lose_reply(self, verb: str) -> None:
        """Let the next call of a verb do its work and then fail."""
        self._lost[verb] += 1

    def delete(self, posted: Posted) -> None:
        """Delete a message, as a person would."""
        self.posts.remove(next(p for p in self.posts if p.place == posted.place))

    def keyed(self, key: str) -> list[Posted]:
        """The messages of a key that are there now."""
        return [posted for posted in self.posts if posted.key == key]

    def direct(self, user: str) -> list[Posted]:
        """What was posted to a person directly."""
        return [posted for posted in self.posts if posted.place.channel == f"D{user[1:]}"]

    def said_to(self, user: str) -> list[str]:
        """What a person was told, oldest first."""
        return [told.text for told in self.told if told.user == user]

    # -- the port

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
        """Post a message."""
        self._called("post")
        if channel in self.people:
            channel = f"D{channel[1:]}"
        elif channel not in self.channels:
            raise NotFound(f"there is no channel {channel}, or the bot is not in it")
        if look and (there := [p for p in self.keyed(key) if p.place.channel == channel]):
            await self.edit(there[0].place, message)
            return there[0].place
        place = Place(channel=channel, ts=f"{next(self._ts)}.000")
        self.posts.append(Posted(place=place, key=key, message=message, thread=thread, broadcast=broadcast))
        self._reply("post")
        return place

    async def edit(self, place: Place, message: Message) -> None:
        """Replace a message's content."""
        self._called("edit")
        for index, posted in enumerate(self.posts):
            if posted.place == place:
                self.posts[index] = replace(posted, message=message, edits=posted.edits + 1)
                self._reply("edit")
                return
        raise NotFound("there is no such message")

    async def whisper(self, channel: str, user: str, message: Message, *, thread: str | None = None) -> None:
        """Show a message to one person."""
        self._called("whisper")
        self.told.append(Told(user=user, message=message, channel=channel, thread=thread))
        self._reply("whisper")

    async def show(
        self, channel: str, picture: Picture, *, comment: str = "", thread: str | None = None
    ) -> None:
        """Share a picture."""
        self._called("show")
        self.shown.append(Shown(channel=channel, picture=picture, comment=comment, thread=thread))
        self._reply("show")

    async def answer(
        self, response_url: str, message: Message, *, replace: bool = False, in_channel: bool = False
    ) -> None:
        """Answer a command or a click; a response_url ends in the user's id here."""
        del replace
        self._called("answer")
        user = response_url.rpartition("/")[2]
        self.told.append(Told(user=user, message=message, response_url=response_url, in_channel=in_channel))
        self._reply("answer")

    async def person(self, user: str) -> Person:
        """Look a person up."""
        self._called("person")
        if user not in self.people:
            raise NotFound("there is no such person")
        return self.people[user]

    async def members(self, group: str) -> frozenset[str]:
        """Return a group's members."""
        self._called("members")
        if group not in self.groups:
            raise NotFound("there is no such user group")
        return self.groups[group]

    async def member_of(self, channel: str) -> bool:
        """Whether the bot may post there."""
        self._called("member_of")
        return channel in self.channels

    async def inside(self, channel: str) -> frozenset[str]:
        """Return everybody but those who are elsewhere."""
        self._called("inside")
        if channel not in self.channels:
            raise NotFound(channel)
        return frozenset(self.people) - self.elsewhere

    async def publish_home(self, user: str, view: Mapping[str, Any]) -> None:
        """Show a person's Home tab."""
        self._called("publish_home")
        self.homes[user].append(view)
        self._reply("publish_home")

    async def permalink(self, place: Place) -> str:
        """Return a link to a message."""
        self._called("permalink")
        return f"https://slack.test/archives/{place.channel}/p{place.ts.replace('.', '')}"

    # -- inside

    def _called(self, verb: str) -> None:
        self.calls.append(verb)
        if self.down:
            raise Unavailable("Slack does not answer")
        if self._errors[verb]:
            raise self._errors[verb].popleft()

    def _reply(self, verb: str) -> None:
        if self._lost[verb]:
            self._lost[verb] -= 1
            raise Unavailable("Slack does not answer: the connection broke off")


def read(message: Message) -> str:
    """Everything that a person reads in a message's blocks, one text a line."""
    return "\n".join(_texts(message.blocks))


def buttons(message: Message) -> dict[str, str]:
    """The buttons of a message: action → value."""
    rows = [block["elements"] for block in message.blocks if block["type"] == "actions"]
    return {element["action_id"]: element["value"] for row in rows for element in row}


def _texts(value: Any) -> Iterable[str]:
    if isinstance(value, Mapping):
        if value.get("type") == "button":
            yield f"[{value['text']['text']}]"
            return
        if isinstance(value.get("text"), str):
            yield value["text"]
        for key in ("text", "elements", "rows", "fields"):
            if not isinstance(value.get(key), str):
                yield from _texts(value.get(key))
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
