"""Node JSON into a `Node`."""

import ipaddress

from bot.adapters.objects.metadata import opened
from bot.adapters.objects.reader import Reader
from bot.domain.objects import EXCLUDE_LABEL, ZONE_LABEL, Node

# cce_10_0004 (managing node labels): labels that CCE itself puts on every node.
_CCE_LABELS = ("node.kubernetes.io/subnetid", "cce.cloud.com/cce-nodepool", "os.name", "os.architecture")


def node(body: object) -> Node:
    """Read a Node.

    Raises:
        ShapeError: A field has a wrong type; the message names it.
    """
    reader, metadata, ref = opened("Node", body)
    status, spec = reader.within("status"), reader.within("spec")
    labels = metadata.strings("labels")
    kubelet = status.within("nodeInfo").text("kubeletVersion")
    return Node(
        name=ref.name,
        internal_ips=_addresses(status, "InternalIP"),
        external_ips=_addresses(status, "ExternalIP"),
        kubelet_version=kubelet,
        zone=labels.get(ZONE_LABEL) or labels.get("failure-domain.beta.kubernetes.io/zone", ""),
        excluded=EXCLUDE_LABEL in labels,
        ready=_ready(status),
        unschedulable=spec.flag("unschedulable"),
        cce=any(label in labels for label in _CCE_LABELS),
        pod_cidrs=spec.texts("podCIDRs") or ((spec.text("podCIDR"),) if spec.has("podCIDR") else ()),
    )


def _addresses(status: Reader, kind: str) -> tuple[str, ...]:
    """The addresses of one type. The API server does not check them, so one that is none is left out."""
    texts = (each.text("address") for each in status.each("addresses") if each.text("type") == kind)
    return tuple(found for text in texts if (found := _shortest(text)))


def _shortest(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""


def _ready(status: Reader) -> bool:
    return all(
        each.text("status") == "True" for each in status.each("conditions") if each.text("type") == "Ready"
    )
