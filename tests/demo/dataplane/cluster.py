"""A small cluster in memory, for tests of the simulated network."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Literal

from bot.demo.dataplane import DataPlane
from bot.demo.dataplane.rules import Mode
from bot.demo.seam import EventType, Json, Listener

VIP = "192.168.10.9"
EIP = "80.158.1.9"
Policy = Literal["Cluster", "Local"]


class MemoryObjects:
    """`bot.demo.seam.Objects` without an API server."""

    def __init__(self) -> None:
        self._stored: dict[tuple[str, str, str], Json] = {}
        self._listeners: dict[str, list[Listener]] = {}

    def list(self, resource: str, namespace: str | None = None) -> list[Json]:
        """Copies of all objects of a kind, of one namespace or of all."""
        return [
            deepcopy(body)
            for (kind, space, _), body in self._stored.items()
            if kind == resource and namespace in (None, space)
        ]

    def get(self, resource: str, namespace: str | None, name: str) -> Json | None:
        """A copy of one object, or None."""
        return deepcopy(self._stored.get((resource, namespace or "", name)))

    def create(self, resource: str, body: Mapping[str, Any], *, manager: str = "test") -> Json:
        """Store an object, or store it anew."""
        del manager
        metadata = body["metadata"]
        key = (resource, metadata.get("namespace") or "", metadata["name"])
        event: EventType = "MODIFIED" if key in self._stored else "ADDED"
        self._stored[key] = deepcopy(dict(body))
        return self._tell(resource, event, self._stored[key])

    def merge(
        self,
        resource: str,
        namespace: str | None,
        name: str,
        patch: Mapping[str, Any],
        *,
        manager: str = "test",
        subresource: str | None = None,
    ) -> Json:
        """Merge a patch into a stored object; a null removes its key."""
        del manager, subresource
        body = self._stored[resource, namespace or "", name]
        _merge(body, patch)
        return self._tell(resource, "MODIFIED", body)

    def delete(self, resource: str, namespace: str | None, name: str) -> None:
        """Remove an object and tell."""
        self._tell(resource, "DELETED", self._stored.pop((resource, namespace or "", name)))

    def subscribe(self, resource: str, listener: Listener) -> Callable[[], None]:
        """Tell the listener of every later change."""
        listeners = self._listeners.setdefault(resource, [])
        listeners.append(listener)
        return lambda: listeners.remove(listener)

    def _tell(self, resource: str, event: EventType, body: Json) -> Json:
        for listener in self._listeners.get(resource, []):
            listener(event, deepcopy(body))
        return deepcopy(body)


def _merge(body: Json, patch: Mapping[str, Any]) -> None:
    for key, value in patch.items():
        if value is None:
            body.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(body.get(key), dict):
            _merge(body[key], value)
        else:
            body[key] = deepcopy(value)


class Cluster:
    """Nodes node1, node2, … at 192.168.0.N with one client Pod each, and a data plane over them."""

    def __init__(
        self,
        *,
        mode: Mode = "iptables",
        minor: int = 29,
        nodes: int = 2,
        detector: bool = True,
        turbo: bool = False,
        sync_delay: float = 0,
        seed: int = 1,
        clock: Callable[[], float] = lambda: 1000.0,
    ) -> None:
        self.objects = MemoryObjects()
        for number in range(1, nodes + 1):
            self.objects.create("nodes", node(number, minor))
            self.pod(f"client{number}", number, f"10.0.{number}.9")
        self.plane = DataPlane(
            self.objects,
            mode=mode,
            category="turbo" if turbo else "standard",
            cluster_cidr="10.0.0.0/16" if detector else None,
            sync_delay=sync_delay,
            seed=seed,
            clock=clock,
        )
        self.plane.start()

    def pod(self, name: str, number: int, address: str, *, host: bool = False, ready: bool = True) -> None:
        """Create a Pod on nodeN that listens everywhere."""
        self.objects.create(
            "pods",
            {
                "metadata": {"namespace": "shop", "name": name},
                "spec": {"nodeName": f"node{number}", "hostNetwork": host, "containers": [{"image": "app"}]},
                "status": {
                    "phase": "Running",
                    "podIP": address,
                    "conditions": [{"type": "Ready", "status": str(ready)}],
                },
            },
        )

    def service(
        self,
        name: str = "web",
        *,
        policy: Policy = "Cluster",
        on: tuple[int, ...] = (1,),
        ingress: tuple[Mapping[str, str], ...] = ({"ip": VIP},),
        port: int = 80,
        annotations: Mapping[str, str] | None = None,
        ranges: tuple[str, ...] = (),
        conditions: Mapping[str, bool] | None = None,
    ) -> None:
        """Create a LoadBalancer Service with one backend Pod on each of the numbered nodes."""
        for number in on:
            self.pod(f"{name}{number}", number, self.backend(name, number))
        endpoints = [
            {
                "addresses": [self.backend(name, number)],
                "nodeName": f"node{number}",
                "conditions": dict(conditions or {"ready": True, "serving": True, "terminating": False}),
            }
            for number in on
        ]
        self.objects.create(
            "endpointslices",
            {
                "metadata": {
                    "namespace": "shop",
                    "name": f"{name}-slice",
                    "labels": {"kubernetes.io/service-name": name},
                },
                "ports": [{"name": "http", "port": 8080}],
                "endpoints": endpoints,
            },
        )
        self.objects.create(
            "services",
            {
                "metadata": {"namespace": "shop", "name": name, "annotations": dict(annotations or {})},
                "spec": {
                    "type": "LoadBalancer",
                    "clusterIP": f"10.247.0.{port % 200}",
                    "externalTrafficPolicy": policy,
                    "loadBalancerSourceRanges": list(ranges),
                    "ports": [{"name": "http", "port": port, "nodePort": 30000 + port}],
                },
                "status": {"loadBalancer": {"ingress": [dict(i) for i in ingress]}},
            },
        )

    @staticmethod
    def backend(name: str, number: int) -> str:
        """The address of the Service's backend on this node."""
        return f"10.0.{number}.{20 + sum(map(ord, name)) % 200}"


def node(number: int, minor: int) -> Json:
    """A ready node of Kubernetes 1.`minor`."""
    return {
        "metadata": {"name": f"node{number}"},
        "status": {
            "addresses": [{"type": "InternalIP", "address": f"192.168.0.{number}"}],
            "nodeInfo": {"kubeletVersion": f"v1.{minor}.2-r5"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    }
