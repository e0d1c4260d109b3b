"""The Deployment controller: ReplicaSets and Pods from templates, replaced one template at a time."""

import hashlib
import json

from bot.demo.kubernetes.reconciler import Reconciler
from bot.demo.kubernetes.selectors import labels_of
from bot.demo.kubernetes.storage import SUFFIX, Storage
from bot.demo.seam import EventType, Json

MANAGER = "kube-controller-manager"
HASH = "pod-template-hash"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
HASH_LENGTH = 10
OVER = frozenset({"Succeeded", "Failed"})


class Deployments:
    """Keeps every Deployment's ReplicaSets and Pods; a new template's Pods are ready before old ones go."""

    def __init__(self, objects: Storage) -> None:
        self.work = Reconciler(self._reconcile)
        self._objects = objects
        self._restarts = 0
        objects.subscribe("deployments", self._deployment_changed)
        objects.subscribe("pods", self._pod_changed)

    def restart(self, namespace: str, name: str) -> None:
        """Roll a Deployment's Pods out anew, as `kubectl rollout restart` does."""
        self._restarts += 1
        annotations = {RESTARTED: f"{self._objects.time}/{self._restarts}"}
        patch = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
        self._objects.merge("deployments", namespace, name, patch, manager="kubectl-rollout")

    def scale(self, namespace: str, name: str, replicas: int) -> None:
        """Change a Deployment's replicas."""
        self._objects.merge(
            "deployments", namespace, name, {"spec": {"replicas": replicas}}, manager="kubectl"
        )

    def _deployment_changed(self, event: EventType, deployment: Json) -> None:
        if event != "DELETED":
            self.work.ask(f"{deployment['metadata']['namespace']}/{deployment['metadata']['name']}")

    def _pod_changed(self, _event: EventType, pod: Json) -> None:
        namespace = pod["metadata"]["namespace"]
        owner = _owner(pod, "ReplicaSet")
        replica_set = owner and self._objects.get("replicasets", namespace, owner["name"])
        above = replica_set and _owner(replica_set, "Deployment")
        if above:
            self.work.ask(f"{namespace}/{above['name']}")

    def _reconcile(self, key: str) -> None:
        namespace, _, name = key.partition("/")
        deployment = self._objects.get("deployments", namespace, name)
        if deployment is None:
            return
        newest = self._newest(deployment)
        owned = self._owned("replicasets", deployment)
        replicas = deployment["spec"]["replicas"]
        self._scale(newest, replicas)
        if len(self._ready(newest)) >= replicas:
            for old in owned:
                if old["metadata"]["uid"] != newest["metadata"]["uid"]:
                    self._scale(old, 0)
        self._report(deployment, newest, owned)

    def _newest(self, deployment: Json) -> Json:
        """Return the ReplicaSet of the present template, a new one if there is none."""
        metadata, template = deployment["metadata"], deployment["spec"]["template"]
        marker = _template_hash(template)
        name = f"{metadata['name']}-{marker}"
        present = self._objects.get("replicasets", metadata["namespace"], name)
        if present is not None:
            return present
        labels = {**labels_of(template), HASH: marker}
        selector = {**deployment["spec"]["selector"].get("matchLabels", {}), HASH: marker}
        body = {
            "metadata": _child(deployment, {"name": name, "labels": labels}),
            "spec": {
                "replicas": deployment["spec"]["replicas"],
                "selector": {"matchLabels": selector},
                "template": {**template, "metadata": {**template["metadata"], "labels": labels}},
            },
        }
        return self._objects.create("replicasets", body, manager=MANAGER)

    def _owned(self, resource: str, owner: Json) -> list[Json]:
        uid = owner["metadata"]["uid"]
        return [
            each
            for each in self._objects.scan(resource, owner["metadata"]["namespace"])
            if any(reference["uid"] == uid for reference in each["metadata"].get("ownerReferences", []))
        ]

    def _active(self, replica_set: Json) -> list[Json]:
        return [pod for pod in self._owned("pods", replica_set) if pod["status"]["phase"] not in OVER]

    def _ready(self, replica_set: Json) -> list[Json]:
        return [pod for pod in self._active(replica_set) if _is_ready(pod)]

    def _scale(self, replica_set: Json, replicas: int) -> None:
        """Create or delete Pods until a ReplicaSet has as many as it should; unready ones go first."""
        metadata = replica_set["metadata"]
        namespace, name = metadata["namespace"], metadata["name"]
        if replica_set["spec"]["replicas"] != replicas:
            patch = {"spec": {"replicas": replicas}}
            self._objects.merge("replicasets", namespace, name, patch, manager=MANAGER)
        active = self._active(replica_set)
        template = replica_set["spec"]["template"]
        for _ in range(replicas - len(active)):
            child = _child(replica_set, {**template["metadata"], "generateName": f"{name}-"})
            self._objects.create("pods", {"metadata": child, "spec": template["spec"]}, manager=MANAGER)
        for pod in sorted(active, key=_is_ready)[: max(0, len(active) - replicas)]:
            self._objects.delete("pods", namespace, pod["metadata"]["name"])

    def _report(self, deployment: Json, newest: Json, owned: list[Json]) -> None:
        metadata = deployment["metadata"]
        pods = [pod for each in owned for pod in self._active(each)]
        ready = sum(_is_ready(pod) for pod in pods)
        enough = ready >= deployment["spec"]["replicas"]
        condition = {
            "type": "Available",
            "status": str(enough),
            "reason": "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable",
        }
        status = {
            "observedGeneration": metadata["generation"],
            "replicas": len(pods),
            "updatedReplicas": len(self._active(newest)),
            "readyReplicas": ready,
            "availableReplicas": ready,
            "unavailableReplicas": max(0, deployment["spec"]["replicas"] - ready),
            "conditions": [condition],
        }
        self._write_status("deployments", deployment, status)
        for each in owned:
            active = self._active(each)
            count = {"replicas": len(active), "readyReplicas": len(self._ready(each))}
            self._write_status("replicasets", each, count)

    def _write_status(self, resource: str, body: Json, status: Json) -> None:
        metadata = body["metadata"]
        self._objects.merge(
            resource,
            metadata["namespace"],
            metadata["name"],
            {"status": status},
            manager=MANAGER,
            subresource="status",
        )


def _template_hash(template: Json) -> str:
    digest = hashlib.sha256(json.dumps(template, sort_keys=True).encode()).digest()
    return "".join(SUFFIX[byte % len(SUFFIX)] for byte in digest[:HASH_LENGTH])


def _child(owner: Json, metadata: Json) -> Json:
    reference = {
        "apiVersion": owner["apiVersion"],
        "kind": owner["kind"],
        "name": owner["metadata"]["name"],
        "uid": owner["metadata"]["uid"],
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {**metadata, "namespace": owner["metadata"]["namespace"], "ownerReferences": [reference]}


def _owner(body: Json, kind: str) -> Json | None:
    references = body["metadata"].get("ownerReferences", [])
    return next((each for each in references if each["kind"] == kind), None)


def _is_ready(pod: Json) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
