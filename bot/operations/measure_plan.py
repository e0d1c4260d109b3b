"""What a verification will send: which classes of client, from which nodes, to which addresses."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bot.config.settings import VerificationSettings
from bot.domain.change import MeasuredClient, MeasurementPlan, ServiceRef
from bot.domain.explanation import Client, ClientKind, Destination, Explanation
from bot.domain.objects import ELB_ID, Ref
from bot.domain.snapshot import Snapshot
from bot.domain.verification_client import ClientClassCode, nodes_of
from bot.domain.verification_target import safe_target
from bot.ports import LoadBalancerFacts

NODES_AT_MOST = 4
"""Nodes of one class that take part at the same time."""
PROTOCOL_PORT = "kubernetes.io/elb.protocol-port"
"""`https:443,http:80` makes those listeners layer 7 (cce_10_0385)."""
_LISTENER_SCHEMES = {"HTTP": "http", "HTTPS": "https", "TERMINATED_HTTPS": "https"}
_WORDS = {
    ClientClassCode.POD_WITH: "pod on a node with a backend",
    ClientClassCode.POD_WITHOUT: "pod on a node without one",
    ClientClassCode.NODE_WITH: "process on a node with a backend",
    ClientClassCode.NODE_WITHOUT: "process on a node without one",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Expected:
    """What the path engine says of one class, over all ports of the address."""

    verdict: str = "undetermined"
    through: bool | None = None


def build_plan(
    service: ServiceRef,
    *,
    snapshot: Snapshot,
    after: Explanation,
    before: Explanation | None,
    settings: VerificationSettings,
    load_balancer: LoadBalancerFacts | None = None,
) -> MeasurementPlan:
    """Plan a verification.

    Args:
        service: what is measured.
        snapshot: where its endpoints and the nodes are now.
        after: the paths as they should be when the second burst is sent, or are now where nothing is changed.
        before: the paths before the change; None: `verify` alone, nothing to compare.
        settings: the cluster's.
        load_balancer: what the cloud says of it, if it could be asked.
    """
    destinations, refused = _destinations(after, snapshot)
    targets = tuple(f"{_scheme(service, snapshot, d, load_balancer)}://{d}" for d in destinations)
    clients, left_out = _clients(
        service,
        snapshot,
        sides=(before, after),
        destinations=destinations,
        targets=targets,
        settings=settings,
    )
    rates = [settings.connections_for(target.partition(":")[0]) for target in targets]
    return MeasurementPlan(
        service=service,
        how=str(settings.clients),
        clients=clients,
        connections=round(min(rates, default=0) * max(1.0, settings.period / 60)),
        period=settings.period,
        baseline=settings.baseline,
        window=settings.window,
        watch=settings.watch,
        load_balancer=load_balancer.id if load_balancer else _elb_id(service, snapshot),
        ports=tuple(sorted({d.port for d in destinations})),
        compare=before is not None,
        left_out=(*refused, *left_out),
    )


def _elb_id(service: ServiceRef, snapshot: Snapshot) -> str:
    found = snapshot.service(Ref(service.namespace, service.name))
    return found.annotations.get(ELB_ID, "") if found else ""


def _destinations(after: Explanation, snapshot: Snapshot) -> tuple[list[Destination], list[str]]:
    """The ports of one address of the load balancer, the private one if there is one; and what is left out."""
    all_of_them = list(dict.fromkeys(path.destination for path in after.paths))
    usable = [d for d in all_of_them if d.protocol == "TCP" and safe_target(d.ip, snapshot)]
    addresses = sorted({d.ip for d in usable}, key=lambda ip: (not _private(ip, usable), ip))
    chosen = [d for d in usable if addresses and d.ip == addresses[0]]
    refused = [_refusal(d, snapshot) for d in all_of_them if d not in chosen]
    return chosen, refused


def _private(ip: str, destinations: Iterable[Destination]) -> bool:
    return any(d.ip == ip and d.scope == "private" for d in destinations)


def _refusal(destination: Destination, snapshot: Snapshot) -> str:
    if destination.protocol != "TCP":
        return f"{destination}: {destination.protocol} cannot be probed"
    if not safe_target(destination.ip, snapshot):
        return f"{destination}: it is not an address that only a load balancer has"
    return f"{destination}: one address is enough"


def _scheme(
    service: ServiceRef, snapshot: Snapshot, to: Destination, load_balancer: LoadBalancerFacts | None
) -> str:
    """Say how a listener is spoken to: as its annotation says, else the cloud, else bare TCP."""
    found = snapshot.service(Ref(service.namespace, service.name))
    declared = found.annotations.get(PROTOCOL_PORT, "") if found else ""
    for item in declared.split(","):
        scheme, _, port = item.strip().partition(":")
        if port == str(to.port) and scheme.lower() in {"http", "https"}:
            return scheme.lower()
    listeners = load_balancer.listeners if load_balancer else ()
    return next(
        (
            _LISTENER_SCHEMES[each.protocol.upper()]
            for each in listeners
            if each.port == to.port and each.protocol.upper() in _LISTENER_SCHEMES
        ),
        "tcp",
    )


def _clients(
    service: ServiceRef,
    snapshot: Snapshot,
    *,
    sides: tuple[Explanation | None, Explanation],
    destinations: Sequence[Destination],
    targets: tuple[str, ...],
    settings: VerificationSettings,
) -> tuple[tuple[MeasuredClient, ...], list[str]]:
    clients: list[MeasuredClient] = []
    left_out = ["a backend calling its own Service: probes run in Pods of their own"]
    for kind in ClientClassCode:
        nodes = nodes_of(snapshot, service, kind)
        if kind.host_network and not settings.host_network:
            if nodes:
                left_out.append(f"{_WORDS[kind]}: host-network probes are off for this cluster")
        elif nodes and targets:
            clients.append(_client(kind, nodes, targets, sides, destinations))
    return tuple(clients), left_out


def _client(
    kind: ClientClassCode,
    nodes: tuple[str, ...],
    targets: tuple[str, ...],
    sides: tuple[Explanation | None, Explanation],
    destinations: Sequence[Destination],
) -> MeasuredClient:
    before, after = (_expected(side, kind, destinations) for side in sides)
    return MeasuredClient(
        name=_WORDS[kind],
        node=nodes[0],
        nodes=nodes[:NODES_AT_MOST],
        of=len(nodes),
        kind=str(kind),
        host_network=kind.host_network,
        targets=targets,
        expect_before=before.verdict,
        through_before=before.through,
        expect_after=after.verdict,
        through_after=after.through,
    )


def _expected(
    side: Explanation | None, kind: ClientClassCode, destinations: Sequence[Destination]
) -> _Expected:
    """What the path engine says of a class: one word where all of its ports agree."""
    if side is None:
        return _Expected()
    paths = [p for p in side.paths if p.destination in destinations and _plays(kind, p.client)]
    verdicts = {str(p.verdict) for p in paths}
    through = {p.via_load_balancer for p in paths}
    return _Expected(
        verdict=verdicts.pop() if len(verdicts) == 1 else "ambiguous" if verdicts else "undetermined",
        through=through.pop() if len(through) == 1 else None,
    )


def _plays(kind: ClientClassCode, client: Client) -> bool:
    wanted = ClientKind.NODE if kind.host_network else ClientKind.POD
    return client.kind is wanted and client.group.startswith(str(kind))
