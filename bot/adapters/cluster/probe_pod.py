"""A probe Pod: the manifest that starts one, and what its status tells.

Restricted by Pod security's strictest profile, without a service account token, without sidecars (they would
answer in the load balancer's stead), on the node that it is meant for, and gone by itself after a deadline.
"""

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bot.adapters.cluster.failure import sentence
from bot.config.settings import VerificationSettings
from bot.domain.objects import PROBE, PROBE_RUN
from bot.ports import FoundProbe, ProbePod, ProbeState, TargetCount

OWNED, RUN = PROBE, PROBE_RUN
CONTAINER = "probe"
RESULT = "/dev/termination-log"
_SLACK = 120
"""Seconds beside the measurement itself: pulling the image, starting, writing the result."""
_USER = 65532
"""Any user but root; the usual one of images that have no shell."""
_BYTES = 4096
"""What the kubelet keeps of a termination message."""
_NO_SIDECARS = {
    "sidecar.istio.io/inject": "false",
    "linkerd.io/inject": "disabled",
    "kuma.io/sidecar-injection": "disabled",
    "consul.hashicorp.com/connect-inject": "false",
}


def manifest(pod: ProbePod, settings: VerificationSettings) -> dict[str, Any]:
    """Write the Pod as the contract's §5 describes it."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": settings.namespace,
            # Istio reads the label, the others the annotation. No Service selects either.
            "labels": {OWNED[0]: OWNED[1], "sidecar.istio.io/inject": "false"},
            "annotations": {RUN: pod.run, **_NO_SIDECARS},
        },
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": math.ceil(pod.duration + pod.timeout) + _SLACK,
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "hostNetwork": pod.host_network,
            "affinity": _on(pod.node),
            # A cordoned or dedicated node is a client like any other.
            "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": _USER,
                "runAsGroup": _USER,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [_container(pod, settings.image)],
        },
    }


def _on(node: str) -> dict[str, Any]:
    term = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    required = {"nodeSelectorTerms": [{"matchExpressions": [term]}]}
    return {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}


def _container(pod: ProbePod, image: str) -> dict[str, Any]:
    environment = {
        "TARGETS": ",".join(pod.targets),
        "CONNECTIONS": str(pod.connections),
        "DURATION_SECONDS": f"{pod.duration:g}",
        "TIMEOUT_SECONDS": f"{pod.timeout:g}",
    }
    return {
        "name": CONTAINER,
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["probe"],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "terminationMessagePath": RESULT,
        "terminationMessagePolicy": "File",
        "resources": {
            "requests": {"cpu": "10m", "memory": "32Mi"},
            "limits": {"cpu": "250m", "memory": "96Mi"},
        },
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }


def is_ours(pod: Mapping[str, Any]) -> bool:
    """Whether a Pod carries both of our marks."""
    metadata = pod.get("metadata") or {}
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    return labels.get(OWNED[0]) == OWNED[1] and RUN in annotations


def run_of(pod: Mapping[str, Any]) -> str:
    """Name the run that a Pod of ours belongs to."""
    return str(pod["metadata"]["annotations"][RUN])


def found(pod: Mapping[str, Any]) -> FoundProbe:
    """Name a Pod of ours that is in the cluster."""
    metadata = pod["metadata"]
    return FoundProbe(
        name=str(metadata["name"]), run=run_of(pod), created_at=_time(metadata.get("creationTimestamp"))
    )


def state(pod: Mapping[str, Any]) -> ProbeState:
    """Say what a Pod's status tells. Its result is input from outside: what is not exactly right is no result."""
    if not is_ours(pod):
        return ProbeState(phase="failed", why="a Pod of that name is not ours")
    status = pod.get("status") or {}
    container = _container_state(status)
    if "terminated" in container:
        return _ended(container["terminated"] or {}, status)
    if status.get("phase") in ("Failed", "Succeeded"):
        return ProbeState(phase="failed", why=_reason(status) or "it ended without a result")
    if (pod.get("metadata") or {}).get("deletionTimestamp"):
        return ProbeState(phase="gone", why="the Pod is being deleted")
    if "running" in container:
        return ProbeState(phase="running", started_at=_time((container["running"] or {}).get("startedAt")))
    return ProbeState(phase="pending", why=_reason(container.get("waiting") or {}) or _condition(status))


def _ended(terminated: Mapping[str, Any], status: Mapping[str, Any]) -> ProbeState:
    started = _time(terminated.get("startedAt"))
    counts = _counts(str(terminated.get("message") or ""))
    if counts:
        finished = _time(terminated.get("finishedAt"))
        return ProbeState(phase="done", started_at=started, finished_at=finished, counts=counts)
    why = _reason(status) or _reason(terminated) or "it ended without a result"
    return ProbeState(phase="failed", why=why, started_at=started)


def _container_state(status: Mapping[str, Any]) -> Mapping[str, Any]:
    for each in status.get("containerStatuses") or []:
        if each.get("name") == CONTAINER:
            return each.get("state") or {}
    return {}


def _condition(status: Mapping[str, Any]) -> str:
    for each in status.get("conditions") or []:
        if each.get("type") == "PodScheduled" and each.get("status") == "False":
            return _reason(each)
    return "it has not started yet"


def _reason(of: Mapping[str, Any]) -> str:
    words = [str(of[key]) for key in ("reason", "message") if of.get(key)]
    return sentence(": ".join(words))


def _time(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None


def _counts(message: str) -> dict[str, TargetCount]:
    if len(message.encode()) > _BYTES:
        return {}
    try:
        targets = json.loads(message)["targets"]
        return {str(target): _count(each) for target, each in targets.items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _count(found: Mapping[str, Any]) -> TargetCount:
    errors = {str(kind): _whole(number) for kind, number in found["errors"].items()}
    count = TargetCount(
        attempts=_whole(found["attempts"]),
        connected=_whole(found["connected"]),
        errors=errors,
        p50_ms=_milliseconds(found.get("p50_ms")),
        p99_ms=_milliseconds(found.get("p99_ms")),
    )
    if count.connected + sum(errors.values()) > count.attempts:
        raise ValueError("more results than attempts")
    return count


def _whole(number: Any) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < 0:
        raise ValueError("no count")
    return number


def _milliseconds(number: Any) -> float | None:
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 <= number < math.inf:
        raise ValueError("no time")
    return float(number)
