"""What is not there yet: an assumed address, and endpoints assumed from what will create them."""

from dataclasses import dataclass, replace

from bot.domain.destinations import Spot
from bot.domain.objects import Endpoint, EndpointSlice, Ref, Service, Workload
from bot.domain.packet import Sender
from bot.domain.possibility import World
from bot.domain.scene import Scene, set_scene
from bot.domain.snapshot import Snapshot
from bot.domain.traveller import Traveller

ASSUMED_NODE = "some-node"
_TWO = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One destination's scene; `placed` says that where its endpoints run is made up."""

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
            Undecided: Endpoints are made up, and nothing is supposed about the client's node.
        """
        if not self.placed or traveller.sender is Sender.STRANGER or traveller.client.group:
            return self.scene
        here = world.ask("endpoints", {f"one on {traveller.node}": True, f"none on {traveller.node}": False})
        if not here:
            return self.scene
        ready = self.scene.backends.ready
        moved = tuple(replace(each, node=traveller.node) for each in ready[:1])
        return _with_endpoints(self.scene, (*moved, *ready[1:]))


def stage(snapshot: Snapshot, service: Service, spot: Spot) -> Stage:
    """Set the scene of one destination, from EndpointSlices or, without any, from what will become endpoints."""
    endpoints, placed = (None, False) if snapshot.knows(EndpointSlice) else _expected(snapshot, service)
    scene = set_scene(snapshot, service, spot, endpoints)
    return Stage(scene=scene, placed=placed)


def _with_endpoints(scene: Scene, endpoints: tuple[Endpoint, ...]) -> Scene:
    spot = Spot(destination=scene.destination, point=scene.point, port=scene.port)
    return set_scene(scene.snapshot, scene.service, spot, endpoints)


def _expected(snapshot: Snapshot, service: Service) -> tuple[tuple[Endpoint, ...], bool]:
    """The endpoints that will be: running Pods that the Service selects, else its workload's replicas."""
    running = [
        Endpoint(ip=pod.ips[0], node=pod.node, ready=pod.ready, pod=pod.ref)
        for pod in snapshot.inventory.pods.values()
        if _selects(service, pod.ref, pod.labels) and pod.node and pod.ips and not pod.finished
    ]
    if running:
        return tuple(running), False
    return _replicas(snapshot, service), True


def _replicas(snapshot: Snapshot, service: Service) -> tuple[Endpoint, ...]:
    workloads = [
        each for each in snapshot.inventory.workloads.values() if _selects(service, each.ref, each.labels)
    ]
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


def _count(workload: Workload) -> int:
    return _TWO if workload.replicas is None else workload.replicas


def _selects(service: Service, ref: Ref, labels: object) -> bool:
    if ref.namespace != service.ref.namespace or not service.selector or not isinstance(labels, dict):
        return False
    return all(labels.get(key) == value for key, value in service.selector.items())
