"""The database: the truth about changes, verification runs and incidents."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from bot.domain.change import Change, Event, Place, ServiceRef
from bot.domain.incident import Incident
from bot.domain.incident_act import Known
from bot.domain.objects import Ref
from bot.domain.verification import Run
from bot.ports.jobs import Job, Jobs


class Changes(Protocol):
    """Changes and their events. A move is one compare-and-set, in one transaction with its jobs."""

    async def open(self, change: Change, event: Event, *, jobs: Sequence[Job]) -> Change:
        """Store a proposal, number it, and lock its Services (and its load balancers under IPVS).

        `{number}`-free: jobs carry the change's id. Storing the same id twice returns the first.

        Raises:
            AlreadyOpen: a Service of it has an open change.
        """
        ...

    async def get(self, change_id: str) -> Change:
        """Read one change.

        Raises:
            NotFound: there is none.
        """
        ...

    async def move(self, before: Change, after: Change, event: Event, *, jobs: Sequence[Job] = ()) -> None:
        """Compare `before.version`, set `after`, append the event, submit the jobs; all or nothing.

        Raises:
            Stale: the row has another version.
        """
        ...

    async def note(self, before: Change, after: Change, *, jobs: Sequence[Job] = ()) -> Change:
        """As move, for what is no event: progress, the card's place. The phase does not change.

        Returns what is stored: `after`, with its version counted up.

        Raises:
            Stale: the row has another version.
        """
        ...

    async def find(
        self,
        *,
        cluster: str | None = None,
        namespace: str | None = None,
        name: str | None = None,
        open_only: bool = False,
        limit: int = 20,
    ) -> Sequence[Change]:
        """Return changes, newest first."""
        ...

    async def events(self, change_id: str) -> Sequence[Event]:
        """Return a change's events, oldest first."""
        ...


class Runs(Protocol):
    """Verification runs; one at a time for a Service."""

    async def open(self, run: Run, *, jobs: Sequence[Job] = ()) -> Run:
        """Store a run; the same id twice returns the first.

        Raises:
            AlreadyOpen: another run is under way for one of its Services (change_id is that run's id).
        """
        ...

    async def get(self, run_id: str) -> Run:
        """Read one run.

        Raises:
            NotFound: there is none.
        """
        ...

    async def save(self, before: Run, after: Run, *, jobs: Sequence[Job] = ()) -> Run:
        """Compare `before.version`, set `after`; return what is stored, its version counted up.

        Raises:
            Stale: the row has another version.
        """
        ...

    async def last(self, service: ServiceRef) -> Run | None:
        """Return the run that is named after a Service and ended last; None: there is none."""
        ...


class Messages(Protocol):
    """Where each of our messages is, by a key of ours."""

    async def place(self, key: str) -> Place | None:
        """Return where the message is; None: it was never posted, as far as we know."""
        ...

    async def remember(self, key: str, place: Place) -> None:
        """Record where the message is; the last word counts."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """Nothing is written to a cluster, and no probe is sent."""

    by: str
    """A Slack user id."""
    at: datetime


class Pauses(Protocol):
    """Which clusters are paused; "*" is all of them."""

    async def pause(self, cluster: str, by: str, at: datetime) -> None:
        """Stop every write and probe of the cluster, on all replicas."""
        ...

    async def resume(self, cluster: str) -> None:
        """Allow them again."""
        ...

    async def paused(self, cluster: str) -> Pause | None:
        """Return the first pause of the cluster, or of all of them; None: it is not paused."""
        ...


class Incidents(Protocol):
    """Incidents; one live at a time for each key. Moments are the callers', leases run on the database's clock."""

    async def hold(self, cluster: str, holder: str, *, seconds: float) -> bool:
        """Take or renew the right to tell a cluster's incidents; False: another replica has it."""
        ...

    async def release(self, cluster: str, holder: str) -> None:
        """Give the right back, so that another replica need not wait for its end."""
        ...

    async def begun(self, cluster: str) -> datetime | None:
        """Return since when the cluster is watched; None: nobody has begun."""
        ...

    async def begin(
        self, cluster: str, standing: Sequence[Incident], *, at: datetime, jobs: Sequence[Job] = ()
    ) -> bool:
        """Record what is so at the very first look, once, by who holds the right; False: it was done already."""
        ...

    async def recall(self, cluster: str) -> tuple[datetime, Mapping[Ref, Known]] | None:
        """Return when the cluster was looked at last, and what each Service's annotation was; None: never."""
        ...

    async def note(self, cluster: str, known: Mapping[Ref, Known | None], *, at: datetime) -> None:
        """Remember what annotations are, those that changed since the last note; None: no such Service any more."""
        ...

    async def open(self, incident: Incident, *, jobs: Sequence[Job] = ()) -> Incident:
        """Store an incident, unless one with its key is live: that one is returned then, and nothing submitted."""
        ...

    async def save(self, before: Incident, after: Incident, *, jobs: Sequence[Job] = ()) -> Incident:
        """Compare `before.version`, set `after`; return what is stored, its version counted up.

        Raises:
            Stale: the row has another version, or its key is live again.
        """
        ...

    async def get(self, incident_id: str) -> Incident:
        """Read one incident.

        Raises:
            NotFound: there is none.
        """
        ...

    async def live(self, cluster: str | None = None) -> Sequence[Incident]:
        """Return what is not over, of one cluster or all."""
        ...

    async def last(self, key: str) -> Incident | None:
        """Return the live incident of a key, else the one that was saved last; None: there was none."""
        ...

    async def folded(self, key: str) -> Sequence[Incident]:
        """Return the incidents that one message tells together, over or not."""
        ...

    async def admit(self, channel: str) -> tuple[int, int]:
        """Count one message to a channel; return the minute, and the message's number in it, from 1."""
        ...


class Store(Protocol):
    """The database: the truth about changes; every message is a view of it."""

    @property
    def jobs(self) -> Jobs:
        """The leased jobs."""
        ...

    @property
    def changes(self) -> Changes:
        """The changes and their events."""
        ...

    @property
    def runs(self) -> Runs:
        """The verification runs."""
        ...

    @property
    def messages(self) -> Messages:
        """Where our messages are."""
        ...

    @property
    def pauses(self) -> Pauses:
        """Which clusters are paused."""
        ...

    @property
    def incidents(self) -> Incidents:
        """What is or was wrong in the clusters."""
        ...

    async def ping(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            Unavailable: it does not answer.
        """
        ...
