"""Which Services an object's change concerns: few, for a change costs its own Services and not the cluster."""

from collections.abc import Iterator

from bot.domain.elb import asks_for_pass_through
from bot.domain.objects import EndpointSlice, Ingress, Node, Pod, Ref, Service, TrafficPolicy
from bot.domain.snapshot import Inventory, balancer_keys, ingress_keys
from bot.ports import Changed


def concerned(inventory: Inventory, changed: Changed) -> Iterator[Ref]:
    """The Services to look at again at once; one may come twice."""
    for value in (changed.before, changed.after):
        match value:
            case Service():
                yield value.ref
                for key in balancer_keys(value):
                    yield from inventory.balancers.get(key, {})
            case EndpointSlice() if value.service is not None:
                yield value.service
            case Ingress():
                for key in ingress_keys(value):
                    yield from inventory.balancers.get(key, {})
            case _:
                pass


def moves_clients(changed: Changed) -> bool:
    """Whether clients may have come or gone where none were: nodes, and Pods by their node or address."""
    before, after = changed.before, changed.after
    if isinstance(before, Pod) and isinstance(after, Pod):
        return (before.node, before.ips, before.finished) != (after.node, after.ips, after.finished)
    return isinstance(before or after, Node | Pod)


def depends_on_placement(service: Service) -> bool:
    """Whether where clients and nodes are decides who gets to a Service."""
    local = service.external_policy is TrafficPolicy.LOCAL
    return service.is_load_balancer and (
        local or bool(service.source_ranges) or asks_for_pass_through(service)
    )
