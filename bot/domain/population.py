"""Nodes and Pods, counted by what makes a difference to a path, so that a class is counted without visiting it."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from heapq import merge
from typing import NamedTuple

from bot.domain.objects import Node, Pod, Ref
from bot.domain.policy_peer import Peer
from bot.domain.ranges import contains
from bot.domain.roll import Roll


class Blocks(NamedTuple):
    """By what clients are told apart: the cluster's own addresses, and whom a Service and its policies let in."""

    family: str = "IPv4"
    cluster: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()
    peers: tuple[Peer, ...] = ()
    """Those whom NetworkPolicies let in, where an endpoint sees Pods as they are."""


class NodeSort(NamedTuple):
    """What makes one node differ from another."""

    version: str = ""
    zone: str = ""
    excluded: bool = False
    allowed: bool = True
    """Whether its address lies in the allowed blocks."""
    listed: bool = True
    """Whether there is a Node object."""


class PodSort(NamedTuple):
    """What makes one Pod of a node differ from another."""

    host_network: bool = False
    in_cluster: bool = True
    allowed: bool = True
    meant: tuple[bool, ...] = ()
    """By which of the peers it is meant."""


@dataclass(slots=True)
class Group:
    """The nodes of one sort, and how many Pods of each sort they have."""

    nodes: Roll = field(default_factory=Roll)
    pods: Counter[PodSort] = field(default_factory=Counter)


class Partition:
    """Every node and every running Pod, sorted."""

    def __init__(
        self, blocks: Blocks, nodes: Mapping[str, Node], pods_on: Mapping[str, Mapping[Ref, Pod]]
    ) -> None:
        self.blocks = blocks
        self.groups: dict[NodeSort, Group] = {}
        self.sort_of: dict[str, NodeSort] = {}
        self.pods_on: dict[str, dict[PodSort, dict[Ref, None]]] = {}
        for name, node in nodes.items():
            self.place_node(name, node)
        for pods in pods_on.values():
            for pod in pods.values():
                self.count(pod, 1)

    def place_node(self, name: str, node: Node | None) -> None:
        """Sort a node anew; None means that its object is gone (its Pods may still be there)."""
        old = self.sort_of.pop(name, None)
        here = Counter({sort: len(refs) for sort, refs in self.pods_on.get(name, {}).items()})
        if old is not None:
            group = self.groups[old]
            group.nodes.discard(name)
            group.pods -= here
            if not group.nodes and not group.pods:
                del self.groups[old]
        if node is not None or here:
            self._enter(name, self._sort(node), here)

    def _enter(self, name: str, sort: NodeSort, here: Counter[PodSort]) -> None:
        group = self.groups.setdefault(sort, Group())
        group.nodes.add(name)
        group.pods += here
        self.sort_of[name] = sort

    def count(self, pod: Pod, by: int) -> None:
        """Add (1) or take away (-1) one running Pod."""
        sort = self.sort_pod(pod)
        here = self.pods_on.setdefault(pod.node, {})
        if pod.node not in self.sort_of:
            self._enter(pod.node, self._sort(None), Counter())
        if by > 0:
            here.setdefault(sort, {})[pod.ref] = None
        else:
            here[sort].pop(pod.ref, None)
            if not here[sort]:
                del here[sort]
        pods = self.groups[self.sort_of[pod.node]].pods
        pods[sort] += by
        if not pods[sort]:
            del pods[sort]
        if not here and not self.sort_of[pod.node].listed:
            self._leave(pod.node)

    def _leave(self, name: str) -> None:
        """Forget a node of which there is no object and no Pod any more."""
        sort = self.sort_of.pop(name)
        group = self.groups[sort]
        group.nodes.discard(name)
        del self.pods_on[name]
        if not group.nodes:
            del self.groups[sort]

    def sorted_groups(self) -> list[tuple[NodeSort, Group]]:
        """The groups in an order that does not depend on when their nodes came."""
        return sorted(self.groups.items(), key=lambda each: each[0])

    def names(self) -> Iterator[str]:
        """Every node's name, in order."""
        return merge(*(group.nodes for group in self.groups.values()))

    def sort_pod(self, pod: Pod) -> PodSort:
        """Say of which sort a Pod is; one without an address counts as a usual one."""
        if pod.host_network:
            return PodSort(host_network=True)
        blocks = self.blocks
        address = address_of(pod.ips, blocks.family)
        meant = tuple(peer.means(pod, address) for peer in blocks.peers)
        if address is None:
            return PodSort(meant=meant)
        return PodSort(
            in_cluster=not blocks.cluster or contains(blocks.cluster, address),
            allowed=not blocks.allowed or contains(blocks.allowed, address),
            meant=meant,
        )

    def _sort(self, node: Node | None) -> NodeSort:
        if node is None:
            return NodeSort(listed=False)
        address = address_of(node.internal_ips, self.blocks.family)
        allowed = self.blocks.allowed
        return NodeSort(
            version=node.kubelet_version,
            zone=node.zone,
            excluded=node.excluded,
            allowed=not allowed or address is None or contains(allowed, address),
        )


def address_of(addresses: tuple[str, ...], family: str) -> str | None:
    """The first address of that family."""
    for address in addresses:
        if (":" in address) == (family == "IPv6"):
            return address
    return None
