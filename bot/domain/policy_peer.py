"""Whom a NetworkPolicy's peer means: one Pod at a time, by its address, or by its namespace and labels."""

from typing import NamedTuple

from bot.domain.objects import Pod, PolicyPeer
from bot.domain.ranges import contains

NAMESPACE_LABEL = "kubernetes.io/metadata.name"
"""The one label of a namespace that is known without reading it: every namespace carries its own name."""


class Peer(NamedTuple):
    """A peer, with the namespace of the policy that names it."""

    namespace: str
    peer: PolicyPeer

    def means(self, pod: Pod, address: str | None) -> bool:
        """Whether this Pod, seen with this address, is meant."""
        peer = self.peer
        if peer.cidr:
            return address is not None and in_block(peer, address)
        namespaces = peer.namespaces
        if namespaces is None:
            near = pod.ref.namespace == self.namespace
        else:
            near = namespaces.matches({NAMESPACE_LABEL: pod.ref.namespace})
        return near and (peer.pods is None or peer.pods.matches(pod.labels))


def in_block(peer: PolicyPeer, address: str) -> bool:
    """Whether an address lies in the peer's block, and in none of its exceptions."""
    return contains((peer.cidr,), address) and not contains(peer.excepted, address)
