"""Kubernetes clusters: a cache that answers questions, and few, narrow writes."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from bot.domain.change import ServiceRef
from bot.domain.objects import Ref, Value
from bot.domain.owner import Mark, Owner, Writer
from bot.domain.snapshot import Snapshot


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
    writers: tuple[Writer, ...] = ()
    """Everybody who wrote to it, from managedFields."""
    last_applied: Mapping[str, str] | None = None
    """The annotations that client-side apply sent last; None where it never did."""
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
    inside: Ref | None = None
    """The running Pod in which a command opens the connections; None: a Pod of our own does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundProbe:
    """A probe Pod of ours that is in the cluster, whoever made it."""

    name: str
    run: str
    created_at: datetime | None
    """By the API server's clock; None where that cannot be read."""


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
    finished_at: datetime | None = None
    """By the same clock as `started_at`."""
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

    @property
    def api_server(self) -> Collection[str]:
        """Addresses at which its API is served, as far as they are known: nothing else may connect to them."""
        ...

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

    async def owners(self, mark: Mark) -> Sequence[Owner]:
        """Read the objects by which a GitOps tool looks after a Service; none where it knows no such kind.

        Raises:
            Forbidden, Unavailable: as named.
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

    async def probes(self) -> Sequence[FoundProbe]:
        """List the probe Pods of ours, of every run.

        Raises:
            Forbidden, Unavailable: as named.
        """
        ...

    async def sweep_probes(self, run: str) -> int:
        """Delete the probe Pods of one run, and end its commands; return how many. Nobody else's are touched."""
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
