"""Kubernetes objects, parsed once at the edge of the simulated network."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from bot.demo.seam import Json

PASS_THROUGH = "kubernetes.io/elb.pass-through"
_OLDEST_WITH_PASS_THROUGH = 16  # cce_10_0355: not supported for clusters of v1.15 or earlier
_OLDEST_WITH_IP_MODE = 30  # KEP-1860: LoadBalancerIPMode is beta and on from 1.30
_WELL_KNOWN_PORTS = {"nginx": 80, "httpd": 80, "postgres": 5432, "redis": 6379, "mysql": 3306}
_VERSION = re.compile(r"v?1\.(\d+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServicePort:
    """One port of a Service."""

    name: str
    protocol: str
    port: int
    node_port: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ingress:
    """One address of `status.loadBalancer.ingress`."""

    address: str
    proxy: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceState:
    """What the proxies and the load balancers read of a Service."""

    namespace: str
    name: str
    cluster_ips: tuple[str, ...]
    ports: tuple[ServicePort, ...]
    local: bool
    balanced: bool
    ingress: tuple[Ingress, ...]
    source_ranges: tuple[str, ...]
    annotations: Mapping[str, str]

    @property
    def label(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"

    def captured(self, minor: int, *, cce: bool) -> tuple[str, ...]:
        """The load balancer addresses that a proxy of Kubernetes 1.`minor` puts into its rules.

        CCE's own proxy leaves them out for a Service with pass-through (cce_10_0355); every proxy from
        1.30 leaves out those of ipMode Proxy (KEP-1860).
        """
        asked = self.annotations.get(PASS_THROUGH) in ("true", "onlyLocal")
        if cce and asked and minor >= _OLDEST_WITH_PASS_THROUGH:
            return ()
        return tuple(i.address for i in self.ingress if not (i.proxy and minor >= _OLDEST_WITH_IP_MODE))


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One endpoint of an EndpointSlice; the port is the slice's for the Service port asked for."""

    address: str
    node: str
    ready: bool
    serving: bool
    terminating: bool
    port: int = 0

    def at(self, port: int) -> "Endpoint":
        """The same endpoint, at this port."""
        return replace(self, port=port)


@dataclass(frozen=True, slots=True, kw_only=True)
class SliceState:
    """One EndpointSlice: whose it is, port numbers by port name, endpoints."""

    service: tuple[str, str]
    ports: Mapping[str, int]
    endpoints: tuple[Endpoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeState:
    """A node's name, own address, readiness and version."""

    name: str
    address: str
    ready: bool
    minor: int
    excluded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PodState:
    """A Pod as the network meets it."""

    namespace: str
    name: str
    node: str
    address: str
    host_network: bool
    accepting: bool
    finished: bool
    ports: frozenset[int]

    @property
    def label(self) -> str:
        """`namespace/name`."""
        return f"{self.namespace}/{self.name}"

    def listens(self, port: int) -> bool:
        """Whether a process in the Pod accepts connections on this port now.

        A Pod that declares no ports and runs no well-known image listens wherever it is asked.
        """
        return self.accepting and (not self.ports or port in self.ports)


def parse_service(body: Json) -> ServiceState:
    """A Service; missing fields take the API's defaults."""
    spec, metadata = body.get("spec") or {}, body["metadata"]
    balancer = (body.get("status") or {}).get("loadBalancer") or {}
    addresses = spec.get("clusterIPs") or [spec.get("clusterIP")]
    return ServiceState(
        namespace=metadata.get("namespace") or "default",
        name=metadata["name"],
        cluster_ips=tuple(a for a in addresses if a and a != "None"),
        ports=tuple(_port(p) for p in spec.get("ports") or []),
        local=spec.get("externalTrafficPolicy") == "Local",
        balanced=spec.get("type") == "LoadBalancer",
        ingress=tuple(
            Ingress(address=i["ip"], proxy=i.get("ipMode") == "Proxy")
            for i in balancer.get("ingress") or []
            if i.get("ip")
        ),
        source_ranges=tuple(spec.get("loadBalancerSourceRanges") or []),
        annotations=dict(metadata.get("annotations") or {}),
    )


def _port(body: Json) -> ServicePort:
    return ServicePort(
        name=body.get("name") or "",
        protocol=body.get("protocol") or "TCP",
        port=body["port"],
        node_port=body.get("nodePort") or None,
    )


def parse_slice(body: Json) -> SliceState:
    """An EndpointSlice; a condition that is not given counts as the API says it does."""
    metadata = body["metadata"]
    service = (metadata.get("labels") or {}).get("kubernetes.io/service-name") or ""
    return SliceState(
        service=(metadata.get("namespace") or "default", service),
        ports={p.get("name") or "": p["port"] for p in body.get("ports") or [] if p.get("port")},
        endpoints=tuple(_endpoint(e) for e in body.get("endpoints") or [] if e.get("addresses")),
    )


def _endpoint(body: Json) -> Endpoint:
    conditions = body.get("conditions") or {}
    ready = conditions.get("ready") is not False
    serving = conditions.get("serving")
    return Endpoint(
        address=body["addresses"][0],
        node=body.get("nodeName") or "",
        ready=ready,
        serving=ready if serving is None else serving,
        terminating=bool(conditions.get("terminating")),
    )


def parse_node(body: Json) -> NodeState:
    """A Node; without a Ready condition it counts as ready."""
    status, labels = body.get("status") or {}, body["metadata"].get("labels") or {}
    addresses = {a.get("type"): a.get("address") for a in status.get("addresses") or []}
    return NodeState(
        name=body["metadata"]["name"],
        address=addresses.get("InternalIP") or "",
        ready=_condition(status, "Ready") is not False,
        minor=minor_of((status.get("nodeInfo") or {}).get("kubeletVersion") or "v1.29"),
        excluded="node.kubernetes.io/exclude-from-external-load-balancers" in labels,
    )


def parse_pod(body: Json) -> PodState:
    """A Pod; it accepts connections while it runs and is ready, and to its end once terminating."""
    spec, status, metadata = body.get("spec") or {}, body.get("status") or {}, body["metadata"]
    running = status.get("phase") == "Running"
    leaving = bool(metadata.get("deletionTimestamp"))
    return PodState(
        namespace=metadata.get("namespace") or "default",
        name=metadata["name"],
        node=spec.get("nodeName") or "",
        address=status.get("podIP") or "",
        host_network=bool(spec.get("hostNetwork")),
        accepting=running and (leaving or _condition(status, "Ready") is not False),
        finished=status.get("phase") in ("Succeeded", "Failed"),
        ports=frozenset(p for c in spec.get("containers") or [] for p in _listening(c)),
    )


def _listening(container: Json) -> list[int]:
    declared = [p["containerPort"] for p in container.get("ports") or [] if p.get("containerPort")]
    image = str(container.get("image") or "").rsplit("/", 1)[-1].split(":")[0].split("@")[0]
    return declared or [port for name, port in _WELL_KNOWN_PORTS.items() if name == image]


def _condition(status: Json, kind: str) -> bool | None:
    """True, False, or None where the condition is not given; "Unknown" is not true."""
    for condition in status.get("conditions") or []:
        if condition.get("type") == kind:
            return bool(condition.get("status") == "True")
    return None


def minor_of(version: str) -> int:
    """29 of "v1.29.2-r5".

    Raises:
        ValueError: the text is not a version of Kubernetes 1.
    """
    found = _VERSION.match(version)
    if found is None:
        raise ValueError(f"not a Kubernetes version: {version!r}")
    return int(found.group(1))
