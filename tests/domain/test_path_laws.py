"""Laws of paths, over clusters that Hypothesis makes up."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import product
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.domain.catalogue import RULES
from bot.domain.explanation import ClientKind, End, Explanation, Path, SourceIP, Verdict
from bot.domain.objects import (
    Endpoint,
    EndpointSlice,
    IngressPoint,
    NetworkPolicy,
    Node,
    Pod,
    PolicyPeer,
    PolicyRule,
    Ref,
    Selector,
    Service,
    ServicePort,
    TrafficPolicy,
    Value,
)
from bot.domain.path import ClientAsked, Question, explain
from bot.domain.snapshot import Inventory
from bot.domain.version import Version
from tests.domain.situation import WEB, Situation, facts, node, pod, service, slice_of

NODES = ("n1", "n2", "n3")
ZONES = {"n1": "z1", "n2": "z2", "n3": "z2"}
CONDITIONS: tuple[dict[str, Any], ...] = (
    {"ready": True, "serving": True, "terminating": False},
    {"ready": False, "serving": False, "terminating": False},
    {"ready": False, "serving": True, "terminating": True},
    {"ready": False, "serving": False, "terminating": True},
)
VERSIONS = (
    "v1.14.3",
    "v1.18.0",
    "v1.20.1",
    "v1.23.9",
    "v1.25.2",
    "v1.29.0",
    "v1.31.4",
    "v1.33.2",
    "v1.33.7",
    "v1.34.1",
)
PASS = "kubernetes.io/elb.pass-through"
CLASS = "kubernetes.io/elb.class"

known_facts = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(["iptables", "ipvs", "nftables"]),
        "version": st.sampled_from(VERSIONS),
        "platform": st.sampled_from(["cce", "generic"]),
        "category": st.sampled_from(["standard", "turbo"]),
        "detector": st.booleans(),
        "cidr": st.sampled_from([None, "10.1.0.0/24", "10.1.0.0/28"]),
        "delivery": st.sampled_from(["nodeport", "pod", "vip"]),
        "preserves": st.booleans(),
    }
)
annotations = st.fixed_dictionaries(
    {},
    optional={
        PASS: st.sampled_from(["true", "onlyLocal", "false", "yes"]),
        CLASS: st.sampled_from(["union", "performance"]),
    },
)


@st.composite
def services(draw: st.DrawFn) -> Service:
    """The Service shop/web with random settings."""
    return service(
        annotations=draw(annotations),
        external_policy=draw(st.sampled_from(TrafficPolicy)),
        internal_policy=draw(st.sampled_from(TrafficPolicy)),
        source_ranges=draw(st.sampled_from([(), (), ("10.1.0.0/29",), ("0.0.0.0/0",)])),
        ports=(ServicePort(port=80, node_port=draw(st.sampled_from([0, 30080])), target="8080"),),
        ingress=(
            draw(
                st.sampled_from(
                    [
                        IngressPoint(ip="10.9.0.5"),
                        IngressPoint(ip="80.158.1.9"),
                        IngressPoint(ip="10.9.0.5", ip_mode="Proxy"),
                        IngressPoint(hostname="lb.example"),
                    ]
                )
            ),
        ),
    )


@st.composite
def endpoints(draw: st.DrawFn) -> tuple[Endpoint, ...]:
    """Up to five endpoints of Pods b1, b2 and so on."""
    chosen = draw(st.lists(st.tuples(st.sampled_from(NODES), st.sampled_from(CONDITIONS)), max_size=5))
    hints = draw(st.sampled_from(["", "", "zone", "node"]))
    return tuple(
        Endpoint(
            ip=f"10.1.0.{number}",
            node=where,
            pod=Ref("shop", f"b{number}"),
            zone_hints=(ZONES[where],) if hints == "zone" else (),
            node_hints=(where,) if hints == "node" else (),
            **conditions,
        )
        for number, (where, conditions) in enumerate(chosen, 1)
    )


PEERS = (
    PolicyPeer(pods=Selector(labels={"role": "friend"})),
    PolicyPeer(namespaces=Selector()),
    PolicyPeer(cidr="10.1.0.0/27"),
    PolicyPeer(cidr="0.0.0.0/0", excepted=("10.1.0.24/29",)),
    PolicyPeer(cidr="172.16.0.0/24"),
    PolicyPeer(cidr="fd00::/8"),
)


def rule_of(peers: list[PolicyPeer]) -> PolicyRule:
    """A rule that lets these in; nobody named means everybody."""
    return PolicyRule(peers=tuple(peers))


@st.composite
def situations(draw: st.DrawFn, *, known: bool = True) -> tuple[dict[str, Any], Situation]:
    """A cluster of three nodes with all facts known, and those facts."""
    given_facts: dict[str, Any] = draw(known_facts)
    if given_facts["platform"] == "cce":
        # There, category and annotations tell; a statement to the contrary would be another cluster.
        given_facts |= {"delivery": None, "preserves": None}
    if given_facts["mode"] == "nftables" and Version.parse(given_facts["version"])[:2] < (1, 29):
        # There is none; what becomes of facts that contradict each other has tests of its own.
        given_facts["version"] = "v1.29.0"
    if given_facts["mode"] == "nftables" and Version.parse(given_facts["version"])[:2] < (1, 31):
        # Alpha until then: who has it has switched the gate on, and must say so for it to be weighed.
        given_facts["gates"] = {"NFTablesProxyMode": True}
    backends = draw(endpoints())
    clients = [
        pod(
            f"c{number}",
            where,
            20 + number * 3,
            host_network=draw(st.booleans()),
            labels={"role": draw(st.sampled_from(["friend", "stranger"]))},
        )
        for number, where in enumerate(draw(st.lists(st.sampled_from(NODES), max_size=4)), 1)
    ]
    if given_facts["cidr"] is not None:
        # An address block is a detector.
        given_facts["detector"] = True
    asked = draw(services())
    if given_facts["platform"] == "generic":
        # A class of CCE's load balancers would tell the platform by itself.
        asked = replace(
            asked, annotations={key: each for key, each in asked.annotations.items() if key != CLASS}
        )
    values: list[Value] = [
        *(
            node(name, kubelet_version="", zone=ZONES[name], excluded=draw(st.integers(0, 4)) == 0)
            for name in NODES
        ),
        asked,
        slice_of(*backends),
        *(pod(each.pod.name, each.node, int(each.ip.rpartition(".")[2])) for each in backends if each.pod),
        *clients,
    ]
    if draw(st.integers(0, 3)) == 0:
        rules = draw(st.lists(st.builds(rule_of, st.lists(st.sampled_from(PEERS), max_size=2)), max_size=2))
        values.append(NetworkPolicy(ref=Ref("shop", "guard"), pods=Selector(), ingress=tuple(rules)))
    assert known
    return given_facts, Situation(given=facts(**given_facts), values=tuple(values))


def everybody(situation: Situation) -> dict[str, Path]:
    """The answer for every client by name."""
    asked = [
        ClientAsked(kind=ClientKind.EXTERNAL, name="203.0.113.7"),
        *(
            ClientAsked(kind=ClientKind.NODE, name=each.name)
            for each in situation.values
            if isinstance(each, Node)
        ),
        *(
            ClientAsked(kind=ClientKind.POD, namespace=each.ref.namespace, name=each.ref.name)
            for each in situation.values
            if isinstance(each, Pod)
        ),
    ]
    return {
        f"{client.kind}:{client.name}": path
        for client in asked
        for path in situation.explain(Question(client=client)).paths
    }


def essence(path: Path) -> tuple[Any, ...]:
    """What an answer says, without its prose."""
    ends = Counter((trace.end, trace.endpoint) for trace in path.traces)
    return path.verdict, path.via_load_balancer, path.endpoints, path.source_ip, path.missing, ends


quick = settings(max_examples=60, derandomize=True)


@quick
@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_objects_changes_nothing(drawn: tuple[Any, Situation], random: Any) -> None:
    """Reordering the input gives the same answers."""
    _, situation = drawn
    shuffled = list(situation.values)
    random.shuffle(shuffled)
    before, after = everybody(situation), everybody(replace(situation, values=tuple(shuffled)))
    assert {name: essence(path) for name, path in before.items()} == {
        name: essence(path) for name, path in after.items()
    }


@quick
@given(drawn=situations(), random=st.randoms(use_true_random=False), pods=st.booleans())
def test_the_order_in_which_objects_arrive_and_leave_changes_no_word(
    drawn: tuple[Any, Situation], random: Any, *, pods: bool
) -> None:
    """A live index that grew by events gives the same document as one read from a file, to the letter."""
    _, situation = drawn
    values = [each for each in situation.values if pods or not isinstance(each, Pod)]
    values += [
        replace(service(), ref=Ref("bank", "other"), ports=(ServicePort(port=443, node_port=30443),)),
        slice_of(Endpoint(ip="10.1.0.90", node="n3", pod=Ref("shop", "late")), name="b"),
    ]
    passing = [pod("passing", "n9", 95), node("n9"), pod("c1", "n3", 96), slice_of(name="z")]
    read, grown = Inventory(), Inventory()
    for value in values:
        read.put(value)
    for value in random.sample(values + passing, len(values) + len(passing)):
        grown.put(value)
    for value in (*passing, *random.sample(values, len(values))):
        grown.remove(type(value), Ref("", value.name) if isinstance(value, Node) else value.ref)
        if value in values:
            grown.put(value)
    for value in values:
        grown.put(value)
    grown.complete = set(read.complete)
    documents = [explain(each.snapshot(situation.given), WEB).as_json() for each in (read, grown)]
    assert documents[0] == documents[1]


@quick
@given(situations())
def test_an_unrelated_object_changes_nothing(drawn: tuple[Any, Situation]) -> None:
    """Another Service, its endpoints, a policy and a Pod elsewhere are nobody's business."""
    _, situation = drawn
    other = Ref("elsewhere", "other")
    more = situation.plus(
        replace(service(), ref=other, ingress=(IngressPoint(ip="10.9.0.99"),)),
        slice_of(Endpoint(ip="10.1.0.99", node="n2"), of=other),
        NetworkPolicy(ref=Ref("elsewhere", "closed"), pods=Selector()),
    )
    before, after = everybody(situation), everybody(more)
    assert {name: essence(path) for name, path in before.items()} == {
        name: essence(path) for name, path in after.items()
    }


@quick
@given(situations())
def test_renaming_changes_names_only(drawn: tuple[Any, Situation]) -> None:
    """Nodes and Pods under other names fare the same."""
    _, situation = drawn
    renamed = replace(situation, values=tuple(_renamed(value) for value in situation.values))
    before = {name: essence(path) for name, path in everybody(situation).items()}
    after = {name: essence(path) for name, path in everybody(renamed).items()}
    assert Counter(each[0] for each in before.values()) == Counter(each[0] for each in after.values())
    for name, (verdict, through, ends, source, missing, _) in before.items():
        kind, _, plain = name.partition(":")
        other = after[name if kind == "external" else f"{kind}:z-{plain}"]
        assert (verdict, through, len(ends), source, missing) == (*other[:2], len(other[2]), *other[3:5])


def _renamed(value: Value) -> Value:
    match value:
        case Node():
            return replace(value, name=f"z-{value.name}")
        case Pod():
            return replace(value, ref=Ref(value.ref.namespace, f"z-{value.ref.name}"), node=f"z-{value.node}")
        case EndpointSlice():
            return replace(value, endpoints=tuple(_renamed_endpoint(each) for each in value.endpoints))
    return value


def _renamed_endpoint(endpoint: Endpoint) -> Endpoint:
    assert endpoint.pod is not None
    return replace(
        endpoint,
        node=f"z-{endpoint.node}",
        node_hints=tuple(f"z-{name}" for name in endpoint.node_hints),
        pod=Ref(endpoint.pod.namespace, f"z-{endpoint.pod.name}"),
    )


@settings(max_examples=120, derandomize=True)
@given(
    situations(),
    st.sampled_from(["mode", "version", "platform", "category", "detector", "cidr", "delivery", "preserves"]),
)
def test_a_fact_made_unknown_moves_a_verdict_to_undetermined_only(
    drawn: tuple[Mapping[str, Any], Situation], name: str
) -> None:
    """Knowing less never claims something else: verdict, way, endpoints and source only blur."""
    known, situation = drawn
    less = situation.knowing(**{**known, name: None})
    before, after = everybody(situation), everybody(less)
    for client, path in after.items():
        was = before[client]
        assert path.verdict in {was.verdict, Verdict.UNDETERMINED}
        assert path.via_load_balancer in {was.via_load_balancer, None}
        if name != "preserves":  # a balancer that keeps the destination is taken to keep the source
            assert path.source_ip in {was.source_ip, SourceIP.UNKNOWN} or was.source_ip is SourceIP.UNKNOWN
        assert set(was.endpoints) <= set(path.endpoints) or path.verdict is was.verdict


EACH_STRETCH = (
    *(f"v1.{minor}.0" for minor in (14, 15, 16, 19, 20, 21, 22, 24, 25, 26, 27, 29, 30, 31, 33, 34, 36)),
    "v1.33.6",
)
"""One version of every stretch between two at which anything changes."""
VALUES: dict[str, tuple[Any, ...]] = {
    "mode": ("iptables", "ipvs", "nftables"),
    "version": EACH_STRETCH,
    "platform": ("cce", "generic"),
    "category": ("standard", "turbo"),
    "detector": (True, False),
    "delivery": ("nodeport", "pod", "vip"),
    "preserves": (True, False),
}


def completions(known: Mapping[str, Any], situation: Situation) -> Iterator[dict[str, Any]]:
    """Every cluster that these facts may be about."""
    told = {name for name, value in known.items() if value is not None}
    told |= {"detector"} if known["cidr"] else set()
    hidden = [name for name in VALUES if name not in told]
    (asked,) = (each for each in situation.values if isinstance(each, Service))
    for chosen in product(*(VALUES[name] for name in hidden)):
        made = {**known, **dict(zip(hidden, chosen, strict=True))}
        if made["platform"] == "cce" and known["platform"] != "generic":
            # Category and annotations tell how CCE delivers.
            made |= {name: None for name in ("delivery", "preserves") if name in hidden}
        # Stated, the gate must be on; nobody says so, then its default counts (KEP-3866).
        first = (1, 29) if known["mode"] or known.get("gates") else (1, 31)
        too_old = made["mode"] == "nftables" and Version.parse(made["version"])[:2] < first
        recognised = CLASS in asked.annotations and known["platform"] is None and made["platform"] != "cce"
        if not too_old and not recognised:
            yield made


@settings(max_examples=80, derandomize=True)
@given(
    situations(),
    st.sets(st.sampled_from(sorted(VALUES)), min_size=1, max_size=2),
    st.sampled_from(["external", *NODES, "c1", "c2", "b1", "b2"]),
)
def test_an_answer_with_facts_unknown_is_what_every_possible_cluster_has_in_common(
    drawn: tuple[Mapping[str, Any], Situation], hidden: set[str], name: str
) -> None:
    """Weighing is neither bolder nor shyer: all agree, and that is the verdict; else it is undetermined."""
    known, situation = drawn
    client = ClientAsked(kind=ClientKind.EXTERNAL, name="203.0.113.7")
    if name in NODES:
        client = ClientAsked(kind=ClientKind.NODE, name=name)
    elif name != "external":
        client = ClientAsked(kind=ClientKind.POD, namespace="shop", name=name)
        assume(any(isinstance(each, Pod) and each.ref.name == name for each in situation.values))
    less = {**known, **dict.fromkeys(hidden)}
    (path,) = situation.knowing(**less).explain(Question(client=client)).paths
    every = {
        situation.knowing(**made).explain(Question(client=client)).paths[0].verdict
        for made in completions(less, situation)
    }
    assume(every)  # what is known may contradict itself
    assert path.verdict == (every.pop() if len(every) == 1 else Verdict.UNDETERMINED)


@quick
@given(situations())
def test_what_an_answer_says_fits_its_traces(drawn: tuple[Any, Situation]) -> None:
    """Ends fit the verdict, every hop names a rule, the missing facts go with the verdict."""
    _, situation = drawn
    for path in everybody(situation).values():
        ends = {trace.end for trace in path.traces}
        assert path.traces
        assert all(hop.rule in RULES for trace in path.traces for hop in trace.hops)
        assert (path.verdict is Verdict.UNDETERMINED) == bool(path.missing)
        if path.verdict is Verdict.REACHABLE:
            assert ends == {End.DELIVER}
        elif path.verdict is Verdict.UNREACHABLE:
            assert End.DELIVER not in ends
            assert path.endpoints == ()
        elif path.verdict is Verdict.AMBIGUOUS:
            assert End.DELIVER in ends
            assert len(ends) > 1


@quick
@given(situations())
def test_classes_count_every_pod_and_node_once(drawn: tuple[Any, Situation]) -> None:
    """The counts of the classes add up to the cluster's Pods and nodes."""
    _, situation = drawn
    explanation = situation.explain()
    assert _sum(explanation, ClientKind.NODE) == len(NODES)
    pods = {value.ref for value in situation.values if isinstance(value, Pod)}
    if pods:
        assert _sum(explanation, ClientKind.POD) == len(pods)


def _sum(explanation: Explanation, kind: ClientKind) -> int:
    return sum(path.client.stands_for or 0 for path in explanation.paths if path.client.kind is kind)


@settings(max_examples=120, derandomize=True)
@given(situations())
def test_a_class_speaks_for_all_of_its_members(drawn: tuple[Any, Situation]) -> None:
    """Asked one by one, as many clients get each verdict, way and source as the classes say."""
    _, situation = drawn
    if not any(isinstance(value, Pod) for value in situation.values):
        return
    classes: Counter[tuple[Any, ...]] = Counter()
    for path in situation.explain().paths:
        classes[path.client.kind, path.verdict, path.via_load_balancer, path.source_ip] += (
            path.client.stands_for or 0
        )
    single = Counter(
        (path.client.kind, path.verdict, path.via_load_balancer, path.source_ip)
        for path in everybody(situation).values()
    )
    outside = ClientKind.EXTERNAL
    assert {key: count for key, count in classes.items() if key[0] is not outside} == {
        key: count for key, count in single.items() if key[0] is not outside
    }


@quick
@given(situations(), st.integers(0, 4))
def test_within_one_fallback_class_an_endpoint_less_adds_none(
    drawn: tuple[Any, Situation], which: int
) -> None:
    """Without one endpoint, while another of its kind stays on its node, nobody new may answer."""
    _, situation = drawn
    (piece,) = (value for value in situation.values if isinstance(value, EndpointSlice))
    if which >= len(piece.endpoints):
        return
    gone = piece.endpoints[which]
    rest = tuple(each for each in piece.endpoints if each is not gone)
    alike = [each for each in rest if each.node == gone.node and _kind(each) == _kind(gone)]
    if not alike:
        return
    fewer = everybody(situation.plus(replace(piece, endpoints=rest)))
    for client, path in everybody(situation).items():
        if client != f"pod:{gone.pod.name if gone.pod else ''}":
            assert set(fewer[client].endpoints) <= set(path.endpoints)


def _kind(endpoint: Endpoint) -> tuple[bool, bool, bool]:
    return endpoint.ready, endpoint.serving, endpoint.terminating


@quick
@given(situations())
def test_the_fallback_to_terminating_endpoints_needs_that_nobody_is_ready(
    drawn: tuple[Any, Situation],
) -> None:
    """A terminating endpoint answers only where no ready one of its scope does."""
    _, situation = drawn
    (piece,) = (value for value in situation.values if isinstance(value, EndpointSlice))
    state = {each.name: each for each in piece.endpoints}
    for path in everybody(situation).values():
        leaving = [name for name in path.endpoints if not state[name].ready]
        for name in leaving:
            assert state[name].terminating
            same_node = [each for each in piece.endpoints if each.ready and each.node == state[name].node]
            assert not same_node


def test_the_service_of_the_laws_is_the_one_asked_about() -> None:
    """The laws above would hold for nothing at all."""
    assert service().ref == WEB
