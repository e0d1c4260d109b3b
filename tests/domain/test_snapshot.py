"""The inventory: whatever order of changes led to it, it is as if built at once; and what shares a load balancer."""

from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.objects import (
    EndpointSlice,
    Ingress,
    IngressPoint,
    NetworkPolicy,
    Node,
    Pod,
    Ref,
    Requirement,
    Selector,
    Service,
    Value,
    Workload,
)
from bot.domain.population import Blocks
from bot.domain.snapshot import Inventory
from tests.domain.situation import WEB, cce, endpoint, facts, node, pod, service, slice_of

BLOCKS = (Blocks(), Blocks(cluster=("10.1.0.0/28",), allowed=("172.16.0.0/31",)))
ELB = "kubernetes.io/elb.id"

values: st.SearchStrategy[Value] = st.one_of(
    st.builds(
        lambda number, zone, excluded: node(f"n{number}", zone=zone, excluded=excluded),
        st.integers(1, 3),
        st.sampled_from(["", "z1"]),
        st.booleans(),
    ),
    st.builds(
        lambda name, where, host, finished: pod(
            f"p{name}", where, name * 7, host_network=host, finished=finished
        ),
        st.integers(1, 4),
        st.sampled_from(["n1", "n2", "n9", ""]),
        st.booleans(),
        st.booleans(),
    ),
    st.builds(
        lambda name, ip, elb: replace(
            service(), ref=Ref("shop", f"s{name}"), ingress=(IngressPoint(ip=ip),), annotations={ELB: elb}
        ),
        st.integers(1, 3),
        st.sampled_from(["10.9.0.1", "10.9.0.2"]),
        st.sampled_from(["", "a", "b"]),
    ),
    st.builds(
        lambda name, number: slice_of(endpoint("web-a", "n1", number), of=Ref("shop", f"s{name}")),
        st.integers(1, 3),
        st.integers(1, 3),
    ),
    st.builds(
        lambda name, ip: Ingress(ref=Ref("shop", f"i{name}"), addresses=(ip,)),
        st.integers(1, 2),
        st.just("10.9.0.1"),
    ),
    st.builds(lambda name: NetworkPolicy(ref=Ref("shop", f"np{name}"), pods=Selector()), st.integers(1, 2)),
)
steps = st.lists(st.tuples(st.booleans(), values), max_size=25)


def essence(inventory: Inventory) -> dict[str, Any]:
    """Everything that a question may look at, without regard to order."""
    partitions = {
        blocks: (
            {
                sort: (sorted(group.nodes), {each: count for each, count in group.pods.items() if count})
                for sort, group in inventory.partition(blocks).groups.items()
            },
            inventory.partition(blocks).sort_of,
        )
        for blocks in BLOCKS
    }
    return {
        "partitions": partitions,
        "nodes alike": {sort: sorted(group.nodes) for sort, group in inventory.nodes_alike.groups.items()},
        "balancers": {key: sorted(refs) for key, refs in inventory.balancers.items()},
        "ingresses": {key: sorted(refs) for key, refs in inventory.ingress_balancers.items()},
        "slices": {ref: sorted(pieces) for ref, pieces in inventory.slices_of.items()},
        "pods": {node: sorted(pods) for node, pods in inventory.pods_on.items()},
        "versions": dict(inventory.versions),
        "addresses": inventory.node_ips,
        "policies": {name: sorted(refs) for name, refs in inventory.policies_in.items()},
    }


@settings(max_examples=150, derandomize=True)
@given(steps)
def test_an_inventory_is_what_its_objects_are_whatever_led_there(changes: list[tuple[bool, Value]]) -> None:
    """Puts, replacements and removals one by one end where a fresh start would."""
    inventory = Inventory()
    for blocks in BLOCKS:
        inventory.partition(blocks)
    left: dict[tuple[type, Ref], Value] = {}
    for stays, value in changes:
        ref = Ref("", value.name) if isinstance(value, Node) else value.ref
        if stays:
            inventory.put(value)
            left[type(value), ref] = value
        else:
            inventory.remove(type(value), ref)
            left.pop((type(value), ref), None)
    fresh = Inventory()
    for value in left.values():
        fresh.put(value)
    assert essence(inventory) == essence(fresh)


def test_services_share_a_load_balancer_by_id_or_address_across_namespaces() -> None:
    """elb.id, else an address in common."""
    inventory = Inventory()
    by_id = replace(service(), ref=Ref("a", "by-id"), annotations={ELB: "x"}, ingress=())
    by_ip = replace(service(), ref=Ref("b", "by-ip"))
    alone = replace(service(), ref=Ref("c", "alone"), ingress=(IngressPoint(ip="10.9.0.99"),))
    inner = replace(service(), ref=Ref("d", "inner"), type="ClusterIP")
    mine = service(annotations={ELB: "x"})
    for value in (by_id, by_ip, alone, inner, mine):
        inventory.put(value)
    snapshot = inventory.snapshot(facts())
    assert [each.ref for each in snapshot.sharing(mine)] == [by_id.ref, by_ip.ref]
    moved = snapshot.with_service(replace(by_ip, ingress=()))
    assert [each.ref for each in moved.sharing(mine)] == [by_id.ref]
    assert [each.ref for each in snapshot.owners("10.9.0.5")] == [by_ip.ref, WEB]


def test_a_kind_that_was_never_seen_is_not_known() -> None:
    """Unknown differs from empty, also after the last one is gone."""
    inventory = Inventory()
    assert not inventory.snapshot(facts()).knows(Pod)
    inventory.put(pod("a", "n1", 1))
    inventory.remove(Pod, Ref("shop", "a"))
    assert inventory.snapshot(facts()).knows(Pod)
    assert not inventory.snapshot(facts()).knows(EndpointSlice)


def test_a_supposed_service_is_seen_in_its_own_view_only() -> None:
    """The inventory stays as it is."""
    inventory = Inventory()
    inventory.put(service())
    inventory.put(Workload(kind="Deployment", ref=WEB))
    before = inventory.snapshot(facts())
    after = before.with_service(service(session_affinity="ClientIP"))
    assert before.service(WEB) != after.service(WEB)
    assert [each.session_affinity for each in after.load_balancers()] == ["ClientIP"]
    assert isinstance(before.service(WEB), Service)


def test_the_list_of_load_balancers_follows_names_and_types() -> None:
    """And is the same one for as long as neither changes, however often a Service is written."""
    inventory = Inventory()
    other = Ref("aside", "other")
    for each in (service(), service(ref=other)):
        inventory.put(each)
    listed = inventory.load_balancers()
    assert listed == (other, WEB)
    inventory.put(service(session_affinity="ClientIP"))
    assert inventory.load_balancers() is listed
    inventory.put(service(type="ClusterIP"))
    assert inventory.load_balancers() == (other,)
    inventory.put(service(type="ClusterIP", session_affinity="ClientIP"))
    inventory.put(service())
    assert inventory.load_balancers() == (other, WEB)
    inventory.remove(Service, other)
    assert inventory.load_balancers() == (WEB,)


def test_label_selectors_match_as_kubernetes_defines() -> None:
    """MatchLabels and the four operators; an unknown operator matches nothing."""
    labels = {"app": "web", "tier": "front"}
    assert Selector().matches(labels)
    assert Selector(labels={"app": "web"}).matches(labels)
    assert not Selector(labels={"app": "db"}).matches(labels)
    cases = {
        ("app", "In", ("web", "db")): True,
        ("app", "In", ("db",)): False,
        ("app", "NotIn", ("db",)): True,
        ("zone", "NotIn", ("a",)): True,
        ("app", "Exists", ()): True,
        ("zone", "Exists", ()): False,
        ("zone", "DoesNotExist", ()): True,
        ("app", "Resembles", ("web",)): False,
    }
    for (key, operator, chosen), expected in cases.items():
        selector = Selector(requirements=(Requirement(key=key, operator=operator, values=chosen),))
        assert selector.matches(labels) is expected


def test_the_bots_own_probes_are_nobody_to_be_counted() -> None:
    """While a verification runs, status counts the clients that were there before it."""
    situation = cce()
    probes = [pod(f"probe-{at}", f"n{at}", 90 + at, probe=True) for at in (1, 2, 3)]
    before, during = situation.explain(), situation.plus(*probes).explain()
    assert [path.client for path in during.paths] == [path.client for path in before.paths]
