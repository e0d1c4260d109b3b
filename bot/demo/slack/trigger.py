"""Trigger ids: a short-lived permission to open a view for whoever just did something."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bot.demo.slack.problem import SlackProblem
from bot.demo.slack.stamp import Stamps


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """Whose action it was, when (epoch seconds), in which view, and whether a view was opened for it."""

    user: str
    at: float
    view: str | None = None
    used: bool = False


class Triggers:
    """Issues trigger ids and takes each back once, within its lifetime in seconds."""

    def __init__(self, *, clock: Callable[[], float], stamps: Stamps, lifetime: float) -> None:
        self._clock = clock
        self._stamps = stamps
        self._lifetime = lifetime
        self._issued: dict[str, Trigger] = {}

    def issue(self, user: str, view: str | None = None) -> str:
        """Return a new trigger id for `user`."""
        name = f"{self._stamps.ts()}.{self._stamps.id('', 16).lower()}"
        self._issued[name] = Trigger(user=user, at=self._clock(), view=view)
        return name

    def take(self, name: str) -> Trigger:
        """Exchange a trigger id.

        Raises:
            SlackProblem: it is not ours, too old, or was exchanged before.
        """
        found = self._issued.get(name)
        if found is None:
            raise SlackProblem("invalid_trigger_id")
        if found.used:
            raise SlackProblem("exchanged_trigger_id")
        if self._clock() - found.at > self._lifetime:
            raise SlackProblem("expired_trigger_id")
        self._issued[name] = replace(found, used=True)
        return found
