"""Defaults that the API server writes into objects before it stores them."""

from collections.abc import Callable

from bot.demo.seam import Json


def _service(body: Json) -> None:
    spec = body.setdefault("spec", {})
    spec.setdefault("type", "ClusterIP")
    spec.setdefault("sessionAffinity", "None")
    if spec["type"] == "ExternalName":
        return
    spec.setdefault("internalTrafficPolicy", "Cluster")
    if spec["type"] in {"NodePort", "LoadBalancer"}:
        spec.setdefault("externalTrafficPolicy", "Cluster")
    if spec["type"] == "LoadBalancer":
        spec.setdefault("allocateLoadBalancerNodePorts", True)
    for port in spec.get("ports", []):
        port.setdefault("protocol", "TCP")
        port.setdefault("targetPort", port.get("port"))
    status = body.setdefault("status", {})
    for entry in status.setdefault("loadBalancer", {}).get("ingress", []):
        if entry.get("ip"):
            entry.setdefault("ipMode", "VIP")


def pod_spec(spec: Json) -> None:
    """Fill in a Pod's spec, or the spec of a Pod template."""
    spec.setdefault("restartPolicy", "Always")
    spec.setdefault("dnsPolicy", "ClusterFirst")
    spec.setdefault("terminationGracePeriodSeconds", 30)
    spec.setdefault("securityContext", {})
    spec.setdefault("schedulerName", "default-scheduler")
    for container in spec.get("containers", []):
        container.setdefault("terminationMessagePath", "/dev/termination-log")
        container.setdefault("terminationMessagePolicy", "File")
        container.setdefault("imagePullPolicy", _pull_policy(container.get("image", "")))
        container.setdefault("resources", {})
        for port in container.get("ports", []):
            port.setdefault("protocol", "TCP")


def _pull_policy(image: str) -> str:
    last = image.rpartition("/")[2]
    latest = "@" not in last and (":" not in last or last.endswith(":latest"))
    return "Always" if latest else "IfNotPresent"


def _pod(body: Json) -> None:
    spec = body.setdefault("spec", {})
    pod_spec(spec)
    spec.setdefault("enableServiceLinks", True)
    spec.setdefault("serviceAccountName", "default")
    spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
    spec.setdefault("priority", 0)
    body.setdefault("status", {}).setdefault("phase", "Pending")
    body["status"].setdefault("qosClass", "BestEffort")


def _deployment(body: Json) -> None:
    spec = body.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    spec.setdefault("revisionHistoryLimit", 10)
    spec.setdefault("progressDeadlineSeconds", 600)
    rolling = {"maxUnavailable": "25%", "maxSurge": "25%"}
    spec.setdefault("strategy", {"type": "RollingUpdate", "rollingUpdate": rolling})
    _template(spec)
    body.setdefault("status", {})


def _replicated(body: Json) -> None:
    spec = body.setdefault("spec", {})
    spec.setdefault("replicas", 1)
    _template(spec)
    body.setdefault("status", {}).setdefault("replicas", 0)


def _daemon_set(body: Json) -> None:
    _template(body.setdefault("spec", {}))
    body.setdefault("status", {})


def _template(spec: Json) -> None:
    template = spec.get("template")
    if isinstance(template, dict):
        template.setdefault("metadata", {})
        pod_spec(template.setdefault("spec", {}))


def _namespace(body: Json) -> None:
    name = body["metadata"].get("name", "")
    body["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = name
    body.setdefault("spec", {}).setdefault("finalizers", ["kubernetes"])
    body.setdefault("status", {}).setdefault("phase", "Active")


def _endpoint_slice(body: Json) -> None:
    body.setdefault("endpoints", [])
    for port in body.get("ports", []):
        port.setdefault("name", "")
        port.setdefault("protocol", "TCP")


def _event(body: Json) -> None:
    body.setdefault("type", "")
    body.setdefault("source", {})
    body.setdefault("reportingComponent", body["source"].get("component", ""))
    body.setdefault("reportingInstance", body["source"].get("host", ""))


def _with_status(body: Json) -> None:
    body.setdefault("spec", {})
    body.setdefault("status", {})


DEFAULTS: dict[str, Callable[[Json], None]] = {
    "Service": _service,
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replicated,
    "StatefulSet": _replicated,
    "DaemonSet": _daemon_set,
    "Namespace": _namespace,
    "EndpointSlice": _endpoint_slice,
    "Event": _event,
    "Node": _with_status,
}


def fill(body: Json) -> None:
    """Write a built-in type's defaults into an object."""
    if fill_in := DEFAULTS.get(body["kind"]):
        fill_in(body)
