"""The fields that built-in types know: unknown ones are dropped, and refused under `fieldValidation=Strict`."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from bot.demo.kubernetes.resources import Resource
from bot.demo.kubernetes.status import ApiError, Cause, bad_request, invalid
from bot.demo.seam import Json

Known = Mapping[str, Any]  # field -> fields below it; None: anything
OPEN = None
METADATA: Known = dict.fromkeys(
    [
        "name",
        "generateName",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "labels",
        "annotations",
        "finalizers",
        "ownerReferences",
        "managedFields",
        "selfLink",
    ],
    OPEN,
)
SERVICE_PORT: Known = dict.fromkeys(
    ["name", "protocol", "appProtocol", "port", "targetPort", "nodePort"], OPEN
)
SERVICE_SPEC: Known = dict.fromkeys(
    [
        "selector",
        "clusterIP",
        "clusterIPs",
        "type",
        "externalIPs",
        "sessionAffinity",
        "sessionAffinityConfig",
        "loadBalancerIP",
        "loadBalancerSourceRanges",
        "loadBalancerClass",
        "externalName",
        "externalTrafficPolicy",
        "internalTrafficPolicy",
        "healthCheckNodePort",
        "publishNotReadyAddresses",
        "ipFamilies",
        "ipFamilyPolicy",
        "allocateLoadBalancerNodePorts",
        "trafficDistribution",
    ],
    OPEN,
) | {"ports": SERVICE_PORT}
INGRESS_ENTRY: Known = dict.fromkeys(["ip", "hostname", "ipMode", "ports"], OPEN)
SERVICE: Known = {
    "apiVersion": OPEN,
    "kind": OPEN,
    "metadata": METADATA,
    "spec": SERVICE_SPEC,
    "status": {"loadBalancer": {"ingress": INGRESS_ENTRY}, "conditions": OPEN},
}
TOP: Known = {"apiVersion": OPEN, "kind": OPEN, "metadata": METADATA, "spec": OPEN, "status": OPEN}
# Types whose fields lie at the top, not below spec and status.
FLAT_FIELDS: Mapping[str, str] = {
    "ConfigMap": "data binaryData immutable",
    "Secret": "data stringData immutable type",
    "ServiceAccount": "secrets imagePullSecrets automountServiceAccountToken",
    "EndpointSlice": "addressType endpoints ports",
    "Event": (
        "involvedObject reason message source firstTimestamp lastTimestamp count type eventTime series action "
        "related reportingComponent reportingInstance"
    ),
}


def _known(resource: Resource) -> Known | None:
    if resource.custom:
        return None
    if resource.kind == "Service":
        return SERVICE
    if resource.kind in FLAT_FIELDS:
        return {key: TOP[key] for key in ("apiVersion", "kind", "metadata")} | dict.fromkeys(
            FLAT_FIELDS[resource.kind].split(), OPEN
        )
    return TOP


def _prune(value: Any, known: Known | None, path: str, unknown: list[str]) -> Any:
    if isinstance(value, list):
        return [_prune(item, known, f"{path}[{at}]", unknown) for at, item in enumerate(value)]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, item in value.items():
        place = f"{path}.{key}" if path else key
        if known is not None and key not in known:
            unknown.append(place)
        elif item is not None:
            kept[key] = _prune(item, None if known is None else known[key], place, unknown)
    return kept


def pruned(resource: Resource, body: Json) -> tuple[Json, list[str]]:
    """Return an object without nulls and unknown fields, and the paths of the unknown ones."""
    unknown: list[str] = []
    kept: Json = _prune(body, _known(resource), "", unknown)
    metadata = kept.get("metadata")
    if isinstance(metadata, dict):
        for name in ("annotations", "labels", "finalizers", "ownerReferences"):
            if not metadata.get(name, True):
                del metadata[name]
    for name in ("data", "binaryData"):
        if not resource.custom and kept.get(name) == {}:
            del kept[name]
    return kept, unknown


def malformed(body: Json) -> str | None:
    """Return what Go's decoder would say about a value of the wrong type in the metadata; None if it decodes."""
    metadata = body.get("metadata", {})
    if not isinstance(metadata, dict):
        return _mistyped(metadata, "Service.metadata", "v1.ObjectMeta")
    for name in ("annotations", "labels"):
        entries = metadata.get(name) or {}
        if not isinstance(entries, dict):
            return _mistyped(entries, f"ObjectMeta.metadata.{name}", "map[string]string")
        for value in entries.values():
            if not isinstance(value, str):
                return _mistyped(value, f"ObjectMeta.metadata.{name}", "string")
    return None


def _mistyped(value: object, where: str, wanted: str) -> str:
    kinds = {bool: "bool", dict: "object", list: "array", str: "string"}
    kind = kinds.get(type(value), "number")
    return f"json: cannot unmarshal {kind} into Go struct field {where} of type {wanted}"


def unpatchable(body: Json, why: str) -> ApiError:
    """Return the 422 of a patch whose result does not decode; a real server quotes the whole object."""
    return invalid("", "", [Cause.invalid("patch", json.dumps(body, separators=(",", ":")), why)])


@contextmanager
def readable(resource: Resource) -> Iterator[None]:
    """Turn what stumbles over values of a wrong type into the 400 of Go's decoder."""
    try:
        yield
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        kind = resource.kind
        what = f'{kind} in version "{resource.version}" cannot be handled as a {kind}'
        raise bad_request(f"{what}: json: cannot unmarshal a value of another type") from error
