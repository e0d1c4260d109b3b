"""The EndpointSlice controller: which Pods stand behind a Service, and whether they are ready."""

from bot.demo.kubernetes.reconciler import Reconciler
from bot.demo.kubernetes.selectors import labels_of, matches
from bot.demo.kubernetes.storage import Storage
from bot.demo.seam import EventType, Json

NAME = "endpointslice-controller.k8s.io"
MANAGER = "kube-controller-manager"
SERVICE_NAME = "kubernetes.io/service-name"
MANAGED_BY = "endpointslice.kubernetes.io/managed-by"
LARGEST_SLICE = 100  # endpoints; kube-controller-manager's --max-endpoints-per-slice
OVER = frozenset({"Succeeded", "Failed"})


class EndpointSlices:
    """Keeps the slices of every Service that has a selector."""

    def __init__(self, objects: Storage) -> None:
        self.work = Reconciler(self._reconcile)
        self._objects = objects
        objects.subscribe("services", self._service_changed)
        objects.subscribe("pods", self._pod_changed)

    def _service_changed(self, event: EventType, service: Json) -> None:
        if event != "DELETED":
            self._ask(service)

    def _pod_changed(self, _event: EventType, pod: Json) -> None:
        for service in self._objects.scan("services", pod["metadata"]["namespace"]):
            selector = service["spec"].get("selector")
            if selector and matches(selector, pod):
                self._ask(service)

    def _ask(self, service: Json) -> None:
        self.work.ask(f"{service['metadata']['namespace']}/{service['metadata']['name']}")

    def _reconcile(self, key: str) -> None:
        namespace, _, name = key.partition("/")
        service = self._objects.get("services", namespace, name)
        if service is None or not service["spec"].get("selector"):
            return
        pods = [pod for pod in self._objects.scan("pods", namespace) if _behind(service, pod)]
        present = [
            piece
            for piece in self._objects.scan("endpointslices", namespace)
            if labels_of(piece).get(SERVICE_NAME) == name and labels_of(piece).get(MANAGED_BY) == NAME
        ]
        wanted = _wanted(service, pods)
        for piece, body in zip(present, wanted, strict=False):
            self._update(piece, body)
        for body in wanted[len(present) :]:
            self._objects.create("endpointslices", body, manager=MANAGER)
        for piece in present[len(wanted) :]:
            self._objects.delete("endpointslices", namespace, piece["metadata"]["name"])

    def _update(self, piece: Json, body: Json) -> None:
        metadata = piece["metadata"]
        content = {"endpoints": body["endpoints"], "ports": body["ports"]}
        self._objects.merge(
            "endpointslices", metadata["namespace"], metadata["name"], content, manager=MANAGER
        )


def _behind(service: Json, pod: Json) -> bool:
    """Tell whether a Pod is an endpoint: selected, with an address, and not over."""
    status = pod["status"]
    selected = matches(service["spec"]["selector"], pod)
    return selected and bool(status.get("podIP")) and status["phase"] not in OVER


def _is_ready(pod: Json) -> bool:
    conditions = pod["status"].get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _endpoint(service: Json, pod: Json) -> Json:
    metadata = pod["metadata"]
    serving = _is_ready(pod)
    terminating = "deletionTimestamp" in metadata
    ready = (serving and not terminating) or service["spec"].get("publishNotReadyAddresses", False)
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready, "serving": serving, "terminating": terminating},
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": {
            "kind": "Pod",
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
        },
    }


def _number(port: Json, pods: list[Json]) -> int | None:
    """Return a target port's number; a name is looked up in the Pods' containers."""
    target = port.get("targetPort", port["port"])
    if isinstance(target, int):
        return target
    for pod in pods:
        for container in pod["spec"]["containers"]:
            for each in container.get("ports", []):
                if each.get("name") == target:
                    return int(each["containerPort"])
    return None


def _wanted(service: Json, pods: list[Json]) -> list[Json]:
    """Return the slices that a Service should have; always one, even an empty one."""
    metadata = service["metadata"]
    labels = {**labels_of(service), SERVICE_NAME: metadata["name"], MANAGED_BY: NAME}
    owner = {"apiVersion": "v1", "kind": "Service", "name": metadata["name"], "uid": metadata["uid"]}
    ports = [
        {"name": port.get("name", ""), "protocol": port["protocol"], "port": number}
        for port in service["spec"].get("ports", [])
        if (number := _number(port, pods)) is not None
    ]
    endpoints = [_endpoint(service, pod) for pod in pods]
    chunks = [endpoints[at : at + LARGEST_SLICE] for at in range(0, len(endpoints), LARGEST_SLICE)]
    return [
        {
            "metadata": {
                "generateName": f"{metadata['name']}-",
                "namespace": metadata["namespace"],
                "labels": labels,
                "ownerReferences": [{**owner, "controller": True, "blockOwnerDeletion": True}],
            },
            "addressType": "IPv6" if ":" in service["spec"].get("clusterIP", "") else "IPv4",
            "endpoints": chunk,
            "ports": ports,
        }
        for chunk in chunks or [[]]
    ]
