"""On which nodes a class of client can be played now."""

from enum import StrEnum

from bot.domain.change import ServiceRef
from bot.domain.objects import Ref
from bot.domain.snapshot import Snapshot


class ClientClassCode(StrEnum):
    """The classes that probe Pods can play."""

    POD_WITH = "pod-with-backend"
    POD_WITHOUT = "pod-without-backend"
    NODE_WITH = "node-with-backend"
    NODE_WITHOUT = "node-without-backend"

    @property
    def host_network(self) -> bool:
        """Whether it is played from the node's own network."""
        return self in {ClientClassCode.NODE_WITH, ClientClassCode.NODE_WITHOUT}

    @property
    def beside_backend(self) -> bool:
        """Whether a ready endpoint runs on the same node."""
        return self in {ClientClassCode.POD_WITH, ClientClassCode.NODE_WITH}


def nodes_of(snapshot: Snapshot, service: ServiceRef, kind: ClientClassCode) -> tuple[str, ...]:
    """Ready nodes of a class, by name: with a ready endpoint of the Service, or without one."""
    backends = {
        endpoint.node
        for piece in snapshot.slices(Ref(service.namespace, service.name))
        for endpoint in piece.endpoints
        if endpoint.ready and endpoint.node
    }
    ready = (name for name, node in sorted(snapshot.inventory.nodes.items()) if node.ready)
    return tuple(name for name in ready if (name in backends) == kind.beside_backend)
