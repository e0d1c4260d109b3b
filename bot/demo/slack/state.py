"""Everything the workspace knows, in one place."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.demo.slack.board import Board
from bot.demo.slack.fault import Faults
from bot.demo.slack.feed import Change, Feed
from bot.demo.slack.hook import Hooks
from bot.demo.slack.journal import Journal
from bot.demo.slack.people import App, Directory
from bot.demo.slack.presence import Presence
from bot.demo.slack.rate import Rate, Rates
from bot.demo.slack.stamp import Stamps
from bot.demo.slack.trigger import Triggers
from bot.demo.slack.view import Views

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that a bot sends: announced first, filled next, shared last."""

    id: str
    name: str
    alt: str = ""
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The workspace's parts. `base` gives the server's own URL, without a slash at its end."""

    team: str
    domain: str
    app: App
    bot_token: str
    app_token: str | None
    scopes: frozenset[str] | None
    clock: Callable[[], float]
    base: Callable[[], str]
    feed: Feed
    stamps: Stamps
    directory: Directory
    board: Board
    views: Views
    triggers: Triggers
    hooks: Hooks
    journal: Journal
    faults: Faults
    rates: Rates
    presence: Presence
    uploads: dict[str, Upload] = field(default_factory=dict)
    tickets: set[str] = field(default_factory=set)

    @property
    def bot_user(self) -> str:
        """The bot's user id."""
        return self.app.user

    def bot_in(self, channel: str) -> bool:
        """Whether the bot is a member of `channel`."""
        return self.directory.sees(self.app.user, channel)


def new_state(
    *,
    directory: Directory,
    domain: str,
    bot_token: str,
    app_token: str | None,
    scopes: frozenset[str] | None,
    rates: Mapping[str, Rate],
    clock: Callable[[], float],
    seed: int,
    patience: float,
    base: Callable[[], str],
) -> State:
    """Return the state of a workspace in which nothing has happened yet."""
    feed = Feed()
    stamps = Stamps(clock=clock, seed=seed)
    return State(
        team=directory.team,
        domain=domain,
        app=directory.app,
        bot_token=bot_token,
        app_token=app_token,
        scopes=scopes,
        clock=clock,
        base=base,
        feed=feed,
        stamps=stamps,
        directory=directory,
        board=Board(feed),
        views=Views(feed=feed, stamps=stamps, app=directory.app, team=directory.team),
        triggers=Triggers(clock=clock, stamps=stamps, lifetime=patience),
        hooks=Hooks(clock=clock, stamps=stamps),
        journal=Journal(clock=clock, feed=feed),
        faults=Faults(lambda: feed.publish(Change(kind="faults"))),
        rates=Rates(rates, clock),
        presence=Presence(feed),
    )
