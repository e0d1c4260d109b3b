"""Whether a Service's addresses are in the nodes' rules, so that clients inside go past the load balancer.

Findings are about the Service and not about one client. So that they say no more than the paths do, this asks the
same rules as a walk, in every possible world.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from bot.domain.answers import Answers, possible, told
from bot.domain.balancer import bypasses_nodes, left_out
from bot.domain.cluster_facts import Category, Mode, Platform
from bot.domain.objects import IngressPoint, Service
from bot.domain.packet import Sender
from bot.domain.possibility import World
from bot.domain.snapshot import Snapshot

_ByPoint = dict[IngressPoint, Answers[bool]]
_Ask = Callable[[World, Service, IngressPoint, str], bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """By address: whether node rules hold it for a Pod, and whether a CCE standard cluster's leave it out."""

    points: Mapping[IngressPoint, Answers[bool]]
    standard: Mapping[IngressPoint, Answers[bool]]

    @property
    def may_hold(self) -> bool:
        """Whether some node may have an address of the Service in its rules."""
        return any(self.may_hold_at(point) for point in self.points)

    @property
    def doubt(self) -> tuple[str, ...]:
        """The facts that decide whether any is held; none where one surely is."""
        if any(each.values == {True} for each in self.points.values()):
            return ()
        return told(frozenset().union(*(each.depends for each in self.points.values())))

    def may_hold_at(self, point: IngressPoint) -> bool:
        """Whether some node may have this address in its rules."""
        return True in self.points[point].values

    def may_leave_out(self, point: IngressPoint) -> bool:
        """Whether some node may leave this address out."""
        return False in self.points[point].values

    def doubt_about(self, point: IngressPoint) -> tuple[str, ...]:
        """The facts that decide whether this address is held."""
        return told(self.points[point].depends)

    def may_cross(self, point: IngressPoint) -> bool:
        """Whether this may be a CCE standard cluster in which a client of this address crosses the load balancer."""
        return True in self.standard[point].values

    def doubt_about_crossing(self, point: IngressPoint) -> tuple[str, ...]:
        """The facts that decide whether it is one."""
        return told(self.standard[point].depends)


def holding(snapshot: Snapshot, service: Service, points: tuple[IngressPoint, ...]) -> Holding:
    """Ask about each address, for every kind of node; nobody knows what another proxier than kube-proxy holds."""
    if snapshot.facts.mode.value is Mode.OTHER:
        nothing: _ByPoint = dict.fromkeys(points, Answers())
        return Holding(points=nothing, standard=nothing)
    return Holding(
        points=_asked(snapshot, service, points, _in_rules),
        standard=_asked(snapshot, service, points, _crosses),
    )


def _asked(snapshot: Snapshot, service: Service, points: tuple[IngressPoint, ...], ask: _Ask) -> _ByPoint:
    def about(point: IngressPoint, node: str) -> Answers[bool]:
        return possible(snapshot, lambda world: ask(world, service, point, node))

    found: _ByPoint = dict.fromkeys(points, Answers())
    for point in points:
        for node in _kinds_of_nodes(snapshot):
            found[point] |= about(point, node)
    return found


def _in_rules(world: World, service: Service, point: IngressPoint, node: str) -> bool:
    if left_out(world, service, point, node) is not None:
        return False
    return bypasses_nodes(world, service, Sender.POD) is None


def _crosses(world: World, service: Service, point: IngressPoint, node: str) -> bool:
    if world.platform() is not Platform.CCE or world.category() is not Category.STANDARD:
        return False
    if not point.ip and not world.ask("loadBalancer.address", {"a private one": True, "a public one": False}):
        return False
    return left_out(world, service, point, node) is not None


def _kinds_of_nodes(snapshot: Snapshot) -> Iterator[str]:
    """One node of each kubelet version, where those count; else any."""
    version, inventory = snapshot.facts.version, snapshot.inventory
    if version.known or version.withheld or not inventory.nodes:
        yield ""
        return
    seen: set[str] = set()
    for sort, group in inventory.nodes_alike.sorted_groups():
        if sort.version not in seen and group.nodes:
            seen.add(sort.version)
            yield next(iter(group.nodes))
