"""The answer to `status`: who reaches a Service's load balancer, how, and why; with the buttons for this person."""

from bot.domain.change import ServiceRef
from bot.domain.explanation import ClientKind, Explanation, Finding, Path, SourceIP, Verdict
from bot.domain.objects import Ref, Service
from bot.domain.path import explain
from bot.domain.policy import Right
from bot.domain.summary import client_words, fact_words, headline
from bot.domain.words import duration
from bot.operations.caller import Caller
from bot.operations.card import Button
from bot.operations.freshness import stale
from bot.operations.path_table import addresses, path_words
from bot.operations.refusal import Refused
from bot.operations.resolve import resolve
from bot.operations.rights import Rights, rights_of
from bot.operations.subject import load_balancer_of
from bot.operations.world import World
from bot.ports import Cluster, Message

MOST_ROWS = 25
"""Rows of the table of clients; Slack allows 100, and 10,000 characters in all of them."""


async def status(world: World, caller: Caller, target: str) -> Message:
    """Explain a Service's paths for every class of client.

    Raises:
        Refused: no one Service was meant, or the person may not look at it.
    """
    rights = (await rights_of(world, caller)).known()
    ref, service = resolve(target, world.clusters, rights.visible)
    return status_message(world, rights, ref, service, _explained(world, ref), shared_by="")


def _explained(world: World, ref: ServiceRef) -> Explanation:
    return explain(world.clusters.get(ref.cluster).snapshot(), Ref(ref.namespace, ref.name))


def status_message(
    world: World,
    rights: Rights | None,
    ref: ServiceRef,
    service: Service,
    explanation: Explanation,
    *,
    shared_by: str,
) -> Message:
    """Compose the explanation; shared in a channel, it has no buttons and says who shared it."""
    cluster = world.clusters.get(ref.cluster)
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
        stale=stale(cluster),
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
            _shown(str(facts[name].value))
            for name in ("platform", "category", "kubernetesVersion", "kubeProxy.mode")
            if name in facts and facts[name].known
        ),
    ]
    return " · ".join(part for part in parts if part)


def _shown(value: str) -> str:
    """Names of products as people write them."""
    return {"cce": "CCE", "ipvs": "IPVS", "generic": "Kubernetes"}.get(value, value)


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


MOST_REASONS = 5
_WORST = (Verdict.UNREACHABLE, Verdict.AMBIGUOUS, Verdict.UNDETERMINED, Verdict.REACHABLE)


def _why(explanation: Explanation) -> list[tuple[str, str, str]]:
    """Each reason once, those of the worst paths and of clients inside first, each path's last word first."""
    paths = sorted(
        explanation.paths,
        key=lambda path: (_WORST.index(path.verdict), path.client.kind is ClientKind.EXTERNAL),
    )
    found = {reason.code: reason for path in paths for reason in reversed(path.reasons)}
    return [(reason.message, reason.code, reason.source) for reason in list(found.values())[:MOST_REASONS]]


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
        by_origin.setdefault("unknown" if not fact.known else str(fact.origin), []).append(
            fact_words(fact.name)
        )
    words = {
        "config": "from the configuration",
        "cloud": "from the cloud's API",
        "assumed": "assumed",
        "input": "given",
        "api": "from the cluster",
    }
    told = [f"{', '.join(names)} {words[origin]}" for origin, names in by_origin.items() if origin in words]
    unknown = f"unknown: {', '.join(by_origin['unknown'])}" if "unknown" in by_origin else ""
    missing = dict.fromkeys(fact_words(name) for path in explanation.paths for name in path.missing)
    decides = f"would decide: {', '.join(missing)}" if missing else ""
    return " · ".join(part for part in (seen, *told, unknown, decides) if part)


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
    rights = (await rights_of(world, caller, Right.VIEW)).known()
    ref, service = by_button(world, value)
    if not rights.visible(ref.cluster, ref.namespace):
        raise Refused("You may not look at Services here.")
    return status_message(world, None, ref, service, _explained(world, ref), shared_by=caller.user)
