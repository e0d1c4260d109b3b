"""Objects that only one kind of cluster has, and what they give away.

cce_10_0196, cce_10_0288: a Turbo cluster's default network is of type eni-neutron, and its Yangtse configuration
has `spec.eni`. cce_10_0945: DataPlane V2, which replaces kube-proxy, runs as the DaemonSet yangtse-cilium.
"""

import json
from collections.abc import Mapping
from typing import Any

from bot.domain.cluster_facts import Category, ClusterFacts, Mode, Platform
from bot.domain.fact import Fact, Origin

_NOTHING = ClusterFacts()


def sign(kind: str, body: Mapping[str, Any]) -> ClusterFacts:
    """Say what an object gives away; nothing for almost all of them, and for any that is not understood."""
    metadata = body.get("metadata")
    if not isinstance(metadata, Mapping):
        return _NOTHING
    where = (metadata.get("namespace"), metadata.get("name"))
    if kind == "NetworkAttachmentDefinition" and where == ("kube-system", "default-network"):
        return (
            _turbo("NetworkAttachmentDefinition kube-system/default-network") if _is_eni(body) else _NOTHING
        )
    if kind == "YangtseConfiguration" and isinstance(body.get("spec"), Mapping) and body["spec"].get("eni"):
        return _turbo(f"YangtseConfiguration {where[1]} spec.eni")
    if kind == "DaemonSet" and where == ("kube-system", "yangtse-cilium"):
        ref = "DaemonSet kube-system/yangtse-cilium"
        return ClusterFacts(mode=Fact(name="kubeProxy.mode", value=Mode.OTHER, origin=Origin.API, ref=ref))
    return _NOTHING


def _turbo(ref: str) -> ClusterFacts:
    return ClusterFacts(
        platform=Fact(name="platform", value=Platform.CCE, origin=Origin.API, ref=ref),
        category=Fact(name="category", value=Category.TURBO, origin=Origin.API, ref=ref),
    )


def _is_eni(body: Mapping[str, Any]) -> bool:
    spec = body.get("spec")
    config = spec.get("config") if isinstance(spec, Mapping) else None
    try:
        parsed = json.loads(config) if isinstance(config, str) else None
    except (ValueError, RecursionError):
        return False
    return isinstance(parsed, dict) and parsed.get("type") == "eni-neutron"
