"""Findings about several Services, or an Ingress, on one load balancer."""

from collections.abc import Iterator

from bot.domain import rules_finding as rules
from bot.domain.case import Case, found
from bot.domain.cluster_facts import Mode
from bot.domain.elb import asks_for_pass_through
from bot.domain.explanation import Finding, Severity
from bot.domain.objects import PASS_THROUGH, Service


def sibling_mismatch(case: Case) -> Iterator[Finding]:
    """Different pass-through settings on one load balancer under IPVS; a warning where the mode is not known."""
    if not case.cce or not case.mode_may_be(Mode.IPVS):
        return
    mine = asks_for_pass_through(case.service)
    others = [each for each in case.snapshot.sharing(case.service) if asks_for_pass_through(each) != mine]
    if others:
        severity = None if case.mode(Mode.IPVS) else Severity.WARNING
        yield found(rules.SIBLING_MISMATCH, *map(_setting, (case.service, *others)), severity=severity)


def _setting(service: Service) -> str:
    value = service.annotations.get(PASS_THROUGH)
    shown = "absent" if value is None else f'"{value}"'
    return f"Service {service.ref} metadata.annotations[{PASS_THROUGH}]: {shown}"


def ingress_shares(case: Case) -> Iterator[Finding]:
    """An Ingress on the load balancer of a Service that node rules hold."""
    if not case.mode_may_be(Mode.IPVS) or not case.captured:
        return
    names = [
        f"Ingress {each.ref}" for each in case.snapshot.sharing_ingresses(case.service) if each.has_listeners
    ]
    if names:
        yield case.past(found(rules.INGRESS_SHARES, *names))


def duplicate_listener(case: Case) -> Iterator[Finding]:
    """The same port and protocol twice on one load balancer."""
    mine = {(port.port, port.protocol) for port in case.service.ports}
    for other in case.snapshot.sharing(case.service):
        for port in other.ports:
            if (port.port, port.protocol) in mine:
                yield found(
                    rules.DUPLICATE_LISTENER,
                    f"Service {other.ref} spec.ports: {port.port}/{port.protocol}",
                    case.where(f"spec.ports: {port.port}/{port.protocol}"),
                )


def external_ip_shares(case: Case) -> Iterator[Finding]:
    """The load balancer's address among the external IPs of a Service."""
    for point in case.service.ingress:
        claimants = case.snapshot.claiming(point.ip) if point.ip else []
        if claimants:
            yield found(
                rules.EXTERNAL_IP_SHARES,
                *(f"Service {each.ref} spec.externalIPs: {point.ip}" for each in claimants),
            )


CHECKS = (sibling_mismatch, ingress_shares, external_ip_shares, duplicate_listener)
