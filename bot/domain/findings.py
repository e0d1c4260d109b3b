"""Every configuration trap that applies to a Service."""

from collections.abc import Callable, Iterator

from bot.domain import (
    findings_access,
    findings_balancer,
    findings_endpoints,
    findings_pass_through,
    findings_sharing,
)
from bot.domain.case import Case
from bot.domain.explanation import Finding, Severity

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


def findings(case: Case) -> tuple[Finding, ...]:
    """All findings about a Service, the worst first."""
    every = [finding for check in CHECKS for finding in check(case)]
    return tuple(sorted(every, key=lambda finding: _ORDER[finding.severity]))
