"""A whole simulated cluster: the API server with everything that works behind it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bot.demo.kubernetes.argo import Argo
from bot.demo.kubernetes.cce import LoadBalancers, Provision, Release
from bot.demo.kubernetes.deployments import Deployments
from bot.demo.kubernetes.endpoints import EndpointSlices
from bot.demo.kubernetes.garbage import GarbageCollector
from bot.demo.kubernetes.kubelet import Kubelets
from bot.demo.kubernetes.reconciler import Reconciler
from bot.demo.kubernetes.refusals import PodAdmission
from bot.demo.kubernetes.scheduler import Scheduler
from bot.demo.kubernetes.server import ApiServer
from bot.demo.kubernetes.shell import Shell
from bot.demo.seam import Json, Network


class Cluster:
    """An API server with scheduler, kubelets, controllers and, where `provision` is given, CCE's parts.

    `server` is the API itself; `objects` are its objects. Without `cce` its nodes and its load balancer
    controller are those of any other cloud.
    """

    def __init__(
        self,
        server: ApiServer,
        *,
        network: Network | None = None,
        provision: Provision | None = None,
        release: Release | None = None,
        cce: bool = True,
    ) -> None:
        self.server = server
        self._cce = cce
        self.objects = server.objects
        self.scheduler = Scheduler(self.objects)
        self.kubelets = Kubelets(self.objects, network)
        self.shell = Shell(network) if network else None
        if self.shell:
            server.streams.run = self.shell.run
        self.endpoints = EndpointSlices(self.objects)
        self.deployments = Deployments(self.objects)
        self.garbage = GarbageCollector(self.objects)
        self.pod_admission = PodAdmission(self.objects)
        self.argo = Argo(self.objects)
        self.load_balancers = (
            LoadBalancers(self.objects, provision, release=release, cce=cce) if provision else None
        )

    async def start(self, port: int = 0) -> str:
        """Listen, start to work, and return the API's URL."""
        url = await self.server.start(port)
        for work in self._works():
            work.start()
        return url

    async def stop(self) -> None:
        """Stop working and listening."""
        for work in self._works():
            work.stop()
        await self.kubelets.stop()
        await self.server.stop()

    async def settled(self) -> None:
        """Wait until no controller has anything left to do; probes may still run."""
        while busy := [work for work in self._works() if not work.idle]:
            await busy[0].settled()

    def add_namespace(self, name: str, *, labels: Mapping[str, str] | None = None) -> Json:
        """Create a namespace."""
        metadata = {"name": name, "labels": dict(labels or {})}
        return self.objects.create("namespaces", {"metadata": metadata}, manager="kubectl-create")

    def add_node(
        self,
        name: str,
        *,
        address: str,
        pod_cidr: str | None = None,
        labels: Mapping[str, str] | None = None,
        taints: Sequence[Mapping[str, str]] = (),
    ) -> Json:
        """Create a ready node with an internal address; labels that every such node has are set."""
        return self.objects.create(
            "nodes",
            {
                "metadata": {"name": name, "labels": _node_labels(name, cce=self._cce) | dict(labels or {})},
                "spec": _node_spec(pod_cidr, taints),
                "status": self._node_status(name, address),
            },
            manager="kubelet",
        )

    def cordon(self, name: str, *, unschedulable: bool = True) -> None:
        """Keep new Pods from a node, or allow them again."""
        self.objects.merge(
            "nodes", None, name, {"spec": {"unschedulable": unschedulable or None}}, manager="kubectl"
        )

    def _node_status(self, name: str, address: str) -> Json:
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "message": "kubelet is posting ready status",
            "lastHeartbeatTime": self.objects.time,
            "lastTransitionTime": self.objects.time,
        }
        return {
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "conditions": [ready],
            "capacity": {"cpu": "4", "memory": "8Gi", "pods": "110"},
            "allocatable": {"cpu": "4", "memory": "8Gi", "pods": "110"},
            "nodeInfo": {
                "kubeletVersion": self.server.version,
                "kubeProxyVersion": self.server.version,
                "operatingSystem": "linux",
                "architecture": "amd64",
                "osImage": "EulerOS 2.0" if self._cce else "Debian GNU/Linux 12 (bookworm)",
                "containerRuntimeVersion": "containerd://1.7.27",
            },
        }

    def _works(self) -> Iterator[Reconciler]:
        yield from (self.scheduler.work, self.kubelets.work, self.endpoints.work)
        yield from (self.deployments.work, self.garbage.work, self.argo.work)
        if self.load_balancers:
            yield self.load_balancers.work


def _node_labels(name: str, *, cce: bool) -> dict[str, str]:
    common = {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64"}
    if not cce:
        return common
    return common | {
        "node.kubernetes.io/subnetid": "b5e6f9a0-0000-4000-8000-000000000001",
        "os.name": "EulerOS_2.0_SP9x86_64",
    }


def _node_spec(pod_cidr: str | None, taints: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    spec: dict[str, Any] = {"podCIDR": pod_cidr, "podCIDRs": [pod_cidr]} if pod_cidr else {}
    return spec | ({"taints": [dict(taint) for taint in taints]} if taints else {})
