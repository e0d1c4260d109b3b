"""The journal: every call of the bot, and every delivery to it."""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from bot.demo.slack.feed import Change, Feed

Json = dict[str, Any]
Direction = Literal["call", "delivery", "response_url"]
_KEPT = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the journal.

    `direction` is "call" for the Web API, "response_url" for an answer to one, "delivery" for what was sent
    to the bot; `status` is the HTTP status (None: no answer was given), `result` "ok" or the error's name.
    """

    number: int
    at: float
    direction: Direction
    name: str
    args: Mapping[str, Any] = field(default_factory=dict)
    status: int | None = None
    result: str = "ok"
    ms: float = 0.0

    def wire(self) -> Json:
        """Return the line as JSON."""
        return {**asdict(self), "args": dict(self.args)}


class Journal:
    """The last few thousand lines, and a change on the feed for each."""

    def __init__(self, *, clock: Callable[[], float], feed: Feed) -> None:
        self._clock = clock
        self._feed = feed
        self._count = 0
        self.entries: deque[Entry] = deque(maxlen=_KEPT)

    def write(
        self,
        direction: Direction,
        name: str,
        args: Mapping[str, Any],
        *,
        status: int | None,
        result: str,
        ms: float,
    ) -> Entry:
        """Add a line. `args` must not hold a token."""
        self._count += 1
        entry = Entry(
            number=self._count,
            at=self._clock(),
            direction=direction,
            name=name,
            args=args,
            status=status,
            result=result,
            ms=round(ms, 1),
        )
        self.entries.append(entry)
        self._feed.publish(Change(kind="log", data=entry.wire()))
        return entry

    def select(
        self, *, name: str | None = None, direction: Direction | None = None, after: int = 0
    ) -> list[Entry]:
        """Return the lines with this name and direction that came after line number `after`."""
        return [
            entry
            for entry in self.entries
            if entry.number > after
            and (name is None or entry.name == name)
            and (direction is None or entry.direction == direction)
        ]
