"""What `kubectl get svc,endpointslices,nodes,pods -A -o yaml` prints, in few words."""

import json
from collections.abc import Mapping
from typing import Any

Json = dict[str, Any]


def obj(kind: str, name: str, version: str = "v1", namespace: str = "default", **body: Any) -> Json:
    """One object."""
    metadata: Json = {"name": name, **({} if kind == "Node" else {"namespace": namespace})}
    metadata |= body.pop("metadata", {})
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **body}


def service(name: str = "nginx", ip: str = "192.168.0.133", port: int = 80, **spec: Any) -> Json:
    """A LoadBalancer Service with one address."""
    return obj(
        "Service",
        name,
        metadata={"annotations": spec.pop("annotations", {})},
        spec={
            "type": "LoadBalancer",
            "clusterIP": "10.247.0.9",
            "selector": {"app": name},
            "ports": [
                {"name": "service0", "port": port, "targetPort": 80, "nodePort": 31080, "protocol": "TCP"}
            ],
            **spec,
        },
        status={"loadBalancer": {"ingress": [{"ip": ip}]}},
    )


def node(number: int) -> Json:
    """A node node-1, node-2 and so on."""
    addresses = [{"type": "InternalIP", "address": f"192.168.0.{number}"}]
    return obj(
        "Node", f"node-{number}", status={"addresses": addresses, "nodeInfo": {"kubeletVersion": "v1.29.3"}}
    )


def pod(name: str, where: int, ip: str, **labels: str) -> Json:
    """A running Pod."""
    return obj(
        "Pod",
        name,
        metadata={"labels": labels},
        spec={"nodeName": f"node-{where}"},
        status={"phase": "Running", "podIP": ip},
    )


def endpoint_slice(name: str, pods: Mapping[str, tuple[int, str]]) -> Json:
    """An EndpointSlice of Service `name` with ready endpoints."""
    return obj(
        "EndpointSlice",
        f"{name}-x7k2p",
        "discovery.k8s.io/v1",
        metadata={"labels": {"kubernetes.io/service-name": name}},
        addressType="IPv4",
        ports=[{"name": "service0", "port": 80, "protocol": "TCP"}],
        endpoints=[
            {
                "addresses": [ip],
                "nodeName": f"node-{where}",
                "conditions": {"ready": True, "serving": True, "terminating": False},
                "targetRef": {"kind": "Pod", "name": pod_name, "namespace": "default"},
            }
            for pod_name, (where, ip) in pods.items()
        ],
    )


def cluster(**spec: Any) -> list[Json]:
    """Two nodes, a backend on node-1, a client on each."""
    return [
        service(**spec),
        endpoint_slice("nginx", {"nginx-a": (1, "10.0.0.10")}),
        node(1),
        node(2),
        pod("nginx-a", 1, "10.0.0.10", app="nginx"),
        pod("client-a", 1, "10.0.0.11"),
        pod("client-b", 2, "10.0.0.12"),
    ]


def facts(**fields: Any) -> Json:
    """A ClusterFacts document."""
    return {"apiVersion": "elb-passthrough/v1", "kind": "ClusterFacts", **fields}


GENERIC = facts(
    platform="generic",
    kubernetesVersion="v1.29.3",
    kubeProxy={"mode": "iptables", "clusterCIDR": "10.0.0.0/16"},
    loadBalancer={"delivery": "nodeport", "preservesClientIP": True},
)


def listed(*objects: Json) -> str:
    """A List as kubectl prints it, in JSON."""
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
