"""Small manifests, as `kubectl get -o json` prints them, and what the cluster does not tell."""

from collections.abc import Mapping, Sequence
from typing import Any

Document = dict[str, Any]

VIP = "192.168.0.133"
"""The load balancer's private address."""
SIX_VIP = "fd00:100::85"
"""Its IPv6 address."""
EIP = "80.158.1.2"
"""Its public one."""
CIDR = "10.0.0.0/16"
"""Where Pods live that kube-proxy knows for its own."""
PASS = "kubernetes.io/elb.pass-through"
CLASS = "kubernetes.io/elb.class"
ELB = "kubernetes.io/elb.id"
ELB_ID = "f47ac10b-58cc-4372-a567-0e02b2c3d479"

NODES = {"node-a": "192.168.1.11", "node-b": "192.168.1.12", "node-c": "192.168.1.13"}


def node(name: str, ip: str, *, version: str = "", **metadata: Any) -> Document:
    """One node that is ready; `version` is its kubelet's."""
    info = {"nodeInfo": {"kubeletVersion": version}} if version else {}
    addresses = [{"type": "InternalIP", "address": ip}]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, **metadata},
        "status": {"addresses": addresses, **info},
    }


def pod(
    name: str, on: str, ip: str, *, host: bool = False, namespace: str = "default", **labels: str
) -> Document:
    """One running Pod; `host` puts it on the node's own network."""
    spec: Document = {"nodeName": on, "containers": [{"name": "c", "image": "i"}]}
    if host:
        spec["hostNetwork"] = True
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace, "labels": labels},
        "spec": spec,
        "status": {"phase": "Running", "podIP": ip, "podIPs": [{"ip": ip}]},
    }


def endpoint(ip: str, on: str | None, name: str | None = None, **more: Any) -> Document:
    """One endpoint, ready unless `conditions` say otherwise."""
    made: Document = {"addresses": [ip], "conditions": {"ready": True, "serving": True, "terminating": False}}
    if on:
        made["nodeName"] = on
    if name:
        made["targetRef"] = {"kind": "Pod", "namespace": "default", "name": name}
    return {**made, **more}


READY = {"ready": True, "serving": True, "terminating": False}
NOT_READY = {"ready": False, "serving": False, "terminating": False}
LEAVING = {"ready": False, "serving": True, "terminating": True}
GONE = {"ready": False, "serving": False, "terminating": True}

WEB_A = endpoint("10.0.1.10", "node-a", "web-a")
WEB_B = endpoint("10.0.2.10", "node-b", "web-b")


def slice_of(
    service: str,
    endpoints: Sequence[Document],
    *,
    suffix: str = "1",
    family: str = "IPv4",
    ports: Sequence[Document] = ({"name": "", "port": 8080, "protocol": "TCP"},),
) -> Document:
    """One EndpointSlice of a Service of the namespace `default`."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service}-{suffix}",
            "namespace": "default",
            "labels": {"kubernetes.io/service-name": service},
        },
        "addressType": family,
        "ports": list(ports),
        "endpoints": list(endpoints),
    }


def service(
    name: str = "web",
    *,
    policy: str = "Cluster",
    ingress: Sequence[Document] | None = ({"ip": VIP},),
    ports: Sequence[Document] = ({"port": 80, "nodePort": 31080, "targetPort": 8080, "protocol": "TCP"},),
    annotations: Mapping[str, str] | None = None,
    **spec: Any,
) -> Document:
    """One LoadBalancer Service; `ingress=None` leaves the status out."""
    made: Document = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": "default", "annotations": dict(annotations or {})},
        "spec": {
            "type": "LoadBalancer",
            "clusterIP": "10.247.3.14",
            "externalTrafficPolicy": policy,
            "selector": {"app": name},
            "ports": list(ports),
            **spec,
        },
    }
    if ingress is not None:
        made["status"] = {"loadBalancer": {"ingress": list(ingress)}}
    return made


def facts(**given: Any) -> Document:
    """What Kubernetes does not tell. `None` leaves a field out."""
    kept = {key: value for key, value in given.items() if value is not None}
    return {"apiVersion": "elb-passthrough/v1", "kind": "ClusterFacts", **kept}


def plain(mode: str | None, version: str | None, **more: Any) -> Document:
    """A cluster without a cloud's own ways: VIP in node rules, a load balancer that uses node ports."""
    proxy: Document = {"mode": mode, "clusterCIDR": CIDR, "localDetector": True}
    proxy |= more.pop("kubeProxy", {})
    balancer: Document = {"delivery": "nodeport", "preservesClientIP": True}
    balancer |= more.pop("loadBalancer", {})
    told = {
        "platform": "generic",
        "kubernetesVersion": f"v{version}" if version else None,
        "kubeProxy": {key: value for key, value in proxy.items() if value is not None},
        "loadBalancer": {key: value for key, value in balancer.items() if value is not None},
    }
    return facts(**(told | more))


def cce(mode: str | None, version: str | None, category: str | None = "standard", **more: Any) -> Document:
    """A CCE cluster; the load balancer's ways follow from category and elb.class."""
    proxy: Document = {"mode": mode, "clusterCIDR": CIDR, "localDetector": True}
    proxy |= more.pop("kubeProxy", {})
    told = {
        "platform": "cce",
        "category": category,
        "kubernetesVersion": f"v{version}" if version else None,
        "kubeProxy": {key: value for key, value in proxy.items() if value is not None},
    }
    return facts(**(told | more))


def cluster(version: str = "") -> list[Document]:
    """Three nodes. Backends web-a, web-b on node-a, node-b; clients of every sort on node-a and node-c."""
    return [
        *(node(name, ip, version=version) for name, ip in NODES.items()),
        pod("web-a", "node-a", "10.0.1.10", app="web"),
        pod("web-b", "node-b", "10.0.2.10", app="web"),
        pod("client-a", "node-a", "10.0.1.20"),
        pod("client-c", "node-c", "10.0.3.20"),
        pod("stray-a", "node-a", "172.20.1.5"),
        pod("stray-c", "node-c", "172.20.3.5"),
        pod("agent-a", "node-a", NODES["node-a"], host=True),
        pod("agent-c", "node-c", NODES["node-c"], host=True),
    ]


CLIENTS = {
    "client-a": "pod:default/client-a",
    "client-c": "pod:default/client-c",
    "stray-a": "pod:default/stray-a",
    "stray-c": "pod:default/stray-c",
    "agent-a": "pod:default/agent-a",
    "agent-c": "pod:default/agent-c",
    "web-a": "pod:default/web-a",
    "node-a": "node:node-a",
    "node-c": "node:node-c",
    "outside": "external",
}
"""Who asks, by a short name. Letter a: on a backend's node; c: on a node without one."""
