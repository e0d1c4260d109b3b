"""What is noticed in a cluster: each rule with its code, what it says, and how bad it is."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.domain.explanation import Severity

Severities = Mapping[str, Severity | None]
"""Rule or finding code → its severity here; None: off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentRule:
    """One thing that is noticed."""

    code: str
    title: str
    """What is wrong, in a few words, as an incident's headline begins where it is about several Services."""
    severity: Severity
    noticed: str
    """When, for the page of rules."""
    by_row: bool = False
    """Whether it is an act, remembered by its row, rather than a state that the cluster shows."""
    by_cloud: bool = False
    """Whether the cloud tells it, now and then."""


CHANGED = IncidentRule(
    code="pass-through-changed",
    title="pass-through was changed behind the bot's back",
    severity=Severity.WARNING,
    noticed="somebody other than this bot or CCE sets, changes or removes the pass-through annotation",
    by_row=True,
)
REVERTED = IncidentRule(
    code="change-reverted",
    title="an applied change was reverted",
    severity=Severity.ERROR,
    noticed="the annotation is no longer what the last applied change made it, after that change stopped looking",
    by_row=True,
)
CUT_OFF = IncidentRule(
    code="clients-cut-off",
    title="clients are cut off",
    severity=Severity.ERROR,
    noticed="a class of clients can no longer reach a Service's load balancer; the finding that explains it is named",
)
SIBLINGS = IncidentRule(
    code="ipvs-sibling-mismatch",
    title="Services on one load balancer disagree about pass-through under IPVS",
    severity=Severity.ERROR,
    noticed="Services on one load balancer get different pass-through settings, under IPVS or an unknown mode",
)
SAME_NODE = IncidentRule(
    code="same-node-lockout",
    title="a backend's own node is locked out of its load balancer",
    severity=Severity.ERROR,
    noticed="pass-through is turned on behind a load balancer that keeps the client's address",
)
UNSUPPORTED = IncidentRule(
    code="unsupported-version",
    title="pass-through is asked for in a cluster that does not know it",
    severity=Severity.ERROR,
    noticed="the annotation is set in a cluster of v1.15 or earlier",
)
ADDRESS_LOST = IncidentRule(
    code="address-lost",
    title="Services lost their load balancer's address",
    severity=Severity.ERROR,
    noticed="a Service that had an address in status.loadBalancer has none any more; one that never had one is pending",
)
GONE = IncidentRule(
    code="load-balancer-gone",
    title="a load balancer no longer exists",
    severity=Severity.ERROR,
    noticed="the cloud no longer knows the load balancer that elb.id names",
    by_cloud=True,
)
UNHEALTHY = IncidentRule(
    code="members-unhealthy",
    title="every member of a load balancer is unhealthy",
    severity=Severity.ERROR,
    noticed="every member of a load balancer is OFFLINE, says the cloud",
    by_cloud=True,
)
STALE = IncidentRule(
    code="watch-stale",
    title="the cluster cannot be watched",
    severity=Severity.ERROR,
    noticed="the API server was not heard of for a minute, or something that could be listed no longer can",
)
RULES: Mapping[str, IncidentRule] = {
    rule.code: rule
    for rule in (
        CHANGED,
        REVERTED,
        CUT_OFF,
        SIBLINGS,
        SAME_NODE,
        UNSUPPORTED,
        ADDRESS_LOST,
        GONE,
        UNHEALTHY,
        STALE,
    )
}


def severity_of(
    rule: IncidentRule, severities: Severities, *, code: str = "", given: Severity | None = None
) -> Severity | None:
    """Return how bad something is here; None: it is not to be told.

    The configuration speaks of the finding's code first, then of the rule's. `given` is what the engine found.
    """
    for each in (code, rule.code):
        if each in severities:
            return severities[each]
    return given or rule.severity
