"""Findings about who may come: source ranges and NetworkPolicies."""

from collections.abc import Iterator

from bot.domain import rules_finding as rules
from bot.domain.case import Case, found
from bot.domain.cluster_facts import Delivery, Mode
from bot.domain.explanation import Client, ClientKind, Finding, SourceIP
from bot.domain.network_policy import Arrival, labels_of, selecting
from bot.domain.packet import Sender
from bot.domain.population import Blocks
from bot.domain.ranges import covers_everything, of_family
from bot.domain.scene import Scene
from bot.domain.traveller import Traveller

_SHOWN = 3
_SOMEBODY = Traveller(client=Client(kind=ClientKind.POD), sender=Sender.POD)


def ranges(case: Case) -> Iterator[Finding]:
    """Source ranges that keep clients inside out, or that a path escapes."""
    blocks = case.service.source_ranges
    families = {scene.family for scene in case.scenes}
    if not blocks or all(covers_everything(blocks, family) for family in families):
        return
    shown = case.where(f"spec.loadBalancerSourceRanges: {', '.join(blocks)}")
    if case.captured and not case.turbo:
        kept_out = _kept_out(case)
        if kept_out:
            yield found(rules.RANGES_CUT_OFF, shown, *kept_out)
        if case.mode(Mode.IPVS) and case.some_within("v1.25.0", "v1.29.0"):
            yield found(rules.RANGES_HOST_OPEN, shown)
        if case.mode(Mode.NFTABLES) and case.some_within("v1.29.0", "v1.30.0"):
            yield found(rules.RANGES_NFTABLES, shown)
    if case.delivers(Delivery.NODEPORT):
        yield found(rules.RANGES_ESCAPED, shown)


def _kept_out(case: Case) -> list[str]:
    """Some Pods and nodes whose addresses lie in none of the ranges."""
    scene = case.scenes[0]
    blocks = of_family(case.service.source_ranges, scene.family)
    if not blocks:
        return []
    partition = case.snapshot.inventory.partition(Blocks(family=scene.family, allowed=blocks))
    found_out = [
        f"Pod {next(iter(partition.pods_on[node][sort]))}"
        for group in partition.groups.values()
        for sort, count in group.pods.items()
        if count and not sort.host_network and not sort.allowed
        for node in [next(name for name in group.nodes if partition.pods_on.get(name, {}).get(sort))]
    ]
    nodes = [
        f"Node {next(iter(group.nodes))}"
        for sort, group in partition.groups.items()
        if sort.listed and not sort.allowed and group.nodes
    ]
    return [*found_out[:_SHOWN], *nodes[:_SHOWN]]


def policies(case: Case) -> Iterator[Finding]:
    """NetworkPolicies that see another address than the client's own on this path."""
    for scene in case.scenes[:1]:
        sources = _other_sources(case)
        ready = scene.backends.ready
        if not scene.policies or not sources or not ready:
            return
        chosen = selecting(scene.policies, labels_of(scene, ready[0]))
        if chosen and not all(_lets_in(scene, source) for source in sources):
            yield found(
                rules.POLICY_SOURCE,
                *(f"NetworkPolicy {policy.ref}" for policy in chosen[:_SHOWN]),
                f"seen as: {', '.join(sorted(sources))}",
            )


def _other_sources(case: Case) -> set[SourceIP]:
    """The addresses, other than the client's own, that an endpoint sees from clients inside."""
    if not case.local:
        return {SourceIP.NODE}
    if case.captured and not case.turbo:
        return {SourceIP.NODE} if not case.mode(Mode.IPVS) else {SourceIP.LB}
    keeps = any(case.keeps_address(port) for port in case.service.ports)
    if not case.cce:
        return {SourceIP.UNKNOWN}
    return ({SourceIP.NODE} if not case.turbo else set()) if keeps else {SourceIP.LB}


def _lets_in(scene: Scene, source: SourceIP) -> bool:
    chosen = selecting(scene.policies, labels_of(scene, scene.backends.ready[0]))
    arrival = Arrival(scene=scene, traveller=_SOMEBODY, endpoint=scene.backends.ready[0], source=source)
    return any(arrival.fits(rule) for policy in chosen for rule in policy.ingress)


CHECKS = (ranges, policies)
