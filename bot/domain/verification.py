"""A verification run: what was sent from where, what the load balancer counted, and what follows from it.

A run holds evidence only. What to do next is decided by `verification_pattern`, what the counter says by
`verification_signal`, and the verdict by `verification_verdict`; all three read a run and change nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from bot.domain.change import MeasuredClient, MeasurementPlan, Place, ServiceRef


class Part(StrEnum):
    """Which side of the patch a burst belongs to."""

    BEFORE = "before"
    """After approval, before the patch."""
    AFTER = "after"
    """After the patch, or at any time where nothing is changed."""
    RECHECK = "recheck"
    """Again, node by node, for clients that the first look did not settle."""


class Outcome(StrEnum):
    """What a run found."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"


class Connectivity(StrEnum):
    """Whether a client gets there, as its own counts say."""

    REACHABLE = "reachable"
    """At least 95 % of the connections were made."""
    UNREACHABLE = "unreachable"
    """None was made."""
    INCONSISTENT = "inconsistent"
    """Some were made."""
    UNKNOWN = "unknown"
    """No count, too few attempts, or errors that are not the network's."""


class Crossing(StrEnum):
    """Whether a client's connections went through the load balancer, as its counter says."""

    CROSSED = "crossed"
    BYPASSED = "bypassed"
    PARTLY = "partly"
    """Some of the class's nodes send their connections through it, others do not."""
    UNCLEAR = "unclear"
    """The counter came, and noise, rounding or clocks leave more than one answer."""
    STUCK = "stuck"
    """The counter came and never moved: nothing shows that it counts."""
    UNSEEN = "unseen"
    """The counter never came."""


class Judgement(StrEnum):
    """What one row of the verdict's table amounts to."""

    AS_EXPECTED = "as expected"
    CONTRADICTED = "contradicted"
    OPEN = "open"


class ProbePhase(StrEnum):
    """Where a probe Pod of ours stands, as last seen."""

    PLANNED = "planned"
    """Its name is stored; it may or may not exist."""
    CREATED = "created"
    RUNNING = "running"
    DONE = "done"
    LOST = "lost"
    """It started and ended without a result: evicted, killed, or its node went away."""
    NEVER_STARTED = "never started"
    """Refused, not scheduled, or its image could not be pulled."""


ENDED = frozenset({ProbePhase.DONE, ProbePhase.LOST, ProbePhase.NEVER_STARTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """One probe Pod of a burst: its node, and what it counted over all of its targets."""

    name: str
    """The Pod's name: derived from run, part, client, attempt and node, so that creating it twice is once."""
    node: str
    connections: int
    """How many it was told to open, per target."""
    phase: ProbePhase = ProbePhase.PLANNED
    why: str = ""
    created_at: datetime | None = None
    """When we asked for it, by the bot's clock."""
    started_at: datetime | None = None
    """When its container started, by the kubelet's clock, in whole seconds."""
    finished_at: datetime | None = None
    """When its container ended, by the same clock."""
    seen_at: datetime | None = None
    """When it was first seen to have ended, by the bot's clock."""
    attempts: int | None = None
    connected: int | None = None
    errors: Mapping[str, int] = field(default_factory=dict)
    silent: tuple[str, ...] = ()
    """Targets at which nothing connected."""
    p50_ms: float | None = None
    p99_ms: float | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.phase in ENDED


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """One class of client taking its turn: its probes, all at the same time."""

    part: Part
    client: str
    """The class, by its name in the plan."""
    node: str = ""
    """The one node that is asked, when a class is looked at again node by node."""
    attempt: int = 1
    """Counts from 1; an interrupted burst is repeated as the next attempt."""
    at: datetime
    """The start of the metric period that it is meant to fill."""
    probes: tuple[Probe, ...] = ()
    skipped: Mapping[str, str] = field(default_factory=dict)
    """Node → why none of its probes started, for nodes given up in this class."""
    closed_at: datetime | None = None
    """When its last probe had ended."""

    @property
    def usable(self) -> bool:
        """Whether every probe of it brought its counts."""
        return bool(self.probes) and all(
            p.phase is ProbePhase.DONE and p.attempts is not None and p.connected is not None
            for p in self.probes
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The load balancer's new connections per second over one period, summed over the Service's listeners."""

    at: datetime
    """Start of the period, UTC."""
    value: float
    concurrent: float | None = None
    """Open connections, on average; None where that metric did not come."""
    packets: float | None = None
    """Incoming packets per second; None where that metric did not come."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """One listener whose counter is read."""

    id: str
    protocol: str
    port: int
    moved: bool | None = None
    """Whether it was seen to move, lately or in the run; None where it was not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A class, and one node of it, to look at once more."""

    client: str
    node: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """What one side of the patch brought for one class of client."""

    attempts: int | None = None
    connected: int | None = None
    seen: int | None = None
    """New connections at the load balancer above its noise; None where the counter never came, or is not understood."""
    connectivity: Connectivity = Connectivity.UNKNOWN
    crossing: Crossing = Crossing.UNSEEN
    nodes: tuple[str, ...] = ()
    errors: Mapping[str, int] = field(default_factory=dict)
    p50_ms: float | None = None
    p99_ms: float | None = None
    confidence: float = 0.0
    """Probability that noise alone does not explain the crossing, 0 to 1; 0 where it is open."""
    why: str = ""
    """What is missing, where something is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """Another metric of the load balancer, outside the bursts and in them, on average of the periods that came."""

    name: str
    """In words."""
    quiet: float | None
    """None where it never came."""
    before: float | None
    """In the bursts before the patch; None where none was sent or its metric never came."""
    after: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One class of client in the verdict's table."""

    client: str
    expected: str
    """In words, after the change."""
    before: Count | None
    """None where nothing was measured before."""
    after: Count
    judgement: Judgement
    rule: str
    """Code of the rule that decided, from the table in docs/verification.md."""
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a run found, in words and numbers."""

    outcome: Outcome
    rule: str
    """Code of the rule that decided, from the table in docs/verification.md."""
    headline: str
    """One sentence."""
    in_the_past: str = ""
    """The same of a success, for who reads it when something else may hold; empty of any other outcome."""
    rows: tuple[Row, ...] = ()
    confidence: float | None = None
    """The weakest row's, where the load balancer's counter decided; None where it did not."""
    sure_because: str = ""
    not_looked_at: tuple[str, ...] = ()
    would_settle: tuple[str, ...] = ()
    """What would make an inconclusive run conclusive."""
    noise: float | None = None
    """Mean of the load balancer's new connections per period outside the bursts after the patch."""
    spread: float | None = None
    """Half the range of the same."""
    beside: tuple[Beside, ...] = ()
    """Evidence that decides nothing by itself; empty where no counter was read."""
    calls: int = 0
    """Calls to the cluster's and the cloud's APIs that the run cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One verification of a Service, or of all that a change patches. A value: every step returns a new one, and the store counts its version up."""

    id: str
    service: ServiceRef
    change_id: str = ""
    """Empty: `verify` by itself."""
    plan: MeasurementPlan
    requested_by: str
    channel: str
    thread: Place | None = None
    version: int = 0
    started_at: datetime
    counters: tuple[Counter, ...] = ()
    """The listeners that are read, once they are known."""
    blind: str = ""
    """Why the load balancer's counters cannot be read at all, in one sentence."""
    looked: bool = False
    """Whether it is settled which counters are read, or that none can be."""
    ahead: float = 0.0
    """Seconds by which the bot's clock was ahead of the cloud's. Every time in a run is the cloud's, so that bursts
    fill its metric periods."""
    timed: bool = True
    """Whether it is known which of the cloud's periods the bursts filled: not where its time is not believed, or one
    of the clocks was set meanwhile."""
    bursts: tuple[Burst, ...] = ()
    readings: tuple[Reading, ...] = ()
    read_at: datetime | None = None
    """When the counters were last asked for."""
    trouble: str = ""
    """The last thing that the cloud said when the counters did not come."""
    applied_at: datetime | None = None
    """When the patch was on the Service."""
    again: tuple[Target, ...] = ()
    """What is looked at once more."""
    rechecked: bool = False
    """Whether it was decided what to look at once more."""
    calls: int = 0
    stopped_by: str = ""
    stopped_at: datetime | None = None
    finished_at: datetime | None = None
    verdict: Verdict | None = None

    @property
    def open(self) -> bool:
        """Whether the run still holds its Services."""
        return self.finished_at is None

    @property
    def services(self) -> tuple[ServiceRef, ...]:
        """Every Service that it is about, the named one first; no other run may be about any of them meanwhile."""
        return (self.service, *self.plan.others)

    @property
    def comparing(self) -> bool:
        """Whether there is a measurement before the patch."""
        return self.plan.compare

    def client(self, name: str) -> MeasuredClient | None:
        """The class of that name in the plan."""
        return next((c for c in self.plan.clients if c.name == name), None)
