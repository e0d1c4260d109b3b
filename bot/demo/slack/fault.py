"""Faults of Slack's own: what the Web API does wrong, on demand."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

Kind = Literal["429", "500", "timeout", "hang", "lost", "slow", "error"]
KINDS: frozenset[str] = frozenset({"429", "500", "timeout", "hang", "lost", "slow", "error"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """What the next `left` calls of `method` ("*": any) meet.

    "429" with `seconds` as Retry-After, "500", "timeout" (nothing is done, the connection drops after
    `seconds`), "hang" (nothing is done, no answer ever), "lost" (it is done, the answer is not given), "slow"
    (done `seconds` late), "error" (refused as `error`).
    """

    method: str
    kind: Kind
    left: int = 1
    seconds: float = 1.0
    error: str = "internal_error"
    met: bool = False
    """Whether a call has come to it; a test that sets one which nothing meets tests nothing."""


class Faults:
    """The troubles that are set, and whether Slack is there at all."""

    def __init__(self, changed: Callable[[], None]) -> None:
        self._troubles: list[Trouble] = []
        self._changed = changed
        self.is_down = False
        self.over = asyncio.Event()

    def add(
        self, method: str, kind: Kind, *, count: int = 1, seconds: float = 1.0, error: str = "internal_error"
    ) -> None:
        """Let the next `count` calls of `method` meet this trouble."""
        self._troubles.append(Trouble(method=method, kind=kind, left=count, seconds=seconds, error=error))
        self._changed()

    def down(self) -> None:
        """Drop every connection of the Web API and of response URLs from now on."""
        self.is_down = True
        self._changed()

    def up(self) -> None:
        """End it."""
        self.is_down = False
        self._changed()

    def clear(self) -> None:
        """Forget all troubles; calls that hang are dropped."""
        self._troubles.clear()
        self.is_down = False
        hanging, self.over = self.over, asyncio.Event()
        hanging.set()
        self._changed()

    def drop(self, kind: Kind) -> None:
        """Forget the troubles of one kind."""
        self._troubles = [each for each in self._troubles if each.kind != kind]
        self._changed()

    def take(self, method: str) -> Trouble | None:
        """Return the trouble that this call meets, and count it."""
        for index, trouble in enumerate(self._troubles):
            if trouble.method in {method, "*"}:
                left = trouble.left - 1
                self._troubles[index : index + 1] = [replace(trouble, left=left, met=True)] if left else []
                self._changed()
                return trouble
        return None

    def pending(self) -> list[Trouble]:
        """Return the troubles that are still to come."""
        return list(self._troubles)
