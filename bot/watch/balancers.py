"""What the cloud says of the clusters' load balancers: whether they are there, and whether anybody is behind them."""

from collections.abc import Iterator

from bot.domain.change import ServiceRef
from bot.domain.explanation import Severity
from bot.domain.incident import Member
from bot.domain.incident_rule import GONE, UNHEALTHY, IncidentRule, Severities, severity_of
from bot.domain.incident_sighting import Assessment, Sighting
from bot.domain.objects import Ref
from bot.domain.snapshot import Inventory
from bot.ports import Cloud, LoadBalancerFacts, NotFound, WorldError

_ELB = "elb:"
UNSURE = Assessment(unsure=frozenset({GONE.code, UNHEALTHY.code}))


def groups(inventory: Inventory) -> list[str]:
    """The load balancers that Services name, as incidents are grouped by."""
    return sorted(key for key in inventory.balancers if key.startswith(_ELB))


async def ask(
    cloud: Cloud, cluster: str, inventory: Inventory, group: str, severities: Severities
) -> Assessment:
    """Ask the cloud about one load balancer; an answer that is none changes nothing."""
    elb = group.removeprefix(_ELB)
    if group not in inventory.balancers:
        return Assessment()
    try:
        facts = await cloud.load_balancer(elb)
    except NotFound:
        return Assessment(sightings=tuple(_each(cluster, inventory, group, GONE, severities, _GONE)))
    except WorldError:
        return UNSURE
    if not _all_unhealthy(facts):
        return Assessment()
    said = _UNHEALTHY.format(name=facts.name or elb, count=facts.members)
    return Assessment(sightings=tuple(_each(cluster, inventory, group, UNHEALTHY, severities, said)))


_GONE = "The cloud's API knows no load balancer of the id in elb.id."
_UNHEALTHY = "The cloud's API says that all {count} members of {name} fail their health checks."
_FIX = {
    GONE.code: "Give the Service another load balancer, or remove it; inside the cluster use the ClusterIP name.",
    UNHEALTHY.code: "Check the backends, their node ports and the security groups that admit the health checks.",
}


def _all_unhealthy(facts: LoadBalancerFacts) -> bool:
    return facts.members > 0 and len(facts.unhealthy) >= facts.members


def _each(  # noqa: PLR0917 - private, and every call names what it gives by its constant
    cluster: str, inventory: Inventory, group: str, rule: IncidentRule, severities: Severities, why: str
) -> Iterator[Sighting]:
    severity = severity_of(rule, severities)
    if severity is None:
        return
    for ref in inventory.balancers.get(group, {}):
        yield Sighting(rule=rule.code, group=group, member=_member(cluster, ref, rule, severity, why))


def _member(cluster: str, ref: Ref, rule: IncidentRule, severity: Severity, why: str) -> Member:
    return Member(
        service=ServiceRef(cluster=cluster, namespace=ref.namespace, name=ref.name),
        text=rule.title.replace("a load balancer", "its load balancer"),
        why=why,
        severity=severity,
        code=rule.code,
        source="ELB API",
        fix=_FIX[rule.code],
    )
