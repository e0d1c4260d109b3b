"""Which Services a change is about: one, or under IPVS all on its load balancer.

kube-proxy in IPVS mode binds a load balancer's address to every node; one Service on it without pass-through
traps the others' ports (cce_10_0355: the settings "must be the same").
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.domain.change import ServiceRef, Verb
from bot.domain.cluster_facts import Mode
from bot.domain.explanation import PassThroughState
from bot.domain.facts import detected
from bot.domain.objects import ELB_ID, PASS_THROUGH, Ref, Service, TrafficPolicy
from bot.domain.path import pass_through
from bot.domain.request import ON, Answer, Outcome, outcome
from bot.domain.snapshot import Snapshot, balancer_keys
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
        idle = _idle(snapshot, service) if verb is Verb.ENABLE else ""
        raise Refused(f"{service.ref}: {idle or own.sentence}")
    others = _siblings(world, snapshot, ref, service)
    parts = [
        (other, result.value) for other in others if (result := _sibling_outcome(other, verb)) is not None
    ]
    # The Service that was asked for goes last: in between, each one patched alone is the one that is trapped.
    return Subject(parts=(*parts, (service, own.value)), remark=own.sentence)


def _idle(snapshot: Snapshot, service: Service) -> str:
    """Say that the annotation is there and that it does nothing here, or perhaps; empty where it is on, or not there."""
    value = service.annotations.get(PASS_THROUGH)
    if value not in ON:
        return ""
    match pass_through(snapshot.with_facts(detected(snapshot, service)), service).state:
        case PassThroughState.UNSUPPORTED:
            return f'the annotation is there ("{value}"), but nothing acts on it in this cluster; status says why.'
        case PassThroughState.UNKNOWN:
            return f'the annotation is there ("{value}"); whether anything acts on it here is not known, status says why.'
        case PassThroughState.ON | PassThroughState.OFF:
            return ""


def settled(live: LiveService, now: datetime) -> bool:
    """Whether CCE had its time to write `onlyLocal`; a Service whose age is not known is taken for old."""
    return live.created_at is None or now - live.created_at > SETTLES_WITHIN


def load_balancer_of(service: Service) -> str:
    """Return the id of a Service's load balancer, else its first address."""
    return service.annotations.get(ELB_ID) or next((p.ip or p.hostname for p in service.ingress), "")


def held(snapshot: Snapshot, ref: ServiceRef) -> tuple[str, ...]:
    """Return the names of the load balancer that a change has for itself while it is open: under IPVS only."""
    service = snapshot.service(Ref(ref.namespace, ref.name))
    if service is None or not one_setting(snapshot):
        return ()
    return tuple(
        sorted({key for each in (service, *snapshot.sharing(service)) for key in balancer_keys(each)})
    )


def one_setting(snapshot: Snapshot) -> bool:
    """Whether all Services on a load balancer need the same setting: kube-proxy binds its address to every node."""
    return snapshot.facts.mode.value is Mode.IPVS


def stranger(world: World, snapshot: Snapshot, ref: ServiceRef) -> str:
    """Say what shares a Service's load balancer under IPVS that no change of this cluster's Services can reach."""
    service = snapshot.service(Ref(ref.namespace, ref.name))
    if service is None or not one_setting(snapshot):
        return ""
    if ingresses := snapshot.sharing_ingresses(service):
        return (
            f"{service.ref} shares its load balancer with the Ingress {ingresses[0].ref}. Under IPVS a change would "
            "cut one of them off inside the cluster; give them load balancers of their own first."
        )
    if other := _in_another_cluster(world, ref, service):
        return (
            f"{service.ref} shares its load balancer with {other}. Under IPVS every Service on it needs the same "
            "setting, and one change cannot span clusters; give them load balancers of their own first."
        )
    return ""


def _outcome(service: Service, verb: Verb, *, settled: bool) -> Outcome:
    local = service.external_policy is TrafficPolicy.LOCAL
    return outcome(verb, local=local, value=service.annotations.get(PASS_THROUGH), settled=settled)


def _siblings(world: World, snapshot: Snapshot, ref: ServiceRef, service: Service) -> list[Service]:
    if why := stranger(world, snapshot, ref):
        raise Refused(why)
    return snapshot.sharing(service) if one_setting(snapshot) else []


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
