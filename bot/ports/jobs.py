"""The leased jobs: whatever must survive a crash."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Something to be done, at least once, by whichever replica is free."""

    key: str
    """Unique for ever: the same key is the same work."""
    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    delay: float = 0.0
    """Seconds from now, by the database's clock."""
    again: bool = False
    """True: submitting a key that is done, or running, makes it due once more (bring a message up to
    date). False: a key that was ever submitted is not submitted twice (a click)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """A job that this replica holds until its lease ends, renewed by a heartbeat."""

    job: Job
    lease: str
    """Fences finish and retry: an old holder's call has no effect."""
    attempt: int
    """1 for the first try; above, somebody may have done half of it."""
    generation: int


class Later(Exception):
    """Raised by whoever performs a job: so far so good, call me again after `delay` seconds."""

    def __init__(self, delay: float) -> None:
        super().__init__(f"again in {delay:g} s")
        self.delay = delay


class Jobs(Protocol):
    """The leased jobs, on the database's clock."""

    async def submit(self, *jobs: Job) -> None:
        """Commit jobs; durable when it returns."""
        ...

    async def claim(
        self, *, limit: int, lease: float, kinds: Collection[str] | None = None
    ) -> Sequence[Leased]:
        """Lease due jobs for so many seconds; of these kinds only, for a newer replica may know more."""
        ...

    async def renew(self, leased: Leased, *, lease: float) -> bool:
        """Extend a lease; False when it was lost."""
        ...

    async def finish(self, leased: Leased, *, then: Sequence[Job] = ()) -> None:
        """Mark done, and submit what follows, in one transaction. Submitted again meanwhile: due again."""
        ...

    async def retry(self, leased: Leased, *, delay: float, error: str = "") -> None:
        """Give the lease back, due after `delay` seconds, or as soon as it was submitted for again meanwhile.

        Without an error it was planned so, and the next attempt counts as the first.
        """
        ...

    async def next_due(self, *, kinds: Collection[str] | None = None) -> float | None:
        """Seconds until a job of these kinds is due or its lease ends (0: now); None: no job waits."""
        ...

    def subscribe(self, poke: Callable[[], None]) -> None:
        """Call `poke`, in the event loop, after each commit that submitted jobs through this store."""
        ...
