"""On which nodes a class of client can be played now."""

from enum import StrEnum

from bot.domain.change import ServiceRef
from bot.domain.objects import Endpoint, Ref
from bot.domain.snapshot import Snapshot


class ClientClassCode(StrEnum):
    """The classes that can be played: by probe Pods, and the last one by a command in a backend."""

    POD_WITH = "pod-with-backend"
    POD_WITHOUT = "pod-without-backend"
    NODE_WITH = "node-with-backend"
    NODE_WITHOUT = "node-without-backend"
    BACKEND = "backend"

    @property
    def host_network(self) -> bool:
        """Whether it is played from the node's own network."""
        return self in {ClientClassCode.NODE_WITH, ClientClassCode.NODE_WITHOUT}

    @property
    def beside_backend(self) -> bool:
        """Whether a ready endpoint runs on the same node."""
        return self not in {ClientClassCode.POD_WITHOUT, ClientClassCode.NODE_WITHOUT}


def nodes_of(snapshot: Snapshot, service: ServiceRef, kind: ClientClassCode) -> tuple[str, ...]:
    """Ready nodes of a class, by name: with a ready endpoint of the Service, or without one."""
    endpoints = _ready(snapshot, service)
    if kind is ClientClassCode.BACKEND:
        endpoints = [endpoint for endpoint in endpoints if endpoint.pod is not None]
    backends = {endpoint.node for endpoint in endpoints}
    ready = (name for name, node in sorted(snapshot.inventory.nodes.items()) if node.ready)
    return tuple(name for name in ready if (name in backends) == kind.beside_backend)


def backend_on(snapshot: Snapshot, service: ServiceRef, node: str) -> Ref | None:
    """The first ready backend of the Service on a node, by name."""
    pods = [e.pod for e in _ready(snapshot, service) if e.node == node and e.pod is not None]
    return min(pods, default=None)


def _ready(snapshot: Snapshot, service: ServiceRef) -> list[Endpoint]:
    return [
        endpoint
        for piece in snapshot.slices(Ref(service.namespace, service.name))
        for endpoint in piece.endpoints
        if endpoint.ready and endpoint.node
    ]
