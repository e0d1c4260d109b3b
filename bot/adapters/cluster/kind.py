"""The kinds of object that are watched."""

from collections.abc import Callable
from dataclasses import dataclass

from bot.adapters import objects
from bot.domain.objects import EndpointSlice, Ingress, NetworkPolicy, Node, Pod, Service, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One kind: where its objects are listed, and what they become."""

    plural: str
    """As in the URL and in RBAC rules."""
    group: str
    """The API group; empty for the core group."""
    version: str
    type: type
    """The domain's value."""
    read: Callable[[object], Value | None]
    """Reads one; None where nothing needs to be kept. Raises ShapeError."""
    named: str
    """In sentences: "Services"."""
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """Give the URL's path of the list, in one namespace or all, or of one object."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        inside = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{root}{inside}/{self.plural}" + (f"/{name}" if name else "")


def _living(body: object) -> Pod | None:
    """Read a Pod; one that has finished is neither client nor backend, and there may be very many."""
    pod = objects.pod(body)
    return None if pod.finished else pod


SERVICES = Kind(
    plural="services", group="", version="v1", type=Service, read=objects.service, named="Services"
)
SLICES = Kind(
    plural="endpointslices",
    group="discovery.k8s.io",
    version="v1",
    type=EndpointSlice,
    read=objects.endpoint_slice,
    named="EndpointSlices",
)
NODES = Kind(
    plural="nodes", group="", version="v1", type=Node, read=objects.node, named="Nodes", namespaced=False
)
PODS = Kind(plural="pods", group="", version="v1", type=Pod, read=_living, named="Pods")
INGRESSES = Kind(
    plural="ingresses",
    group="networking.k8s.io",
    version="v1",
    type=Ingress,
    read=objects.ingress,
    named="Ingresses",
)
POLICIES = Kind(
    plural="networkpolicies",
    group="networking.k8s.io",
    version="v1",
    type=NetworkPolicy,
    read=objects.network_policy,
    named="NetworkPolicies",
)
WATCHED = (SERVICES, SLICES, NODES, PODS, INGRESSES, POLICIES)
