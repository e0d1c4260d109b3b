"""A change: what was proposed, where it stands, and the one table of its lifecycle."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from json import dumps

from bot.domain.entitled import Electorate
from bot.domain.owner import Fate


class Phase(StrEnum):
    """Where a change stands; the words that people read."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    """Enough people said yes; the measurement before the patch runs."""
    APPLYING = "applying"
    """From here the patch may be on its way to the API server."""
    VERIFYING = "verifying"
    """The patch is on the Service; whether it works is being measured."""
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLIED = "not applied"
    HALF_APPLIED = "half applied"
    """It could not be completed, and a part of it could not be put back: that part is in the cluster."""
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    REVERTED = "reverted"


class EventKind(StrEnum):
    """What happened to a change, in the past tense."""

    PROPOSED = "proposed"
    APPROVAL_GIVEN = "approval given"
    """One of several approvals; not yet enough."""
    APPROVED = "approved"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    APPLY_STARTED = "apply started"
    STEP_APPLIED = "step applied"
    """One Service of several was patched."""
    STOP_ASKED = "stop asked"
    """Who asked for it withdrew it while it was being applied: what is there is put back."""
    APPLIED = "applied"
    NOT_APPLIED = "not applied"
    HALF_APPLIED = "half applied"
    """Putting back was given up: by the bot after about a day, or by who asked for the change."""
    VERIFIED = "verified"
    VERIFICATION_FAILED = "verification failed"
    VERIFICATION_INCONCLUSIVE = "verification inconclusive"
    REVERTED = "reverted"


TRANSITIONS: Mapping[Phase, Mapping[EventKind, Phase]] = {
    Phase.PROPOSED: {
        EventKind.APPROVAL_GIVEN: Phase.PROPOSED,
        EventKind.APPROVED: Phase.APPROVED,
        EventKind.REJECTED: Phase.REJECTED,
        EventKind.WITHDRAWN: Phase.WITHDRAWN,
        EventKind.EXPIRED: Phase.EXPIRED,
        EventKind.SUPERSEDED: Phase.SUPERSEDED,
    },
    Phase.APPROVED: {
        EventKind.APPLY_STARTED: Phase.APPLYING,
        EventKind.NOT_APPLIED: Phase.NOT_APPLIED,
        EventKind.WITHDRAWN: Phase.WITHDRAWN,
        EventKind.SUPERSEDED: Phase.SUPERSEDED,
    },
    Phase.APPLYING: {
        EventKind.STEP_APPLIED: Phase.APPLYING,
        EventKind.STOP_ASKED: Phase.APPLYING,
        EventKind.APPLIED: Phase.VERIFYING,
        EventKind.NOT_APPLIED: Phase.NOT_APPLIED,
        EventKind.HALF_APPLIED: Phase.HALF_APPLIED,
        EventKind.SUPERSEDED: Phase.SUPERSEDED,
    },
    Phase.VERIFYING: {
        EventKind.VERIFIED: Phase.SUCCEEDED,
        EventKind.VERIFICATION_FAILED: Phase.FAILED,
        EventKind.VERIFICATION_INCONCLUSIVE: Phase.INCONCLUSIVE,
    },
    Phase.SUCCEEDED: {EventKind.REVERTED: Phase.REVERTED},
    Phase.HALF_APPLIED: {EventKind.REVERTED: Phase.REVERTED},
    Phase.FAILED: {},
    Phase.INCONCLUSIVE: {},
    Phase.NOT_APPLIED: {},
    Phase.REJECTED: {},
    Phase.WITHDRAWN: {},
    Phase.EXPIRED: {},
    Phase.SUPERSEDED: {},
    Phase.REVERTED: {},
}

OPEN = frozenset({Phase.PROPOSED, Phase.APPROVED, Phase.APPLYING, Phase.VERIFYING})
"""Phases in which a change holds its Services: nobody can propose another for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One thing that happened to a change; all of them together are its audit log."""

    kind: EventKind
    at: datetime
    """UTC, by the bot's clock."""
    by: str
    """A Slack user id, or "bot"."""
    detail: Mapping[str, str] = field(default_factory=dict)
    """What an auditor wants beside it: digest, reason, resourceVersion, the API server's sentence."""


class IllegalMoveError(Exception):
    """The lifecycle has no such move; nothing was changed."""

    def __init__(self, phase: Phase, event: EventKind) -> None:
        super().__init__(f"a change that is {phase} cannot become '{event}'")
        self.phase = phase
        self.event = event


class Verb(StrEnum):
    """What a change does to pass-through."""

    ENABLE = "enable"
    DISABLE = "disable"
    ROLLBACK = "rollback"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ServiceRef:
    """One Service in one cluster, by name."""

    cluster: str
    namespace: str
    name: str

    def __str__(self) -> str:
        """As people write it after the subcommand, without the cluster."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One Service's part of a change: the very patch, and what it replaces."""

    service: ServiceRef
    uid: str
    before: Mapping[str, str | None]
    """The touched annotations as they were; None is absent, which is not the empty string."""
    after: Mapping[str, str | None]
    """The annotations the patch sets; None removes the key."""
    read_hash: str
    """SHA-256 of the spec and annotations that the path depends on, at the time of the proposal."""
    resource_version: str
    """When the proposal was made; shown, not compared: a rollout of Pods does not touch it."""
    load_balancer: str = ""
    """The ELB's id, else its address; empty where neither is known."""
    besides: tuple[str, ...] = ()
    """Other annotations that the cluster's webhooks change together with the patch, as the rehearsal showed."""

    def patch(self) -> dict[str, object]:
        """Return the JSON merge patch, without the precondition that apply adds."""
        return {"metadata": {"annotations": dict(self.after)}}


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientClass:
    """One row of the table that people approve: a class of client, its path before and after."""

    client: str
    """In words: "pods, node without a backend"."""
    count: int
    """How many Pods or nodes of the cluster the row stands for; 0 for clients outside."""
    destination: str
    """ADDRESS:PORT/PROTOCOL."""
    before: str
    """The verdict before: reachable, unreachable, ambiguous, undetermined."""
    after: str
    through_before: bool | None
    """Whether the load balancer is crossed before; None where it depends."""
    through_after: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingNote:
    """A finding as the card shows it."""

    code: str
    severity: str
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """One person's yes."""

    by: str
    at: datetime
    break_glass: bool = False
    reason: str = ""
    at_once: bool = False
    """Whether it is in a hurry: applied without a measurement before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A Slack message: where a change's card is."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A proposal and what became of it. A value: every move returns a new one."""

    id: str
    """Opaque, unguessable; what buttons carry."""
    number: int
    """Counts up from 1; people say CHG-7. The store assigns it, 0 before."""
    cluster: str
    verb: Verb
    service: ServiceRef
    """The one that the person named."""
    steps: tuple[Step, ...]
    """In the order in which they are applied."""
    requested_by: str
    requested_at: datetime
    reason: str
    channel: str
    """Where the card belongs."""
    template_digest: str
    """SHA-256 of the template source that rendered the patch; empty where none did: what is undone was captured."""
    plan: "MeasurementPlan | None"
    """What the verification will send; people approve this too."""
    table: tuple[ClientClass, ...]
    findings: tuple[FindingNote, ...]
    approvers: tuple[str, ...]
    """User and group ids who may approve, as shown on the card."""
    approvals_needed: int
    expires_at: datetime
    electorate: Electorate | None = None
    """Who had which right when it was proposed; None: of an earlier version, only who may now was looked at."""
    frozen: str = ""
    """How long changes are frozen where it is about, as "until …"; empty while they are not."""
    remind_at: datetime | None = None
    headline: str = ""
    """The path's verdict in one line, before the change."""
    phase: Phase = Phase.PROPOSED
    version: int = 0
    """Counts moves; the store compares and sets it."""
    approvals: tuple[Approval, ...] = ()
    decided_by: str = ""
    decided_at: datetime | None = None
    note: str = ""
    """Why it ended as it did, in one sentence; or what the reader should know now."""
    applied_at: datetime | None = None
    ended_at: datetime | None = None
    run: str = ""
    """The id of its verification run."""
    rolls_back: str = ""
    """The id of the change that this one undoes."""
    rolled_back_by: str = ""
    """CHG number of the change that undoes this one, if any."""
    rollback: Phase | None = None
    """How far that one is, as far as this one has heard."""
    superseded_by: str = ""
    """CHG number of the proposal that was made in its place, if any."""
    incident: bool = False
    """Whether the incident channel is told of it: from break-glass, or from the patch on."""
    git_note: str = ""
    """What becomes of the patch under those who look after the Services too, and who they are."""
    fate: Fate | None = None
    """The same as a value; None where it was not looked up."""
    dry_run: str = ""
    """What the server-side dry run answered, in one sentence; empty where it could not be rehearsed."""
    progress: str = ""
    """What it is doing, or waiting for, in a few words; every move ends it."""
    sent: tuple[ServiceRef, ...] = ()
    """Services whose patch was about to be sent: it may be on its way, or there."""
    sent_over: Mapping[str, str] = field(default_factory=dict)
    """By NAMESPACE/SERVICE, the resourceVersion that its patch was sent with: while it is current, nothing landed.
    Empty where every patch of it was answered."""
    sent_at: datetime | None = None
    """When a patch was about to be sent last, by the bot's clock."""
    waits: int = 0
    """Attempts to apply it, since the last move, that came to nothing because somebody did not answer."""
    tries: int = 0
    """How many of them got as far as a patch, or its rehearsal, that the API server did not answer; while it is put
    back: rounds after which something was still there."""
    trouble: str = ""
    """What came instead of that answer, last; while it is put back: why that is still there."""
    undoing: str = ""
    """Why it is not completed: what was patched of it is being put back."""
    still: tuple[ServiceRef, ...] = ()
    """Services that it has patched and that could not be put back so far."""
    stopped_by: str = ""
    """Who withdrew it while it was being applied."""
    others: tuple[str, ...] = ()
    """What it does to each of the other Services that are patched with the named one, a sentence each."""
    balancers: tuple[str, ...] = ()
    """Names of the load balancer, where no other change may be open for it: under IPVS it has one setting."""
    between: tuple[str, ...] = ()
    """Who is cut off while only some of its Services are patched, and not in the end; in words."""
    undone: str = ""
    """What somebody else made of its annotations before it was verified, in a sentence."""
    put_back: bool = False
    """Whether by that all of them were as before again, so that nothing is left to roll back."""
    renewals: int = 0
    """How many proposals of the same wish were superseded before this one, one after the other."""

    @property
    def label(self) -> str:
        """How people name it."""
        return f"CHG-{self.number}"

    @property
    def at_once(self) -> bool:
        """Whether who decided it wanted no measurement before the patch."""
        return bool(self.approvals) and self.approvals[-1].at_once

    @property
    def open(self) -> bool:
        """Whether the change still holds its Services."""
        return self.phase in OPEN

    @property
    def digest(self) -> str:
        """Return the SHA-256, in hex, of everything that people approve.

        Cluster, Services with their UIDs, before-values, what the path reads of each, the patch, the
        template and the verification plan. Endpoints are not in it: a rollout must not void an approval.
        """
        content = {
            "cluster": self.cluster,
            "steps": [
                {
                    "service": [s.service.namespace, s.service.name, s.uid],
                    "before": dict(s.before),
                    "after": dict(s.after),
                    "read": s.read_hash,
                    **({"besides": list(s.besides)} if s.besides else {}),
                }
                for s in self.steps
            ],
            "template": self.template_digest,
            "plan": self.plan.content() if self.plan else None,
        }
        return sha256(dumps(content, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @property
    def short_digest(self) -> str:
        """The first eight hex digits, in two groups, as the card and the audit show them."""
        return f"{self.digest[:4]} {self.digest[4:8]}"

    def after(self, event: Event, **changed: object) -> "Change":
        """Return the change as it is after the event; the only way to move it.

        Raises:
            IllegalMoveError: the lifecycle has no such move from this phase.
        """
        to = TRANSITIONS[self.phase].get(event.kind)
        if to is None:
            raise IllegalMoveError(self.phase, event.kind)
        # What was to be known of a proposal is not why it ended.
        ended = {} if to in OPEN else {"ended_at": event.at, "note": ""}
        quiet = {"progress": "", "waits": 0, "tries": 0, "trouble": ""}
        moved = {"phase": to, "version": self.version + 1, **quiet, **ended, **changed}
        return replace(self, **moved)  # type: ignore[arg-type]  # replace() checks the names itself


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredClient:
    """One class of client that the verification plays, and what the path engine expects of it."""

    name: str
    """In words, as in the table."""
    node: str
    """Where the probe Pod runs; not in the digest, for a rollout may move it."""
    host_network: bool
    targets: tuple[str, ...]
    """tcp|http|https://ADDRESS:PORT, the load balancer's own addresses only."""
    expect_before: str
    """reachable | unreachable | ambiguous | undetermined."""
    through_before: bool | None
    expect_after: str
    through_after: bool | None
    kind: str = ""
    """Code of the class, as the path engine names it; by it other nodes are found when `node` is gone."""
    nodes: tuple[str, ...] = ()
    """Every node that takes part at the same time, `node` first; not in the digest."""
    of: int = 0
    """How many nodes the class has; more than `nodes` where the plan is bounded."""
    service: ServiceRef | None = None
    """To which Service of a set it connects; None: to the plan's own."""
    connections: int = 0
    """Per burst, where it is another number than the plan's; else 0."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementPlan:
    """What a verification will send, and how long it looks; part of what people approve."""

    service: ServiceRef
    how: str
    """probe | exec | none."""
    clients: tuple[MeasuredClient, ...]
    connections: int
    """Per client class and burst, for every class that has no number of its own."""
    period: float
    """The cloud's metric period, in seconds; one burst fills one period."""
    baseline: float
    """Seconds of quiet observed first."""
    window: float
    """Seconds to wait for the metrics at most."""
    watch: float
    """Seconds after success in which a revert is still looked for."""
    load_balancer: str = ""
    """The ELB's id; empty: the load balancer's own counters cannot be read."""
    ports: tuple[int, ...] = ()
    """The Service's ports, to find its listeners."""
    compare: bool = True
    """Whether it measures before the patch too; `verify` alone does not."""
    pinned: tuple[str, ...] = ()
    """Host names whose addresses these are, as they were resolved once, for this plan."""
    left_out: tuple[str, ...] = ()
    """What is not looked at, and why, in words; not in the digest."""
    value: str | None = None
    """The Service's pass-through annotation that is measured, empty where it is absent; None: not noted."""
    others: tuple[ServiceRef, ...] = ()
    """Services that are patched with the named one, measured or not; their names are in the digest with the steps."""

    @property
    def measured(self) -> tuple[ServiceRef, ...]:
        """The Services to which something connects, the named one first."""
        found = {client.service or self.service for client in self.clients}
        return tuple(each for each in (self.service, *self.others) if each in found)

    @property
    def unmeasured(self) -> tuple[ServiceRef, ...]:
        """The Services of the change to which nothing connects."""
        return tuple(each for each in (self.service, *self.others) if each not in self.measured)

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every ADDRESS:PORT that is connected to."""
        every = (target.partition("://")[2] for client in self.clients for target in client.targets)
        return tuple(dict.fromkeys(every))

    def sent_by(self, client: MeasuredClient) -> int:
        """How many connections a class opens in one burst."""
        return client.connections or self.connections

    def content(self) -> dict[str, object]:
        """Return what the digest covers, as JSON."""
        return {
            "how": self.how,
            "clients": [
                [c.name, c.host_network, list(c.targets), *([c.connections] if c.connections else [])]
                for c in self.clients
            ],
            "connections": self.connections,
            "baseline": self.baseline,
            "window": self.window,
            "loadBalancer": self.load_balancer,
            "compare": self.compare,
        }
