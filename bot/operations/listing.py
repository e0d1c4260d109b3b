"""The answer to `list`: every LoadBalancer Service that a person may look at, a page of them in Slack.

Open incidents lead, and the Services that they are about come first; then the others, the worst first, as the
watch saw them last. Only a page of them is explained anew: a list of a large cluster costs no more than one of a small.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.change import ServiceRef
from bot.domain.objects import Ref, Service
from bot.domain.path import explain
from bot.domain.policy import Right
from bot.domain.summary import finding_codes, rank, worst
from bot.domain.words import unmarked
from bot.operations.caller import Caller
from bot.operations.card import Button
from bot.operations.freshness import stale
from bot.operations.incident_roster import Roster, line_of, roster
from bot.operations.refusal import Refused
from bot.operations.resolve import named_cluster, near_places
from bot.operations.rights import rights_of
from bot.operations.world import World
from bot.ports import Cluster, Message

PAGE = 15
"""Services that one answer shows."""
MOST_INCIDENTS = 8
"""Incidents that one answer shows."""
MOST_NAMED = 8
"""Namespaces that the hint names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One Service in a list."""

    service: str
    pass_through: str
    verdict: str
    findings: str


async def listing(world: World, caller: Caller, target: str, *, page: int = 0) -> Message:
    """List every LoadBalancer Service that the person may look at, a page of them, and what is wrong now.

    A page that is not there any more is the last one.

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
        close = near_places(target.rstrip("/"), world.clusters, rights.visible)
        raise Refused(" ".join([nothing, *(f"Did you mean list {near}?" for near in close), *notes]))
    wrong = (await roster(world, rights, name)).of(
        lambda ref: namespace in ("", ref.namespace), whole=not namespace
    )
    notes += [wrong.problem] if wrong.problem else []
    found = _worst_first(world, found, wrong)
    page = min(page, (len(found) - 1) // PAGE)
    first = page * PAGE
    shown = found[first : first + PAGE]
    return world.message(
        "list",
        incidents=[line_of(row, world.clock()) for row in wrong.rows[:MOST_INCIDENTS]],
        incidents_left=max(0, len(wrong.rows) - MOST_INCIDENTS),
        lines=[_line(cluster, service) for cluster, service in shown],
        count=len(found),
        first=first + 1,
        last=first + len(shown),
        more=_more(found[first + PAGE :]),
        buttons=_pages(page, target, len(found)),
        where=target or "all clusters",
        notes=notes,
    )


def _worst_first(
    world: World, found: list[tuple[Cluster, Service]], wrong: Roster
) -> list[tuple[Cluster, Service]]:
    """Those with an open incident, then by verdict and gravest finding; alike ones by their names."""
    services = wrong.services

    def standing(each: tuple[Cluster, Service]) -> tuple[bool, tuple[int, int], str, Ref]:
        cluster, ref = each[0].name, each[1].ref
        troubled = ServiceRef(cluster=cluster, namespace=ref.namespace, name=ref.name) in services
        verdict = world.standings.get(cluster, {}).get(ref)
        severities = (severity for _, severity in world.traps.get(cluster, {}).get(ref, ()))
        return not troubled, rank(verdict, severities), cluster, ref

    return sorted(found, key=standing)


def _more(left: Sequence[tuple[Cluster, Service]]) -> str:
    """Say what is not shown, and how to see it."""
    if not left:
        return ""
    spaces = Counter((cluster.name, service.ref.namespace) for cluster, service in left)
    named = ", ".join(f"{name}/{space} ({count})" for (name, space), count in spaces.most_common(MOST_NAMED))
    others = f" and {len(spaces) - MOST_NAMED} other namespaces" if len(spaces) > MOST_NAMED else ""
    return f"{len(left)} more: {named}{others}"


def _pages(page: int, target: str, count: int) -> list[Button]:
    """The buttons that turn the page; what they carry is looked at with the rights of whoever presses them."""
    buttons = []
    if page > 0:
        buttons.append(Button(action="list:previous", label="Previous", value=f"{page - 1}:{target}"))
    if (page + 1) * PAGE < count:
        buttons.append(Button(action="list:next", label="Next", value=f"{page + 1}:{target}"))
    return buttons


def _line(cluster: Cluster, service: Service) -> Line:
    explanation = explain(cluster.snapshot(), service.ref)
    verdict = worst(explanation)
    return Line(
        service=f"{cluster.name}/{service.ref}",
        pass_through=str(explanation.pass_through.state),
        verdict=str(verdict) if verdict else "no address",
        findings=finding_codes(explanation.findings),
    )
