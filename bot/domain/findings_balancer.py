"""Findings about the load balancer: what is lost behind it, past it, and on it."""

from collections.abc import Iterator

from bot.domain import rules_finding as rules
from bot.domain.case import Case, found, softened
from bot.domain.cluster_facts import Delivery
from bot.domain.elb import TRANSPARENT, layer_seven, load_balancer_class
from bot.domain.explanation import Finding, Severity
from bot.domain.objects import ELB_CLASS, ELB_ID, IngressPoint

_ACL = "kubernetes.io/elb.acl-id"
_CERT = "kubernetes.io/elb.cert-id"
_PROTOCOL_PORT = "kubernetes.io/elb.protocol-port"
_HEALTH = "kubernetes.io/elb.health-check-flag"
_ALGORITHM = "kubernetes.io/elb.lb-algorithm"
_SHOWN = 4
"""Members that the evidence names."""


def same_node(case: Case) -> Iterator[Finding]:
    """The private address of a load balancer that keeps the client's address, from a node that it picks."""
    points = _private_and_crossed(case)
    ports = [port for port in case.service.ports if case.keeps_address(port)]
    if points and ports:
        numbers = ", ".join(str(port.port) for port in ports)
        shown = ", ".join(sorted(points.values()))
        lockout = found(rules.SAME_NODE, _keeping(case), f"private address {shown}, layer-4 ports {numbers}")
        yield softened(lockout, _doubt_about_lockout(case, points))
    elif points and case.local and load_balancer_class(case.service, case.facts) == "union":
        yield found(rules.SHARED_SAME_NODE, case.where("elb.class: union, externalTrafficPolicy: Local"))


def own_server(case: Case) -> Iterator[Finding]:
    """The private address of a load balancer that hands a Turbo Pod's own connection straight back to it."""
    private = {
        scene.destination.ip: None
        for scene in case.scenes
        if scene.destination.scope == "private" or not scene.point.ip
    }
    ports = [port for port in case.service.ports if case.keeps_address(port)]
    if case.turbo and private and ports and case.delivers(Delivery.POD):
        numbers = ", ".join(str(port.port) for port in ports)
        shown = ", ".join(sorted(private))
        yield found(rules.OWN_SERVER, _keeping(case), f"private address {shown}, layer-4 ports {numbers}")


def _private_and_crossed(case: Case) -> dict[IngressPoint, str]:
    """The addresses, private or a host name's, that clients inside a standard cluster reach by the load balancer."""
    return {
        scene.point: scene.destination.ip
        for scene in case.scenes
        if (scene.destination.scope == "private" or not scene.point.ip)
        and case.holding.may_cross(scene.point)
    }


def _doubt_about_lockout(case: Case, points: dict[IngressPoint, str]) -> tuple[str, ...]:
    doubts = [case.holding.doubt_about_crossing(point) for point in points]
    return () if () in doubts else doubts[0]


def _keeping(case: Case) -> str:
    """Show what makes the load balancer keep the client's address."""
    if load_balancer_class(case.service, case.facts) == "union":
        return case.annotation(TRANSPARENT)
    told = "the cloud's API: elb.class is performance"
    return case.annotation(ELB_CLASS) if case.service.annotations.get(ELB_CLASS) else told


def unhealthy(case: Case) -> Iterator[Finding]:
    """Members that fail the load balancer's health check, as the cloud tells."""
    told = case.facts.balancers.get(case.service.annotations.get(ELB_ID, ""))
    if told is None or not told.unhealthy:
        return
    every = len(told.unhealthy) >= told.members
    shown = ", ".join(told.unhealthy[:_SHOWN]) + (", …" if len(told.unhealthy) > _SHOWN else "")
    count = f"{len(told.unhealthy)} of {told.members} members are OFFLINE, says the cloud's API: {shown}"
    if every:
        yield found(rules.UNHEALTHY, count, message=_NOBODY, severity=Severity.ERROR)
    elif case.local:
        yield found(rules.UNHEALTHY, count, message=_BY_DESIGN, severity=Severity.INFO)
    else:
        yield found(rules.UNHEALTHY, count)


_NOBODY = "Every member of the load balancer fails its health check: who is sent through it reaches nobody."
_BY_DESIGN = (
    "Some members of the load balancer fail its health check. The policy is Local, so nodes without an endpoint do by "
    "design."
)


def bypassed(case: Case) -> Iterator[Finding]:
    """What traffic from inside goes past, because node rules hold the address."""
    if not case.captured:
        return
    yield case.past(found(rules.BYPASSED, *_captured_points(case)))
    annotations = case.service.annotations
    if annotations.get(_CERT) or any(layer_seven(case.service, port) for port in case.service.ports):
        key = _PROTOCOL_PORT if annotations.get(_PROTOCOL_PORT) else _CERT
        yield case.past(found(rules.TLS_BYPASSED, case.annotation(key)))
    if annotations.get(_ACL):
        yield case.past(found(rules.ACL_BYPASSED, case.annotation(_ACL)))


def _captured_points(case: Case) -> list[str]:
    return [
        case.where(f"status.loadBalancer.ingress[{number}].ip: {point.ip}")
        for number, point in enumerate(case.service.ingress)
        if point.ip and case.holding.may_hold_at(point)
    ]


def behind(case: Case) -> Iterator[Finding]:
    """What clients from inside meet at the load balancer behind pass-through."""
    if not case.through_on:
        return
    if case.service.annotations.get(_ACL):
        yield found(rules.ACL_NODES, case.annotation(_ACL))
    public = {scene.destination.ip for scene in case.scenes if scene.destination.scope == "public"}
    if public:
        yield found(rules.PUBLIC, f"public address {', '.join(sorted(public))}")
    if case.service.annotations.get(_HEALTH) == "off":
        yield found(rules.HEALTH_CHECK_OFF, case.annotation(_HEALTH))


def node_port(case: Case) -> Iterator[Finding]:
    """Ports that the load balancer cannot deliver to."""
    if not case.service.ingress or not case.delivers(Delivery.NODEPORT):
        return
    if case.facts.delivery.value is not Delivery.NODEPORT and not case.cce:
        return
    doubt = tuple(sorted(case.deliveries.depends))
    for port in case.service.ports:
        if not port.node_port:
            where = case.where(f"spec.ports: {port.port}/{port.protocol} has no nodePort")
            yield softened(found(rules.NO_NODE_PORT, where), doubt)


def ip_mode(case: Case) -> Iterator[Finding]:
    """IpMode Proxy where kube-proxy knows it, and a load balancer that leaves the destination as it is."""
    if case.facts.delivery.value is not Delivery.VIP:
        return
    for point in case.service.ingress:
        if point.ip and point.ip_mode == "Proxy" and case.holding.may_leave_out(point):
            where = case.where(f"status.loadBalancer.ingress: {point.ip} has ipMode Proxy")
            yield softened(found(rules.VIP_PROXY, where), case.holding.doubt_about(point))
            return


def one_source(case: Case) -> Iterator[Finding]:
    """Affinity by client address, where many clients share one."""
    if case.service.session_affinity == "ClientIP" and not case.local:
        yield found(rules.ONE_SOURCE, case.where("spec.sessionAffinity: ClientIP"))
    elif case.service.annotations.get(_ALGORITHM) == "SOURCE_IP" and case.through_on:
        yield found(rules.ONE_SOURCE, case.annotation(_ALGORITHM))


def address(case: Case) -> Iterator[Finding]:
    """A load balancer that is not there yet."""
    if case.service.ingress:
        return
    evidence = case.where("status.loadBalancer is empty")
    # The API server gives every Service a uid and, but for a headless one, an address: without, it lies in Git.
    live = case.service.uid or case.service.cluster_ips
    yield (
        found(rules.NO_ADDRESS, evidence)
        if live
        else found(rules.NO_ADDRESS, evidence, message=_NOT_APPLIED, severity=Severity.INFO)
    )


_NOT_APPLIED = (
    "The manifest has no address, as before it is applied: everything here is explained for an assumed one."
)


CHECKS = (same_node, own_server, unhealthy, bypassed, behind, node_port, ip_mode, one_source, address)
