"""Paths of a Pod that is not there: how one would fare that somebody started on a node."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_network

from bot.domain.destinations import spots
from bot.domain.explanation import Client, ClientKind, Path
from bot.domain.facts import detected
from bot.domain.hypothetical import stage
from bot.domain.objects import Ref
from bot.domain.packet import Sender
from bot.domain.path import answer, load_balancer
from bot.domain.snapshot import Snapshot
from bot.domain.traveller import Traveller


def of_a_pod(snapshot: Snapshot, service: Ref, nodes: Iterable[str]) -> Iterator[Path]:
    """Explain how a Pod on each of these nodes would reach the Service's load balancer.

    Its address is one of its node's block, where that is known; it is no endpoint, and no NetworkPolicy names it.

    Raises:
        NotFound: The Service (or one of that type) is not in the snapshot.
    """
    found = load_balancer(snapshot, service)
    snapshot = snapshot.with_facts(detected(snapshot, found))
    travellers = [_pod_on(snapshot, node) for node in nodes]
    for spot in spots(snapshot, found, None):
        staged = stage(snapshot, found, spot)
        yield from (answer(staged, traveller) for traveller in travellers)


def _pod_on(snapshot: Snapshot, node: str) -> Traveller:
    client = Client(kind=ClientKind.POD, node=node, stands_for=None)
    found = snapshot.inventory.nodes.get(node)
    addresses = [address for block in (found.pod_cidrs if found else ()) if (address := _last(block))]
    return Traveller(client=client, sender=Sender.POD, node=node, addresses=tuple(addresses))


def _last(block: str) -> str:
    """The last address of a block but one, for the last is IPv4's broadcast address; nothing where it is no block."""
    try:
        network = ip_network(block, strict=False)
    except ValueError:
        return ""
    return str(network[-2] if network.num_addresses > 1 else network[0])
