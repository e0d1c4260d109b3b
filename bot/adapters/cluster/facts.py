"""Facts about a cluster that its objects do not tell, each with where it is known from.

The configuration is believed before the cloud, the cloud before what the Kubernetes API hints at.
"""

import json
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, TypeVar

from bot.adapters.cluster.calls import Calls
from bot.config.settings import ClusterSettings
from bot.domain.cluster_facts import SINGLE, Category, ClusterFacts, Mode, Platform
from bot.domain.fact import Fact, Origin
from bot.domain.version import Version
from bot.ports import ClusterKind, Forbidden, NotFound

E = TypeVar("E", bound=StrEnum)

NETWORK = "/apis/k8s.cni.cncf.io/v1/namespaces/kube-system/network-attachment-definitions/default-network"
"""The default network of a Turbo cluster (cce_10_0196); the type also existed for extra networks elsewhere."""
DATA_PLANE_V2 = "/apis/apps/v1/namespaces/kube-system/daemonsets/yangtse-cilium"
"""Where it runs there is no kube-proxy (cce_10_0945)."""
_CCE_VERSION = re.compile(r"v\d+\.\d+(?:\.\d+)?-r\d+")
"""CCE's own suffix: v1.29.2-r5."""


def merged(*sources: ClusterFacts) -> ClusterFacts:
    """Take each fact from the first source that knows it."""
    chosen = {
        name: next((fact for source in sources if (fact := getattr(source, name)).known), None)
        for name in SINGLE
    }
    return ClusterFacts(**{name: fact for name, fact in chosen.items() if fact is not None})


def configured(settings: ClusterSettings) -> ClusterFacts:
    """Read what the configuration file says. A category, or a cluster id of CCE, says that it is CCE."""
    where = f"clusters.{settings.name}"
    in_cce = settings.category is not None or (settings.cloud is not None and settings.cloud.cluster_id)
    return ClusterFacts(
        platform=_fact("platform", Platform.CCE if in_cce else None, Origin.CONFIG, where),
        category=_fact("category", settings.category, Origin.CONFIG, f"{where}.category"),
        mode=_fact("kubeProxy.mode", settings.kube_proxy_mode, Origin.CONFIG, f"{where}.kubeProxyMode"),
    )


def of_cloud(kind: ClusterKind) -> ClusterFacts:
    """Read what the CCE API says."""
    ref = "CCE API, spec."
    return ClusterFacts(
        platform=_fact("platform", Platform.CCE, Origin.CLOUD, f"{ref}category"),
        category=_fact("category", _member(Category, kind.category), Origin.CLOUD, f"{ref}category"),
        version=_fact("kubernetesVersion", _version(kind.version), Origin.CLOUD, f"{ref}version"),
        mode=_fact("kubeProxy.mode", _member(Mode, kind.proxy_mode), Origin.CLOUD, f"{ref}kubeProxyMode"),
    )


def of_version(git_version: str, *, nodes_known: bool) -> ClusterFacts:
    """Read what `/version` says; where Nodes are known, theirs count, for kube-proxy is as old as its node."""
    version = None if nodes_known else _version(git_version)
    platform = Platform.CCE if _CCE_VERSION.match(git_version) else None
    return ClusterFacts(
        platform=_fact("platform", platform, Origin.API, "/version"),
        version=_fact("kubernetesVersion", version, Origin.API, "/version"),
    )


async def hinted(calls: Calls) -> ClusterFacts:
    """Look for objects that only one kind of cluster has; what may not be read tells nothing.

    Raises:
        Unavailable: The API server does not answer.
    """
    network = await _optional(calls, NETWORK)
    cilium = await _optional(calls, DATA_PLANE_V2)
    category = Category.TURBO if _network_type(network) == "eni-neutron" else None
    return ClusterFacts(
        category=_fact(
            "category", category, Origin.API, "NetworkAttachmentDefinition kube-system/default-network"
        ),
        mode=_fact(
            "kubeProxy.mode",
            Mode.OTHER if cilium else None,
            Origin.API,
            "DaemonSet kube-system/yangtse-cilium",
        ),
    )


def of_pod_ranges(*, any_node_has_one: bool, cce: bool) -> ClusterFacts:
    """Conclude from `spec.podCIDR` of Nodes: a Turbo cluster's Pods have addresses of the VPC, and no range."""
    category = Category.STANDARD if any_node_has_one and cce else None
    return ClusterFacts(category=_fact("category", category, Origin.API, "Node spec.podCIDR"))


def _fact(name: str, value: Any, origin: Origin, ref: str) -> Fact[Any]:
    return Fact(name=name) if value is None else Fact(name=name, value=value, origin=origin, ref=ref)


def _member(kind: type[E], text: str | None) -> E | None:
    try:
        return None if text is None else kind(text)
    except ValueError:
        return None


def _version(text: str | None) -> Version | None:
    try:
        return None if text is None else Version.parse(text)
    except ValueError:
        return None


async def _optional(calls: Calls, path: str) -> Mapping[str, Any] | None:
    try:
        return await calls.get(path)
    except (Forbidden, NotFound):
        return None


def _network_type(network: Mapping[str, Any] | None) -> str:
    try:
        return str(json.loads((network or {})["spec"]["config"])["type"])
    except (KeyError, TypeError, ValueError):
        return ""
