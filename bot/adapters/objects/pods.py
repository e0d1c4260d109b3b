"""Pod and workload JSON into `Pod` and `Workload`."""

from bot.adapters.objects.metadata import opened
from bot.adapters.objects.reader import Reader, ip_address
from bot.domain.objects import PROBE, PROBE_RUN, Pod, Workload

_PORTS = 65535
_PHASES = ("Pending", "Running", "Succeeded", "Failed", "Unknown")


def pod(body: object) -> Pod:
    """Read a Pod.

    Raises:
        ShapeError: A field has a wrong type; the message names it.
    """
    reader, metadata, ref = opened("Pod", body)
    spec, status = reader.within("spec"), reader.within("status")
    labels = metadata.strings("labels")
    return Pod(
        ref=ref,
        node=spec.text("nodeName"),
        ips=_ips(status),
        host_network=spec.flag("hostNetwork"),
        ready=all(
            each.text("status") == "True"
            for each in status.each("conditions")
            if each.text("type") == "Ready"
        ),
        finished=status.word("phase", _PHASES) in ("Succeeded", "Failed"),
        probe=labels.get(PROBE[0]) == PROBE[1] and PROBE_RUN in metadata.strings("annotations"),
        labels=labels,
        ports=_named_ports(spec),
    )


def workload(body: object) -> Workload:
    """Read a Deployment, StatefulSet or DaemonSet.

    Raises:
        ShapeError: A field has a wrong type; the message names it.
    """
    kind = body.get("kind", "Workload") if isinstance(body, dict) else "Workload"
    reader, _, ref = opened(str(kind), body)
    spec = reader.within("spec")
    template = spec.within("template")
    return Workload(
        kind=str(kind),
        ref=ref,
        # A DaemonSet has as many as there are nodes; the others default to one.
        replicas=None if kind == "DaemonSet" else spec.number("replicas", 1),
        labels=template.within("metadata").strings("labels"),
        host_network=template.within("spec").flag("hostNetwork"),
    )


def _ips(status: Reader) -> tuple[str, ...]:
    several = tuple(
        ip_address(each.text("ip"), f"{each.where}.ip") for each in status.each("podIPs") if each.has("ip")
    )
    only = status.address("podIP")
    return several or ((only,) if only else ())


def _named_ports(spec: Reader) -> tuple[tuple[str, int], ...]:
    return tuple(
        (port.text("name"), port.number("containerPort", most=_PORTS))
        for container in spec.each("containers")
        for port in container.each("ports")
        if port.text("name")
    )
