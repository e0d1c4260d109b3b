"""What to do about it, in the vendor's order: the name inside the cluster, the policy, then pass-through."""

from collections.abc import Iterator

from bot.domain.case import Case
from bot.domain.explanation import ClientKind, PassThroughState, Path, Remedy, Verdict

_ORDER = "cce_10_0249 recommends them in this order"


def remedies(case: Case, paths: tuple[Path, ...]) -> tuple[Remedy, ...]:
    """What helps clients inside the cluster, the vendor's first choice first; nothing where nothing is wrong."""
    inside = [path for path in paths if path.client.kind is not ClientKind.EXTERNAL]
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
    may_pass = case.through.state in {PassThroughState.OFF, PassThroughState.UNKNOWN}
    if case.standard and may_pass and not case.says_on and not case.local:
        yield Remedy(
            code="pass-through",
            message="Or send clients inside the cluster through the load balancer: pass-through.",
            source=_ORDER,
        )
