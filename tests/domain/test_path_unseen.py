"""The law of what is not seen: of a running cluster, a kind that nobody sees can move a verdict only to *undetermined*.

A kind is not seen where the bot may not list it, or where its cache is too old.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.explanation import ClientKind, Path, Verdict
from bot.domain.fact import Origin
from bot.domain.objects import (
    EndpointSlice,
    Ingress,
    NetworkPolicy,
    Node,
    Pod,
    PolicyRule,
    Ref,
    Selector,
    Service,
    TrafficPolicy,
)
from bot.domain.path import ClientAsked, Question, Target, explain
from bot.domain.snapshot import Inventory, Snapshot
from bot.domain.summary import worst
from tests.domain.situation import ADDRESS, WEB, Situation, cce, endpoint, node, usual
from tests.domain.test_path_laws import situations

KINDS = (Service, EndpointSlice, Node, Pod, Ingress, NetworkPolicy)
SURE = {Verdict.REACHABLE, Verdict.UNREACHABLE, Verdict.AMBIGUOUS}


def live(situation: Situation, *unseen: type, kept: bool = True) -> Snapshot:
    """The cluster as it is watched; of an unseen kind what was seen last, or nothing at all."""
    inventory = Inventory(live=True)
    for value in situation.values:
        if kept or type(value) not in unseen:
            inventory.put(value)
    inventory.complete.clear()
    inventory.complete.update(set(KINDS) - set(unseen))
    return inventory.snapshot(situation.given)


def clients(snapshot: Snapshot) -> Iterator[ClientAsked]:
    """Everybody by name whom the snapshot has."""
    yield ClientAsked(kind=ClientKind.EXTERNAL, name="203.0.113.7")
    yield from (ClientAsked(kind=ClientKind.NODE, name=name) for name in sorted(snapshot.inventory.nodes))
    for ref in sorted(snapshot.inventory.pods):
        yield ClientAsked(kind=ClientKind.POD, namespace=ref.namespace, name=ref.name)


def verdicts(snapshot: Snapshot) -> dict[tuple[str, str], Verdict]:
    """The verdict for everybody by name, for each destination."""
    return {
        (f"{client.kind}:{client.name}", str(path.destination)): path.verdict
        for client in clients(snapshot)
        for path in explain(snapshot, WEB, Question(client=client)).paths
    }


def classes(snapshot: Snapshot) -> dict[tuple[str, str], Path]:
    """The answer for each class."""
    return {(path.client.group, str(path.destination)): path for path in explain(snapshot, WEB).paths}


law = settings(max_examples=150, derandomize=True, deadline=None)
unseen_kinds = st.lists(st.sampled_from(KINDS), min_size=1, max_size=len(KINDS), unique=True)


@law
@given(drawn=situations(), unseen=unseen_kinds, kept=st.booleans())
def test_what_is_not_seen_moves_a_verdict_nowhere_but_to_undetermined(
    drawn: tuple[Any, Situation], unseen: list[type], *, kept: bool
) -> None:
    """Everybody by name, whatever is unknown, and whether or not something is left in the cache."""
    _, situation = drawn
    gone = [kind for kind in unseen if kept or kind is not Service]
    before, after = verdicts(live(situation)), verdicts(live(situation, *gone, kept=kept))
    moved = {name: (before[name], after[name]) for name in after.keys() & before.keys()}
    assert {each for each in moved.values() if each[1] not in {each[0], Verdict.UNDETERMINED}} == set()


@law
@given(drawn=situations(), unseen=unseen_kinds, kept=st.booleans())
def test_what_is_not_seen_makes_no_class_and_no_whole_look_better(
    drawn: tuple[Any, Situation], unseen: list[type], *, kept: bool
) -> None:
    """The worst verdict, as a list shows it, and each class that is still told apart."""
    _, situation = drawn
    gone = [kind for kind in unseen if kept or kind is not Service]
    fresh, blind = live(situation), live(situation, *gone, kept=kept)
    before, after = classes(fresh), classes(blind)
    moved = {name: (before[name].verdict, after[name].verdict) for name in after.keys() & before.keys()}
    assert {each for each in moved.values() if each[1] not in {each[0], Verdict.UNDETERMINED}} == set()
    if worst(explain(blind, WEB)) is Verdict.REACHABLE:
        assert worst(explain(fresh, WEB)) is Verdict.REACHABLE


@law
@given(drawn=situations())
def test_everything_seen_is_answered_as_from_files(drawn: tuple[Any, Situation]) -> None:
    """A running cluster of which every kind is seen gets the answers that its manifests get."""
    _, situation = drawn
    files = Inventory()
    for value in situation.values:
        files.put(value)
    files.complete.update(KINDS)
    assert explain(live(situation), WEB).as_json() == explain(files.snapshot(situation.given), WEB).as_json()


def test_a_service_without_endpoints_is_not_reachable_once_its_endpoints_are_not_seen() -> None:
    """Nobody gets there while it is fresh; then nobody knows, and what would tell is named."""
    empty = usual(endpoints=(), given={"mode": "ipvs"})
    assert {path.verdict for path in classes(live(empty)).values()} == {Verdict.UNREACHABLE}
    answer = explain(live(empty, EndpointSlice, kept=False), WEB)
    assert {path.verdict for path in answer.paths} == {Verdict.UNDETERMINED}
    assert {path.missing for path in answer.paths} == {("endpoints",)}
    assert {path.client.group for path in answer.paths} == {
        "external",
        "pod-anywhere",
        "host-network-pod-anywhere",
    } | {"node-anywhere"}
    assert not answer.hypothetical
    assert all(fact.origin is not Origin.ASSUMED for fact in answer.facts)
    assert "endpoints" in {fact.name for fact in answer.facts if not fact.known}
    assert {"no-ready-endpoint", "port-without-endpoints"}.isdisjoint({each.code for each in answer.findings})
    said = next(reason.message for reason in answer.paths[0].reasons if "endpoints" in reason.message)
    assert said.endswith("lets it list and watch EndpointSlices and Services.")


def test_what_no_endpoint_could_mend_stays_unreachable_unseen() -> None:
    """Without a node port the load balancer has no way in, whatever endpoints there are."""
    bare = usual(given={"mode": "iptables", "delivery": "nodeport"})
    (port,) = next(each for each in bare.values if isinstance(each, Service)).ports
    without = usual(
        given={"mode": "iptables", "delivery": "nodeport"},
        ports=(replace(port, node_port=0),),
        allocate_node_ports=False,
    )
    path = classes(live(without, EndpointSlice))["external", f"{ADDRESS}:80"]
    assert path.verdict is Verdict.UNREACHABLE


def test_nodes_that_are_not_seen_may_all_be_kept_out_of_load_balancers() -> None:
    """Who crosses the load balancer depends on them; who goes straight to an endpoint does not."""
    answers = classes(live(cce(given={"mode": "ipvs"}), Node, kept=False))
    outside = answers["external", f"{ADDRESS}:80"]
    assert (outside.verdict, outside.missing) == (Verdict.UNDETERMINED, ("loadBalancer.members",))
    inside = [path for (group, _), path in answers.items() if group.startswith("pod-")]
    assert inside
    assert {path.verdict for path in inside} == {Verdict.REACHABLE}


def test_a_network_policy_that_is_not_seen_may_keep_everybody_out() -> None:
    """Also one that would let everybody in does not count any more once it is not seen."""
    guard = NetworkPolicy(ref=Ref("shop", "guard"), pods=Selector(), ingress=(PolicyRule(),))
    situation = usual(given={"mode": "ipvs"}).plus(guard)
    assert {path.verdict for path in classes(live(situation)).values()} == {Verdict.REACHABLE}
    for kept in (True, False):
        blind = classes(live(situation, NetworkPolicy, kept=kept)).values()
        assert {(path.verdict, path.missing) for path in blind} == {
            (Verdict.UNDETERMINED, ("networkPolicy",))
        }


def test_an_ingress_that_is_not_seen_may_listen_on_a_port_that_no_service_has() -> None:
    """Nobody can say that nothing listens there."""
    question = Question(target=Target(host=ADDRESS, port=9999))
    fresh = explain(live(usual()), WEB, question).paths
    blind = explain(live(usual(), Ingress), WEB, question).paths
    assert Verdict.UNREACHABLE in {path.verdict for path in fresh}
    crossing = {path.verdict for path in blind if path.client.kind is ClientKind.EXTERNAL}
    assert crossing == {Verdict.UNDETERMINED}


def test_endpoints_that_are_not_seen_may_be_on_any_node_that_takes_part() -> None:
    """Policy Local, one node kept out: the other one may have the endpoint, so nobody outside is cut off for sure."""
    situation = usual(endpoints=(endpoint("web-a", "n1", 11),), external_policy=TrafficPolicy.LOCAL).plus(
        node("n1", excluded=True), node("n2"), node("n3", excluded=True)
    )
    assert classes(live(situation))["external", f"{ADDRESS}:80"].verdict is Verdict.UNREACHABLE
    blind = classes(live(situation, EndpointSlice))
    assert blind["external", f"{ADDRESS}:80"].verdict is Verdict.UNDETERMINED
