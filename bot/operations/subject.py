"""Which Services a change is about: one, or under IPVS all on its load balancer.

kube-proxy in IPVS mode binds a load balancer's address to every node; one Service on it without pass-through
traps the others' ports (cce_10_0355: the settings "must be the same").
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.change import ServiceRef, Verb
from bot.domain.cluster_facts import Mode
from bot.domain.objects import ELB_ID, PASS_THROUGH, Ref, Service, TrafficPolicy
from bot.domain.request import Answer, Outcome, outcome
from bot.domain.snapshot import Snapshot
from bot.operations.refusal import Refused
from bot.operations.world import World
from bot.ports import LiveService

SETTLES_WITHIN = timedelta(minutes=5)
"""A Service this young may still get `onlyLocal` from CCE, whose controller resynchronises in 1 to 3 minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """The Services to patch, in order, each with the value that it gets (None: the key is removed)."""

    parts: tuple[tuple[Service, str | None], ...]
    remark: str = ""


def subject(
    world: World, snapshot: Snapshot, ref: ServiceRef, service: Service, verb: Verb, *, settled: bool
) -> Subject:
    """Decide what a request comes to for a Service and those that share its load balancer.

    Raises:
        Refused: with the sentence for the person.
    """
    own = _outcome(service, verb, settled=settled)
    if own.answer is not Answer.PROPOSE:
        raise Refused(f"{service.ref}: {own.sentence}")
    others = _siblings(world, snapshot, ref, service)
    parts = [
        (other, result.value) for other in others if (result := _sibling_outcome(other, verb)) is not None
    ]
    # The Service that was asked for goes last: in between, each one patched alone is the one that is trapped.
    return Subject(parts=(*parts, (service, own.value)), remark=own.sentence)


def settled(live: LiveService, now: datetime) -> bool:
    """Whether CCE had its time to write `onlyLocal`; a Service whose age is not known is taken for old."""
    return live.created_at is None or now - live.created_at > SETTLES_WITHIN


def load_balancer_of(service: Service) -> str:
    """Return the id of a Service's load balancer, else its first address."""
    return service.annotations.get(ELB_ID) or next((p.ip or p.hostname for p in service.ingress), "")


def _outcome(service: Service, verb: Verb, *, settled: bool) -> Outcome:
    local = service.external_policy is TrafficPolicy.LOCAL
    return outcome(verb, local=local, value=service.annotations.get(PASS_THROUGH), settled=settled)


def _siblings(world: World, snapshot: Snapshot, ref: ServiceRef, service: Service) -> list[Service]:
    if snapshot.facts.mode.value is not Mode.IPVS:
        return []
    if ingresses := snapshot.sharing_ingresses(service):
        raise Refused(
            f"{service.ref} shares its load balancer with the Ingress {ingresses[0].ref}. Under IPVS a change would "
            "cut one of them off inside the cluster; give them load balancers of their own first."
        )
    if stranger := _in_another_cluster(world, ref, service):
        raise Refused(
            f"{service.ref} shares its load balancer with {stranger}. Under IPVS every Service on it needs the same "
            "setting, and one change cannot span clusters; give them load balancers of their own first."
        )
    return snapshot.sharing(service)


def _sibling_outcome(other: Service, verb: Verb) -> Outcome | None:
    result = _outcome(other, verb, settled=True)
    if result.answer is Answer.REFUSE:
        raise Refused(
            f"{other.ref} is on the same load balancer and needs the same setting, but {result.sentence}"
        )
    return result if result.answer is Answer.PROPOSE else None


def _in_another_cluster(world: World, ref: ServiceRef, service: Service) -> str:
    elb = service.annotations.get(ELB_ID)
    for name in world.clusters.names() if elb else ():
        if name == ref.cluster:
            continue
        for other in world.clusters.get(name).snapshot().inventory.balancers.get(f"elb:{elb}", {}):
            return f"{other} on the cluster {name}"
    return ""


def ref_of(cluster: str, ref: Ref) -> ServiceRef:
    """Name a Service of a cluster."""
    return ServiceRef(cluster=cluster, namespace=ref.namespace, name=ref.name)
