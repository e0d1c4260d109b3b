"""The answer to `status`: who reaches a Service's load balancer, how, and why; with the buttons for this person."""

from bot.domain.change import ServiceRef
from bot.domain.explanation import (
    ClientKind,
    Explanation,
    Finding,
    PassThroughState,
    Path,
    SourceIP,
    Verdict,
)
from bot.domain.objects import Ref, Service
from bot.domain.path import explain
from bot.domain.policy import Right
from bot.domain.summary import (
    client_words,
    fact_words,
    headline,
    pass_through_words,
    ranked_reasons,
    taken_for_granted,
)
from bot.domain.supply import configuration_key
from bot.domain.words import duration
from bot.operations.caller import Caller
from bot.operations.card import Button
from bot.operations.console import console_of
from bot.operations.contradiction import Contradiction, contradiction
from bot.operations.freshness import stale
from bot.operations.path_table import addresses, path_words
from bot.operations.refusal import Refused
from bot.operations.resolve import resolve
from bot.operations.rights import Rights, rights_of
from bot.operations.subject import load_balancer_of
from bot.operations.way_out import OFF, off_mends
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
    measured = await contradiction(world, ref, service)
    return status_message(
        world, rights, ref, service, _explained(world, ref), shared_by="", measured=measured
    )


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
    measured: Contradiction | None = None,
) -> Message:
    """Compose the explanation; shared in a channel, it has no buttons and says who shared it."""
    cluster = world.clusters.get(ref.cluster)
    off = off_mends(world, ref, service, explanation)
    seen = f", but the last verification saw otherwise for: {measured.client}" if measured else ""
    remedies = [remedy.message for remedy in explanation.remedies]
    return world.message(
        "status",
        ref=ref,
        headline=f"{headline(explanation)}{seen}",
        facts=_facts_line(explanation, service),
        rows=_rows(explanation, measured.kind if measured else ""),
        why=_why(explanation),
        now=[*([_OFF_MENDS] if off else []), *remedies[:4]],
        findings=_findings(explanation),
        known=_known(cluster, explanation),
        console=console_of(world, ref.cluster),
        stale=stale(cluster),
        measured=measured.sentence if measured else "",
        buttons=_buttons(world, rights, ref, service, explanation, off=off) if rights else (),
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
        pass_through_words(explanation),
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


_OFF_MENDS = "Propose pass-through off: who does not always get there will then, and nobody loses access."
_SEES = {
    SourceIP.PRESERVED: "the client",
    SourceIP.NODE: "a node",
    SourceIP.LB: "the ELB",
    SourceIP.UNKNOWN: "–",
}
_HEAD = ("Client", "Count", "Load balancer", "Gets there", "Backend sees")


def _rows(explanation: Explanation, otherwise: str = "") -> tuple[tuple[str, ...], ...]:
    """One row per class and way it fares; addresses on which it fares alike share a row.

    `otherwise` is the class that was seen to fare otherwise: its row does not go on as if nothing had been seen.
    """
    alike: dict[tuple[str, ...], list[str]] = {}
    for path in explanation.paths:
        doubted = bool(otherwise) and path.client.group.startswith(otherwise)
        alike.setdefault(_row(path, doubted=doubted), []).append(str(path.destination))
    rows = [(key[0], key[1], addresses(to), key[2], key[3]) for key, to in alike.items()]
    return (_HEAD, *rows[:MOST_ROWS]) if rows else ()


def _seen(path: Path) -> str:
    """What the backend sees: a node's process may speak from the ELB's address without meeting the ELB."""
    if path.source_ip is SourceIP.LB and path.via_load_balancer is not True:
        return "the ELB's address"
    return _SEES[path.source_ip]


def _row(path: Path, *, doubted: bool) -> tuple[str, ...]:
    outside = path.client.kind is ClientKind.EXTERNAL
    count = "–" if path.client.stands_for is None or outside else str(path.client.stands_for)
    sees = "–" if path.verdict is Verdict.UNREACHABLE else _seen(path)
    words = path_words(str(path.verdict), path.via_load_balancer)
    shown = f"⚠️ {words.partition(' ')[2]} (seen otherwise)" if doubted else words
    return client_words(path.client), count, shown, sees


MOST_REASONS = 5


def _why(explanation: Explanation) -> list[tuple[str, str, str]]:
    reasons = ranked_reasons(explanation)[:MOST_REASONS]
    return [(reason.message, reason.code, reason.source) for reason in reasons]


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
    taken = taken_for_granted(explanation)
    granted = f"taken for granted: {'; '.join(taken)}" if taken else ""
    unknown = f"unknown: {', '.join(by_origin['unknown'])}" if "unknown" in by_origin else ""
    missing = dict.fromkeys(
        name
        for path in explanation.paths
        if path.verdict is not Verdict.UNREACHABLE
        for name in (*path.missing, *path.missing_for_way)
    )
    decides = f"would decide: {', '.join(map(_supplied, missing))}" if missing else ""
    return " · ".join(part for part in (seen, *told, granted, unknown, decides) if part)


def _supplied(name: str) -> str:
    """A missing fact and, where the bot's configuration can hold it, under which key."""
    key = configuration_key(name)
    return f"{fact_words(name)} (in the configuration: {key})" if key else fact_words(name)


def _buttons(
    world: World, rights: Rights, ref: ServiceRef, service: Service, explanation: Explanation, *, off: bool
) -> tuple[Button, ...]:
    value = f"{ref.cluster}/{service.uid}"
    buttons = []
    is_off = explanation.pass_through.state is PassThroughState.OFF
    if (is_off or off) and rights.decide(Right.PROPOSE, ref.cluster, ref.namespace).allowed:
        label, wanted = (
            ("Propose pass-through off", f"{value}{OFF}") if off else ("Propose pass-through", value)
        )
        buttons.append(Button(action="status:propose", label=label, value=wanted, style="primary"))
    if (
        rights.decide(Right.VERIFY, ref.cluster, ref.namespace).allowed
        and not world.clusters.get(ref.cluster).read_only
    ):
        buttons.append(Button(action="status:verify", label="Verify now", value=value))
    buttons.append(Button(action="status:diagram", label="Diagram", value=value))
    buttons.append(Button(action="status:share", label="Share in channel", value=value))
    return tuple(buttons)


def by_button(world: World, value: str) -> tuple[ServiceRef, Service]:
    """Find the Service that a button of `status` is about.

    Raises:
        Refused: it is gone.
    """
    name, _, uid = value.removesuffix(OFF).partition("/")
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
    measured = await contradiction(world, ref, service)
    return status_message(
        world, None, ref, service, _explained(world, ref), shared_by=caller.user, measured=measured
    )
