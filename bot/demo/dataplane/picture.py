"""The cluster's objects, as the simulated nodes and load balancers know them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from bot.demo.dataplane.parsing import (
    Endpoint,
    NodeState,
    PodState,
    ServicePort,
    ServiceState,
    SliceState,
    parse_node,
    parse_pod,
    parse_service,
    parse_slice,
)
from bot.demo.seam import EventType, Json, Objects

Key = tuple[str, str]
K = TypeVar("K")
V = TypeVar("V")


def key_of(body: Json) -> Key:
    """Namespace (empty for cluster-scoped objects) and name."""
    metadata = body["metadata"]
    return metadata.get("namespace") or "", metadata["name"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """The endpoints of one Service port that may be used, and those of them on one node."""

    everywhere: tuple[Endpoint, ...]
    here: tuple[Endpoint, ...]


class Picture:
    """Parsed Services, EndpointSlices, Nodes and Pods, kept current by subscription."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self._ends: list[Callable[[], None]] = []
        self._followers: list[Callable[[str], None]] = []
        self.services: dict[Key, ServiceState] = {}
        self._slices: dict[Key, SliceState] = {}
        self._slices_of: dict[Key, dict[Key, SliceState]] = {}
        self.nodes: dict[str, NodeState] = {}
        self.pods: dict[Key, PodState] = {}
        self.pods_by_address: dict[str, PodState] = {}

    def open(self) -> None:
        """Read everything once and follow every later change."""
        for resource in ("nodes", "pods", "endpointslices", "services"):
            self._ends.append(self._objects.subscribe(resource, partial(self._on_event, resource)))
            for body in self._objects.list(resource):
                self._store(resource, "ADDED", body)

    def close(self) -> None:
        """Follow no more changes."""
        while self._ends:
            self._ends.pop()()

    def follow(self, follower: Callable[[str], None]) -> None:
        """Call `follower` with the resource's plural after each change."""
        self._followers.append(follower)

    def endpoints(self, service: ServiceState, port: ServicePort) -> Iterator[Endpoint]:
        """Every endpoint of the Service's port, from all of its slices, whatever its conditions."""
        for entry in self._slices_of.get((service.namespace, service.name), {}).values():
            if port.name in entry.ports:
                yield from (e.at(entry.ports[port.name]) for e in entry.endpoints)

    def backends(self, service: ServiceState, port: ServicePort, node: str, minor: int) -> Backends:
        """The usable endpoints: ready ones, or else (1.26 and newer) those serving while terminating.

        The fallback is weighed apart for the whole cluster and for the node (ProxyTerminatingEndpoints).
        """
        known = tuple(self.endpoints(service, port))
        here = tuple(e for e in known if e.node == node)
        return Backends(everywhere=_usable(known, minor), here=_usable(here, minor))

    def offered(self, address: str, port: int) -> bool:
        """Whether any EndpointSlice offers this address and port."""
        return any(
            port in entry.ports.values() and any(e.address == address for e in entry.endpoints)
            for entry in self._slices.values()
        )

    def _on_event(self, resource: str, event: EventType, body: Json) -> None:
        self._store(resource, event, body)
        for follower in self._followers:
            follower(resource)

    def _store(self, resource: str, event: EventType, body: Json) -> None:
        key, gone = key_of(body), event == "DELETED"
        match resource:
            case "services":
                _put(self.services, key, None if gone else parse_service(body))
            case "endpointslices":
                self._store_slice(key, None if gone else parse_slice(body))
            case "nodes":
                _put(self.nodes, key[1], None if gone else parse_node(body))
            case _:
                self._store_pod(key, None if gone else parse_pod(body))

    def _store_slice(self, key: Key, entry: SliceState | None) -> None:
        before = self._slices.get(key)
        if before is not None:
            self._slices_of[before.service].pop(key, None)
        _put(self._slices, key, entry)
        if entry is not None:
            self._slices_of.setdefault(entry.service, {})[key] = entry

    def _store_pod(self, key: Key, pod: PodState | None) -> None:
        before = self.pods.get(key)
        if before is not None and self.pods_by_address.get(before.address) == before:
            del self.pods_by_address[before.address]
        _put(self.pods, key, pod)
        if pod is not None and pod.address and not pod.host_network and not pod.finished:
            self.pods_by_address[pod.address] = pod


def _usable(endpoints: tuple[Endpoint, ...], minor: int) -> tuple[Endpoint, ...]:
    ready = tuple(e for e in endpoints if e.ready)
    if ready or minor < 26:  # noqa: PLR2004 - Kubernetes 1.26 turned ProxyTerminatingEndpoints on
        return ready
    return tuple(e for e in endpoints if e.serving and e.terminating)


def _put(store: dict[K, V], key: K, value: V | None) -> None:
    if value is None:
        store.pop(key, None)
    else:
        store[key] = value
