"""What the cloud says of the clusters' load balancers: whether they are there, and whether anybody is behind them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from bot.domain.change import ServiceRef
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Asking:
    """Whom to ask, and what is known without."""

    cloud: Cloud
    cluster: str
    inventory: Inventory
    severities: Severities
    told: Callable[[Ref], bool]
    """Whether something is told of a Service that explains unhealthy members."""


async def ask(asking: Asking, group: str) -> Assessment:
    """Ask the cloud about one load balancer; an answer that is none changes nothing."""
    elb = group.removeprefix(_ELB)
    refs = asking.inventory.balancers.get(group, {})
    if not refs:
        return Assessment()
    try:
        facts = await asking.cloud.load_balancer(elb)
    except NotFound:
        return _assessed(asking, group, GONE, _GONE, refs)
    except WorldError:
        return UNSURE
    if not _all_unhealthy(facts):
        return Assessment()
    said = _UNHEALTHY.format(name=facts.name or elb, count=facts.members)
    return _assessed(asking, group, UNHEALTHY, said, [ref for ref in refs if not asking.told(ref)])


_GONE = "The cloud's API knows no load balancer of the id in elb.id."
_UNHEALTHY = "The cloud's API says that all {count} members of {name} fail their health checks."
_FIX = {
    GONE.code: "Give the Service another load balancer, or remove it; inside the cluster use the ClusterIP name.",
    UNHEALTHY.code: "Check the backends, their node ports and the security groups that admit the health checks.",
}


def _all_unhealthy(facts: LoadBalancerFacts) -> bool:
    return facts.members > 0 and len(facts.unhealthy) >= facts.members


def _assessed(asking: Asking, group: str, rule: IncidentRule, why: str, refs: Iterable[Ref]) -> Assessment:
    severity = severity_of(rule, asking.severities)
    if severity is None:
        return Assessment()
    proto = Member(
        service=None,
        text=rule.title.replace("a load balancer", "its load balancer"),
        why=why,
        severity=severity,
        code=rule.code,
        source="ELB API",
        fix=_FIX[rule.code],
    )
    members = (
        replace(proto, service=ServiceRef(cluster=asking.cluster, namespace=ref.namespace, name=ref.name))
        for ref in refs
    )
    return Assessment(
        sightings=tuple(Sighting(rule=rule.code, group=group, member=member) for member in members)
    )
