"""The answer to `list`: every LoadBalancer Service that a person may look at, a page of them in Slack."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.objects import Service
from bot.domain.path import explain
from bot.domain.policy import Right
from bot.domain.summary import worst
from bot.domain.words import unmarked
from bot.operations.caller import Caller
from bot.operations.freshness import stale
from bot.operations.refusal import Refused
from bot.operations.resolve import named_cluster
from bot.operations.rights import rights_of
from bot.operations.world import World
from bot.ports import Cluster, Message

PAGE = 15
"""Services that one answer shows."""
MOST_NAMED = 8
"""Namespaces that the hint names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One Service in a list."""

    service: str
    pass_through: str
    verdict: str
    findings: str


async def listing(world: World, caller: Caller, target: str) -> Message:
    """List every LoadBalancer Service that the person may look at.

    Raises:
        Refused: there is none, or no such cluster or namespace.
    """
    rights = (await rights_of(world, caller, Right.VIEW)).known()
    name, namespace = named_cluster(target, world.clusters)
    namespace = namespace.rstrip("/")
    clusters = [world.clusters.get(each) for each in world.clusters.names() if name in (None, each)]
    found = [
        (cluster, s)
        for cluster in clusters
        for s in cluster.snapshot().load_balancers()
        if namespace in ("", s.ref.namespace) and rights.visible(cluster.name, s.ref.namespace)
    ]
    notes = [note for cluster in clusters if (note := stale(cluster))]
    if not found:
        where = unmarked(target) or "any cluster"
        nothing = f"There is no LoadBalancer Service in {where} that you may look at."
        raise Refused(" ".join([nothing, *notes]))
    return world.message(
        "list",
        lines=[_line(cluster, service) for cluster, service in found[:PAGE]],
        count=len(found),
        more=_more(found[PAGE:]),
        where=target or "all clusters",
        notes=notes,
    )


def _more(left: Sequence[tuple[Cluster, Service]]) -> str:
    """Say what is not shown, and how to see it."""
    if not left:
        return ""
    spaces = Counter(f"{cluster.name}/{service.ref.namespace}" for cluster, service in left)
    named = ", ".join(f"{space} ({count})" for space, count in spaces.most_common(MOST_NAMED))
    others = f" and {len(spaces) - MOST_NAMED} other namespaces" if len(spaces) > MOST_NAMED else ""
    return (
        f"{len(left)} more: {named}{others}. Name a namespace, or run elb-passthrough list for all of them."
    )


def _line(cluster: Cluster, service: Service) -> Line:
    explanation = explain(cluster.snapshot(), service.ref)
    verdict = worst(explanation)
    return Line(
        service=f"{cluster.name}/{service.ref}",
        pass_through=str(explanation.pass_through.state),
        verdict=str(verdict) if verdict else "no address",
        findings=", ".join(dict.fromkeys(finding.code for finding in explanation.findings)) or "none",
    )
