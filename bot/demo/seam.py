"""What the parts of the simulated world ask of each other, inside one process.

The bot never sees these: it speaks to the same parts over HTTP only.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

Json = dict[str, Any]
EventType = Literal["ADDED", "MODIFIED", "DELETED"]
Listener = Callable[[EventType, Json], None]


class Objects(Protocol):
    """The simulated API server's objects, as its own controllers and kubelets use them.

    `resource` is the plural ("services", "endpointslices", "nodes", "pods", …). Returned objects are the
    caller's own copies. A listener is called at once, inside the event loop, after the change is stored; it
    must not raise and gets no replay of what was there before. The object that it is given is the stored one,
    shared by everybody: to be read only.
    """

    def list(self, resource: str, namespace: str | None = None) -> list[Json]:
        """Return all objects, or those of a namespace."""
        ...

    def get(self, resource: str, namespace: str | None, name: str) -> Json | None:
        """Return one object."""
        ...

    def create(self, resource: str, body: Mapping[str, Any], *, manager: str) -> Json:
        """Store a new object as the API server would."""
        ...

    def merge(
        self,
        resource: str,
        namespace: str | None,
        name: str,
        patch: Mapping[str, Any],
        *,
        manager: str,
        subresource: str | None = None,
    ) -> Json:
        """Apply a JSON merge patch, to the status subresource where that is named."""
        ...

    def delete(self, resource: str, namespace: str | None, name: str) -> None:
        """Delete one object; it is there."""
        ...

    def subscribe(self, resource: str, listener: Listener) -> Callable[[], None]:
        """Call `listener` for every later change; the returned function ends it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One connection attempt: what its client saw, and how long it took in milliseconds."""

    result: Literal["connected", "refused", "timeout"]
    latency_ms: float
    backend: str | None = None


class Network(Protocol):
    """The simulated data plane, as a Pod's process sees it."""

    async def connect(self, *, node: str, pod_ip: str | None, ip: str, port: int, protocol: str) -> Attempt:
        """Open one connection from a Pod on `node` (`pod_ip` None: from the node's own network).

        `protocol` is "TCP" or "UDP". A timeout is reported at once, without waiting it out; `latency_ms` is
        what the client would have waited.
        """
        ...
