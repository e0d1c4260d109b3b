"""Kubernetes JSON into the domain's values: pure, and shared by the informer and the reader of files.

Every function takes the object as the API or a file gave it and raises `ShapeError`, a ValueError whose message
names the object and the field, when a type is wrong.
"""

from collections.abc import Callable

from bot.adapters.objects.endpoints import endpoint_slice
from bot.adapters.objects.ingresses import ingress
from bot.adapters.objects.network_policies import network_policy
from bot.adapters.objects.nodes import node
from bot.adapters.objects.pods import pod, workload
from bot.adapters.objects.reader import ShapeError
from bot.adapters.objects.services import service
from bot.domain.objects import Value

PARSERS: dict[str, Callable[[object], Value | None]] = {
    "Service": service,
    "EndpointSlice": endpoint_slice,
    "Node": node,
    "Pod": pod,
    "Ingress": ingress,
    "NetworkPolicy": network_policy,
    "Deployment": workload,
    "StatefulSet": workload,
    "DaemonSet": workload,
}
"""The reader of each kind."""

__all__ = [
    "PARSERS",
    "ShapeError",
    "endpoint_slice",
    "ingress",
    "network_policy",
    "node",
    "pod",
    "service",
    "workload",
]
