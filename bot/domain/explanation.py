"""An answer: the paths of one Service's clients, why they are so, and what to mind.

These values are the JSON of `elb-passthrough explain -o json`; `as_json` gives its exact shape.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.domain.fact import Fact, Origin
from bot.domain.objects import Ref

API_VERSION = "elb-passthrough/v1"
UNDETERMINED = "undetermined"
"""The code of the reasons that name a missing fact."""


class Verdict(StrEnum):
    """Who gets there."""

    REACHABLE = "reachable"
    """Every possible trace delivers."""
    UNREACHABLE = "unreachable"
    """None does."""
    AMBIGUOUS = "ambiguous"
    """All facts are known; it depends on which backend or node is picked."""
    UNDETERMINED = "undetermined"
    """A missing fact decides."""


class End(StrEnum):
    """How a trace ends."""

    DELIVER = "deliver"
    DROP = "drop"
    REJECT = "reject"
    REPLY_LOST = "reply-lost"
    NO_BACKEND = "no-backend"
    ABORT = "abort"
    """Nobody can say how it goes on: a proxier that is not kube-proxy, an Ingress whose rules are not read."""


class SourceIP(StrEnum):
    """What the endpoint sees as its client."""

    PRESERVED = "preserved"
    NODE = "node"
    LB = "lb"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """How bad a finding is."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class PassThroughState(StrEnum):
    """What the annotation amounts to in this cluster."""

    ON = "on"
    OFF = "off"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class PassThrough:
    """The annotation: its state, its value (None: absent) and whence that is known."""

    state: PassThroughState
    value: str | None = None
    origin: Origin = Origin.API

    def as_json(self) -> dict[str, Any]:
        """Give the contract's `passThrough`."""
        return {"state": str(self.state), "value": self.value, "origin": str(self.origin)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """One step of a trace: where, what happens, by which rule of the catalogue."""

    kind: str
    """`client`, `node`, `load-balancer` or `pod`."""
    name: str
    action: str
    rule: str

    def as_json(self) -> dict[str, Any]:
        """Give the contract's `hops[]` entry."""
        return {"kind": self.kind, "name": self.name, "action": self.action, "rule": self.rule}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One way that a connection may take; `stands_for` counts its equivalent branches."""

    end: End
    endpoint: str | None = None
    hops: tuple[Hop, ...] = ()
    assuming: tuple[str, ...] = ()
    via_load_balancer: bool = False
    source: SourceIP = SourceIP.UNKNOWN
    stands_for: int = 1

    def as_json(self) -> dict[str, Any]:
        """Give the contract's `traces[]` entry."""
        return {
            "end": str(self.end),
            "endpoint": self.endpoint,
            "hops": [hop.as_json() for hop in self.hops],
            "assuming": list(self.assuming),
            "sourceIP": str(self.source),
            "viaLoadBalancer": self.via_load_balancer,
            "standsFor": self.stands_for,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One sentence of why, with where it is documented."""

    code: str
    message: str
    source: str

    def as_json(self) -> dict[str, Any]:
        """Give the contract's `reasons[]` entry."""
        return {"code": self.code, "message": self.message, "source": self.source}


class ClientKind(StrEnum):
    """What a client is."""

    POD = "pod"
    NODE = "node"
    EXTERNAL = "external"


@dataclass(frozen=True, slots=True, kw_only=True)
class Client:
    """A client, or one that represents its class.

    `stands_for` counts the Pods or nodes of the class; None where the cluster's are not known.
    """

    kind: ClientKind
    namespace: str = ""
    name: str = ""
    node: str = ""
    stands_for: int | None = 1
    group: str = ""
    """Stable code of the class, such as `pod-with-backend`; empty for a client that was asked for by name."""

    def as_json(self) -> dict[str, Any]:
        """Give the contract's `client`."""
        return {
            "kind": str(self.kind),
            "namespace": self.namespace,
            "name": self.name,
            "node": self.node,
            "standsFor": self.stands_for,
            "class": self.group,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """One address and port of the Service's load balancer; `ip` holds the host name where there is no address."""

    ip: str
    port: int
    protocol: str
    scope: str
    """`private` or `public`."""

    def as_json(self) -> dict[str, Any]:
        """Give the contract's `destination`."""
        return {"ip": self.ip, "port": self.port, "protocol": self.protocol, "scope": self.scope}

    def __str__(self) -> str:
        host = f"[{self.ip}]" if ":" in self.ip else self.ip
        return f"{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """How one client fares with one destination."""

    client: Client
    destination: Destination
    verdict: Verdict
    via_load_balancer: bool | None
    endpoints: tuple[str, ...]
    source_ip: SourceIP
    traces: tuple[Trace, ...]
    reasons: tuple[Reason, ...] = ()
    missing: tuple[str, ...] = ()
    missing_for_way: tuple[str, ...] = ()
    """The facts that decide whether the load balancer is crossed, where that is not known."""
    fragile: str = ""
    """Why this holds only by today's placement of Pods; empty where it does not depend on it."""

    def as_json(self) -> dict[str, Any]:
        """Give the contract's `paths[]` entry."""
        return {
            "client": self.client.as_json(),
            "destination": self.destination.as_json(),
            "verdict": str(self.verdict),
            "viaLoadBalancer": self.via_load_balancer,
            "endpoints": list(self.endpoints),
            "sourceIP": str(self.source_ip),
            "traces": [trace.as_json() for trace in self.traces],
            "reasons": [reason.as_json() for reason in self.reasons],
            "missing": list(self.missing),
            "missingForWay": list(self.missing_for_way),
            "fragile": self.fragile,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A configuration trap that applies here."""

    code: str
    severity: Severity
    message: str
    evidence: tuple[str, ...] = ()
    fix: str = ""
    source: str = ""

    def as_json(self) -> dict[str, Any]:
        """Give the contract's `findings[]` entry."""
        return {
            "code": self.code,
            "severity": str(self.severity),
            "message": self.message,
            "evidence": list(self.evidence),
            "fix": self.fix,
            "source": self.source,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One thing to do, in the vendor's order (cce_10_0249): name first, then policy, then pass-through."""

    code: str
    message: str
    source: str = ""

    def as_json(self) -> dict[str, Any]:
        """Give the entry of `remedies[]`."""
        return {"code": self.code, "message": self.message, "source": self.source}


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The answer about one Service."""

    service: Ref
    pass_through: PassThrough
    facts: tuple[Fact[object], ...] = ()
    paths: tuple[Path, ...] = ()
    findings: tuple[Finding, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    hypothetical: bool = field(default=False)
    """Whether an address or the endpoints had to be assumed."""

    def as_json(self) -> dict[str, Any]:
        """Give the contract's `explanations[]` entry."""
        return {
            "service": {"namespace": self.service.namespace, "name": self.service.name},
            "passThrough": self.pass_through.as_json(),
            "facts": [fact.as_json() for fact in self.facts],
            "paths": [path.as_json() for path in self.paths],
            "findings": [finding.as_json() for finding in self.findings],
            "remedies": [remedy.as_json() for remedy in self.remedies],
            "hypothetical": self.hypothetical,
        }


def document(explanations: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Give the whole document of `-o json`."""
    return {"apiVersion": API_VERSION, "kind": "ExplanationList", "explanations": list(explanations)}
