"""An API server with a large cluster in it, in a process of its own: LIST in pages, WATCH, and events on demand.

It answers from bytes that were made before anybody asked, so that what is measured is the reader.

    python -m tests.bench.large_cluster PORT      (SHARE=0.1 for a tenth of everything)
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aiohttp import web

Json = dict[str, Any]

SHARE = float(os.environ.get("SHARE", "1"))
"""Of the large cluster; for a quick look on a small machine."""
NODES, SERVICES, PODS = round(5_000 * SHARE), round(10_000 * SHARE), round(20_000 * SHARE)
SLICES_EACH, ENDPOINTS_EACH = 2, 5
NAMESPACES = 100
PAGE = 500
MANAGED_AT = "2026-01-02T03:04:05Z"
_SHARED = 8
"""Services on one load balancer."""


@dataclass(slots=True)
class Kind:
    """One kind: its objects, and who watches them."""

    path: str
    api_version: str
    name: str
    objects: list[Json]
    watchers: set[asyncio.Queue[bytes]] = field(default_factory=set)
    pages: list[tuple[bytes, bool]] = field(default_factory=list)

    def render(self, version: int) -> None:
        """Make the pages of a LIST once."""
        starts = range(0, max(1, len(self.objects)), PAGE)
        for index, start in enumerate(starts):
            more = start + PAGE < len(self.objects)
            body = {
                "kind": f"{self.name}List",
                "apiVersion": self.api_version,
                "metadata": {
                    "resourceVersion": str(version),
                    **({"continue": str(index + 1)} if more else {}),
                },
                "items": self.objects[start : start + PAGE],
            }
            self.pages.append((json.dumps(body, separators=(",", ":")).encode(), more))


class LargeCluster:
    """The objects and their events; versions grow over all kinds, as etcd's do."""

    def __init__(self) -> None:
        self.version = 1_000_000
        self._turn = count()
        self.kinds = {kind.path: kind for kind in _kinds()}
        for kind in self.kinds.values():
            kind.render(self.version)
        self._services, self._slices, self._nodes, self._pods = list(self.kinds.values())[:4]
        self._of = {each["metadata"]["name"]: each for each in self._slices.objects}
        self._cut: set[int] = set()

    def change(self, kind: Kind, body: Json) -> None:
        """Give an object its next version, and tell it."""
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        line = json.dumps({"type": "MODIFIED", "object": body}, separators=(",", ":")).encode() + b"\n"
        for watcher in kind.watchers:
            watcher.put_nowait(line)

    def next(self) -> None:
        """Let one more thing happen: of twenty, twelve endpoints, five Pods, two Services, one node."""
        turn = next(self._turn)
        match turn % 20:
            case 0:
                node = self._nodes.objects[turn * 7 % NODES]
                node["metadata"]["labels"]["turn"] = str(turn)
                self.change(self._nodes, node)
            case 1 | 2:
                service = self._services.objects[turn * 11 % SERVICES]
                service["metadata"]["annotations"]["example.org/turn"] = str(turn)
                self.change(self._services, service)
            case 3 | 4 | 5 | 6 | 7:
                pod = self._pods.objects[turn * 13 % PODS]
                pod["status"]["containerStatuses"][0]["restartCount"] = turn
                self.change(self._pods, pod)
            case _:
                # Half of a Service's slices rests, so that no Service loses its last endpoint by this.
                number = turn * 17 % SERVICES
                if number in self._cut:
                    return
                piece = self._slices.objects[number * SLICES_EACH]
                ready = piece["endpoints"][turn % ENDPOINTS_EACH]["conditions"]
                ready["ready"] = ready["serving"] = not ready["ready"]
                self.change(self._slices, piece)

    def cut(self, number: int) -> float:
        """Take every endpoint of a Service away; return when, on the machine's monotonic clock."""
        self._cut.add(number)
        for part in range(SLICES_EACH):
            piece = self._of[f"s{number}-{part}"]
            for endpoint in piece["endpoints"]:
                endpoint["conditions"] = {"ready": False, "serving": False, "terminating": False}
            self.change(self._slices, piece)
        return time.monotonic()


def _managed(fields: Mapping[str, Any]) -> list[Json]:
    return [
        {
            "manager": "kube-controller-manager",
            "operation": "Update",
            "apiVersion": "v1",
            "time": MANAGED_AT,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        }
    ]


def _metadata(namespace: str, name: str, number: int, fields: Mapping[str, Any], **more: Any) -> Json:
    return {
        "name": name,
        **({"namespace": namespace} if namespace else {}),
        "uid": f"00000000-0000-4000-8000-{number:012d}",
        "resourceVersion": str(900_000 + number % 50_000),
        "creationTimestamp": MANAGED_AT,
        "managedFields": _managed(fields),
        **more,
    }


def _space(number: int) -> str:
    return f"team-{number % NAMESPACES}"


def _owned(*names: str) -> Json:
    return {f"f:{name}": {".": {}, "f:key": {}, "f:value": {}} for name in names}


def _service(number: int) -> Json:
    balancer = number // _SHARED
    return {
        "metadata": _metadata(
            _space(number),
            f"s{number}",
            number,
            _owned("metadata", "spec", "status", "annotations"),
            labels={"app": f"s{number}", "team": _space(number)},
            annotations={
                "kubernetes.io/elb.id": f"00000000-0000-4000-9000-{balancer:012d}",
                "kubernetes.io/elb.class": "union",
                "example.org/turn": "0",
            },
        ),
        "spec": {
            "type": "LoadBalancer",
            "clusterIP": f"10.{96 + number // 65536}.{number // 256 % 256}.{number % 256}",
            "clusterIPs": [f"10.{96 + number // 65536}.{number // 256 % 256}.{number % 256}"],
            "externalTrafficPolicy": "Cluster",
            "internalTrafficPolicy": "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "selector": {"app": f"s{number}"},
            "sessionAffinity": "None",
            "ports": [
                {
                    "name": "https",
                    "port": 8000 + number % _SHARED,
                    "targetPort": 8443,
                    "nodePort": 30000 + number % 2768,
                    "protocol": "TCP",
                }
            ],
        },
        "status": {"loadBalancer": {"ingress": [{"ip": f"192.168.{balancer // 250}.{balancer % 250 + 1}"}]}},
    }


def _slice(number: int, part: int) -> Json:
    index = number * SLICES_EACH + part
    endpoints = [
        {
            "addresses": [
                f"172.{16 + index // 13107}.{index * ENDPOINTS_EACH // 256 % 256}.{(index * 5 + each) % 256}"
            ],
            "conditions": {"ready": True, "serving": True, "terminating": False},
            "nodeName": f"node-{(index * 31 + each * 7) % NODES}",
            "targetRef": {"kind": "Pod", "namespace": _space(number), "name": f"s{number}-{part}-{each}"},
        }
        for each in range(ENDPOINTS_EACH)
    ]
    return {
        "metadata": _metadata(
            _space(number),
            f"s{number}-{part}",
            100_000 + index,
            _owned("addressType", "endpoints", "ports", "metadata"),
            labels={
                "kubernetes.io/service-name": f"s{number}",
                "endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io",
            },
            ownerReferences=[
                {
                    "apiVersion": "v1",
                    "kind": "Service",
                    "name": f"s{number}",
                    "uid": f"00000000-0000-4000-8000-{number:012d}",
                    "controller": True,
                    "blockOwnerDeletion": True,
                }
            ],
        ),
        "addressType": "IPv4",
        "endpoints": endpoints,
        "ports": [{"name": "https", "port": 8443, "protocol": "TCP"}],
    }


def _node(number: int) -> Json:
    ready = {
        "lastHeartbeatTime": MANAGED_AT,
        "lastTransitionTime": MANAGED_AT,
        "reason": "Known",
        "message": "kubelet has said so",
    }
    return {
        "metadata": _metadata(
            "",
            f"node-{number}",
            200_000 + number,
            _owned("labels", "annotations", "conditions", "images", "nodeInfo"),
            labels={
                "kubernetes.io/hostname": f"node-{number}",
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/zone": f"zone-{number % 3}",
                "turn": "0",
            },
        ),
        "spec": {"podCIDR": f"172.16.{number % 256}.0/24", "podCIDRs": [f"172.16.{number % 256}.0/24"]},
        "status": {
            "addresses": [
                {
                    "type": "InternalIP",
                    "address": f"10.{number // 65536}.{number // 256 % 256}.{number % 256}",
                },
                {"type": "Hostname", "address": f"node-{number}"},
            ],
            "capacity": {"cpu": "16", "memory": "64Gi", "pods": "110"},
            "allocatable": {"cpu": "15", "memory": "60Gi", "pods": "110"},
            "conditions": [
                {"type": kind, "status": status, **ready}
                for kind, status in (
                    ("MemoryPressure", "False"),
                    ("DiskPressure", "False"),
                    ("Ready", "True"),
                )
            ],
            "images": [
                {
                    "names": [
                        f"registry.example/team/image-{each}@sha256:{each:064d}",
                        f"registry.example/team/image-{each}:v{each}",
                    ],
                    "sizeBytes": 1_000_000 + each,
                }
                for each in range(20)
            ],
            "nodeInfo": {
                "architecture": "amd64",
                "bootID": "0",
                "containerRuntimeVersion": "containerd://1.7.0",
                "kernelVersion": "5.10",
                "kubeProxyVersion": "v1.29.2",
                "kubeletVersion": "v1.29.2-r5",
                "machineID": "0",
                "operatingSystem": "linux",
                "osImage": "EulerOS",
                "systemUUID": "0",
            },
        },
    }


def _pod(number: int) -> Json:
    service, each = number // 2, number % 2
    node = (service * SLICES_EACH * 31 + each * 7) % NODES
    environment = [{"name": f"VARIABLE_{index}", "value": f"value {index} " * 4} for index in range(12)]
    return {
        "metadata": _metadata(
            _space(service),
            f"s{service}-0-{each}",
            300_000 + number,
            _owned("labels", "ownerReferences", "containers", "volumes", "conditions", "podIPs"),
            labels={"app": f"s{service}", "pod-template-hash": "6b9c05e"},
        ),
        "spec": {
            "nodeName": f"node-{node}",
            "serviceAccountName": "default",
            "restartPolicy": "Always",
            "containers": [
                {
                    "name": "web",
                    "image": "registry.example/team/web:v1",
                    "env": environment,
                    "ports": [{"name": "https", "containerPort": 8443, "protocol": "TCP"}],
                    "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
                    "volumeMounts": [{"name": "token", "mountPath": "/var/run/secrets", "readOnly": True}],
                }
            ],
            "volumes": [{"name": "token", "emptyDir": {}}],
        },
        "status": {
            "phase": "Running",
            "podIP": f"172.{20 + number // 65536}.{number // 256 % 256}.{number % 256}",
            "podIPs": [{"ip": f"172.{20 + number // 65536}.{number // 256 % 256}.{number % 256}"}],
            "hostIP": f"10.0.{node // 256}.{node % 256}",
            "conditions": [
                {"type": kind, "status": "True", "lastTransitionTime": MANAGED_AT}
                for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
            ],
            "containerStatuses": [
                {
                    "name": "web",
                    "image": "registry.example/team/web:v1",
                    "imageID": "registry.example/team/web@sha256:" + "0" * 64,
                    "containerID": "containerd://" + "0" * 64,
                    "ready": True,
                    "started": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": MANAGED_AT}},
                }
            ],
        },
    }


def _kinds() -> Iterator[Kind]:
    numbers = range(SERVICES)
    slices = [_slice(number, part) for number in numbers for part in range(SLICES_EACH)]
    yield Kind("/api/v1/services", "v1", "Service", [_service(number) for number in numbers])
    yield Kind("/apis/discovery.k8s.io/v1/endpointslices", "discovery.k8s.io/v1", "EndpointSlice", slices)
    yield Kind("/api/v1/nodes", "v1", "Node", [_node(number) for number in range(NODES)])
    yield Kind("/api/v1/pods", "v1", "Pod", [_pod(number) for number in range(PODS)])
    yield Kind("/apis/networking.k8s.io/v1/ingresses", "networking.k8s.io/v1", "Ingress", [])
    yield Kind("/apis/networking.k8s.io/v1/networkpolicies", "networking.k8s.io/v1", "NetworkPolicy", [])


class Server:
    """Speaks as much of the Kubernetes API as a reader needs, and takes orders under /control."""

    def __init__(self, cluster: LargeCluster) -> None:
        self._cluster = cluster

    def application(self) -> web.Application:
        """Return what is to be served."""
        app = web.Application()
        app.router.add_get("/version", self._version)
        app.router.add_post("/control/churn", self._churn)
        app.router.add_post("/control/cut", self._cut)
        app.router.add_get("/control/size", self._size)
        for path in self._cluster.kinds:
            app.router.add_get(path, self._reading(self._cluster.kinds[path]))
        return app

    async def _version(self, _: web.Request) -> web.Response:
        return web.json_response({"major": "1", "minor": "29", "gitVersion": "v1.29.2-r5"})

    def _reading(self, kind: Kind) -> Callable[[web.Request], Any]:
        async def read(request: web.Request) -> web.StreamResponse:
            if request.query.get("watch"):
                return await self._watch(request, kind)
            body, _ = kind.pages[int(request.query.get("continue") or 0)]
            return web.Response(body=body, content_type="application/json")

        return read

    async def _watch(self, request: web.Request, kind: Kind) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        queue: asyncio.Queue[bytes] = asyncio.Queue()
        kind.watchers.add(queue)
        try:
            while True:
                lines = [await queue.get()]
                while not queue.empty() and len(lines) < PAGE:
                    lines.append(queue.get_nowait())
                await response.write(b"".join(lines))
        finally:
            kind.watchers.discard(queue)

    async def _churn(self, request: web.Request) -> web.Response:
        """Let so many things happen, so many a second (0: as fast as can be); then say where that ended."""
        number, rate = int(request.query["count"]), float(request.query["rate"])
        begun = time.monotonic()
        for index in range(number):
            self._cluster.next()
            if rate and (ahead := begun + (index + 1) / rate - time.monotonic()) > 0.005:
                await asyncio.sleep(ahead)
            elif index % 50 == 0:
                await asyncio.sleep(0)
        return web.json_response(
            {"begun": begun, "ended": time.monotonic(), "version": str(self._cluster.version)}
        )

    async def _cut(self, request: web.Request) -> web.Response:
        numbers: Sequence[str] = request.query["services"].split(",")
        return web.json_response({number: self._cluster.cut(int(number)) for number in numbers})

    async def _size(self, _: web.Request) -> web.Response:
        return web.json_response(
            {
                kind.name: {"objects": len(kind.objects), "bytes": sum(len(body) for body, _ in kind.pages)}
                for kind in self._cluster.kinds.values()
                if kind.objects
            }
        )


def main() -> None:
    """Serve on loopback until ended; says when it is ready."""
    app = Server(LargeCluster()).application()
    web.run_app(
        app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        print=lambda _: print("ready", flush=True),
        access_log=None,
        handle_signals=True,
        shutdown_timeout=0.1,
    )


if __name__ == "__main__":
    main()
