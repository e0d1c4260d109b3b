"""The answer to a question: who gets to a Service's load balancer, how, and why."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from bot.domain.case import Case
from bot.domain.catalogue import RULES
from bot.domain.clients import Classes, named
from bot.domain.cluster_facts import Mode
from bot.domain.destinations import Spot, spots
from bot.domain.elb import pass_through_of
from bot.domain.explanation import UNDETERMINED, Explanation, PassThrough, Path, Reason, Trace
from bot.domain.facts import detected, listed
from bot.domain.findings import findings
from bot.domain.fragility import fragility
from bot.domain.holding import holding
from bot.domain.hypothetical import Stage, stage
from bot.domain.objects import EndpointSlice, Ingress, NetworkPolicy, Node, Pod, Ref, Service
from bot.domain.possibility import World
from bot.domain.question import EVERYTHING, ClientAsked, NotFound, Question, Target
from bot.domain.remedies import remedies
from bot.domain.rules_balancer import NO_SUCH_PORT, PORT_OF_SIBLING
from bot.domain.scene import Scene
from bot.domain.snapshot import Snapshot
from bot.domain.supply import how_to_supply
from bot.domain.traveller import Traveller
from bot.domain.walk import Walk
from bot.domain.weigh import Outcome, weigh
from bot.domain.words import listed as enumerated

_WATCHED = (Service, EndpointSlice, Node, Pod, Ingress, NetworkPolicy)
"""The kinds of object that an answer rests on."""
_PLAIN = frozenset({"client-connects", "outside-reaches-balancer", "endpoint-answers", "lb-arrives-at"})
"""Rules that explain nothing to anybody."""


def explain(snapshot: Snapshot, service: Ref, question: Question = EVERYTHING) -> Explanation:
    """Explain the paths to one Service of type LoadBalancer.

    Raises:
        NotFound: The Service (or one of that type), the Pod, the node or the address is not in the snapshot.
    """
    found = load_balancer(snapshot, service)
    snapshot = snapshot.with_facts(detected(snapshot, found))
    _check_arrival(snapshot, question)
    asked = spots(snapshot, found, question.target)
    stages = [stage(snapshot, found, _own(spot)) for spot in asked]
    paths = tuple(_paths(snapshot, zip(asked, stages, strict=True), question))
    through = pass_through(snapshot, found)
    case = _case(snapshot, found, stages, through)
    return Explanation(
        service=found.ref,
        pass_through=through,
        facts=listed(snapshot, found),
        paths=paths,
        findings=findings(case, paths),
        remedies=remedies(case, paths),
        hypothetical=any(each.assumed for each in stages),
    )


def _case(snapshot: Snapshot, service: Service, stages: list[Stage], through: PassThrough) -> Case:
    scenes = tuple(stage.scene for stage in stages)
    points = tuple(dict.fromkeys((*service.ingress, *(scene.point for scene in scenes))))
    return Case(
        snapshot=snapshot,
        service=service,
        scenes=scenes,
        through=through,
        holding=holding(snapshot, service, points),
    )


def load_balancer(snapshot: Snapshot, ref: Ref) -> Service:
    """Find a Service of type LoadBalancer.

    Raises:
        NotFound: There is none of that name, or it is of another type.
    """
    service = snapshot.service(ref)
    if service is None:
        raise NotFound(f"There is no Service {ref} in the input.")
    if not service.is_load_balancer:
        raise NotFound(f"Service {ref} is of type {service.type}, not LoadBalancer.")
    return service


def pass_through(snapshot: Snapshot, service: Service) -> PassThrough:
    """Say what the Service's annotation amounts to; `snapshot` with its facts detected."""
    return pass_through_of(snapshot.facts, service, snapshot.inventory.versions)


def _check_arrival(snapshot: Snapshot, question: Question) -> None:
    name = question.arrives_at
    if name is not None and snapshot.knows(Node) and name not in snapshot.inventory.nodes:
        raise NotFound(f"There is no node {name} in the input.")


def _own(spot: Spot) -> Spot:
    """The destination as the Service itself has it: without a port where it is another Service's."""
    return replace(spot, port=None, owner=None) if spot.owner else spot


def _paths(snapshot: Snapshot, asked: Iterable[tuple[Spot, Stage]], question: Question) -> Iterator[Path]:
    for spot, own in asked:
        each = stage(snapshot, spot.owner, spot) if spot.owner else own
        client = question.client
        clients = [named(snapshot, client)] if client else list(Classes(each.scene).travellers())
        for traveller in clients:
            path = answer(each, traveller, question.arrives_at)
            told = _owner(spot) if spot.owner else _no_such_port(each.scene)
            yield replace(path, reasons=(told, *path.reasons)) if told else path


def _owner(spot: Spot) -> Reason:
    """Say whose port it is that was asked about."""
    message = (
        f"Port {spot.destination.port} of {spot.destination.ip} is not this Service's but Service "
        f"{spot.owner.ref if spot.owner else ''}'s: the way shown is the way to that one."
    )
    return Reason(code=PORT_OF_SIBLING.id, message=message, source=PORT_OF_SIBLING.source)


def _no_such_port(scene: Scene) -> Reason | None:
    """Say which ports there are, where the one that was asked about is nobody's."""
    number = scene.destination.port
    others = scene.claimants or any(each.may_listen_on(number) for each in scene.ingresses)
    if scene.port is not None or others:
        return None
    numbers = dict.fromkeys(port.port for port in scene.service.ports)
    there = f"there {'is' if len(numbers) == 1 else 'are'} {enumerated(tuple(numbers))}"
    message = f"The Service has no port {number}; {there}."
    return Reason(code=NO_SUCH_PORT.id, message=message, source=NO_SUCH_PORT.source)


def answer(stage: Stage, traveller: Traveller, arrives_at: str | None = None) -> Path:
    """Answer for one client and one destination."""
    outcome = outcome_of(stage, traveller, arrives_at)

    def again(scene: Scene) -> Outcome:
        return outcome_of(Stage(scene=scene), traveller, arrives_at)

    return Path(
        client=traveller.client,
        destination=stage.scene.destination,
        verdict=outcome.verdict,
        via_load_balancer=outcome.via_load_balancer,
        endpoints=outcome.endpoints,
        source_ip=outcome.source_ip,
        traces=outcome.traces,
        reasons=_reasons(
            outcome,
            {each.name: each.value for each in stage.scene.snapshot.facts.known() if each.known},
            seen=not stage.scene.snapshot.doubts(*_WATCHED),
        ),
        missing=outcome.missing,
        missing_for_way=outcome.missing_for_way,
        fragile=fragility(stage, traveller, outcome, again),
    )


def outcome_of(stage: Stage, traveller: Traveller, arrives_at: str | None = None) -> Outcome:
    """Weigh every possible world for one client and one destination."""
    snapshot = stage.scene.snapshot

    def walk(world: World) -> list[Trace]:
        scene = stage.scene_for(world, traveller)
        return Walk(world=world, scene=scene, traveller=traveller, arrives_at=arrives_at).traces()

    return weigh(snapshot.facts, snapshot.inventory.nodes, walk)


def _why(name: str, stated: Mapping[str, object]) -> str:
    if name not in stated:
        return "which is not known"
    return "which is “other”" if stated[name] is Mode.OTHER else "and what is stated of it cannot be so"


def _reasons(outcome: Outcome, stated: Mapping[str, object], *, seen: bool) -> tuple[Reason, ...]:
    found: dict[str, Reason] = {}
    for name in outcome.missing:
        message = f"It depends on {name}, {_why(name, stated)}. To supply it: "
        message += f"{how_to_supply(name, stated.get(name), seen=seen)}."
        found[name] = Reason(code=UNDETERMINED, message=message, source="the facts of the answer")
    for trace in outcome.traces:
        for hop in trace.hops:
            if hop.rule not in found and hop.rule not in _PLAIN:
                rule = RULES[hop.rule]
                found[rule.id] = Reason(code=rule.id, message=rule.text, source=rule.source)
    return tuple(found.values())


__all__ = [
    "ClientAsked",
    "NotFound",
    "Question",
    "Target",
    "answer",
    "explain",
    "load_balancer",
    "outcome_of",
    "pass_through",
]
