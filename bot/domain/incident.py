"""An incident: something that became wrong in a cluster, from when it was seen to when it was over.

The row is the truth and the message a view of it. One incident is one cluster, one group (a load balancer, or a
Service of its own) and one rule.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import NamedTuple

from bot.domain.change import ServiceRef
from bot.domain.explanation import Severity


class Phase(StrEnum):
    """Where an incident stands."""

    SETTLING = "settling"
    """Seen; told once it has lasted."""
    STANDING = "standing"
    """It was so before anybody looked: listed, never told by a message of its own."""
    OPEN = "open"
    CLOSED = "closed"


class What(StrEnum):
    """What happens to an incident."""

    SETTLED = "settled"
    GREW = "grew"
    """Something joined what was standing: that is news."""
    ENDED = "ended"
    CAME_BACK = "came back"
    """Soon after it was over: the same message goes on."""


TRANSITIONS: Mapping[Phase, Mapping[What, Phase]] = {
    Phase.SETTLING: {What.SETTLED: Phase.OPEN, What.ENDED: Phase.CLOSED},
    Phase.STANDING: {What.GREW: Phase.OPEN, What.ENDED: Phase.CLOSED},
    Phase.OPEN: {What.ENDED: Phase.CLOSED},
    Phase.CLOSED: {What.CAME_BACK: Phase.OPEN},
}
LIVE = frozenset({Phase.SETTLING, Phase.STANDING, Phase.OPEN})


class IllegalMoveError(Exception):
    """The lifecycle has no such move; nothing was changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One Service of an incident, and what is wrong with it; a cluster's own incident has one without a Service."""

    service: ServiceRef | None
    text: str
    """What is wrong with it, in a few words without its name: "processes on node-c cannot reach 10.0.0.9:80"."""
    uid: str = ""
    why: str = ""
    still: str = ""
    """Who still gets there; empty where that is nobody or everybody."""
    severity: Severity = Severity.ERROR
    code: str = ""
    """The catalogue's rule that explains it."""
    source: str = ""
    fix: str = ""
    verb: str = ""
    """enable | disable, where the path engine says that this mends it; empty: no change of pass-through does."""
    was: str | None = None
    """Of a changed annotation: its value before (None: absent); while it is not that again, it lasts."""

    @property
    def name(self) -> str:
        """NAMESPACE/SERVICE, or nothing."""
        return str(self.service) if self.service else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snooze:
    """Silence that somebody asked for: until a time, or (None) until the incident changes."""

    by: str
    at: datetime
    until: datetime | None
    seen: str = ""
    """The incident's fingerprint then."""


CLUSTER = "cluster"
"""The group of what is about a whole cluster."""


class Key(NamedTuple):
    """What there is only one live incident of."""

    cluster: str
    group: str
    """`elb:ID`, `ip:ADDRESS`, `service:NS/NAME`, or `cluster`."""
    rule: str

    def __str__(self) -> str:
        return "|".join(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident. A value: every move returns a new one."""

    id: str
    """Opaque; what buttons carry."""
    cluster: str
    group: str
    rule: str
    title: str
    """What is wrong, in a few words, for a list."""
    severity: Severity
    since: datetime
    """When it began; when it came back, the first time."""
    members: tuple[Member, ...]
    phase: Phase = Phase.SETTLING
    opened_at: datetime | None = None
    """When it was told, or decided to be."""
    over_at: datetime | None = None
    """When it ended; it is closed a little later."""
    closed_at: datetime | None = None
    ended_by: str = ""
    """How it ended, in one sentence."""
    times: int = 1
    """How often it came."""
    flips: int = 0
    """How often it came and went before it settled."""
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    snooze: Snooze | None = None
    folded: str = ""
    """The key of the message that tells it together with others, if it has none of its own."""
    version: int = 0
    """Counts saves; the store compares and sets it."""
    detail: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What there is only one live incident of."""
        return str(Key(self.cluster, self.group, self.rule))

    @property
    def live(self) -> bool:
        """Whether it is not over."""
        return self.phase in LIVE

    @property
    def services(self) -> tuple[ServiceRef, ...]:
        """The Services that it is about, by name."""
        return tuple(sorted({member.service for member in self.members if member.service}))

    @property
    def fingerprint(self) -> str:
        """What "until it changes" compares: how bad it is, for which Services, and for whom."""
        said = [str(self.severity), *(f"{member.name}|{member.text}" for member in self.members)]
        return sha256("\n".join(said).encode()).hexdigest()[:16]

    @property
    def seconds(self) -> float:
        """How long it lasted; 0 while it lasts, and where the clock was put back meanwhile."""
        return max(0.0, (self.over_at - self.since).total_seconds()) if self.over_at else 0.0

    def after(self, what: What, **changed: object) -> "Incident":
        """Return the incident as it is after that; the only way to move it.

        Raises:
            IllegalMoveError: the lifecycle has no such move from this phase.
        """
        to = TRANSITIONS[self.phase].get(what)
        if to is None:
            raise IllegalMoveError(f"an incident that is {self.phase} cannot have {what}")
        return replace(self, phase=to, **changed)  # type: ignore[arg-type]  # replace() checks the names itself

    def snoozed(self, now: datetime) -> bool:
        """Whether somebody asked for silence that still holds."""
        if self.snooze is None:
            return False
        if self.snooze.until is None:
            return self.snooze.seen == self.fingerprint
        return now < self.snooze.until


def incident_id(key: Key, at: datetime) -> str:
    """Return the id of the incident with this key that began then: the same on every replica."""
    return sha256(f"incident:{key}:{at.isoformat()}".encode()).hexdigest()[:32]


def worst(members: tuple[Member, ...]) -> Severity:
    """Return the gravest severity among members; `info` for none."""
    order = (Severity.ERROR, Severity.WARNING)
    return next((s for s in order if any(member.severity is s for member in members)), Severity.INFO)
