"""What the operations ask of the world: clusters, cloud, store and messenger, in our own words.

WorldError                       somebody or something outside did not do what was asked
├── Unavailable                  no answer, or not now; nothing is known about what happened
├── Forbidden                    the answer is no; its sentence may be shown to people
├── NotFound                     it is not there
├── Conflict                     it changed since it was read
├── Invalid                      the request was refused as malformed; its sentence may be shown
└── Stale                        our own row moved on: somebody else decided first
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from bot.domain.change import Change, Event, Place, ServiceRef
from bot.domain.incident import Incident
from bot.domain.objects import Ref, Value
from bot.domain.snapshot import Snapshot
from bot.domain.verification import Run


class WorldError(Exception):
    """Something outside did not do what was asked; the message is one sentence, fit for a person."""


class Unavailable(WorldError):
    """No answer in time, or a server error: whether it happened is not known.

    `retry_after` is how many seconds the other side asked us to wait, where it did.
    """

    def __init__(self, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Forbidden(WorldError):
    """The answer is no, by access control or by an admission webhook."""


class NotFound(WorldError):
    """The thing is not there."""


class Conflict(WorldError):
    """The precondition failed: the object changed since it was read."""


class Invalid(WorldError):
    """The request itself was refused."""


class Stale(WorldError):
    """The stored row is no longer as it was read: another click or replica moved it first."""


class AlreadyOpen(WorldError):
    """One of the Services has an open change already."""

    def __init__(self, change_id: str, number: int) -> None:
        super().__init__(f"CHG-{number} is open for it already")
        self.change_id = change_id
        self.number = number


# --- cluster ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveService:
    """One Service as the API server has it now; what apply decides on."""

    ref: ServiceRef
    uid: str
    resource_version: str
    annotations: Mapping[str, str]
    read_hash: str
    """SHA-256 of the spec and annotations that the path reads, without the pass-through key itself."""
    touched_by: Mapping[str, str] = field(default_factory=dict)
    """Annotation key → field manager that owns it, from managedFields."""
    labels: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How far a cluster's cache can be trusted."""

    synced: bool
    """Whether every kind was listed at least once."""
    age: float | None
    """Seconds since the API server was last heard of; None: never."""
    problem: str = ""
    """One sentence when the cluster does not answer, or a kind may not be listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbePod:
    """A probe Pod to run: where, what it connects to, and how long it may live."""

    name: str
    """Deterministic: run, phase and client; creating it twice is creating it once."""
    run: str
    node: str
    host_network: bool
    targets: tuple[str, ...]
    connections: int
    duration: float
    """Seconds over which the connections are spread."""
    timeout: float
    """Seconds one connection may take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetCount:
    """What a probe counted for one target."""

    attempts: int
    connected: int
    errors: Mapping[str, int]
    p50_ms: float | None = None
    p99_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeState:
    """What is known of a probe Pod now."""

    phase: str
    """pending | running | done | failed | gone."""
    why: str = ""
    """One sentence, when it is pending, failed or gone."""
    started_at: datetime | None = None
    counts: Mapping[str, TargetCount] = field(default_factory=dict)
    """Target → counts, when done."""


class Changed(Protocol):
    """One object of a cluster's cache is not what it was; None before: new, None after: gone."""

    @property
    def ref(self) -> Ref:
        """Its name; a Node's has an empty namespace."""
        ...

    @property
    def before(self) -> Value | None:
        """What it was."""
        ...

    @property
    def after(self) -> Value | None:
        """What it is."""
        ...


class Cluster(Protocol):
    """One Kubernetes cluster: a cache that answers questions, and few, narrow writes."""

    name: str
    read_only: bool

    def snapshot(self) -> Snapshot:
        """Return what the cache holds now, frozen; no call leaves the process."""
        ...

    def freshness(self) -> Freshness:
        """Say how far the snapshot can be trusted."""
        ...

    def subscribe(self, subscriber: Callable[[Changed], None]) -> Callable[[], None]:
        """Call `subscriber`, in the event loop and at once, for every later change; the returned function ends it."""
        ...

    async def read(self, service: ServiceRef) -> LiveService:
        """Read one Service from the API server.

        Raises:
            NotFound, Forbidden, Unavailable: as named.
        """
        ...

    async def patch(
        self,
        service: ServiceRef,
        annotations: Mapping[str, str | None],
        *,
        resource_version: str,
        dry_run: bool,
    ) -> LiveService:
        """Merge-patch annotations under a resourceVersion precondition, as our field manager.

        Raises:
            Conflict: the resourceVersion is no longer current.
            Forbidden: RBAC or an admission webhook refused; its sentence is the message.
            Unavailable: no answer; the patch may have landed.
            NotFound, Invalid: as named.
        """
        ...

    async def tell(self, service: ServiceRef, uid: str, *, key: str, message: str) -> None:
        """Record the Kubernetes Event PassThroughChanged on a Service, once per key; best effort."""
        ...

    async def start_probe(self, pod: ProbePod) -> None:
        """Create a probe Pod; one that is there already is left alone.

        Raises:
            Forbidden: RBAC, quota, admission or Pod security refused it.
            Unavailable: no answer.
        """
        ...

    async def probe_state(self, name: str) -> ProbeState:
        """Look at a probe Pod.

        Raises:
            Forbidden, Unavailable: as named.
        """
        ...

    async def sweep_probes(self, run: str | None = None) -> int:
        """Delete the probe Pods of one run, or all of ours; return how many. Nobody else's are touched."""
        ...


class Clusters(Protocol):
    """Every configured cluster, by name."""

    def names(self) -> Sequence[str]:
        """Return the names, in the order of the configuration."""
        ...

    def get(self, name: str) -> Cluster:
        """Return one cluster.

        Raises:
            NotFound: no cluster of that name is configured.
        """
        ...


# --- cloud -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One listener of a load balancer."""

    id: str
    protocol: str
    port: int
    load_balancer: str = ""
    """The load balancer's id: metrics of a listener are looked up under both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadBalancerFacts:
    """A load balancer as the cloud's API describes it."""

    id: str
    name: str
    kind: str
    """union | performance: the values of elb.class."""
    private_ips: tuple[str, ...]
    public_ips: tuple[str, ...]
    listeners: tuple[Listener, ...]
    unhealthy: tuple[str, ...] = ()
    """ADDRESS:PORT of members that are OFFLINE."""
    members: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterKind:
    """What the CCE API says of a cluster; None where it is silent."""

    category: str | None
    version: str | None
    proxy_mode: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One metric value: the period that starts at `at` (UTC)."""

    at: datetime
    value: float


class Cloud(Protocol):
    """ELB, Cloud Eye and CCE of one project. None of it where no credentials are configured."""

    async def load_balancer(self, elb_id: str) -> LoadBalancerFacts:
        """Describe a load balancer.

        Raises:
            NotFound, Forbidden, Unavailable: as named.
        """
        ...

    async def new_connections(self, listener: Listener, *, start: datetime, end: datetime) -> Sequence[Point]:
        """Return connections per second (m4_ncps), one point a period; a missing period is missing, not 0.

        Raises:
            Forbidden, Unavailable: as named.
        """
        ...

    async def cluster(self) -> ClusterKind:
        """Describe the cluster; raises as load_balancer."""
        ...


# --- store -----------------------------------------------------------------------------------------------


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
            AlreadyOpen: another run is under way for the Service (change_id is that run's id).
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


class Messages(Protocol):
    """Where each of our messages is, by a key of ours."""

    async def place(self, key: str) -> Place | None:
        """Return where the message is; None: it was never posted, as far as we know."""
        ...

    async def remember(self, key: str, place: Place) -> None:
        """Record where the message is; the last word counts."""
        ...


class Pauses(Protocol):
    """Which clusters are paused; "*" is all of them."""

    async def pause(self, cluster: str, by: str, at: datetime) -> None:
        """Stop every write and probe of the cluster, on all replicas."""
        ...

    async def resume(self, cluster: str) -> None:
        """Allow them again."""
        ...

    async def paused(self, cluster: str) -> str | None:
        """Return who paused the cluster, or all of them; None: nobody."""
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


# --- messenger -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What people read: a full sentence for notifications and screen readers, and blocks."""

    text: str
    blocks: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A member of the workspace, as far as rights depend on it."""

    id: str
    team: str
    name: str
    full_member: bool
    """Neither guest, bot, deactivated nor of another workspace."""
    zone: str = "UTC"


class Messenger(Protocol):
    """Slack, in our words."""

    async def post(
        self,
        channel: str,
        message: Message,
        *,
        key: str,
        thread: str | None = None,
        broadcast: bool = False,
        look: bool = False,
    ) -> Place:
        """Post a message; with `look`, first look whether it is there already (by key).

        Raises:
            NotFound: no such channel, or the bot is not in it.
            Unavailable: Slack does not answer; the message may be there.
            Invalid: Slack refused the content.
        """
        ...

    async def edit(self, place: Place, message: Message) -> None:
        """Replace a message's content; raises as post."""
        ...

    async def whisper(self, channel: str, user: str, message: Message, *, thread: str | None = None) -> None:
        """Show a message to one person only, in a channel; a direct message where that cannot be."""
        ...

    async def answer(
        self, response_url: str, message: Message, *, replace: bool = False, in_channel: bool = False
    ) -> None:
        """Answer a command or a click, to its person; raises as post, and Forbidden for another host."""
        ...

    async def person(self, user: str) -> Person:
        """Look a person up, cached for a minute.

        Raises:
            Unavailable, NotFound: as named; callers refuse then.
        """
        ...

    async def members(self, group: str) -> frozenset[str]:
        """Return the user ids of a user group, cached for a minute; raises as person."""
        ...

    async def member_of(self, channel: str) -> bool:
        """Whether the bot may post there: a channel it is a member of."""
        ...

    async def permalink(self, place: Place) -> str:
        """Return a link to a message; empty where there is none."""
        ...
