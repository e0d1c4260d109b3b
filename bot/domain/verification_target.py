"""Which addresses a probe may connect to: a load balancer's own, and nothing else."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from bot.domain.snapshot import Snapshot

Address = IPv4Address | IPv6Address
METADATA = ip_address("169.254.169.254")
"""Where clouds serve a machine's credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OffLimits:
    """What a Service's status may claim and a probe must not believe: anybody who may write one could point at it."""

    owners: dict[Address, str]
    """Address → who has it, in words."""
    ranges: tuple[IPv4Network | IPv6Network, ...] = ()
    """Where Pods get their addresses from."""
    balancer: frozenset[Address] | None = None
    """The load balancer's own addresses, where the cloud tells them."""

    def refusal(self, ip: str) -> str:
        """Say why connecting to an address might reach something else than the load balancer; empty if it cannot."""
        address = _parsed(ip)
        if address is None:
            return "it is no IP address"
        if address == METADATA or _special(address):
            return "it is a loopback, link-local or otherwise special address"
        if owner := self.owners.get(address):
            return f"{owner} has it"
        if any(address in each for each in self.ranges):
            return "it lies in the range of the Pods"
        if self.balancer is not None and address not in self.balancer:
            return "the load balancer does not have it, says the cloud's API"
        return ""


def is_address(host: str) -> bool:
    """Whether a load balancer's host is an address, and not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def off_limits(
    snapshot: Snapshot, *, api_server: Iterable[str] = (), balancer: Collection[str] | None = None
) -> OffLimits:
    """Collect every address that a cluster has itself, once for all the targets of a plan.

    Args:
        snapshot: nodes, Pods, endpoints and Services, and the ranges that Pods get addresses from.
        api_server: where the API server is, as far as that is an address.
        balancer: the load balancer's addresses as the cloud tells them; None: it was not asked.
    """
    inventory = snapshot.inventory
    found: dict[Address, str] = {}
    for who, addresses in (
        ("the API server", api_server),
        ("a node", (ip for n in inventory.nodes.values() for ip in (*n.internal_ips, *n.external_ips))),
        ("a Pod", (ip for pod in inventory.pods.values() for ip in pod.ips)),
        ("an endpoint", (e.ip for piece in inventory.slices.values() for e in piece.endpoints)),
        ("a Service inside the cluster", (ip for s in inventory.services.values() for ip in s.cluster_ips)),
    ):
        for ip in addresses:
            if (address := _parsed(ip)) is not None:
                found.setdefault(address, who)
    own = None if balancer is None else frozenset(a for ip in balancer if (a := _parsed(ip)) is not None)
    return OffLimits(owners=found, ranges=tuple(_ranges(snapshot)), balancer=own)


def _parsed(ip: str) -> Address | None:
    try:
        address = ip_address(ip)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return None
        return address.ipv4_mapped or address
    return address


def _special(address: Address) -> bool:
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or address == IPv4Address("255.255.255.255")
    )


def _ranges(snapshot: Snapshot) -> Iterable[IPv4Network | IPv6Network]:
    texts = [cidr for node in snapshot.inventory.nodes.values() for cidr in node.pod_cidrs]
    texts += (snapshot.facts.cluster_cidr.value or "").split(",")
    for text in dict.fromkeys(texts):
        try:
            yield ip_network(text.strip(), strict=False)
        except ValueError:
            continue
