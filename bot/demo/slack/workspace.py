"""The simulated Slack workspace: one server on a loopback port."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from aiohttp import web

from bot.demo.slack.acts import Acts
from bot.demo.slack.courier import HttpCourier
from bot.demo.slack.delivery import RETRIES, Deliveries
from bot.demo.slack.fault import Faults
from bot.demo.slack.gateway import Gateway
from bot.demo.slack.journal import Entry
from bot.demo.slack.knob import Knobs
from bot.demo.slack.message import Message, Notice
from bot.demo.slack.page import routes as page_routes
from bot.demo.slack.people import (
    TEAM,
    App,
    Channel,
    Directory,
    Person,
    UserGroup,
    default_channels,
    default_groups,
    default_people,
)
from bot.demo.slack.rate import REALISTIC, Rate
from bot.demo.slack.readable import Reader
from bot.demo.slack.socketmode import SocketCourier
from bot.demo.slack.state import new_state
from bot.demo.slack.view import View
from bot.demo.slack.window import Window

Json = dict[str, Any]
Found = TypeVar("Found")
_BODY_LIMIT = 20 * 1024 * 1024
PATIENCE = 3.0
"""Seconds that Slack has (docs.slack.dev/interactivity/handling-user-interaction)."""


class Workspace(Acts):
    """A Slack workspace for one app, whichever app that is.

    `request_url` is the app's (…/slack/events) and may be set later; with an `app_token` the app connects by
    Socket Mode instead. `scopes` are those of the bot token, None for all that are known here. `rates` are
    Slack's speed limits (`rate.NONE` for none). `clock` gives epoch seconds; `retries` are in seconds, and so is
    `patience`: how long an acknowledgement may take, and a trigger id lives. Everything a person does is a method of
    `Acts`.
    """

    def __init__(
        self,
        *,
        bot_token: str,
        signing_secret: str,
        app_token: str | None = None,
        request_url: str | None = None,
        app: App | None = None,
        people: Sequence[Person] | None = None,
        channels: Sequence[Channel] | None = None,
        groups: Sequence[UserGroup] | None = None,
        team: str = TEAM,
        domain: str = "shop",
        scopes: frozenset[str] | None = None,
        rates: Mapping[str, Rate] = REALISTIC,
        clock: Callable[[], float] = time.time,
        seed: int = 1,
        patience: float = PATIENCE,
        retries: Sequence[float] = RETRIES,
    ) -> None:
        app = app or App()
        directory = Directory(
            team=team,
            app=app,
            people=default_people() if people is None else people,
            channels=default_channels(app) if channels is None else channels,
            groups=default_groups() if groups is None else groups,
        )
        state = new_state(
            directory=directory,
            domain=domain,
            bot_token=bot_token,
            app_token=app_token,
            scopes=scopes,
            rates=rates,
            clock=clock,
            seed=seed,
            patience=patience,
            base=lambda: self.url,
        )
        self.request_url = request_url
        self.socket = SocketCourier(state)
        self._http = HttpCourier(url=lambda: self.request_url, secret=signing_secret, clock=clock)
        courier = self.socket if app_token is not None else self._http
        super().__init__(state, Deliveries(state=state, courier=courier, limit=patience, retries=retries))
        self.knobs = Knobs(state.feed)
        self._runner: web.AppRunner | None = None
        self._url = ""

    async def start(self, port: int = 0) -> str:
        """Listen on loopback, and return the URL of the page."""
        application = web.Application(client_max_size=_BODY_LIMIT)
        application.add_routes(Gateway(self.state).routes())
        application.add_routes(self.socket.routes())
        application.add_routes(Window(self).routes())
        application.add_routes(page_routes())
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self._url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self._url

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        self.state.faults.clear()
        self.state.feed.close()
        await self.deliveries.stop()
        await self.socket.close()
        await self._http.close()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    @property
    def url(self) -> str:
        """The page's URL, without a slash at its end."""
        return self._url

    @property
    def api_url(self) -> str:
        """The Web API's base URL, with a slash at its end."""
        return f"{self._url}/api/"

    @property
    def response_host(self) -> str:
        """Host and port of every response URL."""
        return self._url.removeprefix("http://")

    @property
    def faults(self) -> Faults:
        """What the Web API does wrong, on demand."""
        return self.state.faults

    def messages(self, channel: str) -> list[Message]:
        """Return what shows in a channel, oldest first, without what only one person sees."""
        return self.state.board.history(channel)

    def thread(self, channel: str, ts: str) -> list[Message]:
        """Return a message and its replies, oldest first."""
        parent = self.state.board.find(channel, ts)
        return ([parent] if parent else []) + self.state.board.replies(channel, ts)

    def message(self, channel: str, ts: str) -> Message | None:
        """Return a posted message as it is now."""
        return self.state.board.find(channel, ts)

    def ephemerals(self, user: str, channel: str | None = None) -> list[Message]:
        """Return what only this person sees, oldest first."""
        return self.state.board.ephemerals(user, channel)

    def notices(self, user: str) -> list[Notice]:
        """Return what Slack itself has told this person."""
        return [n for n in self.state.board.notices if n.user == user]

    def views(self, user: str) -> list[View]:
        """Return this person's open modals, the topmost last."""
        return self.state.views.stack(user)

    def home(self, user: str) -> View | None:
        """Return what the app has published to this person's Home tab."""
        return self.state.views.home(user)

    def log(self, *, name: str | None = None, after: int = 0) -> list[Entry]:
        """Return the journal: calls, deliveries and uses of response URLs."""
        return self.state.journal.select(name=name, after=after)

    def readable(self, shown: Message | View, viewer: str = "") -> str:
        """Return a message or view as a person would read it, in plain text."""
        reader = Reader(self.state.directory, viewer)
        return reader.view(shown) if isinstance(shown, View) else reader.message(shown)

    async def wait_for(self, predicate: Callable[[], Found | None], timeout: float = 60.0) -> Found:  # noqa: ASYNC109 - the caller names the limit, asyncio.timeout keeps it
        """Return what `predicate` gives as soon as it is truthy, asked after every change of the workspace.

        Raises:
            TimeoutError: it was not within `timeout` seconds.
        """
        return await self.state.feed.wait_for(predicate, timeout)
