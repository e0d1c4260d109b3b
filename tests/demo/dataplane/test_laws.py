"""Laws of the simulated network, over worlds that nobody thought of."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.demo.dataplane.balancer import Balancer, Kind
from bot.demo.dataplane.rules import Mode
from tests.demo.dataplane.cluster import EIP, VIP, Cluster, Policy

NODES = 4
MODES: st.SearchStrategy[Mode] = st.sampled_from(["iptables", "ipvs", "nftables"])
KINDS: st.SearchStrategy[Kind] = st.sampled_from(["shared", "dedicated"])
POLICIES: st.SearchStrategy[Policy] = st.sampled_from(["Cluster", "Local"])
PLACES = st.sets(st.integers(1, NODES), min_size=1).map(lambda found: tuple(sorted(found)))
CLIENTS = st.tuples(st.integers(1, NODES), st.booleans())
MINORS = st.integers(16, 36)


def world(
    mode: Mode, minor: int, kind: Kind, policy: Policy, on: tuple[int, ...], *, value: str | None, seed: int
) -> tuple[Cluster, Balancer]:
    """A standard cluster with one Service on one load balancer."""
    assume(mode != "nftables" or minor >= 29)
    cluster = Cluster(mode=mode, minor=minor, nodes=NODES, seed=seed)
    balancer = cluster.plane.elb.add("web", kind, vip=VIP, eip=EIP)
    annotations = {"kubernetes.io/elb.id": balancer.id}
    if value is not None:
        annotations["kubernetes.io/elb.pass-through"] = value
    cluster.service(policy=policy, on=on, annotations=annotations, ingress=({"ip": EIP}, {"ip": VIP}))
    return cluster, balancer


@settings(max_examples=150)
@given(
    mode=MODES, minor=MINORS, kind=KINDS, policy=POLICIES, on=PLACES, client=CLIENTS, seed=st.integers(0, 9)
)
def test_with_pass_through_a_connection_is_counted_once_and_without_it_never(
    *,
    mode: Mode,
    minor: int,
    kind: Kind,
    policy: Policy,
    on: tuple[int, ...],
    client: tuple[int, bool],
    seed: int,
) -> None:
    """Whether a client crosses the load balancer depends on the annotation alone; whether it arrives does not."""
    number, host = client
    address = None if host else f"10.0.{number}.9"
    for value, crossings in (("true", 1), ("onlyLocal", 1), (None, 0)):
        cluster, balancer = world(mode, minor, kind, policy, on, value=value, seed=seed)
        journey = cluster.plane.trace(node=f"node{number}", pod_ip=address, ip=VIP, port=80)
        assert (journey.balancer is not None) == bool(crossings)
        assert balancer.listeners["TCP", 80].counter.total == crossings


@settings(max_examples=150)
@given(
    mode=MODES, minor=MINORS, kind=KINDS, policy=POLICIES, on=PLACES, value=st.sampled_from(["true", None])
)
def test_clients_outside_always_arrive_whatever_happens_inside(
    *, mode: Mode, minor: int, kind: Kind, policy: Policy, on: tuple[int, ...], value: str | None
) -> None:
    """Health checks keep the load balancer away from nodes that cannot deliver."""
    cluster, balancer = world(mode, minor, kind, policy, on, value=value, seed=0)
    ends = {cluster.plane.trace_external(EIP, 80).result for _ in range(12)}
    assert ends == {"connected"}
    assert balancer.listeners["TCP", 80].counter.total == 12


@settings(max_examples=150)
@given(mode=MODES, minor=MINORS, policy=POLICIES, on=PLACES, client=CLIENTS)
def test_pass_through_on_a_shared_load_balancer_cuts_nobody_off(
    mode: Mode, minor: int, policy: Policy, on: tuple[int, ...], client: tuple[int, bool]
) -> None:
    """Shared load balancers bring an address of their own, so no node is locked out."""
    number, host = client
    address = None if host else f"10.0.{number}.9"
    cluster, _ = world(mode, minor, "shared", policy, on, value="true", seed=0)
    ends = {
        cluster.plane.trace(node=f"node{number}", pod_ip=address, ip=VIP, port=80).result for _ in range(12)
    }
    assert ends == {"connected"}


@settings(max_examples=100)
@given(mode=MODES, minor=MINORS, on=PLACES, client=CLIENTS)
def test_a_dedicated_load_balancer_loses_exactly_the_connections_it_sends_back_to_their_node(
    mode: Mode, minor: int, on: tuple[int, ...], client: tuple[int, bool]
) -> None:
    """Policy Local, private address: lost if and only if the picked member is the client's own node."""
    number, host = client
    address = None if host else f"10.0.{number}.9"
    cluster, _ = world(mode, minor, "dedicated", "Local", on, value="true", seed=0)
    for _ in range(12):
        journey = cluster.plane.trace(node=f"node{number}", pod_ip=address, ip=VIP, port=80)
        picked = journey.hops[2]
        assert (journey.result == "timeout") == (picked == f"node node{number}")


@settings(max_examples=100)
@given(mode=MODES, minor=MINORS, on=PLACES, client=CLIENTS, port=st.sampled_from([81, 443, 8080]))
def test_a_port_without_a_listener_is_connected_nowhere(
    mode: Mode, minor: int, on: tuple[int, ...], client: tuple[int, bool], port: int
) -> None:
    """On the node or at the load balancer, but never at a backend."""
    number, host = client
    address = None if host else f"10.0.{number}.9"
    for value in ("true", None):
        cluster, _ = world(mode, minor, "shared", "Cluster", on, value=value, seed=0)
        journey = cluster.plane.trace(node=f"node{number}", pod_ip=address, ip=VIP, port=port)
        assert (journey.result, journey.backend) == ("refused", None)
