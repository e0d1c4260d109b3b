"""Every address and port of a Service's load balancer."""

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from bot.domain.explanation import Destination
from bot.domain.objects import IngressPoint, Protocol, Service, ServicePort
from bot.domain.question import NotFound, Target
from bot.domain.snapshot import Snapshot

_PRIVATE = tuple(
    ipaddress.ip_network(block)
    for block in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fc00::/7",
        "fe80::/10",
    )
)
"""RFC 1918, 6598, 3927, 4193 and 4291."""
ASSUMED_PRIVATE = IngressPoint(ip="192.168.255.254")
ASSUMED_PUBLIC = IngressPoint(ip="192.0.2.254")
"""Addresses of a load balancer that does not exist yet; the public one is from TEST-NET-1."""
_AUTOCREATE = "kubernetes.io/elb.autocreate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """One destination with the Service's own values; `port` None: the Service has no such port.

    `owner` is the Service whose port it is, where it is another one with the same address.
    """

    destination: Destination
    point: IngressPoint
    port: ServicePort | None
    owner: Service | None = None


def spots(snapshot: Snapshot, service: Service, target: Target | None) -> tuple[Spot, ...]:
    """Every destination of a Service, or those that `target` names.

    Raises:
        NotFound: The Service's load balancer does not have the target's address.
    """
    points = tuple(dict.fromkeys(service.ingress)) or assumed_points(snapshot, service)
    if target is None:
        return tuple(spot(snapshot, point, port) for point in points for port in service.ports)
    chosen = [point for point in points if target.host in (point.ip, point.hostname)]
    if not chosen:
        raise NotFound(f"{target.host} is no address of the load balancer of {service.ref}.")
    return tuple(each for point in chosen for each in _asked(snapshot, service, point, target.port))


def _asked(snapshot: Snapshot, service: Service, point: IngressPoint, number: int) -> Iterator[Spot]:
    ports = [port for port in service.ports if port.port == number]
    if not ports:
        others = list(_of_others(snapshot, service, point, number))
        yield from others
        if others:
            return
        scope = _scope(snapshot, point)
        destination = Destination(
            ip=point.ip or point.hostname, port=number, protocol=Protocol.TCP.value, scope=scope
        )
        yield Spot(destination=destination, point=point, port=None)
    for port in ports:
        yield spot(snapshot, point, port)


def _of_others(snapshot: Snapshot, service: Service, point: IngressPoint, number: int) -> Iterator[Spot]:
    """The port as the Services have it that share the address."""
    host = point.ip or point.hostname
    for owner in snapshot.owners(host):
        shared = [each for each in owner.ingress if host in (each.ip, each.hostname)]
        for port in owner.ports:
            if owner.ref != service.ref and port.port == number:
                yield replace(spot(snapshot, shared[0], port), owner=owner)


def spot(snapshot: Snapshot, point: IngressPoint, port: ServicePort) -> Spot:
    """One address and port."""
    destination = Destination(
        ip=point.ip or point.hostname,
        port=port.port,
        protocol=port.protocol.value,
        scope=_scope(snapshot, point),
    )
    return Spot(destination=destination, point=point, port=port)


def assumed_points(snapshot: Snapshot, service: Service) -> tuple[IngressPoint, ...]:
    """The addresses that a load balancer will have: those that a sibling on it has; a public one of CCE has both.

    Sources: cce_10_0355 (one `elb.id` is one load balancer), cce_10_0924.
    """
    known = dict.fromkeys(point for other in snapshot.sharing(service) for point in other.ingress)
    if known:
        return tuple(known)
    if service.load_balancer_ip:
        return (IngressPoint(ip=service.load_balancer_ip),)
    if '"public"' in service.annotations.get(_AUTOCREATE, "").replace(" ", ""):
        return (ASSUMED_PUBLIC, ASSUMED_PRIVATE)
    return (ASSUMED_PRIVATE,)


def claimants(snapshot: Snapshot, host: str) -> list[Service]:
    """The LoadBalancer Services that have this address or host name, those too for which it is assumed."""
    owners = {service.ref: service for service in snapshot.owners(host)}
    for service in snapshot.load_balancers():
        waiting = not service.ingress and service.ref not in owners
        if waiting and any(host in (point.ip, point.hostname) for point in assumed_points(snapshot, service)):
            owners[service.ref] = service
    return [owners[ref] for ref in sorted(owners)]


def _scope(snapshot: Snapshot, point: IngressPoint) -> str:
    if not point.ip or point.ip in (snapshot.facts.public_ips.value or ()):
        return "public"
    return own_scope(point.ip)


@lru_cache(maxsize=16384)
def own_scope(ip: str) -> str:
    """`private` or `public`, by the address alone."""
    address = ipaddress.ip_address(ip)
    private = any(address in block for block in _PRIVATE if block.version == address.version)
    return "private" if private else "public"
