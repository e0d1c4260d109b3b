"""Findings about the load balancer: what is lost behind it, past it, and on it."""

from collections.abc import Iterator

from bot.domain import rules_finding as rules
from bot.domain.case import Case, found
from bot.domain.cluster_facts import Delivery
from bot.domain.elb import TRANSPARENT, layer_seven, load_balancer_class
from bot.domain.explanation import Finding
from bot.domain.objects import ELB_CLASS

_ACL = "kubernetes.io/elb.acl-id"
_CERT = "kubernetes.io/elb.cert-id"
_PROTOCOL_PORT = "kubernetes.io/elb.protocol-port"
_HEALTH = "kubernetes.io/elb.health-check-flag"
_ALGORITHM = "kubernetes.io/elb.lb-algorithm"


def same_node(case: Case) -> Iterator[Finding]:
    """The private address of a load balancer that keeps the client's address, from a node that it picks."""
    if not case.standard or not case.through_on:
        return
    private = {scene.destination.ip for scene in case.scenes if scene.destination.scope == "private"}
    ports = [port for port in case.service.ports if case.keeps_address(port)]
    if private and ports:
        shown = TRANSPARENT if load_balancer_class(case.service) == "union" else ELB_CLASS
        numbers = ", ".join(str(port.port) for port in ports)
        yield found(
            rules.SAME_NODE,
            case.annotation(shown),
            f"private address {', '.join(sorted(private))}, layer-4 ports {numbers}",
        )
    elif private and case.local and load_balancer_class(case.service) == "union":
        yield found(rules.SHARED_SAME_NODE, case.where("elb.class: union, externalTrafficPolicy: Local"))


def bypassed(case: Case) -> Iterator[Finding]:
    """What traffic from inside goes past, because node rules hold the address."""
    if not case.captured or case.turbo:
        return
    yield found(rules.BYPASSED, *_captured_points(case))
    annotations = case.service.annotations
    if annotations.get(_CERT) or any(layer_seven(case.service, port) for port in case.service.ports):
        key = _PROTOCOL_PORT if annotations.get(_PROTOCOL_PORT) else _CERT
        yield found(rules.TLS_BYPASSED, case.annotation(key))
    if annotations.get(_ACL):
        yield found(rules.ACL_BYPASSED, case.annotation(_ACL))


def _captured_points(case: Case) -> list[str]:
    return [
        case.where(f"status.loadBalancer.ingress[{number}].ip: {point.ip}")
        for number, point in enumerate(case.service.ingress)
        if point.ip
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
    for port in case.service.ports:
        if not port.node_port:
            yield found(
                rules.NO_NODE_PORT, case.where(f"spec.ports: {port.port}/{port.protocol} has no nodePort")
            )


def ip_mode(case: Case) -> Iterator[Finding]:
    """IpMode Proxy, and a load balancer that leaves the destination as it is."""
    proxied = [point.ip for point in case.service.ingress if point.ip_mode == "Proxy"]
    if proxied and case.facts.delivery.value is Delivery.VIP:
        yield found(
            rules.VIP_PROXY, case.where(f"status.loadBalancer.ingress: {proxied[0]} has ipMode Proxy")
        )


def one_source(case: Case) -> Iterator[Finding]:
    """Affinity by client address, where many clients share one."""
    if case.service.session_affinity == "ClientIP" and not case.local:
        yield found(rules.ONE_SOURCE, case.where("spec.sessionAffinity: ClientIP"))
    elif case.service.annotations.get(_ALGORITHM) == "SOURCE_IP" and case.through_on:
        yield found(rules.ONE_SOURCE, case.annotation(_ALGORITHM))


def address(case: Case) -> Iterator[Finding]:
    """A load balancer that is not there yet."""
    if not case.service.ingress:
        yield found(rules.NO_ADDRESS, case.where("status.loadBalancer is empty"))


CHECKS = (same_node, bypassed, behind, node_port, ip_mode, one_source, address)
