"""Findings about endpoints: whether there are any, where they run, who is cut off from them."""

from collections.abc import Iterator
from itertools import islice

from bot.domain import rules_finding as rules
from bot.domain.answers import told
from bot.domain.case import Case, found, softened
from bot.domain.cluster_facts import Delivery, Mode
from bot.domain.explanation import Finding
from bot.domain.objects import Node, Ref, TrafficPolicy
from bot.domain.population import Blocks
from bot.domain.possibility import stated_span
from bot.domain.ranges import family_of, of_family
from bot.domain.rule import Rule
from bot.domain.scene import Scene
from bot.domain.version import Version

_SHOWN = 3


def readiness(case: Case) -> Iterator[Finding]:
    """Ports without a ready endpoint; once per port and address family. Nothing where endpoints are not seen."""
    seen: set[tuple[int, str, str]] = set()
    for scene in case.scenes:
        port = scene.port
        if port is None or scene.doubted or (port.port, port.protocol, scene.family) in seen:
            continue
        seen.add((port.port, port.protocol, scene.family))
        if case.service.has_family(scene.family) and not scene.backends.ready:
            yield _without_ready(case, scene)


def _without_ready(case: Case, scene: Scene) -> Finding:
    port = scene.destination.port
    evidence = case.where(f"port {port}/{scene.destination.protocol}, {scene.family}")
    if scene.backends.leaving:
        return found(rules.ONLY_LEAVING, evidence, *(each.name for each in scene.backends.leaving[:_SHOWN]))
    slices = [piece for piece in case.snapshot.slices(case.service.ref) if piece.family == scene.family]
    drained = case.snapshot.drained
    staying = any(each.node not in drained for piece in slices for each in piece.endpoints)
    if not scene.backends.others and staying:
        return found(
            rules.PORT_UNMATCHED, evidence, *(f"EndpointSlice {piece.ref}" for piece in slices[:_SHOWN])
        )
    return found(rules.NO_ENDPOINT, evidence, *(each.name for each in scene.backends.others[:_SHOWN]))


def family(case: Case) -> Iterator[Finding]:
    """Addresses of a family that the Service does not have."""
    foreign = [p.ip for p in case.service.ingress if p.ip and not case.service.has_family(family_of(p.ip))]
    if foreign:
        addresses = case.where(f"status.loadBalancer.ingress: {', '.join(foreign)}")
        yield found(
            rules.FAMILY, addresses, case.where(f"spec.ipFamilies: {', '.join(case.service.ip_families)}")
        )


def placement(case: Case) -> Iterator[Finding]:
    """Endpoints that policy Local cannot use, or that are on no node of the cluster."""
    missing = {each.node: each for each in case.endpoints() if each.node and _missing(case, each.node)}
    if missing:
        shown = list(missing.items())[:_SHOWN]
        yield found(rules.NODE_GONE, *(f"{each.name} on Node {name}" for name, each in shown))
    if case.local:
        homeless = [each.name for each in case.endpoints() if not each.node]
        if homeless:
            yield found(rules.WITHOUT_NODE, *homeless[:_SHOWN])
        nodes = case.snapshot.inventory.nodes
        kept_out = {each.node: None for each in case.endpoints() if _excluded(nodes.get(each.node))}
        if kept_out:
            yield found(rules.EXCLUDED_BACKEND, *(f"Node {name}" for name in list(kept_out)[:_SHOWN]))
    else:
        yield from _without_members(case)
    if case.service.publish_not_ready:
        yield found(rules.NOT_READY_PUBLISHED, case.where("spec.publishNotReadyAddresses: true"))


def _without_members(case: Case) -> Iterator[Finding]:
    """Policy Cluster, and no node that the load balancer may pick."""
    nodes = case.snapshot.inventory.nodes_alike
    any_left = any(group.nodes and not sort.excluded for sort, group in nodes.sorted_groups())
    picks = not case.deliveries.values.isdisjoint({Delivery.NODEPORT, Delivery.VIP})
    if case.snapshot.inventory.nodes and not any_left and picks:
        shown = (f"Node {name} has the label" for name in islice(nodes.names(), _SHOWN))
        doubt = told(case.deliveries.depends) if Delivery.POD in case.deliveries.values else ()
        yield softened(found(rules.NO_MEMBER, *shown), doubt)


def _missing(case: Case, name: str) -> bool:
    return case.snapshot.knows(Node) and name not in case.snapshot.inventory.nodes


def _excluded(node: Node | None) -> bool:
    return node is not None and node.excluded


def leak(case: Case) -> Iterator[Finding]:
    """InternalTrafficPolicy Local in the versions in which it leaks."""
    leaks = case.service.internal_policy is TrafficPolicy.LOCAL and not case.local
    if leaks and case.some_within("v1.22.0", "v1.24.0"):
        yield found(rules.INTERNAL_LEAK, case.where("spec.internalTrafficPolicy: Local"))


def cut_off(case: Case) -> Iterator[Finding]:
    """Nodes without a ready endpoint, policy Local, address in node rules: who does not get there."""
    ready = any(scene.backends.ready for scene in case.scenes)
    if not case.local or not case.captured or not ready:
        return
    bare = case.bare_nodes()
    if not bare:
        return
    rule = _cut_off_rule(case)
    if rule is not None:
        yield case.past(found(rule, case.where("spec.externalTrafficPolicy: Local"), *_names(bare)))
    if case.mode(Mode.IPTABLES, Mode.NFTABLES):
        yield from _strangers(case, bare)


def _cut_off_rule(case: Case) -> Rule | None:
    match case.facts.mode.value:
        case Mode.IPVS:
            return (
                rules.IPVS_CUT_OFF
                if case.all_before("v1.24.0")
                else _known(case, rules.HOSTS_CUT_OFF, "v1.24.0")
            )
        case Mode.NFTABLES if case.all_before("v1.33.6"):
            return rules.NFTABLES_CUT_OFF
        case Mode.IPTABLES if case.all_before("v1.15.0"):
            return rules.IPTABLES_CUT_OFF
    return None


def _known(case: Case, rule: Rule, since: str) -> Rule | None:
    return rule if case.some_within(since, "v1.999") else None


def _strangers(case: Case, bare: list[Node]) -> Iterator[Finding]:
    detector, blocks = case.facts.local_detector.value, case.facts.cluster_cidr.value
    if detector is False:
        yield case.past(found(rules.NO_DETECTOR, "kubeProxy.localDetector: false", *_names(bare)))
    elif blocks is not None:
        pods = [f"Pod {ref}" for scene in case.scenes[:1] for ref in _outsiders(scene, blocks)]
        if pods:
            yield case.past(found(rules.OUTSIDE_CIDR, f"kubeProxy.clusterCIDR: {blocks}", *pods[:_SHOWN]))


def _outsiders(scene: Scene, blocks: str) -> Iterator[Ref]:
    """One Pod of each sort of nodes that have no ready endpoint, with an address in none of the blocks."""
    mine = of_family(tuple(blocks.split(",")), scene.family)
    homes = scene.backends.ready_on
    partition = scene.snapshot.inventory.partition(Blocks(family=scene.family, cluster=mine))
    for _, group in partition.sorted_groups():
        outside = [sort for sort in group.pods if not sort.host_network and not sort.in_cluster]
        for name in (each for each in group.nodes if outside and each not in homes):
            here = partition.pods_on.get(name, {})
            found = [ref for sort in outside for ref in here.get(sort, ())]
            if found:
                yield min(found)
                break


def _names(nodes: list[Node]) -> list[str]:
    return [f"Node {node.name} has no ready endpoint" for node in nodes[:_SHOWN]]


def versions(case: Case) -> Iterator[Finding]:
    """Nodes of several versions, or of one that cannot be read."""
    if case.facts.version.known or case.facts.version.withheld:
        return
    kubelets = case.snapshot.inventory.versions
    unreadable = [each for each in kubelets if each and stated_span(each) == stated_span("")]
    if unreadable:
        yield found(
            rules.VERSION_UNREADABLE, *(f"kubelet version {each}" for each in sorted(unreadable)[:_SHOWN])
        )
    minors = {Version.parse(each)[:2] for each in kubelets if each and each not in unreadable}
    if len(minors) > 1:
        yield found(rules.MIXED_VERSIONS, *(f"kubelet version {each}" for each in sorted(kubelets)))


def external_ip(case: Case) -> Iterator[Finding]:
    """A node's address among the external ones."""
    nodes = case.snapshot.inventory.node_ips
    for ip in case.service.external_ips:
        if ip in nodes and case.mode_may_be(Mode.IPVS):
            yield found(rules.EXTERNAL_IP_NODE, case.where(f"spec.externalIPs: {ip}"), f"Node {nodes[ip]}")


CHECKS = (readiness, family, placement, leak, cut_off, versions, external_ip)
