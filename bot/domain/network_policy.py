"""Whether the NetworkPolicies that select an endpoint let in the source address that it would see."""

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
    Selector,
    Service,
)
from bot.domain.packet import Sender
from bot.domain.possibility import World
from bot.domain.ranges import contains, covers_everything, network
from bot.domain.scene import Scene
from bot.domain.traveller import Traveller

NAMESPACE_LABEL = "kubernetes.io/metadata.name"


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
    if not scene.policies:
        return None
    chosen = selecting(scene.policies, labels_of(scene, endpoint))
    if not chosen or _on_host_network(scene, endpoint):
        return None
    arrival = Arrival(scene=scene, traveller=traveller, endpoint=endpoint, source=source)
    if any(arrival.fits(rule) for policy in chosen for rule in policy.ingress):
        return Permission(rule=rules.POLICY_ALLOWS.id, allowed=True)
    allowed = world.ask("networkPolicy", {"lets it in": True, "keeps it out": False})
    return Permission(rule=rules.POLICY_UNCLEAR.id, allowed=bool(allowed))


def selecting(policies: Iterable[NetworkPolicy], labels: dict[str, str]) -> list[NetworkPolicy]:
    """The policies that select something with these labels."""
    return [policy for policy in policies if policy.pods.matches(labels)]


def labels_of(scene: Scene, endpoint: Endpoint) -> dict[str, str]:
    """The endpoint's labels; the Service's selector, which it must carry, where its Pod is not known."""
    pod = _pod(scene, endpoint.pod)
    return dict(pod.labels if pod else scene.service.selector)


def _pod(scene: Scene, ref: Ref | None) -> Pod | None:
    return None if ref is None else scene.snapshot.inventory.pods.get(ref)


def _on_host_network(scene: Scene, endpoint: Endpoint) -> bool:
    pod = _pod(scene, endpoint.pod)
    return pod is not None and pod.host_network


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A connection as the endpoint's policies see it."""

    scene: Scene
    traveller: Traveller
    endpoint: Endpoint
    source: SourceIP

    def fits(self, rule: PolicyRule) -> bool:
        """Whether the rule clearly lets it in."""
        return self._port_fits(rule) and (not rule.peers or any(self._peer_fits(peer) for peer in rule.peers))

    def _port_fits(self, rule: PolicyRule) -> bool:
        port = self.scene.port
        if port is None or not rule.ports:
            return True
        number = self.scene.backends.target_port
        return any(
            protocol is port.protocol and self._number_fits(name, last, number)
            for protocol, name, last in rule.ports
        )

    def _number_fits(self, name: str, last: int, number: int) -> bool:
        if not name:
            return True
        if name.isdigit():
            return int(name) <= number <= max(last, int(name))
        pod = _pod(self.scene, self.endpoint.pod)
        named = dict(pod.ports) if pod else {}
        port = self.scene.port
        return named.get(name) == number or (pod is None and port is not None and port.target == name)

    def _peer_fits(self, peer: PolicyPeer) -> bool:
        if peer.cidr:
            return self._block_fits(peer)
        if self.source is not SourceIP.PRESERVED or self.traveller.sender is not Sender.POD:
            return False
        client = self.traveller.client
        pod = self.scene.snapshot.inventory.pods.get(Ref(client.namespace, client.name))
        if pod is None or client.kind is not ClientKind.POD:
            return False
        return _namespace_fits(peer.namespaces, pod, self.scene.service) and (
            peer.pods is None or peer.pods.matches(pod.labels)
        )

    def _block_fits(self, peer: PolicyPeer) -> bool:
        if covers_everything((peer.cidr,), self.scene.family) and not peer.excepted:
            return True
        addresses = self._source_addresses()
        return bool(addresses) and all(
            contains((peer.cidr,), address) and not contains(peer.excepted, address)
            for address in addresses
            if network(peer.cidr).version == (6 if ":" in address else 4)
        )

    def _source_addresses(self) -> list[str]:
        """Every address that the endpoint might see as its client; empty where that is not known."""
        if self.source is SourceIP.PRESERVED:
            address = self.traveller.address(self.scene.family)
            return [address] if address else []
        if self.source is SourceIP.NODE:
            nodes = self.scene.snapshot.inventory.nodes.values()
            found = [node.internal_ips[0] for node in nodes if node.internal_ips]
            return found if len(found) == len(nodes) else []
        return []


def _namespace_fits(selector: Selector | None, pod: Pod, service: Service) -> bool:
    if selector is None:
        return pod.ref.namespace == service.ref.namespace
    return selector.matches({NAMESPACE_LABEL: pod.ref.namespace})
