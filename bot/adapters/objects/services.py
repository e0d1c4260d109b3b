"""Service JSON into a `Service`."""

from bot.adapters.objects.metadata import managers, opened
from bot.adapters.objects.reader import Reader, ShapeError
from bot.domain.objects import IngressPoint, Protocol, Service, ServicePort, TrafficPolicy, host_name

_PORTS = 65535
_TYPES = ("ClusterIP", "NodePort", "LoadBalancer", "ExternalName")


def service(body: object) -> Service:
    """Read a Service.

    Raises:
        ShapeError: A field has a wrong type; the message names it.
    """
    reader, metadata, ref = opened("Service", body)
    spec = reader.within("spec")
    kind = spec.word("type", _TYPES, "ClusterIP")
    if kind == "LoadBalancer" and spec.text("clusterIP") == "None":
        raise ShapeError(f"{spec.where}.clusterIP", "None", "an address, as type LoadBalancer needs one")
    if kind == "LoadBalancer" and not spec.items("ports"):
        raise ShapeError(f"{spec.where}.ports", None, "a list of at least one port")
    return Service(
        ref=ref,
        uid=metadata.text("uid"),
        resource_version=metadata.text("resourceVersion"),
        type=kind,
        annotations=metadata.strings("annotations"),
        labels=metadata.strings("labels"),
        selector=spec.strings("selector"),
        ports=tuple(_port(each) for each in spec.each("ports")),
        cluster_ips=_cluster_ips(spec),
        external_ips=spec.addresses("externalIPs"),
        external_policy=spec.choice("externalTrafficPolicy", TrafficPolicy, TrafficPolicy.CLUSTER),
        internal_policy=spec.choice("internalTrafficPolicy", TrafficPolicy, TrafficPolicy.CLUSTER),
        source_ranges=spec.networks("loadBalancerSourceRanges"),
        allocate_node_ports=spec.flag("allocateLoadBalancerNodePorts", default=True),
        health_check_node_port=spec.number("healthCheckNodePort", most=_PORTS),
        publish_not_ready=spec.flag("publishNotReadyAddresses"),
        session_affinity=spec.word("sessionAffinity", ("ClientIP", "None"), "None"),
        traffic_distribution=spec.text("trafficDistribution"),
        ip_families=spec.texts("ipFamilies"),
        load_balancer_ip=spec.text("loadBalancerIP"),
        load_balancer_class=spec.text("loadBalancerClass"),
        ingress=tuple(
            point
            for each in reader.within("status").within("loadBalancer").each("ingress")
            # An entry with neither is no address yet.
            if (point := _point(each)).ip or point.hostname
        ),
        deleting=metadata.has("deletionTimestamp"),
        managers=managers(metadata),
    )


def _cluster_ips(spec: Reader) -> tuple[str, ...]:
    first = spec.text("clusterIP")
    several = spec.addresses("clusterIPs")
    if first in ("", "None"):
        return several or ((first,) if spec.has("clusterIP") else ())
    return several or (spec.address("clusterIP"),)


def _port(reader: Reader) -> ServicePort:
    return ServicePort(
        port=reader.required_number("port", least=1, most=_PORTS),
        protocol=reader.choice("protocol", Protocol, Protocol.TCP),
        name=reader.text("name"),
        node_port=reader.number("nodePort", most=_PORTS),
        target=reader.port("targetPort"),
        app_protocol=reader.text("appProtocol"),
    )


def _point(reader: Reader) -> IngressPoint:
    return IngressPoint(
        ip=reader.address("ip"),
        hostname=host_name(reader.text("hostname")),
        ip_mode=reader.word("ipMode", ("VIP", "Proxy")),
    )
