"""Findings about who may come: source ranges and NetworkPolicies."""

from collections.abc import Iterator

from bot.domain import rules_finding as rules
from bot.domain.case import Case, found, softened
from bot.domain.cluster_facts import Delivery, Mode
from bot.domain.explanation import Client, ClientKind, Finding, SourceIP
from bot.domain.network_policy import Arrival, labels_of, selecting
from bot.domain.objects import Endpoint, NetworkPolicy
from bot.domain.packet import Sender
from bot.domain.population import Blocks
from bot.domain.ranges import covers_everything, of_family
from bot.domain.scene import Scene
from bot.domain.traveller import Traveller

_SHOWN = 3
_HOSTS_OPEN = ("v1.25.0", "v1.29.0")
"""The versions whose IPVS mode does not enforce ranges for host processes."""
_PODS_OPEN = ("v1.29.0", "v1.30.0")
"""The versions whose nftables mode enforces them for nobody else."""
_SOMEBODY = Traveller(client=Client(kind=ClientKind.POD), sender=Sender.POD)


def ranges(case: Case) -> Iterator[Finding]:
    """Source ranges that keep clients inside out, or that a path escapes."""
    blocks = case.service.source_ranges
    families = {scene.family for scene in case.scenes}
    if not blocks or all(covers_everything(blocks, family) for family in families):
        return
    shown = case.where(f"spec.loadBalancerSourceRanges: {', '.join(blocks)}")
    if case.captured:
        pods, nodes = _kept_out(case)
        if pods or nodes:
            cut_off = case.past(found(rules.RANGES_CUT_OFF, shown, *pods, *nodes))
            yield softened(
                cut_off, _doubt_about_pods(case) if pods else _doubt(case, Mode.IPVS, *_HOSTS_OPEN)
            )
        if case.mode(Mode.IPVS) and case.some_within(*_HOSTS_OPEN):
            yield case.past(found(rules.RANGES_HOST_OPEN, shown))
        if case.mode(Mode.NFTABLES) and case.some_within(*_PODS_OPEN):
            yield case.past(found(rules.RANGES_NFTABLES, shown))
    if case.delivers(Delivery.NODEPORT):
        yield found(rules.RANGES_ESCAPED, shown)


def _kept_out(case: Case) -> tuple[list[str], list[str]]:
    """Some Pods, and some nodes, whose addresses lie in none of the ranges."""
    scene = case.scenes[0]
    blocks = of_family(case.service.source_ranges, scene.family)
    if not blocks:
        return [], []
    partition = case.snapshot.inventory.partition(Blocks(family=scene.family, allowed=blocks))
    pods_pass, nodes_pass = _let_past(case)
    pods = [
        f"Pod {min(partition.pods_on[node][sort])}"
        for _, group in partition.sorted_groups()
        for sort, count in sorted(group.pods.items())
        if count and not sort.host_network and not sort.allowed and not pods_pass
        for node in [next(name for name in group.nodes if partition.pods_on.get(name, {}).get(sort))]
    ]
    nodes = [
        f"Node {next(iter(group.nodes))}"
        for sort, group in partition.sorted_groups()
        if sort.listed and not sort.allowed and group.nodes and not nodes_pass
    ]
    return pods[:_SHOWN], nodes[:_SHOWN]


def _doubt_about_pods(case: Case) -> tuple[str, ...]:
    # Where the mode is not known, nftables is weighed only from the version on that has it without being asked.
    return _doubt(case, Mode.NFTABLES, *_PODS_OPEN) if case.mode(Mode.NFTABLES) else ()


def _doubt(case: Case, mode: Mode, since: str, until: str) -> tuple[str, ...]:
    """What decides whether ranges are enforced, where kube-proxy in `mode` does not do so in these versions."""
    if not case.mode_may_be(mode) or case.none_within(since, until):
        return ()
    unknown = ("kubeProxy.mode",) if case.facts.mode.value is None else ()
    return unknown if case.all_within(since, until) else (*unknown, "kubernetesVersion")


def _let_past(case: Case) -> tuple[bool, bool]:
    """Whether kube-proxy of every node is one that does not enforce ranges, for Pods and for host processes."""
    return (
        case.mode(Mode.NFTABLES) and case.all_within(*_PODS_OPEN),
        case.mode(Mode.IPVS) and case.all_within(*_HOSTS_OPEN),
    )


def policies(case: Case) -> Iterator[Finding]:
    """NetworkPolicies that see another address than the client's own on this path, and to which it matters."""
    sources = _other_sources(case)
    every = ((scene, each) for scene in case.scenes if scene.policies for each in scene.backends.ready)
    for scene, endpoint in every if sources else ():
        chosen = (
            [] if scene.on_host_network(endpoint) else selecting(scene.policies, labels_of(scene, endpoint))
        )
        if any(_keeps_out(scene, endpoint, chosen, source) for source in sources):
            yield found(
                rules.POLICY_SOURCE,
                *(f"NetworkPolicy {policy.ref}" for policy in chosen[:_SHOWN]),
                f"seen as: {', '.join(sorted(sources))}",
            )
            return


def _other_sources(case: Case) -> set[SourceIP]:
    """The addresses, other than the client's own, that an endpoint sees from clients inside."""
    if not case.local:
        return {SourceIP.NODE}
    if case.captured:
        return {SourceIP.NODE} if not case.mode(Mode.IPVS) else {SourceIP.LB}
    keeps = any(case.keeps_address(port) for port in case.service.ports)
    if not case.cce:
        return {SourceIP.UNKNOWN}
    return ({SourceIP.NODE} if not case.turbo else set()) if keeps else {SourceIP.LB}


def _keeps_out(scene: Scene, endpoint: Endpoint, chosen: list[NetworkPolicy], source: SourceIP) -> bool:
    """Whether somebody may be kept out for being seen as this: not where nobody is let in by any address."""
    arrival = Arrival(scene=scene, traveller=_SOMEBODY, endpoint=endpoint, source=source)
    every = [rule for policy in chosen for rule in policy.ingress]
    return any(map(arrival.asks_who, every)) and not any(map(arrival.fits, every))


CHECKS = (ranges, policies)
