"""Who is in the workspace: people, channels, user groups, and the app they try."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

Json = dict[str, Any]
Kind = Literal["member", "guest", "bot", "deactivated"]

TEAM = "T01TEAM"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody with a user id: a full member, a guest, a bot, or one who has left.

    `team` is the home workspace; another id than the workspace's own makes a Slack Connect stranger.
    """

    id: str
    name: str
    real_name: str
    title: str = ""
    kind: Kind = "member"
    team: str = TEAM
    zone: str = "UTC"

    @property
    def active(self) -> bool:
        """Whether this person can still do anything."""
        return self.kind != "deactivated"

    @property
    def human(self) -> bool:
        """Whether the page may act as this person."""
        return self.kind in {"member", "guest"}

    def wire(self, home: str) -> Json:
        """Return the user object of users.info, as a bot of the workspace `home` sees it."""
        return {
            "id": self.id,
            "team_id": self.team,
            "name": self.name,
            "real_name": self.real_name,
            "deleted": not self.active,
            "is_bot": self.kind == "bot",
            "is_app_user": False,
            "is_admin": False,
            "is_owner": False,
            "is_restricted": self.kind == "guest",
            "is_ultra_restricted": False,
            "is_stranger": self.team != home,
            "tz": self.zone,
            "tz_offset": 0,
            "profile": {
                "real_name": self.real_name,
                "display_name": self.name,
                "title": self.title,
                "team": self.team,
            },
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """A conversation: a channel with a name, or (with `im`) the direct messages of the app and one person."""

    id: str
    name: str = ""
    members: frozenset[str] = frozenset()
    topic: str = ""
    private: bool = False
    archived: bool = False
    im: str | None = None

    def wire(self, me: str) -> Json:
        """Return the conversation object, as the bot user `me` sees it."""
        if self.im is not None:
            return {"id": self.id, "is_im": True, "user": self.im, "is_archived": False, "created": 0}
        return {
            "id": self.id,
            "name": self.name,
            "name_normalized": self.name,
            "is_channel": not self.private,
            "is_group": self.private,
            "is_im": False,
            "is_mpim": False,
            "is_private": self.private,
            "is_archived": self.archived,
            "is_member": me in self.members,
            "is_ext_shared": False,
            "num_members": len(self.members),
            "created": 0,
            "topic": {"value": self.topic},
            "purpose": {"value": ""},
        }

    @property
    def shown(self) -> str:
        """The name as payloads spell it."""
        return "directmessage" if self.im else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class UserGroup:
    """A user group: people who can be mentioned together."""

    id: str
    handle: str
    name: str
    users: tuple[str, ...] = ()
    disabled: bool = False

    def wire(self, team: str, *, with_users: bool) -> Json:
        """Return the user group object of usergroups.list."""
        body: Json = {
            "id": self.id,
            "team_id": team,
            "is_usergroup": True,
            "handle": self.handle,
            "name": self.name,
            "description": "",
            "date_delete": 1 if self.disabled else 0,
            "user_count": len(self.users),
        }
        return {**body, "users": list(self.users)} if with_users else body


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A slash command that the app registered."""

    name: str
    description: str = ""
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """A shortcut that the app registered, in the message menu or global."""

    callback_id: str
    name: str
    kind: Literal["message_action", "shortcut"] = "message_action"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Something worth trying: a sentence, and the line that does it."""

    says: str
    command: str


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The installed app: its identity, what it registered, and the events that it subscribed to.

    `samples` are lines that the page offers to newcomers in an empty channel, `trials` what it lists beside.
    """

    id: str = "A0ELBPASS"
    name: str = "elb-passthrough"
    user: str = "U00ELBBOT"
    bot: str = "B00ELBBOT"
    commands: tuple[Command, ...] = (
        Command(
            name="/elb-passthrough",
            description="Explain and change how traffic reaches a load balancer",
            hint="status | enable | disable | verify | list | history | help",
        ),
    )
    shortcuts: tuple[Shortcut, ...] = (Shortcut(callback_id="ask", name="Explain a Service"),)
    events: frozenset[str] = frozenset({"app_mention", "app_home_opened"})
    samples: tuple[str, ...] = (
        "/elb-passthrough status shop/checkout",
        "/elb-passthrough list",
        "/elb-passthrough help",
    )
    trials: tuple[Trial, ...] = ()


def default_people() -> tuple[Person, ...]:
    """Return the cast of the demo."""
    return (
        Person(id="U01ALICE", name="Alice", real_name="Alice Arendt", title="On call, platform"),
        Person(id="U02BOB", name="Bob", real_name="Bob Brandt", title="Site reliability"),
        Person(id="U03MALLORY", name="Mallory", real_name="Mallory Moss", title="Marketing"),
        Person(id="U04GUEST", name="Gus", real_name="Gus Gast", title="Contractor", kind="guest"),
        Person(id="U05PAGER", name="pager", real_name="Pager", kind="bot"),
        Person(id="U09GONE", name="Greta", real_name="Greta Gone", kind="deactivated"),
    )


def default_channels(app: App) -> tuple[Channel, ...]:
    """Return the demo's channels; the bot is not in #random."""
    trio = frozenset({"U01ALICE", "U02BOB", "U03MALLORY"})
    return (
        Channel(
            id="C01OPS", name="ops", members=trio | {"U04GUEST", app.user}, topic="Changes and questions"
        ),
        Channel(
            id="C02INC", name="incidents", members=trio | {"U05PAGER", app.user}, topic="What is broken now"
        ),
        Channel(id="C04RANDOM", name="random", members=trio, topic="The bot is not in this channel"),
        Channel(id="D01ALICE", im="U01ALICE", members=frozenset({"U01ALICE", app.user})),
        Channel(id="D02BOB", im="U02BOB", members=frozenset({"U02BOB", app.user})),
        Channel(id="D03MALLORY", im="U03MALLORY", members=frozenset({"U03MALLORY", app.user})),
    )


def default_groups() -> tuple[UserGroup, ...]:
    """Return the demo's user groups."""
    return (
        UserGroup(id="S0SRE", handle="sre", name="Site reliability", users=("U02BOB",)),
        UserGroup(id="S0PLATFORM", handle="platform", name="Platform", users=("U01ALICE", "U02BOB")),
    )


class Directory:
    """The workspace's people, channels and user groups, looked up by id or by name."""

    def __init__(
        self,
        *,
        team: str,
        app: App,
        people: Sequence[Person],
        channels: Sequence[Channel],
        groups: Sequence[UserGroup],
    ) -> None:
        self.team = team
        self.app = app
        bot = Person(id=app.user, name=app.name, real_name=app.name, kind="bot", team=team)
        slackbot = Person(id="USLACKBOT", name="slackbot", real_name="Slackbot", kind="bot", team=team)
        self.people = {person.id: person for person in (*people, bot, slackbot)}
        self.channels = {channel.id: channel for channel in channels}
        self.groups = {group.id: group for group in groups}

    def channel(self, name: str) -> Channel | None:
        """Return the channel with this id, or with this #name."""
        if name in self.channels:
            return self.channels[name]
        bare = name.removeprefix("#")
        return next((c for c in self.channels.values() if c.name == bare and c.name), None)

    def direct(self, user: str) -> Channel | None:
        """Return the direct messages of the app and `user`, if they were opened."""
        return next((c for c in self.channels.values() if c.im == user), None)

    def open_direct(self, user: str, new_id: str) -> Channel:
        """Return the direct messages of the app and `user`, opened now under `new_id` where they were not."""
        found = self.direct(user)
        if found is not None:
            return found
        opened = Channel(id=new_id, im=user, members=frozenset({user, self.app.user}))
        self.channels[new_id] = opened
        return opened

    def join(self, channel: str, user: str) -> Channel:
        """Make `user` a member of `channel`."""
        old = self.channels[channel]
        self.channels[channel] = replace(old, members=old.members | {user})
        return self.channels[channel]

    def leave(self, channel: str, user: str) -> Channel:
        """End the membership of `user` in `channel`."""
        old = self.channels[channel]
        self.channels[channel] = replace(old, members=old.members - {user})
        return self.channels[channel]

    def add(self, *entries: Person | Channel | UserGroup) -> None:
        """Add entries, or put them in the place of those with the same id."""
        for entry in entries:
            match entry:
                case Person():
                    self.people[entry.id] = entry
                case Channel():
                    self.channels[entry.id] = entry
                case UserGroup():
                    self.groups[entry.id] = entry

    def sees(self, user: str, channel: str) -> bool:
        """Whether `user` may read `channel`."""
        found = self.channels.get(channel)
        return found is not None and user in found.members

    def of(self, user: str) -> Iterable[Channel]:
        """Return the conversations of `user`."""
        return [c for c in self.channels.values() if user in c.members]

    def person_named(self, name: str) -> Person | None:
        """Return the person who is mentioned as @`name`, ignoring case."""
        return next((p for p in self.people.values() if p.name.casefold() == name.casefold()), None)
