"""Which Services an object's change concerns: few, for a change costs its own Services and not the cluster."""

from collections.abc import Iterator
from dataclasses import replace

from bot.domain.elb import asks_for_pass_through
from bot.domain.objects import EndpointSlice, Ingress, Node, Pod, Ref, Service, TrafficPolicy
from bot.domain.snapshot import Inventory, balancer_keys, ingress_keys
from bot.ports import Changed


def concerned(inventory: Inventory, changed: Changed) -> Iterator[Ref]:
    """The Services to look at again; one may come twice."""
    before, after = changed.before, changed.after
    if isinstance(before, Service) and isinstance(after, Service) and _shown(before) == _shown(after):
        if replace(before, resource_version="", managers=()) != replace(
            after, resource_version="", managers=()
        ):
            yield after.ref
        return
    for value in (before, after):
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


def _shown(service: Service) -> tuple[object, ...]:
    """What the Services that share its load balancer see of a Service."""
    marks = {key: text for key, text in service.annotations.items() if key.startswith("kubernetes.io/")}
    return (
        service.uid,
        service.type,
        service.ports,
        service.ingress,
        service.external_ips,
        service.external_policy,
        service.source_ranges,
        service.deleting,
        marks,
    )


def presses(inventory: Inventory, changed: Changed) -> bool:
    """Whether somebody may have been cut off, or let in again, by a change: then it is looked at first.

    Endpoints come and go by the hundred a second in a large cluster; few of them are a Service's last ones. This
    only puts Services into an order: each is looked at, and the path engine alone says how it stands.
    """
    before, after = changed.before, changed.after
    match before or after:
        case EndpointSlice() as piece:
            service = inventory.services.get(piece.service) if piece.service else None
            return service is not None and service.is_load_balancer and _turns(inventory, service, changed)
        case Service():
            both = isinstance(before, Service) and isinstance(after, Service)
            return not both or _shown(before) != _shown(after)  # type: ignore[arg-type]  # both are Services
    return False


_MANY = 2
"""Nodes with an endpoint beyond which one more or less cuts nobody off."""


def _turns(inventory: Inventory, service: Service, changed: Changed) -> bool:
    was, is_ = _ready_nodes(changed.before), _ready_nodes(changed.after)
    if was == is_ or service.external_policy is TrafficPolicy.LOCAL:
        return was != is_
    pieces = inventory.slices_of.get(service.ref, {})
    others = {node for ref, piece in pieces.items() if ref != changed.ref for node in _ready_nodes(piece)}
    return min(len(was | others), _MANY) != min(len(is_ | others), _MANY)


def _ready_nodes(piece: object) -> frozenset[str]:
    if not isinstance(piece, EndpointSlice):
        return frozenset()
    return frozenset(endpoint.node for endpoint in piece.endpoints if endpoint.ready)


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
