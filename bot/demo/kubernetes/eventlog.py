"""Events that the simulated components write about objects."""

from typing import Literal

from bot.demo.kubernetes.storage import Storage
from bot.demo.seam import Json

Kind = Literal["Normal", "Warning"]


def tell(
    objects: Storage,
    about: Json,
    *,
    reason: str,
    message: str,
    component: str,
    kind: Kind = "Normal",
) -> None:
    """Write an Event about an object; the same one again raises its count."""
    metadata = about["metadata"]
    namespace = metadata.get("namespace", "default")
    identity = (metadata["uid"], reason, message)
    for event in objects.scan("events", namespace):
        if (event["involvedObject"].get("uid"), event["reason"], event.get("message")) == identity:
            again = {"count": event.get("count", 1) + 1, "lastTimestamp": objects.time}
            objects.merge("events", namespace, event["metadata"]["name"], again, manager=component)
            return
    body = {
        "metadata": {
            "name": f"{metadata['name']}.{objects.suffix()}{objects.suffix()}",
            "namespace": namespace,
        },
        "involvedObject": _reference(about),
        "reason": reason,
        "message": message,
        "type": kind,
        "source": {"component": component},
        "count": 1,
        "firstTimestamp": objects.time,
        "lastTimestamp": objects.time,
    }
    objects.create("events", body, manager=component)


def _reference(about: Json) -> Json:
    metadata = about["metadata"]
    return {
        "apiVersion": about["apiVersion"],
        "kind": about["kind"],
        "name": metadata["name"],
        "namespace": metadata.get("namespace", ""),
        "uid": metadata["uid"],
        "resourceVersion": metadata["resourceVersion"],
    }
