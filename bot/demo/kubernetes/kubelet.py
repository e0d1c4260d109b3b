"""The kubelets of all nodes: they give Pods a status, and play the probe Pods. Nothing really runs."""

import asyncio
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.demo.kubernetes import eventlog
from bot.demo.kubernetes.probe import Plan, played
from bot.demo.kubernetes.reconciler import Reconciler
from bot.demo.kubernetes.storage import Storage
from bot.demo.seam import EventType, Json, Network

MANAGED_BY, BOT = "app.kubernetes.io/managed-by", "elb-passthrough"
RUN = "elb-passthrough.bot/run"
SPARE_RANGE = "10.254.0.0/16"  # for nodes without a podCIDR
OVER = frozenset({"Succeeded", "Failed"})


@dataclass(slots=True)
class Knobs:
    """What can go wrong on nodes.

    `missing_images` cannot be pulled. `start_delay` is in seconds. `evict_probes_at` is the part of its
    duration (0 to 1) after which a probe is evicted.
    """

    missing_images: set[str] = field(default_factory=set)
    start_delay: float = 0.0
    evict_probes_at: float | None = None


class Kubelets:
    """Starts Pods that were bound to a node, and ends probes with their result."""

    def __init__(self, objects: Storage, network: Network | None = None) -> None:
        self.knobs = Knobs()
        self.network = network
        self.work = Reconciler(self._start)
        self._objects = objects
        self._addresses: dict[str, str] = {}  # address -> the Pod's uid
        self._probes: dict[str, asyncio.Task[None]] = {}
        self._next: dict[str, int] = {}  # where the search in a range goes on
        self._waiting: dict[str, None] = {}  # Pods on nodes that are not there, or not alive
        objects.subscribe("pods", self._pod_changed)
        objects.subscribe("nodes", self._node_changed)

    async def stop(self) -> None:
        """End every probe."""
        self.work.stop()
        tasks = list(self._probes.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def set_ready(self, namespace: str, name: str, *, ready: bool) -> None:
        """Let a Pod's readiness probe succeed or fail."""
        pod = self._objects.get("pods", namespace, name)
        if pod is not None:
            self._write(
                pod,
                {
                    "conditions": self._conditions(ready=ready),
                    "containerStatuses": _running(pod, ready=ready),
                },
            )

    def evict(self, namespace: str, name: str) -> None:
        """Evict a Pod for want of memory on its node; it stays as Failed."""
        pod = self._objects.get("pods", namespace, name)
        if pod is None:
            return
        why = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 52Mi."
        if probe := self._probes.pop(pod["metadata"]["uid"], None):
            probe.cancel()
        self._fail(pod, "Evicted", why)
        self._warn(pod, "Evicted", why)

    def _pod_changed(self, event: EventType, pod: Json) -> None:
        metadata = pod["metadata"]
        key = f"{metadata['namespace']}/{metadata['name']}"
        if event == "DELETED":
            if probe := self._probes.pop(metadata["uid"], None):
                probe.cancel()
            self._addresses.pop(pod["status"].get("podIP", ""), None)
        if event == "DELETED" or not _to_start(pod):
            self._waiting.pop(key, None)
        elif key not in self._waiting:
            self._waiting[key] = None
            self.work.delay = self.knobs.start_delay
            self.work.ask(key)

    def _node_changed(self, _event: EventType, _node: Json) -> None:
        for key in self._waiting:
            self.work.ask(key)

    def _start(self, key: str) -> None:
        namespace, _, name = key.partition("/")
        pod = self._objects.get("pods", namespace, name)
        if pod is None or not _to_start(pod):
            return
        node = self._objects.get("nodes", None, pod["spec"]["nodeName"])
        if node is None or not _alive(node):
            return
        missing = [c["image"] for c in pod["spec"]["containers"] if c["image"] in self.knobs.missing_images]
        if missing:
            self._cannot_pull(pod, missing[0])
            return
        address = _address(node) if pod["spec"].get("hostNetwork") else self._pod_address(pod, node)
        if address is None:
            self._warn(pod, "FailedCreatePodSandBox", "no IP addresses available in the range of the node")
            return
        self._write(pod, self._started(pod, node, address))
        if _is_probe(pod) and self.network is not None:
            self._play(pod, address)

    def _started(self, pod: Json, node: Json, address: str) -> Json:
        host = _address(node)
        return {
            "phase": "Running",
            "hostIP": host,
            "hostIPs": [{"ip": host}],
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": self._objects.time,
            "conditions": self._conditions(ready=True),
            "containerStatuses": _running(pod, ready=True),
        }

    def _conditions(self, *, ready: bool) -> list[Json]:
        states = {"Initialized": True, "Ready": ready, "ContainersReady": ready, "PodScheduled": True}
        return [
            {
                "type": kind,
                "status": str(state),
                "lastProbeTime": None,
                "lastTransitionTime": self._objects.time,
            }
            | ({} if state else {"reason": "ContainersNotReady", "message": "containers with unready status"})
            for kind, state in states.items()
        ]

    def _pod_address(self, pod: Json, node: Json) -> str | None:
        """Return a free address of the node's podCIDR, None when there is none; the first is the node's bridge."""
        cidr = node["spec"].get("podCIDR", SPARE_RANGE)
        network = ipaddress.ip_network(cidr)
        hosts = network.num_addresses - 3
        for step in range(hosts):
            offset = (self._next.get(cidr, 0) + step) % hosts
            address = str(network[offset + 2])
            if address not in self._addresses:
                self._addresses[address] = pod["metadata"]["uid"]
                self._next[cidr] = offset + 1
                return address
        return None

    def _cannot_pull(self, pod: Json, image: str) -> None:
        waiting = {"reason": "ImagePullBackOff", "message": f'Back-off pulling image "{image}"'}
        status = {
            "phase": "Pending",
            "containerStatuses": _containers(pod, {"waiting": waiting}, ready=False),
        }
        self._write(
            pod, status | {"conditions": self._conditions(ready=False), "startTime": self._objects.time}
        )
        self._warn(pod, "Failed", f'Failed to pull image "{image}": rpc error: code = NotFound')

    def _warn(self, pod: Json, reason: str, message: str) -> None:
        eventlog.tell(self._objects, pod, reason=reason, message=message, component="kubelet", kind="Warning")

    def _play(self, pod: Json, address: str) -> None:
        uid = pod["metadata"]["uid"]
        task = asyncio.get_running_loop().create_task(self._probe(pod, address))
        self._probes[uid] = task
        task.add_done_callback(
            lambda done: self._probes.pop(uid, None) if self._probes.get(uid) is done else None
        )

    async def _probe(self, pod: Json, address: str) -> None:
        begun = self._objects.time
        assert self.network is not None
        try:
            plan = Plan.read(_environment(pod))
        except ValueError as error:
            self._end(pod, begun, exit_code=2, message=str(error))
            return
        pod_ip = None if pod["spec"].get("hostNetwork") else address
        part = self.knobs.evict_probes_at
        deadline = pod["spec"].get("activeDeadlineSeconds")
        try:
            async with (
                asyncio.timeout(deadline),
                asyncio.timeout(None if part is None else part * plan.duration),
            ):
                message = await played(plan, self.network, node=pod["spec"]["nodeName"], pod_ip=pod_ip)
        except TimeoutError:
            self._cut_short(pod, evicted=part is not None)
            return
        self._end(pod, begun, exit_code=0, message=message)

    def _cut_short(self, pod: Json, *, evicted: bool) -> None:
        if evicted:
            self._probes.pop(pod["metadata"]["uid"], None)
            self.evict(pod["metadata"]["namespace"], pod["metadata"]["name"])
        else:
            why = "Pod was active on the node longer than the specified deadline"
            self._fail(pod, "DeadlineExceeded", why)

    def _end(self, pod: Json, begun: str, *, exit_code: int, message: str) -> None:
        ended = {
            "exitCode": exit_code,
            "reason": "Error" if exit_code else "Completed",
            "message": message,
            "startedAt": begun,
            "finishedAt": self._objects.time,
        }
        phase = "Failed" if exit_code else "Succeeded"
        statuses = _containers(pod, {"terminated": ended}, ready=False)
        self._write(
            pod, {"phase": phase, "conditions": self._conditions(ready=False), "containerStatuses": statuses}
        )

    def _fail(self, pod: Json, reason: str, message: str) -> None:
        ended = {"exitCode": 137, "reason": "Error", "finishedAt": self._objects.time}
        status = {"phase": "Failed", "reason": reason, "message": message}
        statuses = _containers(pod, {"terminated": ended}, ready=False)
        self._write(
            pod, status | {"conditions": self._conditions(ready=False), "containerStatuses": statuses}
        )

    def _write(self, pod: Json, status: Mapping[str, Any]) -> None:
        namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        present = self._objects.get("pods", namespace, name)
        if present is not None and present["metadata"]["uid"] == pod["metadata"]["uid"]:
            self._objects.merge(
                "pods", namespace, name, {"status": status}, manager="kubelet", subresource="status"
            )


def _to_start(pod: Json) -> bool:
    status = pod["status"]
    return bool(pod["spec"].get("nodeName")) and status["phase"] == "Pending" and "startTime" not in status


def _alive(node: Json) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return all(each["status"] == "True" for each in conditions if each["type"] == "Ready")


def _address(node: Json) -> str:
    addresses = node.get("status", {}).get("addresses", [])
    return next((str(each["address"]) for each in addresses if each["type"] == "InternalIP"), "")


def _is_probe(pod: Json) -> bool:
    metadata = pod["metadata"]
    mine = metadata.get("labels", {}).get(MANAGED_BY) == BOT and RUN in metadata.get("annotations", {})
    return mine and any(container["name"] == "probe" for container in pod["spec"]["containers"])


def _environment(pod: Json) -> dict[str, str]:
    container = next(each for each in pod["spec"]["containers"] if each["name"] == "probe")
    return {each["name"]: each.get("value", "") for each in container.get("env", [])}


def _containers(pod: Json, state: Json, *, ready: bool) -> list[Json]:
    uid = pod["metadata"]["uid"]
    return [
        {
            "name": container["name"],
            "image": container["image"],
            "imageID": f"docker-pullable://{container['image']}",
            "containerID": f"containerd://{uid}-{container['name']}",
            "ready": ready,
            "started": ready,
            "restartCount": 0,
            "state": state,
        }
        for container in pod["spec"]["containers"]
    ]


def _running(pod: Json, *, ready: bool) -> list[Json]:
    started = pod["status"].get("startTime") or pod["metadata"]["creationTimestamp"]
    return _containers(pod, {"running": {"startedAt": started}}, ready=ready)
