"""Everything that a walk to one address and port of one Service may need, gathered before it starts."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bot.domain.backends import Backends, gather, sorted_out
from bot.domain.destinations import Spot
from bot.domain.explanation import Destination
from bot.domain.objects import (
    Endpoint,
    EndpointSlice,
    Ingress,
    IngressPoint,
    NetworkPolicy,
    Service,
    ServicePort,
)
from bot.domain.proxier import Programmed
from bot.domain.ranges import family_of
from bot.domain.snapshot import Snapshot


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One destination in its surroundings.

    `port` is None where the Service has no such port; `backends` is then empty. `members` are the nodes with a
    ready endpoint of any port, as the load balancer's health check counts them.
    """

    snapshot: Snapshot
    service: Service
    point: IngressPoint
    port: ServicePort | None
    destination: Destination
    family: str
    backends: Backends
    members: tuple[str, ...]
    sharing: tuple[Service, ...]
    ingresses: tuple[Ingress, ...]
    policies: tuple[NetworkPolicy, ...]
    claimants: tuple[Service, ...] = ()
    """Services of any type that have the address among their external IPs, this one perhaps too."""
    assumed: bool = False
    """Hypothetical: the address, the endpoints or both are made up."""
    doubted: bool = False
    """Whether nobody knows the endpoints, of a running cluster: `backends` are then supposed, or none."""

    def on_host_network(self, endpoint: Endpoint) -> bool:
        """Whether the endpoint is a process of its node: its Pod says so, or its address is the node's own."""
        inventory = self.snapshot.inventory
        pod = None if endpoint.pod is None else inventory.pods.get(endpoint.pod)
        if pod is not None:
            return pod.host_network
        node = inventory.nodes.get(endpoint.node)
        return node is not None and endpoint.ip in (*node.internal_ips, *node.external_ips)

    @property
    def programmed(self) -> Programmed:
        """The port as a node has it in its rules."""
        return Programmed(
            service=self.service, backends=self.backends, address=self.point.ip, family=self.family
        )

    def claims(self) -> Iterator["Scene"]:
        """The same port as node rules have it by somebody's external IPs, once for each Service that has it."""
        for service in self.claimants:
            for port in service.ports:
                if (port.port, port.protocol.value) == (self.destination.port, self.destination.protocol):
                    yield self if service.ref == self.service.ref else self._claimed(service, port)

    def _claimed(self, service: Service, port: ServicePort) -> "Scene":
        slices = self.snapshot.slices(service.ref)
        return replace(
            self,
            service=service,
            port=port,
            backends=sorted_out(service, self.backends.ready)
            if self.doubted
            else gather(service, port, self.family, slices),
            policies=tuple(self.snapshot.policies(service.ref.namespace)),
        )


def set_scene(
    snapshot: Snapshot, service: Service, spot: Spot, endpoints: tuple[Endpoint, ...] | None = None
) -> Scene:
    """Gather what one destination needs; `endpoints` replaces those of the EndpointSlices."""
    family = _family(service, spot.point)
    slices = [_without(piece, snapshot.drained) for piece in snapshot.slices(service.ref)]
    if spot.port is None:
        backends = Backends(service=service)
    elif endpoints is not None:
        backends = sorted_out(service, (each for each in endpoints if each.node not in snapshot.drained))
    else:
        backends = gather(service, spot.port, family, slices)
    return Scene(
        snapshot=snapshot,
        service=service,
        point=spot.point,
        port=spot.port,
        destination=spot.destination,
        family=family,
        backends=backends,
        members=_members(slices, family) if endpoints is None else tuple(backends.ready_on),
        sharing=tuple(snapshot.sharing(service)),
        ingresses=tuple(snapshot.sharing_ingresses(service)),
        policies=tuple(snapshot.policies(service.ref.namespace)),
        claimants=tuple(snapshot.claiming(spot.point.ip)) if spot.point.ip else (),
        assumed=(endpoints is not None and not snapshot.doubts_endpoints) or not service.ingress,
        doubted=snapshot.doubts_endpoints,
    )


def _family(service: Service, point: IngressPoint) -> str:
    if point.ip:
        return family_of(point.ip)
    return service.ip_families[0] if service.ip_families else "IPv4"


def _without(piece: EndpointSlice, drained: frozenset[str]) -> EndpointSlice:
    if not drained:
        return piece
    return EndpointSlice(
        ref=piece.ref,
        service=piece.service,
        family=piece.family,
        ports=piece.ports,
        endpoints=tuple(each for each in piece.endpoints if each.node not in drained),
    )


def _members(slices: list[EndpointSlice], family: str) -> tuple[str, ...]:
    return tuple(
        {
            endpoint.node: None
            for piece in slices
            if piece.family == family
            for endpoint in piece.endpoints
            if endpoint.ready and endpoint.node
        }
    )
