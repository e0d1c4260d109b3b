"""Whether NetworkPolicies let the client out, and the source address that an endpoint would see in."""

from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain import rules_balancer as rules
from bot.domain.explanation import ClientKind, SourceIP
from bot.domain.objects import (
    Endpoint,
    NetworkPolicy,
    Pod,
    PolicyPeer,
    PolicyRule,
    Ref,
)
from bot.domain.packet import Sender
from bot.domain.policy_peer import Peer, in_block
from bot.domain.possibility import World
from bot.domain.ranges import covers_everything
from bot.domain.scene import Scene
from bot.domain.traveller import Traveller


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """The rule that decided, and how."""

    rule: str
    allowed: bool


def permits(
    world: World, scene: Scene, traveller: Traveller, endpoint: Endpoint, source: SourceIP
) -> Permission | None:
    """Say whether the connection is let in; None where no policy selects the endpoint.

    Whether a policy is enforced depends on the container network, so one that does not clearly allow is weighed.

    Raises:
        Undecided: The policies do not clearly allow it.
    """
    if _unseen(scene):
        return _weighed(world)
    if not scene.policies:
        return None
    chosen = selecting(scene.policies, labels_of(scene, endpoint))
    if not chosen or scene.on_host_network(endpoint):
        return None
    arrival = Arrival(scene=scene, traveller=traveller, endpoint=endpoint, source=source)
    if any(arrival.fits(rule) for policy in chosen for rule in policy.ingress):
        return Permission(rule=rules.POLICY_ALLOWS.id, allowed=True)
    return _weighed(world)


def _unseen(scene: Scene) -> bool:
    """Whether a running cluster may have a policy that selects the endpoint, and nobody sees whether it has."""
    snapshot = scene.snapshot
    return snapshot.doubts(NetworkPolicy) or (
        snapshot.doubts(Pod) and any(policy.inward for policy in scene.policies)
    )


def _weighed(world: World) -> Permission:
    allowed = world.ask("networkPolicy", {"lets it in": True, "keeps it out": False})
    return Permission(rule=rules.POLICY_UNCLEAR.id, allowed=bool(allowed))


def lets_out(
    world: World, scene: Scene, traveller: Traveller, endpoint: Endpoint, *, crossed: bool
) -> Permission | None:
    """Say whether the client's own policies let it out; None where none concerns it.

    They see the endpoint, or the load balancer where the packet is handed to it; whether before or after kube-proxy's
    DNAT is left open (NetworkPolicy: “it is not defined”), so one that does not clearly allow is weighed.

    Raises:
        Undecided: The policies do not clearly allow it.
    """
    unseen = scene.snapshot.doubts(NetworkPolicy)
    if traveller.sender is not Sender.POD or not (scene.snapshot.inventory.outward or unseen):
        return None
    client = traveller.client
    if client.group:
        world.assume("the clients' own NetworkPolicies let them out")
        return None
    pod = _pod(scene, Ref(client.namespace, client.name))
    policies = scene.snapshot.policies(client.namespace) if pod else ()
    chosen = [each for each in policies if pod and each.outward and each.pods.matches(pod.labels)]
    if not chosen and not unseen:
        return None
    departure = Departure(scene=scene, namespace=client.namespace, endpoint=endpoint, crossed=crossed)
    if not unseen and any(departure.fits(rule) for policy in chosen for rule in policy.egress):
        return Permission(rule=rules.EGRESS_ALLOWS.id, allowed=True)
    allowed = world.ask("networkPolicy.egress", {"lets it out": True, "keeps it in": False})
    return Permission(rule=rules.EGRESS_UNCLEAR.id, allowed=bool(allowed))


def selecting(policies: Iterable[NetworkPolicy], labels: dict[str, str]) -> list[NetworkPolicy]:
    """The policies about who may come in that select something with these labels."""
    return [policy for policy in policies if policy.inward and policy.pods.matches(labels)]


def labels_of(scene: Scene, endpoint: Endpoint) -> dict[str, str]:
    """The endpoint's labels; the Service's selector, which it must carry, where its Pod is not known."""
    pod = _pod(scene, endpoint.pod)
    return dict(pod.labels if pod else scene.service.selector)


def _pod(scene: Scene, ref: Ref | None) -> Pod | None:
    return None if ref is None else scene.snapshot.inventory.pods.get(ref)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A connection as the endpoint's policies see it."""

    scene: Scene
    traveller: Traveller
    endpoint: Endpoint
    source: SourceIP

    def fits(self, rule: PolicyRule) -> bool:
        """Whether the rule clearly lets it in."""
        fits = _port_fits(self.scene, self.endpoint, rule)
        return fits and (not rule.peers or any(self._peer_fits(peer) for peer in rule.peers))

    def asks_who(self, rule: PolicyRule) -> bool:
        """Whether the rule is about the endpoint's port and lets some clients in, others not."""
        return bool(rule.peers) and _port_fits(self.scene, self.endpoint, rule)

    def _peer_fits(self, peer: PolicyPeer) -> bool:
        if peer.cidr:
            return self._block_fits(peer)
        if self.source is not SourceIP.PRESERVED or self.traveller.sender is not Sender.POD:
            return False
        client = self.traveller.client
        pod = self.scene.snapshot.inventory.pods.get(Ref(client.namespace, client.name))
        if pod is None or client.kind is not ClientKind.POD:
            return False
        return Peer(self.scene.service.ref.namespace, peer).means(pod, None)

    def _block_fits(self, peer: PolicyPeer) -> bool:
        """Whether every address that the endpoint might see as its client is meant."""
        if covers_everything((peer.cidr,), self.scene.family) and not peer.excepted:
            return True
        if self.source is SourceIP.PRESERVED:
            address = self.traveller.address(self.scene.family)
            return address is not None and in_block(peer, address)
        inventory = self.scene.snapshot.inventory
        return self.source is SourceIP.NODE and inventory.every_node_in(peer, self.scene.family)


@dataclass(frozen=True, slots=True, kw_only=True)
class Departure:
    """A connection as the client's own policies see it."""

    scene: Scene
    namespace: str
    endpoint: Endpoint
    crossed: bool

    def fits(self, rule: PolicyRule) -> bool:
        """Whether the rule clearly lets it out."""
        if self.crossed:
            port = _port_number(rule, self.scene.destination.port, self.scene.destination.protocol)
        else:
            port = _port_fits(self.scene, self.endpoint, rule)
        return port and (not rule.peers or any(self._peer_fits(peer) for peer in rule.peers))

    def _peer_fits(self, peer: PolicyPeer) -> bool:
        if peer.cidr:
            if covers_everything((peer.cidr,), self.scene.family) and not peer.excepted:
                return True
            address = self.scene.point.ip if self.crossed else self.endpoint.ip
            return bool(address) and in_block(peer, address)
        if self.crossed:
            return False
        pod = _pod(self.scene, self.endpoint.pod)
        if pod is None:
            return False
        return Peer(self.namespace, peer).means(pod, None)


def _port_number(rule: PolicyRule, number: int, protocol: str) -> bool:
    """Whether a rule clearly names this port of something that is no Pod."""
    return not rule.ports or any(
        kind.value == protocol
        and (not name or (name.isdigit() and int(name) <= number <= max(last, int(name))))
        for kind, name, last in rule.ports
    )


def _port_fits(scene: Scene, endpoint: Endpoint, rule: PolicyRule) -> bool:
    """Whether a rule names the endpoint's own port, by number or by name."""
    port = scene.port
    if port is None or not rule.ports:
        return True
    return any(
        protocol is port.protocol and _number_fits(scene, endpoint, name, last)
        for protocol, name, last in rule.ports
    )


def _number_fits(scene: Scene, endpoint: Endpoint, name: str, last: int) -> bool:
    number = endpoint.port
    if not name:
        return True
    if name.isdigit():
        return int(name) <= number <= max(last, int(name))
    pod = _pod(scene, endpoint.pod)
    named = dict(pod.ports) if pod else {}
    port = scene.port
    return named.get(name) == number or (pod is None and port is not None and port.target == name)


def peers(scene: Scene) -> tuple[Peer, ...]:
    """Those whom a policy that selects an endpoint lets in, as far as it tells clients apart."""
    if not scene.policies:
        return ()
    every = (*scene.backends.ready, *scene.backends.leaving)
    chosen = {
        policy.ref: policy for each in every for policy in selecting(scene.policies, labels_of(scene, each))
    }
    found = {
        Peer(policy.ref.namespace, peer): None
        for _, policy in sorted(chosen.items())
        for rule in policy.ingress
        for peer in rule.peers
        if not (peer.cidr and covers_everything((peer.cidr,), scene.family) and not peer.excepted)
    }
    return tuple(found)
