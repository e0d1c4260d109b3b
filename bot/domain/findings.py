"""Every configuration trap that applies to a Service."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from bot.domain import (
    findings_access,
    findings_balancer,
    findings_endpoints,
    findings_pass_through,
    findings_sharing,
    rules_finding,
)
from bot.domain.case import Case, found
from bot.domain.explanation import ClientKind, Finding, Path, Severity
from bot.domain.summary import client_words

Check = Callable[[Case], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    *findings_sharing.CHECKS,
    *findings_pass_through.CHECKS,
    *findings_balancer.CHECKS,
    *findings_endpoints.CHECKS,
    *findings_access.CHECKS,
)
"""All of them; each one looks at everything and says nothing when nothing is wrong."""
_ORDER = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.INFO: 2}


def findings(case: Case, paths: Iterable[Path] = ()) -> tuple[Finding, ...]:
    """All findings about a Service, the worst first; `paths` are the answers, for what only they show."""
    told = tuple(paths)
    every = [_but_for(finding, case, told) for check in CHECKS for finding in check(case)]
    every += fragile(case, told)
    return tuple(sorted(every, key=lambda finding: _ORDER[finding.severity]))


def _but_for(finding: Finding, case: Case, paths: Iterable[Path]) -> Finding:
    """Except from what is said to go past the load balancer those clients of a held address who do cross it."""
    if finding.code != rules_finding.BYPASSED.id:
        return finding
    held = {scene.destination.ip for scene in case.scenes if case.holding.may_hold_at(scene.point)}
    crossing = dict.fromkeys(
        client_words(path.client)
        for path in paths
        if path.destination.ip in held
        and path.via_load_balancer
        and path.client.kind is not ClientKind.EXTERNAL
    )
    if not crossing:
        return finding
    whose = f"{_FROM_INSIDE}, but for {', '.join(crossing)},"
    return replace(finding, message=finding.message.replace(_FROM_INSIDE, whose, 1))


_FROM_INSIDE = "Traffic from inside the cluster"


def fragile(case: Case, paths: Iterable[Path]) -> Iterator[Finding]:
    """Clients that get there only because of where today's endpoints run."""
    clients = dict.fromkeys(
        f"{path.client.group or path.client.name}: {path.fragile}" for path in paths if path.fragile
    )
    if clients:
        yield found(rules_finding.FRAGILE, case.where("spec.externalTrafficPolicy: Local"), *clients)
