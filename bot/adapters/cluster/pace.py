"""How long a loop rests before it tries again, and how it leaves the event loop room to breathe."""

import asyncio
import gc
import random
import time
from dataclasses import dataclass, field
from itertools import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """The informers' times, in seconds."""

    call: float = 10.0
    """One call may take so long; interactive callers pass less."""
    silence: float = 75.0
    """A watch that says nothing for so long is opened again. API servers send a bookmark every minute."""
    watch: float = 290.0
    """How long one watch is asked to last; below the five minutes after which many proxies cut it."""
    heartbeat: float = 5.0
    """Between two signs of life from the API server."""
    answer: float = 2.0
    """How long a sign of life may take."""
    stale: float = 120.0
    """A cache that has heard nothing for so long is unknown, not old."""
    first: float = 0.25
    """The first rest after something ended or went wrong."""
    longest: float = 30.0
    """The longest rest after something went wrong again and again."""
    denied: float = 60.0
    """Until a kind that may not be listed is asked for again."""
    facts: float = 300.0
    """Until the cluster's facts are asked for again."""
    balancer: float = 1.0
    """Between two questions to the cloud about load balancers; each takes three calls."""
    balancers: float = 60.0
    """Until the same load balancer is asked about again, at the earliest."""
    told: float = 900.0
    """What the cloud told so long ago counts as unknown."""


@dataclass(slots=True)
class Pace:
    """Exponential rests with full jitter; a try that lasted long enough starts them anew.

    Clean ends rest too: a server that closes every watch at once would be called without pause.
    """

    timing: Timing
    tries: int = 0
    _random: random.Random = field(default_factory=random.SystemRandom)

    def after(self, lasted: float) -> float:
        """Return seconds to rest after a try that lasted so many seconds."""
        if lasted >= self.timing.longest:
            self.tries = 0
        bound = min(self.timing.longest, self.timing.first * 2.0 ** min(self.tries, 16))
        self.tries += 1
        return bound / 2 + self._random.uniform(0, bound / 2)


@dataclass(slots=True)
class Slices:
    """Cuts long work into slices, so that nothing else in the process waits for it."""

    slice: float = 0.004
    """Seconds of work between two breaths; several kinds may be listed at once, and each takes its turn."""
    _since: float = field(default_factory=time.monotonic)

    async def breathe(self) -> None:
        """Let others run if the slice is used up."""
        if time.monotonic() - self._since >= self.slice:
            await asyncio.sleep(0)
            self._since = time.monotonic()


def keep_for_good() -> None:
    """Spare the garbage collector what was just listed.

    It holds the whole process while it looks through everything that it has not been told to leave alone: 260 ms
    with 55,000 objects cached. The cache's values hold no cycles and are freed without it.
    """
    gc.freeze()


_CHANGES = 2_000
"""Changed objects after which those are kept for good too; looking through them takes some 10 ms."""
_ANEW = 2_000
"""So many times later everything is looked through: what was under way meanwhile may have left cycles behind."""
_changed = count(1)  # of the whole process, as its collector is


def keep_changes_for_good() -> None:
    """Count one object that took another's place, and now and then spare the collector all of them.

    It begins when objects have become more. Where each new one sends an old one away they do not, so that it would
    begin late, and then look through whatever changed in all that time.
    """
    turn = next(_changed)
    if turn % _CHANGES:
        return
    if turn % (_CHANGES * _ANEW) == 0:
        gc.unfreeze()
    gc.collect()
    gc.freeze()
