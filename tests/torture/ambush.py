"""The ambush: kills a replica at a named point, in the moment between an effect and its record.

The replicas are killed from outside. What stands at their doors sees each request go by, and knows its point: a
request that is held before it is handed on has no effect yet, one whose answer is held has, and nobody knows.
"""

import random
from collections import Counter
from collections.abc import Callable, Sequence

BEFORE, AFTER = "before", "after"
COMMAND = "a command is stored"
CLICK = "a click is stored"
LOOK_UP = "rights are looked up"
PROPOSAL = "a proposal is rehearsed"
REHEARSAL = "a patch is rehearsed"
PATCH = "a patch lands"
FIRST = "the first patch of a group lands"
NEXT = "the next patch of a group lands"
PUT_BACK = "a patch is put back"
EVENT = "a Kubernetes Event is written"
CARD = "a card is posted"
EDIT = "a card is edited"
THREAD = "a thread is told"
ANSWER = "a person is answered"
MOVE = "a move is committed"

_BOTH = (LOOK_UP, PROPOSAL, REHEARSAL, PATCH, FIRST, NEXT, PUT_BACK, EVENT, CARD, EDIT, THREAD)
POINTS: Sequence[str] = (
    f"{AFTER} {COMMAND}",
    f"{AFTER} {CLICK}",
    *(f"{moment} {what}" for what in _BOTH for moment in (BEFORE, AFTER)),
)
SQLITE_POINTS: Sequence[str] = (f"{AFTER} {ANSWER}",)
"""Only where there is one replica: a response_url does not say who used it."""
POSTGRESQL_POINTS: Sequence[str] = (f"{BEFORE} {MOVE}", f"{AFTER} {MOVE}")
"""Only where there is a wire between the replica and its database."""
_SELDOM = 0.1
"""The chance of a second death at a point: those that are passed often would use up the time of the others."""


class Ambush:
    """Decides whether a replica dies at a point that it passes; `quota` is how often at each, at most."""

    def __init__(
        self,
        points: Sequence[str],
        *,
        quota: int,
        dice: random.Random,
        kill: Callable[[int, bool], bool],
    ) -> None:
        self.points = points
        self.hits: Counter[str] = Counter()
        self.passed: Counter[str] = Counter()
        """How often a replica came by."""
        self.armed = False
        self._quota = quota
        self._dice = dice
        self._kill = kill

    def falls(self, replica: int, moment: str, what: str) -> bool:
        """Kill the replica, if it is time; whoever asks then lets nothing through any more."""
        point = f"{moment} {what}"
        if not self.armed or point not in self.points:
            return False
        self.passed[point] += 1
        if self.hits[point] >= self._quota:
            return False
        if self.hits[point] and self._dice.random() > _SELDOM:
            return False
        # What is passed seldom comes first: of the others nobody dies while somebody is away.
        if not self._kill(replica, bool(self.hits[point])):
            return False
        self.hits[point] += 1
        return True

    @property
    def missing(self) -> list[str]:
        """The points at which nobody has died yet."""
        return [point for point in self.points if not self.hits[point]]
