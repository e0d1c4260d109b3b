"""The list of a cluster's load balancers, kept up to date at the cost of what changed."""

from dataclasses import replace

from bot.domain.board import Board
from bot.domain.explanation import Explanation
from bot.domain.objects import (
    EndpointSlice,
    IngressPoint,
    NetworkPolicy,
    Node,
    Pod,
    Ref,
    Selector,
    Service,
    Value,
)
from bot.domain.path import explain
from bot.domain.snapshot import Inventory, Snapshot
from tests.domain.situation import WEB, endpoint, facts, node, pod, service, slice_of, usual

OTHER = Ref("bank", "other")


class Watched:
    """A cluster whose changes reach a board, and which Services had to be explained anew."""

    def __init__(self) -> None:
        self.inventory = Inventory()
        self.asked: list[Ref] = []
        self.board = Board(self._explain)
        for value in (*usual().values, replace(service(), ref=OTHER, ingress=(IngressPoint(ip="10.9.0.6"),))):
            self.inventory.put(value)
        self.read()

    def snapshot(self) -> Snapshot:
        """The cluster as it is."""
        return self.inventory.snapshot(facts())

    def _explain(self, ref: Ref) -> Explanation:
        self.asked.append(ref)
        return explain(self.snapshot(), ref)

    def put(self, value: Value) -> set[Ref]:
        """Change an object, read the list, and say which Services were explained for it."""
        self.asked.clear()
        before = self._former(value)
        self.inventory.put(value)
        if before != value:
            self.board.changed(self.snapshot(), before, value)
        self.read()
        return set(self.asked)

    def _former(self, value: Value) -> Value | None:
        if isinstance(value, Node):
            return self.inventory.nodes.get(value.name)
        return self.inventory.find(type(value), value.ref)

    def read(self) -> dict[Ref, str | None]:
        """Read the whole list."""
        return {line.service: line.verdict for line in self.board.lines(self.snapshot())}


def test_a_change_of_endpoints_costs_its_own_service_only() -> None:
    """An EndpointSlice concerns one Service."""
    cluster = Watched()
    gone = slice_of(endpoint("web-a", "n1", 11, ready=False, serving=False))
    assert cluster.put(gone) == {WEB}
    assert cluster.read()[WEB] == "unreachable"


def test_a_change_of_a_service_costs_it_and_its_siblings() -> None:
    """Those on the same load balancer look at each other's settings, before and after the change."""
    cluster = Watched()
    assert cluster.put(service(session_affinity="ClientIP")) == {WEB}
    moved = replace(service(), ref=OTHER)
    assert cluster.put(moved) == {WEB, OTHER}
    assert cluster.put(replace(moved, ingress=(IngressPoint(ip="10.9.0.7"),))) == {WEB, OTHER}


def test_pods_and_heartbeats_cost_nothing() -> None:
    """They are by far the most frequent changes."""
    cluster = Watched()
    assert cluster.put(pod("new", "n2", 99)) == set()
    assert cluster.put(node("n1")) == set()


def test_the_first_pod_of_a_place_costs_the_lines_that_it_may_change() -> None:
    """On an empty node any line; beside endpoints only, the lines of those."""
    cluster = Watched()
    assert cluster.put(pod("first", "n3", 98)) == {WEB, OTHER}
    cluster.put(slice_of(endpoint("web-a", "n1", 11), endpoint("first", "n3", 98)))
    assert cluster.put(pod("second", "n3", 99)) == {WEB}
    assert cluster.put(pod("third", "n3", 97)) == set()


def test_a_node_that_really_changed_costs_every_line() -> None:
    """Its version, zone or label may concern every Service."""
    cluster = Watched()
    assert cluster.put(node("n1", excluded=True)) == {WEB, OTHER}


def test_a_network_policy_costs_its_namespace() -> None:
    """It selects Pods there only."""
    cluster = Watched()
    assert cluster.put(NetworkPolicy(ref=Ref("shop", "np"), pods=Selector())) == {WEB}


def test_what_the_board_says_is_what_a_fresh_look_says() -> None:
    """After any of the changes above."""
    cluster = Watched()
    changes: list[Service | EndpointSlice | Pod | Node] = [
        slice_of(endpoint("web-b", "n3", 13)),
        service(external_policy=service().internal_policy),
        node("n3", excluded=True),
        pod("far", "n3", 22),
    ]
    for value in changes:
        cluster.put(value)
        fresh = Board(lambda ref: explain(cluster.snapshot(), ref))
        assert list(cluster.board.lines(cluster.snapshot())) == list(fresh.lines(cluster.snapshot()))


def test_new_facts_forget_every_line() -> None:
    """A mode that becomes known may change every verdict."""
    cluster = Watched()
    cluster.board.forget_all()
    assert len(cluster.board) == 0
