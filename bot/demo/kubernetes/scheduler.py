"""The scheduler: binds Pods to nodes, or says on the Pod why it cannot."""

from bot.demo.kubernetes import eventlog
from bot.demo.kubernetes.placement import choose
from bot.demo.kubernetes.reconciler import Reconciler
from bot.demo.kubernetes.storage import Storage
from bot.demo.seam import EventType, Json

NAME = "default-scheduler"


class Scheduler:
    """Watches Pods and nodes."""

    def __init__(self, objects: Storage) -> None:
        self.work = Reconciler(self._schedule)
        self._objects = objects
        self._waiting: dict[str, None] = {}
        objects.subscribe("pods", self._pod_changed)
        objects.subscribe("nodes", self._node_changed)

    def _pod_changed(self, event: EventType, pod: Json) -> None:
        key = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
        if event == "DELETED" or not _waits(pod):
            self._waiting.pop(key, None)
        elif key not in self._waiting:
            self._waiting[key] = None
            self.work.ask(key)

    def _node_changed(self, _event: EventType, _node: Json) -> None:
        for key in self._waiting:
            self.work.ask(key)

    def _schedule(self, key: str) -> None:
        namespace, _, name = key.partition("/")
        pod = self._objects.get("pods", namespace, name)
        if pod is None or not _waits(pod):
            return
        node, why = choose(pod, self._objects.scan("nodes"), self._objects.scan("pods"))
        if node is not None:
            self._objects.bind(namespace, name, node)
            return
        if why != _complaint(pod):
            self._complain(pod, why)

    def _complain(self, pod: Json, why: str) -> None:
        metadata = pod["metadata"]
        condition = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": why,
            "lastProbeTime": None,
            "lastTransitionTime": self._objects.time,
        }
        patch = {"status": {"conditions": [condition]}}
        self._objects.merge(
            "pods",
            metadata["namespace"],
            metadata["name"],
            patch,
            manager="kube-scheduler",
            subresource="status",
        )
        eventlog.tell(
            self._objects, pod, reason="FailedScheduling", message=why, component=NAME, kind="Warning"
        )


def _waits(pod: Json) -> bool:
    return not pod["spec"].get("nodeName") and pod["spec"].get("schedulerName", NAME) == NAME


def _complaint(pod: Json) -> str:
    conditions = pod["status"].get("conditions", [])
    return next((each.get("message", "") for each in conditions if each["type"] == "PodScheduled"), "")
