"""Every configuration trap that applies to a Service."""

from collections.abc import Callable, Iterable, Iterator

from bot.domain import (
    findings_access,
    findings_balancer,
    findings_endpoints,
    findings_pass_through,
    findings_sharing,
    rules_finding,
)
from bot.domain.case import Case, found
from bot.domain.explanation import Finding, Path, Severity

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
    every = [finding for check in CHECKS for finding in check(case)]
    every += fragile(case, paths)
    return tuple(sorted(every, key=lambda finding: _ORDER[finding.severity]))


def fragile(case: Case, paths: Iterable[Path]) -> Iterator[Finding]:
    """Clients that get there only because of where today's endpoints run."""
    clients = dict.fromkeys(
        f"{path.client.group or path.client.name}: {path.fragile}" for path in paths if path.fragile
    )
    if clients:
        yield found(rules_finding.FRAGILE, case.where("spec.externalTrafficPolicy: Local"), *clients)
