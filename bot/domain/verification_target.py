"""Which addresses a probe may connect to: a load balancer's own, and nothing else."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from bot.domain.snapshot import Snapshot

METADATA = ip_address("169.254.169.254")
"""Where clouds serve a machine's credentials."""


def safe_target(ip: str, snapshot: Snapshot) -> bool:
    """Whether connecting to an address can only reach a load balancer.

    False for what is no address, for loopback, link-local (the metadata service among it), multicast and
    unspecified addresses, in their IPv4-mapped form too, and for every address that a node, a Pod, an endpoint
    or a Service inside the cluster has, or that lies in a node's Pod range.
    """
    address = _parsed(ip)
    if address is None or address == METADATA or _special(address):
        return False
    return not _inside(address, snapshot)


def _parsed(ip: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(ip)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return None
        return address.ipv4_mapped or address
    return address


def _special(address: IPv4Address | IPv6Address) -> bool:
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_multicast
        or address.is_unspecified
        or address.is_reserved
        or address == IPv4Address("255.255.255.255")
    )


def _inside(address: IPv4Address | IPv6Address, snapshot: Snapshot) -> bool:
    """Whether the cluster itself has the address."""
    inventory = snapshot.inventory
    own = (
        {ip for node in inventory.nodes.values() for ip in (*node.internal_ips, *node.external_ips)}
        | {ip for pod in inventory.pods.values() for ip in pod.ips}
        | {e.ip for piece in inventory.slices.values() for e in piece.endpoints}
        | {ip for service in inventory.services.values() for ip in service.cluster_ips}
    )
    if any(_parsed(ip) == address for ip in own):
        return True
    ranges = [cidr for node in inventory.nodes.values() for cidr in node.pod_cidrs]
    cidr = snapshot.facts.cluster_cidr.value
    ranges += cidr.split(",") if cidr else []
    return any(_within(address, each.strip()) for each in ranges)


def _within(address: IPv4Address | IPv6Address, cidr: str) -> bool:
    try:
        return address in ip_network(cidr, strict=False)
    except ValueError:
        return False
