"""The data plane: nodes, load balancers and Pods, and the connections between them."""

import time
from collections.abc import Callable, Iterable
from random import Random
from typing import Literal

from bot.demo.dataplane.balancer import Balancer, Listener, Member
from bot.demo.dataplane.elb import Elb
from bot.demo.dataplane.node import ProxyNode
from bot.demo.dataplane.packet import Packet
from bot.demo.dataplane.parsing import NodeState, PodState, minor_of
from bot.demo.dataplane.picture import Picture
from bot.demo.dataplane.rules import Mode, ProxyOptions
from bot.demo.dataplane.walk import INTERNET, Journey, Walk
from bot.demo.seam import Attempt, Objects

Category = Literal["standard", "turbo"]
TIMEOUT_MS = 5000.0


class DataPlane:
    """The simulated network; implements `bot.demo.seam.Network`.

    The same seed, objects and order of connections give the same results. Only where it is CCE's own does a
    kube-proxy know pass-through.
    """

    def __init__(
        self,
        objects: Objects,
        *,
        mode: Mode = "ipvs",
        category: Category = "standard",
        version: str | None = None,
        cluster_cidr: str | None = "10.0.0.0/16",
        sync_delay: float = 0.3,
        seed: int = 0,
        clock: Callable[[], float] = time.time,
        cce: bool = True,
    ) -> None:
        self._cce = cce
        self.picture = Picture(objects)
        self.turbo = category == "turbo"
        self.elb = Elb(self.picture, turbo=self.turbo)
        self.clock = clock
        self.host_ports: frozenset[int] = frozenset({22, 10250})
        self.deaf: set[str] = set()
        self.forgetful: set[str] = set()
        self.nodes: dict[str, ProxyNode] = {}
        self._by_address: dict[str, ProxyNode] = {}
        self._mode: Mode = mode
        self._version = version
        self._cluster_cidr = cluster_cidr
        self._sync_delay = sync_delay
        self._dice = Random(seed)
        self._health_dice = Random(seed)
        self._health: dict[str, tuple[tuple[int, ...], bool]] = {}
        self._changes = 0

    def start(self) -> None:
        """Read the API's objects, write every node's rules, and follow from now on."""
        self.picture.open()
        self.picture.follow(self._on_change)
        self._reconcile_nodes()
        self.elb.refresh()

    def stop(self) -> None:
        """Follow nothing more."""
        self.picture.close()
        for node in self.nodes.values():
            node.stop()

    async def settled(self) -> None:
        """Wait until every node that follows the API has written the rules for what it says now."""
        for node in self.nodes.values():
            if not node.frozen:
                await node.settled()

    # Connections

    async def connect(self, *, node: str, pod_ip: str | None, ip: str, port: int, protocol: str) -> Attempt:
        """Open one connection from a Pod on `node` (`pod_ip` None: from the node's own network)."""
        return self._attempt(self.trace(node=node, pod_ip=pod_ip, ip=ip, port=port, protocol=protocol))

    async def external(
        self, ip: str, port: int, *, source: str | None = None, protocol: str = "TCP"
    ) -> Attempt:
        """Open one connection from outside the cluster, by default from somewhere in the Internet."""
        return self._attempt(self.trace_external(ip, port, source=source, protocol=protocol))

    def trace(self, *, node: str, pod_ip: str | None, ip: str, port: int, protocol: str = "TCP") -> Journey:
        """Open one connection and tell the whole truth about it, which no client could see."""
        origin = self.nodes.get(node)
        if origin is None:
            return Journey(result="timeout")
        packet = Packet(
            source=pod_ip or origin.options.address, destination=ip, port=port, protocol=protocol.upper()
        )
        return _walk(Walk(self, self._dice), origin, packet)

    def trace_external(
        self, ip: str, port: int, *, source: str | None = None, protocol: str = "TCP"
    ) -> Journey:
        """Open one connection from outside and tell the whole truth about it."""
        origin = source or f"203.0.113.{self._dice.randrange(1, 255)}"
        packet = Packet(source=origin, destination=ip, port=port, protocol=protocol.upper())
        return Walk(self, self._dice).from_outside(packet)

    def truth(
        self, *, node: str, pod_ip: str | None, ip: str, port: int, protocol: str = "TCP", draws: int = 32
    ) -> frozenset[tuple[str, bool]]:
        """What such a connection may come to now: results, each with whether it crosses a load balancer.

        Nothing is counted, and no later connection turns out otherwise because of it. A rare end may be missed
        with few `draws`.
        """
        origin = self.nodes[node]
        dice = Random(f"{ip}/{port}/{node}")
        packet = Packet(
            source=pod_ip or origin.options.address, destination=ip, port=port, protocol=protocol.upper()
        )
        ends = set()
        for _ in range(draws):
            journey = _walk(Walk(self, dice, counted=False), origin, packet)
            ends.add((journey.result, journey.balancer is not None))
        return frozenset(ends)

    def _attempt(self, journey: Journey) -> Attempt:
        if journey.result == "timeout":
            return Attempt(result="timeout", latency_ms=TIMEOUT_MS)
        hop_ms = 0.25 + 0.05 * self._dice.random()
        latency = hop_ms * (1 + len(journey.hops)) + (0.9 if journey.balancer else 0.0)
        return Attempt(result=journey.result, latency_ms=round(latency, 3), backend=journey.backend)

    # Misbehaviour

    def freeze(self, node: str) -> None:
        """Let a node's kube-proxy never resynchronise again, until `thaw`."""
        self.nodes[node].freeze()

    def thaw(self, node: str) -> None:
        """Let a frozen node follow the API again."""
        self.nodes[node].thaw()

    def forget(self, node: str, *, forgotten: bool = True) -> None:
        """Run a kube-proxy on the node that does not know pass-through, or CCE's own again."""
        (self.forgetful.add if forgotten else self.forgetful.discard)(node)
        self._reconcile_nodes()
        self.nodes[node].changed()

    def set_sync_delay(self, seconds: float, *, node: str | None = None) -> None:
        """Set how late one node, or every node, programs a change from now on."""
        for name in [node] if node else list(self.nodes):
            self.nodes[name].delay = seconds
        if node is None:
            self._sync_delay = seconds

    def fail_node(self, node: str, *, failed: bool = True) -> None:
        """Cut a node off: nothing reaches it or the Pods on it."""
        self.nodes[node].failed = failed
        self._changes += 1

    def set_member_health(self, balancer_id: str, address: str, *, healthy: bool) -> None:
        """Force a load balancer's member to fail its health checks, or let them decide again."""
        unhealthy = self.elb.balancers[balancer_id].unhealthy
        if healthy:
            unhealthy.discard(address)
        else:
            unhealthy.add(address)

    def delete_balancer(self, balancer_id: str) -> None:
        """Delete a load balancer in the cloud while Services still use it."""
        self.elb.remove(balancer_id)

    def deafen(self, pod: str, *, deaf: bool = True) -> None:
        """Let a Pod (`namespace/name`) refuse connections although it is ready."""
        if deaf:
            self.deaf.add(pod)
        else:
            self.deaf.discard(pod)
        self._changes += 1

    # What walks ask

    def online(self, balancer: Balancer, listener: Listener, member: Member) -> bool:
        """Whether the member passes its health check: a connection from the load balancer, now."""
        if member.address in balancer.unhealthy:
            return False
        state = (self._changes, *(n.written for n in self.nodes.values()))
        known = self._health.get(member.id)
        if known is None or known[0] != state:
            known = (state, self._check(balancer, listener, member))
            self._health[member.id] = known
        return known[1]

    def _check(self, balancer: Balancer, listener: Listener, member: Member) -> bool:
        for node in self.nodes.values():
            _ = node.rules  # rules that are due are written before the check, not in the middle of it
        walk = Walk(self, self._health_dice, counted=False)
        probe = Packet(
            source=balancer.source,
            destination=balancer.vip,
            port=listener.port,
            protocol=listener.transport,
        )
        return walk.to_member(balancer, listener, member, probe).result == "connected"

    def node_at(self, address: str) -> ProxyNode | None:
        """The node that owns the address."""
        return self._by_address.get(address)

    def node_is_down(self, name: str) -> bool:
        """Whether nothing on the node can be reached."""
        node = self.nodes.get(name)
        return node is None or node.failed

    def host_pod(self, node: str, port: int) -> PodState | None:
        """A Pod in the node's own network that listens on the port.

        One that declares no ports is not taken to listen on all of its node's, only on those of its endpoint.
        """
        for pod in self.picture.pods.values():
            here = pod.host_network and pod.node == node
            if here and pod.listens(port) and (pod.ports or self.picture.offered(pod.address, port)):
                return pod
        return None

    def place_of(self, pod: PodState) -> str:
        """Where a Pod's answers start: on its node, or (Turbo) at an interface of its own."""
        return f"pod:{pod.address}" if self.turbo else pod.node

    def route(self, here: str, address: str) -> frozenset[str]:
        """The places that a packet from `here` to `address` passes."""
        node = self.nodes.get(here)
        if (node and address in node.rules.bound) or here == f"pod:{address}":
            return frozenset({here})
        return frozenset({here, *self._places(address)})

    def _places(self, address: str) -> Iterable[str]:
        pod = self.picture.pods_by_address.get(address)
        if pod is not None:
            return {pod.node, self.place_of(pod)}
        node = self.node_at(address)
        if node is not None:
            return {node.options.node}
        return {INTERNET}

    # Following the API

    def _on_change(self, resource: str) -> None:
        self._changes += 1
        if resource == "nodes":
            self._reconcile_nodes()
        if resource == "pods":
            return
        for node in self.nodes.values():
            node.changed()
        self.elb.refresh()

    def _reconcile_nodes(self) -> None:
        states = self.picture.nodes
        for name in [n for n in self.nodes if n not in states]:
            self.nodes.pop(name).stop()
        for state in states.values():
            if not state.address:
                continue
            options = self._options(state)
            if state.name in self.nodes:
                self.nodes[state.name].options = options
            else:
                self.nodes[state.name] = ProxyNode(self.picture, options, self._mode, self._sync_delay)
        self._by_address = {node.options.address: node for node in self.nodes.values()}

    def _options(self, state: NodeState) -> ProxyOptions:
        return ProxyOptions(
            node=state.name,
            address=state.address,
            minor=minor_of(self._version) if self._version else state.minor,
            cluster_cidr=self._cluster_cidr,
            cce=self._cce and state.name not in self.forgetful,
        )


def _walk(walk: Walk, origin: ProxyNode, packet: Packet) -> Journey:
    """A hostNetwork Pod has its node's address, and is the node for the rules."""
    if packet.source == origin.options.address:
        return walk.from_host(origin, packet)
    return walk.from_pod(origin, packet)
