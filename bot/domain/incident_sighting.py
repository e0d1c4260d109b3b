"""What is wrong with one Service now, as the path engine sees it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from bot.domain.change import ServiceRef
from bot.domain.explanation import ClientKind, Explanation, Finding, Path, Severity, Verdict
from bot.domain.incident import Member
from bot.domain.incident_rule import (
    ADDRESS_LOST,
    CUT_OFF,
    SAME_NODE,
    SIBLINGS,
    UNSUPPORTED,
    IncidentRule,
    Severities,
    severity_of,
)
from bot.domain.objects import PASS_THROUGH, Node, Ref, Service, TrafficPolicy
from bot.domain.path import explain
from bot.domain.snapshot import Snapshot, balancer_keys
from bot.domain.summary import client_words, worst

_TRAPS = (SIBLINGS, SAME_NODE, UNSUPPORTED)
"""Rules that are findings of the engine."""
_OWN_CAUSE = frozenset({SIBLINGS.code, SAME_NODE.code})
"""Findings that explain why clients inside are cut off: told as themselves."""
_EXPLAINS = (
    "no-ready-endpoint",
    "port-without-endpoints",
    "no-node-port",
    "ip-mode-proxy-delivered-unchanged",
    "ipvs-no-local-endpoint",
    "ipvs-host-no-local-endpoint",
    "nftables-host-cut-off",
    "iptables-host-cut-off",
    "no-local-detector",
    "nftables-source-ranges-broken",
    "source-ranges-fatal",
    "pods-outside-cluster-cidr",
    "internal-policy-leaks",
)
"""Findings that explain a cut, the most telling first."""
_MOST_NAMED = 4
_FEW = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Something is wrong with a Service (or, without one, with the cluster)."""

    rule: str
    group: str
    member: Member

    @property
    def key(self) -> tuple[str, str, str]:
        """What is tracked as one thing."""
        return self.rule, self.group, self.member.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A Service, looked at once."""

    sightings: tuple[Sighting, ...] = ()
    findings: frozenset[tuple[str, Severity]] = frozenset()
    """Codes of everything that the engine finds, told or not."""
    verdict: Verdict | None = None
    """The worst of its paths; None where it has none."""
    unsure: frozenset[str] = frozenset()
    """Rules about which nothing can be said now: what was so before is taken to be so still."""


_OVER = {
    "deleted": ("was deleted", "were deleted"),
    "no longer of type LoadBalancer": (
        "is no longer of type LoadBalancer",
        "are no longer of type LoadBalancer",
    ),
    "being deleted": ("is being deleted", "are being deleted"),
}
"""Why nothing can be wrong with a Service any more, of one and of several."""


def over_sentence(whys: Sequence[str]) -> str:
    """Say why nothing can be wrong any more with Services, by what `why_over` says of each."""
    kinds = list(dict.fromkeys(whys))
    if len(whys) == 1:
        return f"The Service {_OVER[kinds[0]][0]}."
    return f"The Services {' or '.join(_OVER[kind][1] for kind in kinds)}."


NOTHING = Assessment()
_BY_PATHS = frozenset({CUT_OFF.code, *(rule.code for rule in _TRAPS)})
"""Rules that speak of the paths to a Service's addresses; without an address they say nothing."""


def why_over(service: Service | None, uid: str) -> str:
    """Say why nothing can be wrong with a Service any more; empty where it still can."""
    if service is None or bool(uid and service.uid != uid):
        return "deleted"
    if not service.is_load_balancer:
        return "no longer of type LoadBalancer"
    return "being deleted" if service.deleting else ""


def group_of(service: Service) -> str:
    """Return what a Service's incidents are grouped by: its load balancer, as far as it has one."""
    return next(iter(balancer_keys(service)), f"service:{service.ref}")


def assess(
    cluster: str, snapshot: Snapshot, ref: Ref, severities: Severities, *, lost: str | None = None
) -> Assessment:
    """Look at one Service; one that is gone or has another type has nothing wrong with it.

    `lost` is the address that a Service without one had when it was seen with one; one that was not may have had one.
    """
    service = snapshot.service(ref)
    if service is None or why_over(service, ""):
        return NOTHING
    if not service.ingress:
        if lost is None:
            return Assessment(unsure=_BY_PATHS | {ADDRESS_LOST.code})
        sightings = _sighting(cluster, service, ADDRESS_LOST, _without_address(lost), severities)
        return Assessment(sightings=tuple(sightings), unsure=_BY_PATHS)
    explanation = explain(snapshot, ref)
    unsure = any(
        path.verdict is Verdict.UNDETERMINED and not _of_gone_node(snapshot, path)
        for path in explanation.paths
    )
    return Assessment(
        sightings=tuple(_sightings(cluster, service, explanation, severities)),
        findings=frozenset((finding.code, finding.severity) for finding in explanation.findings),
        verdict=worst(explanation),
        unsure=frozenset({CUT_OFF.code}) if unsure or explanation.hypothetical else frozenset(),
    )


def _of_gone_node(snapshot: Snapshot, path: Path) -> bool:
    """Whether it is a Pod's of a node that the cluster does not have any more: what becomes of it leaves nothing open."""
    node = path.client.node
    return bool(node) and snapshot.knows(Node) and node not in snapshot.inventory.nodes


def _sightings(
    cluster: str, service: Service, explanation: Explanation, severities: Severities
) -> Iterator[Sighting]:
    found = {finding.code: finding for finding in explanation.findings}
    for rule in _TRAPS:
        if rule.code in found:
            yield from _sighting(
                cluster, service, rule, _trap(rule, service, explanation, found[rule.code]), severities
            )
    lost = [path for path in explanation.paths if path.verdict is Verdict.UNREACHABLE]
    own = any(found[code].severity is Severity.ERROR for code in _OWN_CAUSE if code in found)
    if own:
        lost = [path for path in lost if path.client.kind is ClientKind.EXTERNAL]
    if lost and not explanation.hypothetical:
        yield from _sighting(cluster, service, CUT_OFF, _cut(explanation, lost, own=own), severities)


def _sighting(
    cluster: str, service: Service, rule: IncidentRule, member: Member, severities: Severities
) -> Iterator[Sighting]:
    severity = severity_of(rule, severities, code=member.code, given=member.severity)
    if severity is not None:
        ref = ServiceRef(cluster=cluster, namespace=service.ref.namespace, name=service.ref.name)
        seen = replace(member, service=ref, uid=service.uid, severity=severity)
        yield Sighting(rule=rule.code, group=group_of(service), member=seen)


def _without_address(lost: str) -> Member:
    return Member(
        service=None,
        text=f"lost its load balancer's address {lost}",
        why="status.loadBalancer of the Service is empty; nobody can say whether the old address still leads to it.",
        severity=ADDRESS_LOST.severity,
        code=ADDRESS_LOST.code,
        source="status.loadBalancer",
        fix="Look at the Service's events (kubectl describe service) and for the load balancer in the cloud's console; "
        "inside the cluster use the ClusterIP name.",
    )


_SO = {
    SAME_NODE.code: ", and nodes with a backend are locked out now and then",
    UNSUPPORTED.code: ", and this cluster does not know it",
}
"""What that means, where nobody is cut off for certain."""


def _trap(rule: IncidentRule, service: Service, explanation: Explanation, finding: Finding) -> Member:
    value = service.annotations.get(PASS_THROUGH)
    text = "pass-through is off" if value is None else f'pass-through is "{value}"'
    lost = [path for path in explanation.paths if path.verdict is Verdict.UNREACHABLE]
    return Member(
        service=None,
        text=f"{text}; {_cannot(lost)}" if lost else text + _SO.get(rule.code, ""),
        why=finding.message,
        severity=finding.severity,
        code=finding.code,
        source=finding.source,
        fix=finding.fix,
    )


def _cut(explanation: Explanation, lost: Sequence[Path], *, own: bool) -> Member:
    finding = _explaining(explanation, own=own)
    reason = next((reason for path in lost for reason in reversed(path.reasons)), None)
    return Member(
        service=None,
        text=_cannot(lost),
        why=finding.message if finding else reason.message if reason else "",
        still=_still(explanation),
        severity=CUT_OFF.severity,
        code=finding.code if finding else reason.code if reason else CUT_OFF.code,
        source=finding.source if finding else reason.source if reason else "",
        fix=finding.fix if finding else "",
    )


def _explaining(explanation: Explanation, *, own: bool) -> Finding | None:
    found = {finding.code: finding for finding in explanation.findings}
    return next((found[code] for code in _EXPLAINS[: 4 if own else None] if code in found), None)


def _cannot(lost: Sequence[Path]) -> str:
    """Say who cannot reach what: "processes on node-c cannot reach 10.0.0.12:80"."""
    to = list(dict.fromkeys(str(path.destination) for path in lost))
    where = to[0] if len(to) == 1 else f"{len(to)} addresses of it"
    return f"{_listed(lost)} cannot reach {where}"


def _listed(paths: Sequence[Path]) -> str:
    names = list(dict.fromkeys(map(_who, paths)))
    more = f" and {len(names) - _MOST_NAMED} other classes" if len(names) > _MOST_NAMED else ""
    *first, last = names[:_MOST_NAMED]
    return f"{', '.join(first)} and {last}{more}" if first and not more else ", ".join((*first, last)) + more


_WHO = {
    "external": "clients outside the cluster",
    "pod-with-backend": "pods on nodes with a backend",
    "pod-without-backend": "pods on nodes without a backend",
    "node-with-backend": "processes on nodes with a backend",
    "node-without-backend": "processes on nodes without a backend",
    "pod-anywhere": "pods anywhere in the cluster",
    "node-anywhere": "processes on any node",
    "backend": "backend pods that call themselves",
}
"""The classes as they read in the middle of a sentence."""


def _who(path: Path) -> str:
    client = path.client
    if client.kind is ClientKind.NODE and client.node and client.stands_for == 1:
        return f"processes on node {client.node}"
    return _WHO.get(client.group) or client_words(client)


def _still(explanation: Explanation) -> str:
    sure = [path for path in explanation.paths if path.verdict is Verdict.REACHABLE]
    others = {_who(path) for path in explanation.paths if path.verdict is not Verdict.REACHABLE}
    well = [path for path in sure if _who(path) not in others]
    if not well:
        return ""
    if len(well) == len(sure) and not _unknown(explanation) and len({*map(_who, well)}) > _FEW:
        return "Everybody else still gets through."
    said = _listed(well)
    past = all(path.via_load_balancer is False for path in well)
    return f"{said[0].upper()}{said[1:]} still get through{', past the load balancer' if past else ''}."


def _unknown(explanation: Explanation) -> bool:
    return any(path.verdict not in {Verdict.REACHABLE, Verdict.UNREACHABLE} for path in explanation.paths)


# --- what mends it ---------------------------------------------------------------------------------------


def mending(cluster: str, snapshot: Snapshot, sighting: Sighting) -> str:
    """Return the verb, enable or disable, that the path engine says ends this without a new error; else nothing."""
    ref = sighting.member.service
    service = snapshot.service(Ref(ref.namespace, ref.name)) if ref else None
    if service is None:
        return ""
    now = _wrong(cluster, snapshot, service.ref)
    if sighting.rule not in now:
        return ""
    for verb, value in (("enable", "true"), ("disable", None)):
        if verb == "disable" and service.external_policy is TrafficPolicy.LOCAL:
            continue  # CCE writes the key back
        then = _wrong(cluster, _supposed(snapshot, service, value), service.ref)
        if then < now and sighting.rule not in then:
            return verb
    return ""


def _supposed(snapshot: Snapshot, service: Service, value: str | None) -> Snapshot:
    for each in (service, *snapshot.sharing(service)):
        kept = {key: text for key, text in each.annotations.items() if key != PASS_THROUGH}
        given = kept if value is None else {**kept, PASS_THROUGH: value}
        snapshot = snapshot.with_service(replace(each, annotations=given))
    return snapshot


def _wrong(cluster: str, snapshot: Snapshot, ref: Ref) -> set[str]:
    return {sighting.rule for sighting in assess(cluster, snapshot, ref, {}).sightings}
