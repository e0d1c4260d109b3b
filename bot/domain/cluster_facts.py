"""What Kubernetes' objects do not tell: platform, category, version, kube-proxy, the balancer's manners."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum

from bot.domain.cloud_balancer import CloudBalancer
from bot.domain.fact import Fact
from bot.domain.version import Version


class Platform(StrEnum):
    """Whose load balancer and kube-proxy these are."""

    CCE = "cce"
    GENERIC = "generic"


class Category(StrEnum):
    """The two kinds of CCE cluster."""

    STANDARD = "standard"
    TURBO = "turbo"


class Mode(StrEnum):
    """kube-proxy's mode; `other` is any replacement of kube-proxy, DataPlane V2 among them."""

    IPTABLES = "iptables"
    IPVS = "ipvs"
    NFTABLES = "nftables"
    OTHER = "other"


class Delivery(StrEnum):
    """What the load balancer does with the destination address."""

    NODEPORT = "nodeport"
    """Rewritten to a node's address and node port."""
    POD = "pod"
    """Rewritten to a ready endpoint's address and target port."""
    VIP = "vip"
    """Left as it is: the node's own rules decide."""


# The names under which an answer reports facts, and names the missing ones.
_PLATFORM: Fact[Platform] = Fact(name="platform")
_CATEGORY: Fact[Category] = Fact(name="category")
_VERSION: Fact[Version] = Fact(name="kubernetesVersion")
_MODE: Fact[Mode] = Fact(name="kubeProxy.mode")
_LOCAL_DETECTOR: Fact[bool] = Fact(name="kubeProxy.localDetector")
_CLUSTER_CIDR: Fact[str] = Fact(name="kubeProxy.clusterCIDR")
_DELIVERY: Fact[Delivery] = Fact(name="loadBalancer.delivery")
_PRESERVES_CLIENT_IP: Fact[bool] = Fact(name="loadBalancer.preservesClientIP")
_PUBLIC_IPS: Fact[tuple[str, ...]] = Fact(name="loadBalancer.publicIPs")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterFacts:
    """Every field is a fact; one that is left out is unknown."""

    platform: Fact[Platform] = _PLATFORM
    category: Fact[Category] = _CATEGORY
    version: Fact[Version] = _VERSION
    mode: Fact[Mode] = _MODE
    local_detector: Fact[bool] = _LOCAL_DETECTOR
    cluster_cidr: Fact[str] = _CLUSTER_CIDR
    """Comma-separated for dual stack, as kube-proxy's own option."""
    gates: Mapping[str, Fact[bool]] = field(default_factory=dict)
    """Feature gates by name; one that is left out has its version's default."""
    delivery: Fact[Delivery] = _DELIVERY
    preserves_client_ip: Fact[bool] = _PRESERVES_CLIENT_IP
    public_ips: Fact[tuple[str, ...]] = _PUBLIC_IPS
    balancers: Mapping[str, CloudBalancer] = field(default_factory=dict)
    """What the cloud tells, by the id in `elb.id`; one that is left out was not asked about, or not answered for."""

    def known(self) -> tuple[Fact[object], ...]:
        """Every fact, the gates behind the rest, in the order of the fields."""
        return (*(getattr(self, name) for name in SINGLE), *self.gates.values())


SINGLE = tuple(each.name for each in fields(ClusterFacts) if each.name not in ("gates", "balancers"))
"""The fields that hold one fact each."""
