"""Knobs: what the demo lets a person do to the world, as buttons beside the messages."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.demo.slack.feed import Change, Feed

Json = dict[str, Any]
Turn = Callable[[], Awaitable[str | None] | str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """One button; turning it may give a sentence to show."""

    name: str
    label: str
    turn: Turn
    group: str = "World"
    hint: str = ""

    def wire(self) -> Json:
        """Return what the page shows."""
        return {"name": self.name, "label": self.label, "group": self.group, "hint": self.hint}


class Knobs:
    """The knobs that the world has registered."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._knobs: dict[str, Knob] = {}

    def register(
        self, name: str, label: str, callback: Turn, *, group: str = "World", hint: str = ""
    ) -> None:
        """Add a button, or change the one with this name."""
        self._knobs[name] = Knob(name=name, label=label, turn=callback, group=group, hint=hint)
        self._tell()

    def remove(self, name: str) -> None:
        """Take a button away."""
        self._knobs.pop(name, None)
        self._tell()

    def list(self) -> list[Json]:
        """Return the buttons in the order in which they came."""
        return [knob.wire() for knob in self._knobs.values()]

    async def turn(self, name: str) -> str:
        """Turn a knob, and return what it has to say.

        Raises:
            KeyError: there is no such knob.
        """
        result = self._knobs[name].turn()
        said = await result if isinstance(result, Awaitable) else result
        self._feed.publish(Change(kind="knob", data={"name": name, "text": said or ""}))
        return said or ""

    def _tell(self) -> None:
        self._feed.publish(Change(kind="knobs", data={"knobs": self.list()}))
