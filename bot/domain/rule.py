"""The catalogue's entries: one piece of knowledge each, citable, and with the versions for which it holds."""

from dataclasses import dataclass
from enum import StrEnum

from bot.domain.explanation import Severity
from bot.domain.version import Version


class Kind(StrEnum):
    """Where a rule applies."""

    CLIENT = "client"
    KUBE_PROXY = "kube-proxy"
    LOAD_BALANCER = "load balancer"
    ENDPOINT = "endpoint"
    FINDING = "finding"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; `since` is the first version for which it holds and `until` the first for which it no longer does.

    `date` is when the source was read or published, `conflicts_with` names the rules of other documents (or of
    another edition of the same one) that say otherwise.
    """

    id: str
    kind: Kind
    text: str
    source: str
    date: str = ""
    since: Version | None = None
    until: Version | None = None
    conflicts_with: tuple[str, ...] = ()
    action: str = ""
    """What happens to the packet, in a few words; the text where it is empty."""
    severity: Severity | None = None
    fix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A feature gate of kube-proxy: when it appeared, was on by default, and could no longer be turned off."""

    name: str
    exists: Version
    on: Version
    locked: Version
    source: str


def _gate(name: str, exists: int, on: int, locked: int) -> Gate:
    return Gate(
        name=name,
        exists=Version(1, exists, 0),
        on=Version(1, on, 0),
        locked=Version(1, locked, 0),
        source="kubernetes pkg/features/kube_features.go",
    )


GATES = {
    gate.name: gate
    for gate in (
        _gate("ServiceInternalTrafficPolicy", 21, 22, 26),
        _gate("TopologyAwareHints", 21, 24, 33),
        _gate("ProxyTerminatingEndpoints", 22, 26, 28),
        _gate("LoadBalancerIPMode", 29, 30, 32),
        _gate("NFTablesProxyMode", 29, 31, 33),
        _gate("ServiceTrafficDistribution", 30, 31, 33),
        _gate("PreferSameTrafficDistribution", 33, 34, 35),
    )
}
"""Every feature gate that a path depends on."""
