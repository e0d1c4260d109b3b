"""What a verification will send: which classes of client, from which nodes, to which addresses."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.config.settings import Clients, VerificationSettings
from bot.domain.change import MeasuredClient, MeasurementPlan, ServiceRef
from bot.domain.explanation import Client, ClientKind, Explanation, Path
from bot.domain.objects import ELB_ID, PASS_THROUGH, Ref
from bot.domain.path_supposed import of_a_pod
from bot.domain.snapshot import Snapshot
from bot.domain.verification_client import ClientClassCode, nodes_of
from bot.domain.verification_target import off_limits
from bot.operations.measure_target import Goal, Goals, Named, goals, shared_out
from bot.ports import LoadBalancerFacts

NODES_AT_MOST = 4
"""Nodes of one class that take part at the same time."""
TURNS_AT_MOST = 8
"""Classes that take a turn, each in metric periods of its own."""
_WORDS = {
    ClientClassCode.POD_WITH: "pod on a node with a backend",
    ClientClassCode.POD_WITHOUT: "pod on a node without one",
    ClientClassCode.NODE_WITH: "process on a node with a backend",
    ClientClassCode.NODE_WITHOUT: "process on a node without one",
    ClientClassCode.BACKEND: "a backend itself",
}
_PROBED: tuple[ClientClassCode, ...] = (
    ClientClassCode.POD_WITH,
    ClientClassCode.POD_WITHOUT,
    ClientClassCode.NODE_WITH,
    ClientClassCode.NODE_WITHOUT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One Service that is measured: its paths before the change, where there is one to compare, and after it."""

    service: ServiceRef
    before: Explanation | None
    after: Explanation


@dataclass(frozen=True, slots=True, kw_only=True)
class _Expected:
    """What the path engine says of one class, over some addresses and ports."""

    verdict: str = "undetermined"
    through: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sides:
    """The paths before the change, where there is one to compare, and after it."""

    before: "_Side | None"
    after: "_Side"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """The paths as the path engine explains them, and the cluster that it explains."""

    explanation: Explanation
    snapshot: Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One Service's part of a plan."""

    service: ServiceRef
    sides: _Sides
    goals: Goals
    of_several: bool
    """Whether other Services are measured beside it, so that its name is said."""
    usual: int
    """Connections per class and burst, where a listener does not ask for fewer."""

    @property
    def left_out(self) -> tuple[str, ...]:
        """Addresses and ports that are not measured, and why."""
        found = self.goals.left_out
        return tuple(f"{self.service} at {text}" for text in found) if self.of_several else found


def build_plan(
    service: ServiceRef,
    *,
    snapshot: Snapshot,
    after: Explanation,
    before: Explanation | None,
    settings: VerificationSettings,
    then: Snapshot | None = None,
    load_balancer: LoadBalancerFacts | None = None,
    api_server: Iterable[str] = (),
    names: Mapping[str, Named] | None = None,
    others: Sequence[Explained] = (),
) -> MeasurementPlan:
    """Plan a verification.

    Args:
        service: what is measured.
        snapshot: where its endpoints and the nodes are now.
        after: the paths as they should be when the second burst is sent, or are now where nothing is changed.
        before: the paths before the change; None: `verify` alone, nothing to compare.
        settings: the cluster's.
        then: the cluster after the change; as it is, where nothing is changed.
        load_balancer: what the cloud says of it, if it could be asked.
        api_server: addresses at which the cluster's API is served.
        names: what the load balancer's host names were resolved to.
        others: the same of each other Service that is patched with it.
    """
    own = (*load_balancer.private_ips, *load_balancer.public_ips) if load_balancer else None
    limits = off_limits(snapshot, api_server=api_server, balancer=own)
    each = (Explained(service=service, before=before, after=after), *others)
    found = shared_out(
        [
            goals(
                one.service,
                snapshot,
                after=one.after,
                off_limits=limits,
                load_balancer=load_balancer,
                names=names or {},
            )
            for one in each
        ]
    )
    usual = max((_rate(settings, goal) for whereto in found for goal in whereto.chosen), default=0)
    parts = [
        _Part(
            service=one.service,
            sides=_Sides(
                before=None if one.before is None else _Side(explanation=one.before, snapshot=snapshot),
                after=_Side(explanation=one.after, snapshot=then or snapshot),
            ),
            goals=whereto,
            of_several=bool(others),
            usual=usual,
        )
        for one, whereto in zip(each, found, strict=True)
    ]
    played = [_clients(part, snapshot, settings) for part in parts]
    clients, waiting = _in_turn([clients for clients, _ in played])
    chosen = [goal for part in parts for goal in part.goals.chosen]
    plan = MeasurementPlan(
        service=service,
        how=str(settings.clients),
        clients=tuple(clients),
        connections=usual,
        period=settings.period,
        baseline=settings.baseline,
        window=settings.window,
        watch=settings.watch,
        load_balancer=load_balancer.id if load_balancer else _elb_id(service, snapshot),
        ports=tuple(sorted({goal.destination.port for goal in chosen})),
        compare=before is not None,
        pinned=tuple(dict.fromkeys(name for part in parts for name in part.goals.pinned)),
        value=_value(service, then or snapshot),
        others=tuple(one.service for one in others),
    )
    left_out = [
        *(f"{ref}: nothing connects to it in this run" for ref in plan.unmeasured if others),
        *(text for part in parts for text in part.left_out),
        *(text for _, texts in played for text in texts),
        *(f"{each.name}: {TURNS_AT_MOST} turns are enough for one run" for each in waiting),
    ]
    return replace(plan, left_out=tuple(dict.fromkeys(left_out)))


def _rate(settings: VerificationSettings, goal: Goal) -> int:
    """How many connections a class opens in one burst to listeners of this kind."""
    scheme = goal.target.partition(":")[0]
    return round(settings.connections_for(scheme) * max(1.0, settings.period / 60))


def _in_turn(each: Sequence[Sequence[MeasuredClient]]) -> tuple[list[MeasuredClient], list[MeasuredClient]]:
    """Choose who takes a turn, each Service's first class before any one's second; and who does not."""
    turns = max((len(clients) for clients in each), default=0)
    ranked = [clients[turn] for turn in range(turns) for clients in each if turn < len(clients)]
    kept = ranked[:TURNS_AT_MOST]
    return [client for clients in each for client in clients if client in kept], ranked[TURNS_AT_MOST:]


def _value(service: ServiceRef, snapshot: Snapshot) -> str:
    found = snapshot.service(Ref(service.namespace, service.name))
    return found.annotations.get(PASS_THROUGH, "") if found else ""


def _elb_id(service: ServiceRef, snapshot: Snapshot) -> str:
    found = snapshot.service(Ref(service.namespace, service.name))
    return found.annotations.get(ELB_ID, "") if found else ""


def _clients(
    part: _Part, snapshot: Snapshot, settings: VerificationSettings
) -> tuple[list[MeasuredClient], list[str]]:
    inside = settings.clients is Clients.EXEC
    kinds = (ClientClassCode.BACKEND,) if inside else _PROBED
    left_out = [
        "other clients: commands run in the backends only"
        if inside
        else "a backend calling its own Service: probes run in Pods of their own"
    ]
    clients: list[MeasuredClient] = []
    for kind in kinds:
        nodes = nodes_of(snapshot, part.service, kind)
        if kind.host_network and not settings.host_network:
            if nodes:
                left_out.append(f"{_WORDS[kind]}: host-network probes are off for this cluster")
        elif nodes and part.goals.chosen:
            clients += _of_kind(kind, nodes, part, settings)
    return clients, left_out


def _of_kind(
    kind: ClientClassCode, nodes: tuple[str, ...], part: _Part, settings: VerificationSettings
) -> list[MeasuredClient]:
    """One turn for a class, or one for each way in which it should fare at some of the addresses and ports.

    What fares differently must not be added up: half of it connected would be neither this nor that. Nor must what
    gets few connections, because it is bare TCP, and what gets many: the few would be lost in what the many leave open.
    """
    alike: dict[tuple[_Expected, _Expected, int], list[Goal]] = {}
    sides = part.sides
    for goal in part.goals.chosen:
        before, after = (_expected(side, kind, goal, nodes) for side in (sides.before, sides.after))
        alike.setdefault((before, after, _rate(settings, goal)), []).append(goal)
    return [
        MeasuredClient(
            name=_named(kind, part, together, several=len(alike) > 1),
            node=nodes[0],
            nodes=nodes[: max(1, min(NODES_AT_MOST, rate // len(together)))],
            of=len(nodes),
            kind=str(kind),
            host_network=kind.host_network,
            targets=tuple(goal.target for goal in together),
            expect_before=before.verdict,
            through_before=before.through,
            expect_after=after.verdict,
            through_after=after.through,
            service=part.service if part.of_several else None,
            connections=0 if rate == part.usual else rate,
        )
        for (before, after, rate), together in alike.items()
    ]


def _named(kind: ClientClassCode, part: _Part, together: Sequence[Goal], *, several: bool) -> str:
    more = f" and {len(together) - 1} more" if len(together) > 1 else ""
    at = f"{together[0].destination}{more}" if several else ""
    whereto = " at ".join(text for text in (str(part.service) if part.of_several else "", at) if text)
    return f"{_WORDS[kind]}, to {whereto}" if whereto else _WORDS[kind]


def _expected(side: _Side | None, kind: ClientClassCode, goal: Goal, nodes: Sequence[str]) -> _Expected:
    """What the path engine says of a class at one address and port; one word where all of the class agree."""
    if side is None:
        return _Expected()
    here = [p for p in side.explanation.paths if p.destination == goal.destination]
    paths = [p for p in here if _plays(kind, p.client)] or _supposed(side, kind, goal, nodes)
    verdicts = {str(p.verdict) for p in paths}
    through = {p.via_load_balancer for p in paths}
    return _Expected(
        verdict=verdicts.pop() if len(verdicts) == 1 else "ambiguous" if verdicts else "undetermined",
        through=through.pop() if len(through) == 1 else None,
    )


def _supposed(side: _Side, kind: ClientClassCode, goal: Goal, nodes: Sequence[str]) -> list[Path]:
    """The paths of Pods that are not there: the cluster has none of the class now, and a probe will be the first.

    So it is too for a port whose endpoints are on other nodes than the other ports': none is of the class for it.
    """
    if kind.host_network:
        here = [p for p in side.explanation.paths if p.destination == goal.destination]
        return [p for p in here if p.client.kind is ClientKind.NODE]
    pods = of_a_pod(side.snapshot, side.explanation.service, nodes[:NODES_AT_MOST])
    return [path for path in pods if path.destination == goal.destination]


def _plays(kind: ClientClassCode, client: Client) -> bool:
    wanted = ClientKind.NODE if kind.host_network else ClientKind.POD
    return client.kind is wanted and client.group.startswith(str(kind))
