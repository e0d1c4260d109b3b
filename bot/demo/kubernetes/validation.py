"""What the API server refuses in an object: the 422 rules that clients of Services and Pods meet."""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bot.demo.kubernetes.resources import Resource
from bot.demo.kubernetes.status import Cause, invalid_object
from bot.demo.seam import Json

LABEL = re.compile(r"^[a-z]([-a-z0-9]*[a-z0-9])?$")
SUBDOMAIN = re.compile(r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$")
NAME_PART = re.compile(r"^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$")
MOST_ANNOTATION_BYTES = 262_144
LONGEST_SUBDOMAIN, LONGEST_LABEL = 253, 63
HIGHEST_PORT = 65_535
LONGEST_NOTE = 1024
LABEL_RULE = (
    "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic "
    "character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for "
    "validation is '[a-z]([-a-z0-9]*[a-z0-9])?')"
)
SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an "
    "alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
VALUE_RULE = (
    "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must "
    "start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for "
    "validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
)
Causes = Iterator[Cause]


def _metadata(resource: Resource, body: Json) -> Causes:
    metadata = body["metadata"]
    name = metadata["name"]
    if resource.kind == "Service":
        if not LABEL.match(name):
            yield Cause.invalid("metadata.name", name, LABEL_RULE)
        elif len(name) > LONGEST_LABEL:
            yield Cause.invalid("metadata.name", name, "must be no more than 63 characters")
    elif not SUBDOMAIN.match(name):
        yield Cause.invalid("metadata.name", name, SUBDOMAIN_RULE)
    elif len(name) > LONGEST_SUBDOMAIN:
        yield Cause.invalid("metadata.name", name, "must be no more than 253 characters")
    yield from _annotations(metadata.get("annotations", {}))
    yield from _labels(metadata.get("labels", {}))


def _key(path: str, key: str) -> Causes:
    prefix, slash, name = key.rpartition("/")
    if slash and not SUBDOMAIN.match(prefix):
        yield Cause.invalid(path, key, "prefix part " + SUBDOMAIN_RULE)
    if not NAME_PART.match(name):
        yield Cause.invalid(path, key, KEY_RULE)
    elif len(name) > LONGEST_LABEL:
        yield Cause.invalid(path, key, "name part must be no more than 63 characters")


def _annotations(annotations: Mapping[str, str]) -> Causes:
    for key in annotations:
        yield from _key("metadata.annotations", key.lower())
    if (
        sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
        > MOST_ANNOTATION_BYTES
    ):
        yield Cause.too_long("metadata.annotations", f"must have at most {MOST_ANNOTATION_BYTES} bytes")


def _labels(labels: Mapping[str, str]) -> Causes:
    for key, value in labels.items():
        yield from _key("metadata.labels", key)
        if value and not NAME_PART.match(value):
            yield Cause.invalid("metadata.labels", value, VALUE_RULE)
        elif len(value) > LONGEST_LABEL:
            yield Cause.invalid("metadata.labels", value, "must be no more than 63 characters")


def _port_number(path: str, value: Any) -> Causes:
    if not isinstance(value, int) or not 1 <= value <= HIGHEST_PORT:
        yield Cause.invalid(path, value or 0, f"must be between 1 and {HIGHEST_PORT}, inclusive")


def _service_port(path: str, port: Json, *, named: bool) -> Causes:
    if named and not port.get("name"):
        yield Cause.required(f"{path}.name")
    yield from _port_number(f"{path}.port", port.get("port"))
    if port["protocol"] not in {"SCTP", "TCP", "UDP"}:
        yield Cause.unsupported(f"{path}.protocol", port["protocol"], ("SCTP", "TCP", "UDP"))
    if isinstance(port.get("targetPort"), int) and port["targetPort"] != port.get("port"):
        yield from _port_number(f"{path}.targetPort", port["targetPort"])


def _service_ports(spec: Json) -> Causes:
    ports = spec.get("ports", [])
    if not ports and spec.get("clusterIP") != "None" and spec["type"] != "ExternalName":
        yield Cause.required("spec.ports")
    seen: set[tuple[Any, Any]] = set()
    for at, port in enumerate(ports):
        yield from _service_port(f"spec.ports[{at}]", port, named=len(ports) > 1)
        identity = (port.get("port"), port["protocol"])
        if identity in seen:
            why = f'{{"Name":"","Protocol":"{identity[1]}","Port":{identity[0]}}}'
            yield Cause(
                field=f"spec.ports[{at}]", message=f"Duplicate value: {why}", reason="FieldValueDuplicate"
            )
        seen.add(identity)


def _ingress(entry: Json, path: str) -> Causes:
    if "ip" in entry:
        try:
            ipaddress.ip_address(entry["ip"])
        except ValueError:
            why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
            yield Cause.invalid(f"{path}.ip", entry["ip"], why)
    if "ipMode" in entry:
        if "ip" not in entry:
            yield Cause.forbidden(f"{path}.ipMode", "may not be specified when `ip` is not set")
        elif entry["ipMode"] not in {"Proxy", "VIP"}:
            yield Cause.unsupported(f"{path}.ipMode", entry["ipMode"], ("Proxy", "VIP"))


def _service(body: Json, old: Json | None) -> Causes:
    spec = body["spec"]
    types = ("ClusterIP", "ExternalName", "LoadBalancer", "NodePort")
    yield from _service_ports(spec)
    if spec["type"] not in types:
        yield Cause.unsupported("spec.type", spec["type"], types)
    policy = spec.get("externalTrafficPolicy")
    if policy is not None and spec["type"] not in {"LoadBalancer", "NodePort"}:
        why = "may only be set for externally-accessible services"
        yield Cause.invalid("spec.externalTrafficPolicy", policy, why)
    elif policy not in {None, "Cluster", "Local"}:
        yield Cause.unsupported("spec.externalTrafficPolicy", policy, ("Cluster", "Local"))
    for at, entry in enumerate(body["status"]["loadBalancer"].get("ingress", [])):
        yield from _ingress(entry, f"status.loadBalancer.ingress[{at}]")
    held = old["spec"].get("clusterIP") if old else None
    if held and held != spec.get("clusterIP") and spec["type"] != "ExternalName":
        yield Cause.invalid("spec.clusterIPs[0]", f"[{spec.get('clusterIP')}]", "may not change once set")


def _pod(body: Json, old: Json | None) -> Causes:
    if not body["spec"].get("containers"):
        yield Cause.required("spec.containers")
    for at, container in enumerate(body["spec"].get("containers", [])):
        if not container.get("name"):
            yield Cause.required(f"spec.containers[{at}].name")
        if not container.get("image"):
            yield Cause.required(f"spec.containers[{at}].image")
    if old and _fixed(old["spec"]) != _fixed(body["spec"]):
        fields = (
            "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
            "`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` "
            "(allow it to be set to 1 if it was previously negative)"
        )
        yield Cause.forbidden("spec", f"pod updates may not change fields other than {fields}")


def _fixed(spec: Json) -> Json:
    """Return what may not change in a Pod's spec."""
    fixed = {key: value for key, value in spec.items() if key not in {"tolerations", "activeDeadlineSeconds"}}
    containers = fixed.get("containers", [])
    fixed["containers"] = [{k: v for k, v in c.items() if k != "image"} for c in containers]
    return fixed


def _workload(body: Json, old: Json | None) -> Causes:
    spec = body["spec"]
    selector = spec.get("selector", {}).get("matchLabels", {})
    if "selector" not in spec:
        yield Cause.required("spec.selector")
    labels = spec.get("template", {}).get("metadata", {}).get("labels", {})
    if any(labels.get(key) != value for key, value in selector.items()):
        why = "`selector` does not match template `labels`"
        yield Cause.invalid("spec.template.metadata.labels", labels, why)
    if old and old["spec"].get("selector") != spec.get("selector"):
        yield Cause.invalid("spec.selector", spec.get("selector"), "field is immutable")
    if isinstance(spec.get("replicas"), int) and spec["replicas"] < 0:
        yield Cause.invalid("spec.replicas", spec["replicas"], "must be greater than or equal to 0")


def _endpoint_slice(body: Json, old: Json | None) -> Causes:
    kinds = ("FQDN", "IPv4", "IPv6")
    if "addressType" not in body:
        yield Cause.required("addressType")
    elif body["addressType"] not in kinds:
        yield Cause.unsupported("addressType", body["addressType"], kinds)
    if old and old.get("addressType") != body.get("addressType"):
        yield Cause.invalid("addressType", body.get("addressType"), "field is immutable")


def _event(resource: Resource, body: Json) -> Causes:
    """Events with an eventTime are of the newer kind, which events.k8s.io/v1 insists on."""
    newer = resource.group == "events.k8s.io"
    if newer and not body.get("eventTime"):
        yield Cause.required("eventTime")
    elif body.get("eventTime"):
        yield from _newer_event(body, "reportingController" if newer else "reportingComponent")
        return
    named = body.get("involvedObject", {}).get("namespace", "")
    namespace = body["metadata"]["namespace"]
    if named != namespace and not (named == "" and namespace == "default"):
        yield Cause.invalid("involvedObject.namespace", named, "does not match event.namespace")


def _newer_event(body: Json, controller: str) -> Causes:
    required = {controller: "reportingComponent", "reportingInstance": "reportingInstance"}
    for shown, name in (required | {"action": "action", "reason": "reason"}).items():
        if not body.get(name):
            yield Cause.required(shown)
    if body.get("type") not in {"Normal", "Warning"}:
        yield Cause.invalid("type", body.get("type", ""), "has invalid value: ")
    if len(body.get("message", "")) > LONGEST_NOTE:
        yield Cause.too_long("message", f"may not be more than {LONGEST_NOTE} bytes")


RULES: Mapping[str, Callable[[Json, Json | None], Causes]] = {
    "Service": _service,
    "Pod": _pod,
    "Deployment": _workload,
    "ReplicaSet": _workload,
    "StatefulSet": _workload,
    "DaemonSet": _workload,
    "EndpointSlice": _endpoint_slice,
}


def check(resource: Resource, body: Json, old: Json | None) -> None:
    """Raise the 422 that names everything wrong with an object; `old` is what it replaces."""
    causes = list(_metadata(resource, body))
    if rule := RULES.get(resource.kind):
        causes += rule(body, old)
    if resource.kind == "Event" and old is None:
        causes += _event(resource, body)
    if causes:
        raise invalid_object(resource, body["metadata"]["name"], causes)
