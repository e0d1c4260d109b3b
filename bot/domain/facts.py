"""The facts of a snapshot: what was given, and what its objects say where nothing was."""

import re
from dataclasses import replace

from bot.domain.cluster_facts import ClusterFacts, Platform
from bot.domain.destinations import assumed_points, own_scope
from bot.domain.elb import class_fact, kept_fact
from bot.domain.fact import Fact, Origin
from bot.domain.hypothetical import assumed_endpoints
from bot.domain.objects import ELB_CLASS, ELB_ID, PASS_THROUGH, EndpointSlice, Node, Pod, Service
from bot.domain.snapshot import Snapshot

# v1.29.2-r5, v1.35.3-r0-35.0.8: only CCE versions carry a revision.
_CCE_VERSION = re.compile(r"-r\d+(-|$)")


def detected(snapshot: Snapshot, service: Service) -> ClusterFacts:
    """Complete the facts by what the objects say; what was given wins.

    The version is not among them: each node's own is asked for on the way.
    """
    facts = snapshot.facts
    if facts.platform.known or facts.platform.withheld:
        return facts
    ref = _cce_sign(snapshot, service)
    if not ref:
        return facts
    return replace(facts, platform=Fact(name="platform", value=Platform.CCE, origin=Origin.API, ref=ref))


def _cce_sign(snapshot: Snapshot, service: Service) -> str:
    for key in (ELB_CLASS, ELB_ID):
        if service.annotations.get(key):
            return f"Service {service.ref} metadata.annotations[{key}]"
    stated = snapshot.facts.version
    if stated.value is not None and _CCE_VERSION.search(stated.value.suffix):
        return stated.ref
    if snapshot.inventory.cce_nodes:
        return "Node labels"
    for version in snapshot.inventory.versions:
        if _CCE_VERSION.search(version):
            return f"kubelet version {version}"
    return ""


def listed(snapshot: Snapshot, service: Service) -> tuple[Fact[object], ...]:
    """Every fact that answers about the Service rest on, the unknown ones too."""
    facts = snapshot.facts
    value = service.annotations.get(PASS_THROUGH)
    annotation = f"Service {service.ref} metadata.annotations[{PASS_THROUGH}]"
    own: list[Fact[object]] = [
        Fact(
            name="passThrough",
            value=value or ("" if value is not None else "absent"),
            origin=Origin.API,
            ref=annotation,
        ),
        Fact(
            name="externalTrafficPolicy",
            value=service.external_policy.value,
            origin=Origin.API,
            ref=f"Service {service.ref} spec.externalTrafficPolicy",
        ),
    ]
    if facts.platform.value is Platform.CCE:
        own.append(class_fact(service, facts))
    return (
        *own,
        *(_stated(snapshot, service, fact) for fact in facts.known()),
        *_inputs(snapshot, service),
        *_UNSEEN,
    )


_UNSEEN: tuple[Fact[object], ...] = (
    Fact(name="loadBalancer.accessList", ref="only the cloud's API tells"),
    Fact(name="securityGroups", ref="only the cloud's API tells"),
)


def _stated(snapshot: Snapshot, service: Service, fact: Fact[object]) -> Fact[object]:
    if fact.name == "loadBalancer.preservesClientIP":
        return kept_fact(service, snapshot.facts)
    if fact.name == "loadBalancer.publicIPs":
        return _public(service, fact)
    cidr = snapshot.facts.cluster_cidr
    if fact.name == "kubeProxy.localDetector" and not fact.known and cidr.known:
        return Fact(name=fact.name, value=True, origin=cidr.origin, ref=f"{cidr.ref}: clusterCIDR implies it")
    if fact.known or fact.withheld or fact.name != "kubernetesVersion":
        return fact
    versions = sorted(version for version in snapshot.inventory.versions if version)
    if not versions:
        return fact
    return Fact(
        name=fact.name,
        value=", ".join(versions),
        origin=Origin.API,
        ref="Node status.nodeInfo.kubeletVersion",
    )


def _public(service: Service, given: Fact[object]) -> Fact[object]:
    """The public addresses: as given, else those that the Service shows."""
    shown = tuple(point.ip for point in service.ingress if point.ip and own_scope(point.ip) == "public")
    if given.known or given.withheld or not shown:
        return given
    ref = f"Service {service.ref} status.loadBalancer.ingress"
    return Fact(name=given.name, value=shown, origin=Origin.API, ref=ref)


def _inputs(snapshot: Snapshot, service: Service) -> list[Fact[object]]:
    found: list[Fact[object]] = []
    if not service.ingress:
        found.append(_assumed("loadBalancer.addresses", *_addresses(snapshot, service)))
    live = snapshot.inventory.live
    if snapshot.doubts_endpoints:
        found.append(Fact(name="endpoints", ref="the cluster's EndpointSlices are not seen now"))
    elif not snapshot.knows(EndpointSlice):
        found.append(_assumed("endpoints", *assumed_endpoints(snapshot, service)))
    for name, kind in (("nodes", Node), ("pods", Pod)):
        if not snapshot.knows(kind):
            unseen = (
                f"the cluster's {kind.__name__}s are not seen now"
                if live
                else f"no {kind.__name__} in the input"
            )
            found.append(Fact(name=name, ref=unseen))
    return found


def _assumed(name: str, value: str, ref: str) -> Fact[object]:
    return Fact(name=name, value=value, origin=Origin.ASSUMED, ref=ref)


def _addresses(snapshot: Snapshot, service: Service) -> tuple[str, str]:
    names = [point.ip or point.hostname for point in assumed_points(snapshot, service)]
    return ", ".join(names), f"Service {service.ref} has no status.loadBalancer"
