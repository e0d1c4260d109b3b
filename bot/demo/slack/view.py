"""Views: the modals that are open, in stacks, and each person's Home tab."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from bot.demo.slack.feed import Change, Feed
from bot.demo.slack.people import App
from bot.demo.slack.problem import SlackProblem
from bot.demo.slack.stamp import Stamps

Json = dict[str, Any]
STACK = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A view that one person sees; `errors` by block id, "" for a trouble with the whole view."""

    id: str
    user: str
    body: Json
    hash: str
    root: str
    previous: str | None = None
    errors: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_home(self) -> bool:
        """Whether it is a Home tab."""
        return self.body.get("type") == "home"

    def wire(self, app: App, team: str) -> Json:
        """Return the view object of the Web API and of payloads."""
        empty = {"callback_id": "", "private_metadata": "", "external_id": "", "title": None, "submit": None}
        return {
            **empty,
            "close": None,
            "clear_on_close": False,
            "notify_on_close": False,
            **self.body,
            "id": self.id,
            "team_id": team,
            "app_id": app.id,
            "bot_id": app.bot,
            "app_installed_team_id": team,
            "hash": self.hash,
            "root_view_id": self.root,
            "previous_view_id": self.previous,
            "state": {"values": dict(self.values)},
        }


class Views:
    """The open views of everybody."""

    def __init__(self, *, feed: Feed, stamps: Stamps, app: App, team: str) -> None:
        self._feed = feed
        self._stamps = stamps
        self._app = app
        self._team = team
        self._stacks: dict[str, list[str]] = {}
        self._views: dict[str, View] = {}
        self._homes: dict[str, str] = {}

    def open(self, user: str, body: Json) -> View:
        """Open a modal in the place of any that the person has open."""
        self._check_external(body)
        self._forget(user)
        return self._push(user, body)

    def push(self, user: str, body: Json) -> View:
        """Put a modal on top of the person's stack.

        Raises:
            SlackProblem: nothing is open, or three views are on the stack.
        """
        stack = self._stacks.get(user, [])
        if not stack:
            raise SlackProblem("not_found")
        if len(stack) >= STACK:
            raise SlackProblem("push_limit_reached")
        self._check_external(body)
        return self._push(user, body)

    def update(self, view: View, body: Json, *, hash_: str | None = None) -> View:
        """Give an open view a new body. Values of inputs whose block id stays are kept.

        Raises:
            SlackProblem: the caller saw another state of the view (`hash_conflict`).
        """
        if hash_ and hash_ != view.hash:
            raise SlackProblem("hash_conflict")
        kept = {b.get("block_id") for b in body.get("blocks", [])}
        values = {key: value for key, value in view.values.items() if key in kept}
        return self._set(replace(view, body=self._named(body), hash=self._hash(), errors={}, values=values))

    def publish(self, user: str, body: Json, *, hash_: str | None = None) -> View:
        """Show a Home tab to a person."""
        old = self.home(user)
        if old is not None:
            return self.update(old, body, hash_=hash_)
        name = self._stamps.id("V")
        self._homes[user] = name
        return self._set(View(id=name, user=user, body=self._named(body), hash=self._hash(), root=name))

    def remember(self, view: View, values: Mapping[str, Any]) -> View:
        """Keep what the person has entered so far."""
        self._views[view.id] = replace(view, values=dict(values))
        return self._views[view.id]

    def complain(self, view: View, errors: Mapping[str, str]) -> View:
        """Show errors beside a view's inputs."""
        return self._set(replace(view, errors=dict(errors)))

    def close(self, view: View, *, everything: bool = False) -> None:
        """Close the view, and with `everything` the whole stack."""
        stack = self._stacks.get(view.user, [])
        gone = list(stack) if everything else [v for v in stack if v == view.id]
        for name in gone:
            stack.remove(name)
            self._views.pop(name, None)
        self._tell(view.user)

    def find(self, name: str) -> View | None:
        """Return the open view with this id or external id."""
        if name in self._views:
            return self._views[name]
        return next((v for v in self._views.values() if name and v.body.get("external_id") == name), None)

    def stack(self, user: str) -> list[View]:
        """Return the person's open modals, the topmost last."""
        return [self._views[name] for name in self._stacks.get(user, [])]

    def home(self, user: str) -> View | None:
        """Return the person's Home tab."""
        name = self._homes.get(user)
        return self._views[name] if name else None

    def shown(self, view: View) -> Json:
        """Return the view as the page needs it."""
        return {**view.wire(self._app, self._team), "errors": dict(view.errors)}

    def _check_external(self, body: Json) -> None:
        if body.get("external_id") and self.find(body["external_id"]) is not None:
            raise SlackProblem("duplicate_external_id")

    def _push(self, user: str, body: Json) -> View:
        stack = self._stacks.setdefault(user, [])
        name = self._stamps.id("V")
        root, previous = (stack[0], stack[-1]) if stack else (name, None)
        stack.append(name)
        view = View(
            id=name, user=user, body=self._named(body), hash=self._hash(), root=root, previous=previous
        )
        return self._set(view)

    def _forget(self, user: str) -> None:
        for name in self._stacks.pop(user, []):
            self._views.pop(name, None)

    def _set(self, view: View) -> View:
        self._views[view.id] = view
        self._tell(view.user)
        return view

    def _tell(self, user: str) -> None:
        home = self.home(user)
        stack = [self.shown(v) for v in self.stack(user)]
        data = {"stack": stack, "home": self.shown(home) if home else None}
        self._feed.publish(Change(kind="views", data=data, to=user))

    def _named(self, body: Json) -> Json:
        return {**body, "blocks": named(body.get("blocks", []), self._stamps)}

    def _hash(self) -> str:
        return f"{self._stamps.ts()}.{self._stamps.id('', 8).lower()}"


def named(blocks: list[Json], stamps: Stamps) -> list[Json]:
    """Return the blocks with ids where the bot gave none, in Slack's manner."""
    return [_with_actions({"block_id": stamps.id("", 5).lower(), **block}, stamps) for block in blocks]


def _with_actions(block: Json, stamps: Stamps) -> Json:
    body = dict(block)
    for key in ("accessory", "element"):
        if isinstance(body.get(key), dict) and body[key].get("type") != "image":
            body[key] = {"action_id": stamps.id("", 5).lower(), **body[key]}
    if body.get("type") == "actions":
        body["elements"] = [{"action_id": stamps.id("", 5).lower(), **each} for each in body["elements"]]
    return body
