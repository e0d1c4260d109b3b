"""Knobs: what the demo lets a person do to the world, beside the messages."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bot.demo.slack.feed import Change, Feed

Json = dict[str, Any]
Turn = Callable[[str], Awaitable[str | None] | str | None]
Targets = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """Something that can be turned, for each of its targets: pairs of a value and a label.

    With `on` it is a switch, which stays as it was turned and is asked for its state; without, a button. A
    `fault` is put right when somebody asks for all to be well. Turning it may give a sentence to show.
    """

    name: str
    label: str
    turn: Turn
    group: str = "World"
    hint: str = ""
    targets: tuple[tuple[str, str], ...] = (("", ""),)
    default: str = ""
    on: Callable[[str], bool] | None = None
    fault: bool = True

    def wire(self) -> Json:
        """Return what the page shows."""
        return {
            "name": self.name,
            "label": self.label,
            "group": self.group,
            "hint": self.hint,
            "switch": self.on is not None,
            "fault": self.fault,
            "default": self.default,
            "targets": [
                {"value": v, "label": t, "on": self.on is not None and self.on(v)} for v, t in self.targets
            ],
        }

    def aimed(self, target: str | None) -> str:
        """Return the target that is meant: the one that is named, or the usual one.

        Raises:
            KeyError: there is no such target.
        """
        if target is None:
            return self.default
        if target not in {value for value, _ in self.targets}:
            raise KeyError(target)
        return target


class Knobs:
    """The knobs that the world has registered."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed
        self._knobs: dict[str, Knob] = {}
        self._told: list[Json] = []

    def register(
        self,
        name: str,
        label: str,
        callback: Turn,
        *,
        group: str = "World",
        hint: str = "",
        targets: Targets = (("", ""),),
        default: str | None = None,
        on: Callable[[str], bool] | None = None,
        fault: bool = True,
    ) -> None:
        """Add a knob, or change the one with this name; the first target is the usual one unless named."""
        self._knobs[name] = Knob(
            name=name,
            label=label,
            turn=callback,
            group=group,
            hint=hint,
            targets=tuple(targets),
            default=targets[0][0] if default is None else default,
            on=on,
            fault=fault,
        )
        self.refresh()

    def remove(self, name: str) -> None:
        """Take a knob away."""
        self._knobs.pop(name, None)
        self.refresh()

    def list(self) -> list[Json]:
        """Return the knobs in the order in which they came, as they are now."""
        return [knob.wire() for knob in self._knobs.values()]

    async def turn(self, name: str, target: str | None = None) -> str:
        """Turn a knob, and return what it has to say.

        Raises:
            KeyError: there is no such knob, or it has no such target.
        """
        knob = self._knobs[name]
        result = knob.turn(knob.aimed(target))
        said = await result if isinstance(result, Awaitable) else result
        self._feed.publish(Change(kind="knob", data={"name": name, "text": said or ""}))
        self.refresh()
        return said or ""

    async def mend(self) -> int:
        """Turn every switch back that makes something go wrong; return how many there were."""
        wrong = [
            (knob.name, value)
            for knob in self._knobs.values()
            for value, _ in knob.targets
            if knob.fault and knob.on is not None and knob.on(value)
        ]
        for name, value in wrong:
            await self.turn(name, value)
        return len(wrong)

    def refresh(self) -> None:
        """Tell the state of the knobs where it is another than was told last."""
        now = self.list()
        if now != self._told:
            self._told = now
            self._feed.publish(Change(kind="knobs", data={"knobs": now}))
