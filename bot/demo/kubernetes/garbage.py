"""The garbage collector: what an object owned goes with it."""

from functools import partial

from bot.demo.kubernetes.reconciler import Reconciler
from bot.demo.kubernetes.storage import Storage
from bot.demo.seam import EventType, Json

DEPENDENTS = {"services": "endpointslices", "deployments": "replicasets", "replicasets": "pods"}


class GarbageCollector:
    """Deletes EndpointSlices with their Service, ReplicaSets with their Deployment, Pods with their ReplicaSet."""

    def __init__(self, objects: Storage) -> None:
        self.work = Reconciler(self._collect)
        self._objects = objects
        for resource, dependents in DEPENDENTS.items():
            objects.subscribe(resource, partial(self._changed, dependents))

    def _changed(self, dependents: str, event: EventType, body: Json) -> None:
        if event == "DELETED":
            self.work.ask(f"{dependents}/{body['metadata']['namespace']}/{body['metadata']['uid']}")

    def _collect(self, key: str) -> None:
        resource, namespace, uid = key.split("/")
        for body in list(self._objects.scan(resource, namespace)):
            if any(owner["uid"] == uid for owner in body["metadata"].get("ownerReferences", [])):
                self._objects.delete(resource, namespace, body["metadata"]["name"])
