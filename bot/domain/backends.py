"""The endpoints behind one port of a Service, and which of them a node may use.

The choice is kube-proxy's (`pkg/proxy/topology.go`, CategorizeEndpoints): ready endpoints, for the cluster narrowed
by topology hints; without any, endpoints that are terminating but still serving.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from bot.domain.objects import Endpoint, EndpointSlice, Node, Service, ServicePort, TrafficPolicy
from bot.domain.possibility import World
from bot.domain.rules_kube_proxy import INTERNAL_LEAK, TERMINATING, TOPOLOGY
from bot.domain.version import Version

_HINTS = "service.kubernetes.io/topology-aware-hints"
_MODE = "service.kubernetes.io/topology-mode"
_ON = ("Auto", "auto")
_OFF = ("", "disabled", "Disabled")
_V124 = Version(1, 24, 0)
_V127 = Version(1, 27, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The endpoints that a node uses, and the rules that narrowed or widened them."""

    endpoints: tuple[Endpoint, ...] = ()
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Backends:
    """One Service port's endpoints of one address family."""

    service: Service
    ready: tuple[Endpoint, ...] = ()
    leaving: tuple[Endpoint, ...] = ()
    """Terminating, but still serving."""
    others: tuple[Endpoint, ...] = ()
    """Neither: not used by anybody."""
    ready_on: Mapping[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    leaving_on: Mapping[str, tuple[Endpoint, ...]] = field(default_factory=dict)
    hinted: bool = False
    """Whether every ready endpoint carries a zone hint, or every one a node hint."""

    def any(self, world: World, node: str) -> bool:
        """Whether kube-proxy on `node` knows a usable endpoint anywhere in the cluster."""
        return bool(
            self.cluster(world, node).endpoints or (self._is_local() and self.local(world, node).endpoints)
        )

    def _is_local(self) -> bool:
        return self.service.external_policy is TrafficPolicy.LOCAL

    def cluster(self, world: World, node: str) -> Choice:
        """What policy Cluster uses on `node`."""
        if self._leaks(world, node):
            return Choice(endpoints=self.ready_on.get(node, ()), rules=(INTERNAL_LEAK.id,))
        if self.ready:
            return self._near(world, node) if self.hinted else Choice(endpoints=self.ready)
        choice = self._fallback(world, node, self.leaving)
        # Policy Cluster came to it with CategorizeEndpoints; pkg/proxy/topology.go at v1.24, proxier.go at v1.23.
        counts = not choice.endpoints or self._is_local() or world.at_least(_V124, node)
        return choice if counts else Choice()

    def local(self, world: World, node: str) -> Choice:
        """What policy Local uses on `node`."""
        ready = self.ready_on.get(node, ())
        return (
            Choice(endpoints=ready) if ready else self._fallback(world, node, self.leaving_on.get(node, ()))
        )

    def _leaks(self, world: World, node: str) -> bool:
        return (
            self.service.internal_policy is TrafficPolicy.LOCAL
            and not self._is_local()
            and world.holds(INTERNAL_LEAK, node)
            and world.gate("ServiceInternalTrafficPolicy", node)
        )

    def _fallback(self, world: World, node: str, leaving: tuple[Endpoint, ...]) -> Choice:
        if leaving and world.gate("ProxyTerminatingEndpoints", node):
            return Choice(endpoints=leaving, rules=(TERMINATING.id,))
        return Choice()

    def _near(self, world: World, node: str) -> Choice:
        """Narrow to the endpoints that are hinted for the node, else for its zone, if the version does so."""
        everywhere = Choice(endpoints=self.ready)
        if not self._hints_count(world, node):
            return everywhere
        if all(each.node_hints for each in self.ready) and world.gate("PreferSameTrafficDistribution", node):
            here = tuple(each for each in self.ready if node in each.node_hints)
            if here:
                return Choice(endpoints=here, rules=(TOPOLOGY.id,))
        zone = _zone(world.nodes.get(node))
        if zone and all(each.zone_hints for each in self.ready):
            here = tuple(each for each in self.ready if zone in each.zone_hints)
            if here:
                return Choice(endpoints=here, rules=(TOPOLOGY.id,))
        return everywhere

    def _hints_count(self, world: World, node: str) -> bool:
        if world.gate("ServiceTrafficDistribution", node):
            return True
        # Before v1.24 policy Local was left out of it; pkg/proxy/topology.go at v1.23.
        return (
            self._hints_asked_for(world, node)
            and world.gate("TopologyAwareHints", node)
            and not (self._is_local() and not world.at_least(_V124, node))
        )

    def _hints_asked_for(self, world: World, node: str) -> bool:
        """Whether an annotation asks for hints, as the version reads it.

        Before v1.27 only the former annotation counts, and only Auto; since then either does, the former one first,
        with any value that does not turn it off (pkg/proxy/service.go, topology.go at v1.26 and v1.27).
        """
        former = self.service.annotations.get(_HINTS)
        before = former in _ON
        since = (self.service.annotations.get(_MODE, "") if former is None else former) not in _OFF
        return since if before == since or world.at_least(_V127, node) else before


def _zone(node: Node | None) -> str:
    return node.zone if node else ""


def gather(service: Service, port: ServicePort, family: str, slices: Iterable[EndpointSlice]) -> Backends:
    """Collect the endpoints behind `port` from every slice of that family, each address and number once."""
    found: dict[tuple[str, int], Endpoint] = {}
    for piece in slices:
        number = _number(piece, port) if piece.family == family else 0
        for endpoint in piece.endpoints if number else ():
            known = found.get((endpoint.ip, number))
            if known is None or _standing(endpoint) > _standing(known):
                found[endpoint.ip, number] = replace(endpoint, port=number)
    return sorted_out(service, found.values())


def _standing(endpoint: Endpoint) -> tuple[bool, bool]:
    """Which of two that have one address and port counts: the one that stays, else the one that is ready.

    kube-proxy prefers what is not terminating (pkg/proxy/endpointslicecache.go); of two that both stay it takes
    any, and here it is the ready one.
    """
    return not endpoint.terminating, endpoint.ready


def _number(piece: EndpointSlice, port: ServicePort) -> int:
    """The slice's number of that port; 0 where it has none, and kube-proxy then passes over it."""
    for each in piece.ports:
        if each.name == port.name and each.protocol is port.protocol:
            return each.port
    return 0


def sorted_out(service: Service, endpoints: Iterable[Endpoint]) -> Backends:
    """Sort endpoints by what they are good for and where they run."""
    ready: list[Endpoint] = []
    leaving: list[Endpoint] = []
    others: list[Endpoint] = []
    for endpoint in endpoints:
        if endpoint.ready:
            ready.append(endpoint)
        else:
            (leaving if endpoint.serving and endpoint.terminating else others).append(endpoint)
    return Backends(
        service=service,
        ready=tuple(ready),
        leaving=tuple(leaving),
        others=tuple(others),
        ready_on=_by_node(ready),
        leaving_on=_by_node(leaving),
        hinted=bool(ready) and (all(e.zone_hints for e in ready) or all(e.node_hints for e in ready)),
    )


def _by_node(endpoints: list[Endpoint]) -> dict[str, tuple[Endpoint, ...]]:
    found: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        if endpoint.node:
            found.setdefault(endpoint.node, []).append(endpoint)
    return {node: tuple(here) for node, here in found.items()}
