"""What to do about it, in the vendor's order: the name inside the cluster, the policy, then pass-through."""

from collections.abc import Iterator

from bot.domain.case import Case
from bot.domain.cluster_facts import Delivery, Mode
from bot.domain.elb import asks_for_pass_through
from bot.domain.explanation import ClientKind, PassThroughState, Path, Remedy, Verdict

_ORDER = "cce_10_0249 recommends them in this order"


def remedies(case: Case, paths: tuple[Path, ...]) -> tuple[Remedy, ...]:
    """What helps clients inside the cluster, the vendor's first choice first; nothing where nothing is wrong."""
    inside = [path for path in paths if path.client.kind is not ClientKind.EXTERNAL]
    if case.scenes and not any(scene.backends.ready or scene.backends.leaving for scene in case.scenes):
        # No way leads to nobody: what helps is what the finding says, an endpoint.
        return ()
    if not any(_wants_help(path) for path in inside):
        return ()
    return tuple(_all(case, inside))


def _wants_help(path: Path) -> bool:
    return path.verdict is not Verdict.REACHABLE or path.via_load_balancer is not True or bool(path.fragile)


def _all(case: Case, inside: list[Path]) -> Iterator[Remedy]:
    ref = case.service.ref
    yield Remedy(
        code="use-cluster-name",
        message=f"Inside the cluster use {ref.name}.{ref.namespace}.svc: it needs no load balancer.",
        source=_ORDER,
    )
    lost = [path for path in inside if path.verdict is not Verdict.REACHABLE or path.fragile]
    if case.local and lost and case.captured:
        yield Remedy(
            code="policy-cluster",
            message="Or set externalTrafficPolicy to Cluster: every node answers, and backends see a node instead of "
            "the client.",
            source=_ORDER,
        )
    if _may_pass_through(case) and not _worse_through(case):
        yield Remedy(
            code="pass-through",
            message="Or send clients inside the cluster through the load balancer: pass-through.",
            source=_ORDER,
        )


def _may_pass_through(case: Case) -> bool:
    """Whether pass-through is there to be turned on, and somebody knows what it does."""
    off = case.through.state in {PassThroughState.OFF, PassThroughState.UNKNOWN}
    known = case.standard and not case.mode(Mode.OTHER)
    return off and known and not case.says_on and not case.local


def _worse_through(case: Case) -> bool:
    """Whether who goes through the load balancer gets there less than who goes past it."""
    nowhere = case.delivers(Delivery.NODEPORT) and any(not port.node_port for port in case.service.ports)
    private = any(scene.destination.scope == "private" for scene in case.scenes)
    locked_out = private and any(case.keeps_address(port) for port in case.service.ports)
    # Under IPVS it would have to be turned on for all of them at once (cce_10_0355).
    others = [each for each in case.snapshot.sharing(case.service) if not asks_for_pass_through(each)]
    trapped = case.mode_may_be(Mode.IPVS) and bool(others)
    return locked_out or trapped or (nowhere and bool(case.service.ingress))
