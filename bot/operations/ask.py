"""Questions: answered from the caches at once, changing nothing, with the database down too (but `history`)."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.domain.change import Change, ServiceRef
from bot.domain.explanation import ClientKind, Explanation, Finding, Path, SourceIP, Verdict
from bot.domain.objects import Service
from bot.domain.path import explain
from bot.domain.policy import Right
from bot.domain.summary import client_words, headline, worst
from bot.domain.words import duration
from bot.operations.caller import Caller
from bot.operations.card import STATES, Button, addresses, path_words, title_of
from bot.operations.refusal import Refused
from bot.operations.resolve import named_cluster, resolve
from bot.operations.rights import Rights, operator, rights_of
from bot.operations.subject import load_balancer_of
from bot.operations.world import World
from bot.ports import Cluster, Freshness, Message, Unavailable

STALE_AFTER = 60.0
"""Seconds without a word from the API server after which an answer says so."""
PAGE = 15
"""Services on one page of `list`."""
MOST_ROWS = 40
"""Rows of the table of clients; Slack allows 100."""


async def status(world: World, caller: Caller, target: str) -> Message:
    """Explain a Service's paths for every class of client.

    Raises:
        Refused: no one Service was meant, or the person may not look at it.
    """
    rights = await rights_of(world, caller)
    ref, service = resolve(target, world.clusters, rights.visible)
    return status_message(world, rights, ref, service, shared_by="")


def status_message(
    world: World, rights: Rights | None, ref: ServiceRef, service: Service, *, shared_by: str
) -> Message:
    """Compose the explanation; shared in a channel, it has no buttons and says who shared it."""
    cluster = world.clusters.get(ref.cluster)
    explanation = explain(cluster.snapshot(), service.ref)
    return world.message(
        "status",
        ref=ref,
        headline=headline(explanation),
        facts=_facts_line(explanation, service),
        rows=_rows(explanation),
        why=_why(explanation),
        now=[remedy.message for remedy in explanation.remedies[:4]],
        findings=_findings(explanation),
        known=_known(cluster, explanation),
        stale=_stale(cluster.freshness()),
        buttons=_buttons(world, rights, ref, service, explanation) if rights else (),
        shared_by=shared_by,
    )


def _facts_line(explanation: Explanation, service: Service) -> str:
    facts = {fact.name: fact for fact in explanation.facts}
    addresses = " · ".join(
        f"{each.ip} {each.scope}"
        for each in {p.destination.ip: p.destination for p in explanation.paths}.values()
    )
    parts = [
        f"load balancer {load_balancer_of(service) or 'not known'}",
        addresses,
        f"policy {service.external_policy}",
        f"pass-through {explanation.pass_through.state}",
        " ".join(
            str(facts[name].value)
            for name in ("platform", "category", "kubernetesVersion", "kubeProxy.mode")
            if name in facts and facts[name].known
        ),
    ]
    return " · ".join(part for part in parts if part)


_SEES = {
    SourceIP.PRESERVED: "the client",
    SourceIP.NODE: "a node",
    SourceIP.LB: "the ELB",
    SourceIP.UNKNOWN: "–",
}
_HEAD = ("Client", "Count", "Load balancer", "Gets there", "Backend sees")


def _rows(explanation: Explanation) -> tuple[tuple[str, ...], ...]:
    """One row per class and way it fares; addresses on which it fares alike share a row."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for path in explanation.paths:
        alike.setdefault(_row(path), []).append(str(path.destination))
    rows = [(key[0], key[1], addresses(to), key[2], key[3]) for key, to in alike.items()]
    return (_HEAD, *rows[:MOST_ROWS]) if rows else ()


def _row(path: Path) -> tuple[str, ...]:
    outside = path.client.kind is ClientKind.EXTERNAL
    count = "–" if path.client.stands_for is None or outside else str(path.client.stands_for)
    sees = "–" if path.verdict is Verdict.UNREACHABLE else _SEES[path.source_ip]
    return client_words(path.client), count, path_words(str(path.verdict), path.via_load_balancer), sees


def _why(explanation: Explanation) -> list[tuple[str, str, str]]:
    """Each reason once, with its rule and where that is documented."""
    found = {reason.code: reason for path in explanation.paths for reason in path.reasons}
    return [(reason.message, reason.code, reason.source) for reason in list(found.values())[:5]]


_SIGN = {"error": "🔴", "warning": "🟠", "info": "🔵"}


def _findings(explanation: Explanation) -> list[tuple[str, Finding]]:
    worst_first = sorted(explanation.findings, key=lambda finding: list(_SIGN).index(str(finding.severity)))
    return [(_SIGN[str(finding.severity)], finding) for finding in worst_first[:6]]


def _known(cluster: Cluster, explanation: Explanation) -> str:
    age = cluster.freshness().age
    seen = (
        f"Service and endpoints {duration(age or 0)} ago"
        if age is not None
        else "Service and endpoints: never read"
    )
    by_origin: dict[str, list[str]] = {}
    for fact in explanation.facts:
        by_origin.setdefault("unknown" if not fact.known else str(fact.origin), []).append(fact.name)
    words = {
        "config": "from the configuration",
        "cloud": "from the cloud's API",
        "assumed": "assumed",
        "input": "given",
        "api": "from the cluster",
    }
    told = [f"{', '.join(names)} {words[origin]}" for origin, names in by_origin.items() if origin in words]
    unknown = f"unknown: {', '.join(by_origin['unknown'])}" if "unknown" in by_origin else ""
    missing = dict.fromkeys(name for path in explanation.paths for name in path.missing)
    decides = f"would decide: {', '.join(missing)}" if missing else ""
    return " · ".join(part for part in (seen, *told, unknown, decides) if part)


def _stale(freshness: Freshness) -> str:
    if freshness.problem:
        return f"The cluster does not answer properly: {freshness.problem}"
    if freshness.age is not None and freshness.age > STALE_AFTER:
        return f"The cluster was last heard of {duration(freshness.age)} ago; this may be out of date."
    return ""


def _buttons(
    world: World, rights: Rights, ref: ServiceRef, service: Service, explanation: Explanation
) -> tuple[Button, ...]:
    value = f"{ref.cluster}/{service.uid}"
    buttons = []
    off = explanation.pass_through.state == "off"
    if off and rights.decide(Right.PROPOSE, ref.cluster, ref.namespace).allowed:
        buttons.append(
            Button(action="status:propose", label="Propose pass-through", value=value, style="primary")
        )
    if (
        rights.decide(Right.VERIFY, ref.cluster, ref.namespace).allowed
        and not world.clusters.get(ref.cluster).read_only
    ):
        buttons.append(Button(action="status:verify", label="Verify now", value=value))
    buttons.append(Button(action="status:share", label="Share in channel", value=value))
    return tuple(buttons)


def by_button(world: World, value: str) -> tuple[ServiceRef, Service]:
    """Find the Service that a button of `status` is about.

    Raises:
        Refused: it is gone.
    """
    name, _, uid = value.partition("/")
    if name in world.clusters.names():
        services = world.clusters.get(name).snapshot().inventory.services
        for ref, service in services.items():
            if uid and service.uid == uid:
                return ServiceRef(cluster=name, namespace=ref.namespace, name=ref.name), service
    raise Refused("This Service is gone, or was made again under the same name. Ask for status once more.")


async def share(world: World, caller: Caller, value: str) -> Message:
    """Compose a status for the whole channel."""
    rights = await rights_of(world, caller, Right.VIEW)
    ref, service = by_button(world, value)
    if not rights.visible(ref.cluster, ref.namespace):
        raise Refused("You may not look at Services here.")
    return status_message(world, None, ref, service, shared_by=caller.user)


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
    rights = await rights_of(world, caller, Right.VIEW)
    name, namespace = named_cluster(target, world.clusters)
    clusters = [world.clusters.get(each) for each in world.clusters.names() if name in (None, each)]
    found = [
        (cluster, s)
        for cluster in clusters
        for s in cluster.snapshot().load_balancers()
        if namespace in ("", s.ref.namespace) and rights.visible(cluster.name, s.ref.namespace)
    ]
    silent = [_stale(cluster.freshness()) for cluster in clusters]
    if not found:
        where = target or "any cluster"
        raise Refused(
            " ".join(
                [f"There is no LoadBalancer Service in {where} that you may look at.", *filter(None, silent)]
            )
        )
    lines = [_line(cluster, service) for cluster, service in found[:PAGE]]
    more = len(found) - len(lines)
    return world.message(
        "list", lines=lines, more=more, where=target or "all clusters", notes=list(filter(None, silent))
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


async def history(world: World, caller: Caller, target: str) -> Message:
    """Tell who asked, approved and applied what, and what was verified.

    Raises:
        Refused: nothing is known, or the database does not answer.
    """
    rights = await rights_of(world, caller, Right.VIEW)
    name, rest = named_cluster(target, world.clusters)
    namespace, _, service = rest.partition("/")
    try:
        found = await world.store.changes.find(
            cluster=name, namespace=namespace or None, name=service or None, limit=PAGE
        )
    except Unavailable as error:
        raise Refused(
            "The database does not answer, so the history cannot be read. Try again in a minute."
        ) from error
    shown = [change for change in found if rights.visible(change.cluster, change.service.namespace)]
    if not shown:
        raise Refused(f"No change of {target or 'any Service'} is known.")
    return world.message(
        "history", changes=[_entry(change) for change in shown], where=target or "all clusters"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change in the history."""

    change: Change
    emoji: str
    state: str
    title: str


def _entry(change: Change) -> Entry:
    emoji, state = STATES[change.phase]
    return Entry(change=change, emoji=emoji, state=state, title=title_of(change))


async def help_for(world: World, caller: Caller) -> Message:
    """Say what this person may do here."""
    rights = await rights_of(world, caller)
    spaces = _spaces(world)
    able = {
        right for right in Right for cluster, space in spaces if rights.decide(right, cluster, space).allowed
    }
    commands = [(text, what) for right, text, what in _COMMANDS if right is None or right in able]
    if await operator(world, caller):
        commands.append(("pause / resume [CLUSTER]", "stop and allow every write and probe"))
    return world.message(
        "help", commands=commands, clusters=world.clusters.names(), may_approve=Right.APPROVE in able
    )


_COMMANDS: Sequence[tuple[Right | None, str, str]] = (
    (None, "help", "this list"),
    (
        Right.VIEW,
        "status [CLUSTER/]NAMESPACE/SERVICE",
        "who reaches the Service's load balancer, how, and why",
    ),
    (
        Right.VIEW,
        "list [CLUSTER/][NAMESPACE]",
        "every LoadBalancer Service: pass-through, worst verdict, findings",
    ),
    (
        Right.PROPOSE,
        "enable / disable [CLUSTER/]NAMESPACE/SERVICE [reason]",
        "propose to switch pass-through",
    ),
    (Right.VERIFY, "verify [CLUSTER/]NAMESPACE/SERVICE", "measure with real connections, now"),
    (Right.VIEW, "history [CLUSTER/][NAMESPACE/SERVICE]", "who asked, approved and applied what"),
)


def _spaces(world: World) -> set[tuple[str, str]]:
    """Every namespace that has a LoadBalancer Service; one made up per cluster where nothing is known yet."""
    known = {
        (name, s.ref.namespace)
        for name in world.clusters.names()
        for s in world.clusters.get(name).snapshot().load_balancers()
    }
    return known or {(name, "default") for name in world.clusters.names()}
