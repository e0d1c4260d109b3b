"""What is not there yet, or not seen: an address and endpoints that are assumed, or endpoints that are weighed."""

from dataclasses import dataclass, replace

from bot.domain.destinations import Spot
from bot.domain.objects import Endpoint, EndpointSlice, Node, Ref, Service, Workload
from bot.domain.packet import Sender
from bot.domain.possibility import World
from bot.domain.scene import Scene, set_scene
from bot.domain.snapshot import Snapshot
from bot.domain.traveller import Traveller

ASSUMED_NODE = "some-node"
_TWO = 2
_NAMED = 4
"""Assumed endpoints that an answer names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One destination's scene; `placed` says that where its endpoints run is made up.

    Where the scene is doubted, a running cluster's endpoints are not known, and every way they may be is weighed.
    """

    scene: Scene
    placed: bool = False

    @property
    def assumed(self) -> bool:
        """Whether the address or the endpoints are made up."""
        return self.scene.assumed

    def scene_for(self, world: World, traveller: Traveller) -> Scene:
        """The scene with made-up endpoints put where the client makes a difference.

        A client of a real node is asked about twice: with an endpoint on its node, and with none.

        Raises:
            Undecided: Endpoints are made up or not known, and nothing is supposed about where they are.
        """
        if self.scene.doubted:
            return _with_endpoints(self.scene, world.ask("endpoints", _possible(self.scene, traveller)))
        if not self.placed or traveller.sender is Sender.STRANGER or traveller.client.group:
            return self.scene
        here = world.ask("endpoints", {f"one on {traveller.node}": True, f"none on {traveller.node}": False})
        if not here:
            return self.scene
        ready = self.scene.backends.ready
        moved = tuple(replace(each, node=traveller.node) for each in ready[:1])
        return _with_endpoints(self.scene, (*moved, *ready[1:]))


def stage(snapshot: Snapshot, service: Service, spot: Spot) -> Stage:
    """Set the scene of one destination, from EndpointSlices or, without any, from what will become endpoints.

    That a running cluster's EndpointSlices are not seen says nothing about what will be: there, none are made up.
    """
    if snapshot.doubts_endpoints:
        return Stage(scene=set_scene(snapshot, service, spot, ()))
    endpoints, placed = (None, False) if snapshot.knows(EndpointSlice) else _expected(snapshot, service)
    scene = set_scene(snapshot, service, spot, endpoints)
    return Stage(scene=scene, placed=placed)


def assumed_endpoints(snapshot: Snapshot, service: Service) -> tuple[str, str]:
    """Name the endpoints that are assumed where there are no EndpointSlices, and from what."""
    endpoints, placed = _expected(snapshot, service)
    more = f" and {len(endpoints) - _NAMED} more" if len(endpoints) > _NAMED else ""
    names = ", ".join(each.name for each in endpoints[:_NAMED]) + more or "none"
    if not placed:
        return names, "no EndpointSlice in the input: the running Pods that the Service selects"
    workloads = [f"{each.kind} {each.ref} ({_told(each)})" for each in _workloads(snapshot, service)]
    whence = " and ".join(workloads) or "any workload: on the client's node, and elsewhere"
    return names, f"no EndpointSlice in the input: {whence}"


def _told(workload: Workload) -> str:
    return "one on each node" if workload.replicas is None else f"replicas: {workload.replicas}"


def _possible(scene: Scene, traveller: Traveller) -> dict[str, tuple[Endpoint, ...]]:
    """The endpoints that a Service may have which nobody sees: none, one beside the client, one elsewhere, both."""
    name = traveller.node
    nodes = scene.snapshot.inventory.nodes if scene.snapshot.knows(Node) else {}
    others = sorted((each.excluded, each.name) for each in nodes.values() if each.name != name)
    elsewhere = (
        _unseen(scene, 2, others[0][1]) if others else () if nodes else _unseen(scene, 2, ASSUMED_NODE)
    )
    here = _unseen(scene, 1, name) if name else ()
    possible = {
        "none": (),
        f"one on {name}": here,
        "one elsewhere": elsewhere,
        "several": (*here, *elsewhere),
    }
    return {label: each for label, each in possible.items() if each or label == "none"}


def _unseen(scene: Scene, number: int, node: str) -> tuple[Endpoint, ...]:
    ref = scene.service.ref
    return (
        Endpoint(ip=f"192.0.2.{number}", node=node, pod=Ref(ref.namespace, f"{ref.name}-unseen-{number}")),
    )


def _with_endpoints(scene: Scene, endpoints: tuple[Endpoint, ...]) -> Scene:
    spot = Spot(destination=scene.destination, point=scene.point, port=scene.port)
    return set_scene(scene.snapshot, scene.service, spot, endpoints)


def _expected(snapshot: Snapshot, service: Service) -> tuple[tuple[Endpoint, ...], bool]:
    """The endpoints that will be: running Pods that the Service selects, else its workload's replicas."""
    chosen = {
        ref: pod
        for ref, pod in snapshot.inventory.pods.items()
        if _selects(service, ref, pod.labels) and pod.node and pod.ips and not pod.finished
    }
    running = [
        Endpoint(ip=pod.ips[0], node=pod.node, ready=pod.ready or service.publish_not_ready, pod=ref)
        for ref, pod in sorted(chosen.items(), key=lambda each: each[0])
    ]
    if running:
        return tuple(running), False
    return _replicas(snapshot, service), True


def _replicas(snapshot: Snapshot, service: Service) -> tuple[Endpoint, ...]:
    workloads = _workloads(snapshot, service)
    count = sum(_count(each) for each in workloads) if workloads else _TWO
    name = workloads[0].ref.name if workloads else service.ref.name
    return tuple(
        Endpoint(
            ip=f"192.0.2.{number}",
            node=ASSUMED_NODE if number == 1 else f"{ASSUMED_NODE}-{number}",
            pod=Ref(service.ref.namespace, f"{name}-{number}"),
        )
        for number in range(1, min(count, _TWO) + 1)
    )


def _workloads(snapshot: Snapshot, service: Service) -> list[Workload]:
    found = [
        each for each in snapshot.inventory.workloads.values() if _selects(service, each.ref, each.labels)
    ]
    return sorted(found, key=lambda each: (each.ref, each.kind))


def _count(workload: Workload) -> int:
    return _TWO if workload.replicas is None else workload.replicas


def _selects(service: Service, ref: Ref, labels: object) -> bool:
    if ref.namespace != service.ref.namespace or not service.selector or not isinstance(labels, dict):
        return False
    return all(labels.get(key) == value for key, value in service.selector.items())
