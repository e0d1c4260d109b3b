"""CCE's layer: pass-through, kinds of load balancers, and who cannot reach whom."""

from collections import Counter

import pytest

from bot.demo.dataplane import Journey
from bot.demo.dataplane.balancer import Balancer, Kind
from bot.demo.dataplane.elb import UnknownBalancerError
from bot.demo.dataplane.rules import Mode
from tests.demo.dataplane.cluster import EIP, VIP, Cluster, Policy

PASS_THROUGH = "kubernetes.io/elb.pass-through"


def cce(
    *,
    mode: Mode = "ipvs",
    kind: Kind = "shared",
    policy: Policy = "Cluster",
    pass_through: str | None = "true",
    on: tuple[int, ...] = (1, 2),
    nodes: int = 4,
    turbo: bool = False,
    minor: int = 29,
    **annotations: str,
) -> tuple[Cluster, Balancer]:
    """A CCE cluster with one Service on one load balancer; keywords are `elb.` annotations."""
    cluster = Cluster(mode=mode, nodes=nodes, turbo=turbo, minor=minor)
    balancer = cluster.plane.elb.add("web", kind, vip=VIP, eip=EIP)
    given = {"kubernetes.io/elb.id": balancer.id}
    given |= {f"kubernetes.io/elb.{k.replace('_', '-')}": v for k, v in annotations.items()}
    if pass_through is not None:
        given[PASS_THROUGH] = pass_through
    addresses = ({"ip": EIP}, {"ip": VIP})
    cluster.service(policy=policy, on=on, annotations=given, ingress=addresses)
    return cluster, balancer


def opened(cluster: Cluster, number: int, *, host: bool = False, ip: str = VIP, port: int = 80) -> Journey:
    """One connection from the client Pod or the host of nodeN."""
    address = None if host else f"10.0.{number}.9"
    return cluster.plane.trace(node=f"node{number}", pod_ip=address, ip=ip, port=port)


def results(cluster: Cluster, number: int, **how: bool | str | int) -> set[str]:
    """How forty connections ended."""
    return {opened(cluster, number, **how).result for _ in range(40)}  # type: ignore[arg-type] # passed on


@pytest.mark.parametrize("mode", ["iptables", "ipvs"])
@pytest.mark.parametrize("kind", ["shared", "dedicated"])
@pytest.mark.parametrize("host", [True, False])
@pytest.mark.parametrize("number", [1, 4])
def test_without_pass_through_the_load_balancer_sees_nothing(
    mode: Mode, kind: Kind, number: int, *, host: bool
) -> None:
    """Standard, policy Cluster, no annotation: kube-proxy answers."""
    cluster, balancer = cce(mode=mode, kind=kind, pass_through=None)
    journey = opened(cluster, number, host=host)
    assert (journey.result, journey.balancer) == ("connected", None)
    assert balancer.listeners["TCP", 80].counter.total == 0


@pytest.mark.parametrize("mode", ["iptables", "ipvs"])
@pytest.mark.parametrize("value", ["true", "onlyLocal"])
@pytest.mark.parametrize("host", [True, False])
def test_with_pass_through_every_connection_crosses_the_load_balancer_and_is_counted(
    mode: Mode, value: str, *, host: bool
) -> None:
    """cce_10_0355: load balancer, then nodes, then backend Pods."""
    cluster, balancer = cce(mode=mode, pass_through=value)
    journeys = [opened(cluster, number, host=host) for number in (1, 2, 3, 4)]
    assert {(j.result, j.balancer) for j in journeys} == {("connected", balancer.id)}
    assert balancer.listeners["TCP", 80].counter.total == 4


@pytest.mark.parametrize("value", ["false", ""])
def test_any_other_value_changes_nothing(value: str) -> None:
    """Documented nowhere; this world treats it as off."""
    cluster, _ = cce(pass_through=value)
    assert opened(cluster, 4).balancer is None


def test_a_cluster_of_1_15_knows_no_pass_through() -> None:
    """cce_10_0355: not supported for clusters of v1.15 or earlier."""
    assert opened(cce(minor=15)[0], 4).balancer is None
    assert opened(cce(minor=16)[0], 4).balancer is not None


@pytest.mark.parametrize("host", [True, False])
@pytest.mark.parametrize("mode", ["iptables", "ipvs"])
def test_a_dedicated_load_balancer_locks_out_the_backends_own_node(mode: Mode, *, host: bool) -> None:
    """Policy Local, one backend: its node never gets an answer at the private address (elb_faq_21020218)."""
    cluster, balancer = cce(mode=mode, kind="dedicated", policy="Local", on=(1,))
    locked = opened(cluster, 1, host=host)
    assert (locked.result, locked.balancer) == ("timeout", balancer.id)
    assert results(cluster, 2, host=host) == {"connected"}


def test_the_public_address_of_a_dedicated_load_balancer_works_from_the_backends_node() -> None:
    """Public access is not affected (elb_faq_21020218)."""
    cluster, _ = cce(kind="dedicated", policy="Local", on=(1,))
    assert results(cluster, 1, ip=EIP) == {"connected"}


def test_a_dedicated_load_balancer_fails_now_and_then_where_it_may_pick_the_clients_node() -> None:
    """Policy Cluster: every node is a member, so each node is locked out one time in four."""
    cluster, _ = cce(kind="dedicated", on=(1,))
    ends = Counter(opened(cluster, 4).result for _ in range(400))
    assert set(ends) == {"connected", "timeout"}
    assert 60 < ends["timeout"] < 140


def test_layer_7_of_a_dedicated_load_balancer_is_not_affected() -> None:
    """An HTTPS listener opens its own connection to the member."""
    cluster, _ = cce(kind="dedicated", policy="Local", on=(1,), protocol_port="https:80")
    assert results(cluster, 1) == {"connected"}


@pytest.mark.parametrize(("transparent", "result"), [("false", "connected"), ("true", "timeout")])
def test_a_shared_load_balancer_locks_out_only_when_it_transfers_the_clients_address(
    transparent: str, result: str
) -> None:
    """elb.transparent-client-ip creates the loop on a shared load balancer (elb_ug_jt_0515)."""
    cluster, _ = cce(policy="Local", on=(1,), transparent_client_ip=transparent)
    assert results(cluster, 1) == {result}


def test_the_backend_sees_a_shared_load_balancers_own_network() -> None:
    """100.125.0.0/16 (elb_ug_jt_0515), where nothing masquerades on the way."""
    cluster, _ = cce(policy="Local", on=(1,))
    assert str(opened(cluster, 4).source).startswith("100.125.")


def test_a_sibling_without_pass_through_traps_the_address_under_ipvs() -> None:
    """The sibling binds the address to kube-ipvs0, so the other's port is refused (cce_10_0349)."""
    cluster, balancer = cce()
    assert opened(cluster, 4).result == "connected"
    cluster.service("other", port=8443, annotations={"kubernetes.io/elb.id": balancer.id})
    trapped = opened(cluster, 4)
    assert (trapped.result, trapped.balancer) == ("refused", None)
    assert cluster.plane.trace_external(VIP, 80).result == "connected"


def test_a_sibling_without_pass_through_does_no_harm_under_iptables() -> None:
    """Rules of iptables match address and port together."""
    cluster, balancer = cce(mode="iptables")
    cluster.service("other", port=8443, annotations={"kubernetes.io/elb.id": balancer.id})
    assert opened(cluster, 4).balancer == balancer.id


def test_a_shared_load_balancer_keeps_no_address_for_policy_cluster_of_a_standard_cluster() -> None:
    """cce_10_0916: elb.transparent-client-ip takes effect with policy Local only."""
    _, balancer = cce(on=(1,), transparent_client_ip="true")
    assert not balancer.listeners["TCP", 80].transparent
    _, balancer = cce(turbo=True, on=(1,), transparent_client_ip="true")
    assert balancer.listeners["TCP", 80].transparent


def test_a_turbo_pod_goes_to_the_load_balancer_without_an_annotation_and_a_node_does_not() -> None:
    """cce_10_0355 since 2025-10: container clients pass through, node clients do not."""
    cluster, balancer = cce(kind="dedicated", turbo=True, pass_through=None, on=(1, 2))
    pod, host = opened(cluster, 4), opened(cluster, 4, host=True)
    assert (pod.result, pod.balancer, pod.source) == ("connected", balancer.id, "10.0.4.9")
    assert (host.result, host.balancer) == ("connected", None)
    assert {m.pod for m in balancer.listeners["TCP", 80].members} == {True}


def test_a_turbo_backend_cannot_reach_itself_through_the_load_balancer() -> None:
    """The answer goes to the Pod's own address and never leaves it."""
    cluster, _ = cce(kind="dedicated", turbo=True, pass_through=None, on=(1,))
    own = Cluster.backend("web", 1)
    assert cluster.plane.trace(node="node1", pod_ip=own, ip=VIP, port=80).result == "timeout"
    assert cluster.plane.trace(node="node1", pod_ip=own, ip=EIP, port=80).result == "connected"
    assert opened(cluster, 1).result == "connected"


def test_a_shared_load_balancer_of_a_turbo_cluster_has_nodes_for_members() -> None:
    """cce_10_0281."""
    _, balancer = cce(turbo=True)
    assert [m.address for m in balancer.listeners["TCP", 80].members] == [
        f"192.168.0.{n}" for n in (1, 2, 3, 4)
    ]


@pytest.mark.parametrize("mode", ["iptables", "ipvs", "nftables"])
def test_only_nodes_with_a_ready_backend_pass_health_checks_under_policy_local(mode: Mode) -> None:
    """A health check is a connection to the node port, and it walks that node's rules."""
    cluster, balancer = cce(mode=mode, policy="Local", on=(1, 3))
    listener = balancer.listeners["TCP", 80]
    online = [m.address for m in listener.members if cluster.plane.online(balancer, listener, m)]
    assert online == ["192.168.0.1", "192.168.0.3"]


def test_every_node_passes_health_checks_under_policy_cluster() -> None:
    """Any node forwards to any backend."""
    cluster, balancer = cce(on=(1,))
    listener = balancer.listeners["TCP", 80]
    assert all(cluster.plane.online(balancer, listener, m) for m in listener.members)


def test_unhealthy_members_get_nothing() -> None:
    """One member forced down is avoided; all of them down refuse every connection."""
    cluster, balancer = cce(policy="Local", on=(1, 2))
    cluster.plane.set_member_health(balancer.id, "192.168.0.1", healthy=False)
    assert {opened(cluster, 4).backend for _ in range(20)} == {"shop/web2"}
    cluster.plane.set_member_health(balancer.id, "192.168.0.2", healthy=False)
    assert results(cluster, 4) == {"refused"}
    cluster.plane.set_member_health(balancer.id, "192.168.0.1", healthy=True)
    assert {opened(cluster, 4).backend for _ in range(20)} == {"shop/web1"}


def test_the_address_of_a_deleted_load_balancer_answers_no_more() -> None:
    """Where the proxy still short-circuits, clients inside do not even notice."""
    cluster, balancer = cce()
    bypassing, other = cce(pass_through=None)
    cluster.plane.delete_balancer(balancer.id)
    bypassing.plane.delete_balancer(other.id)
    assert opened(cluster, 4).result == "timeout"
    assert opened(bypassing, 4).result == "connected"


def test_a_node_that_is_cut_off_fails_its_health_check() -> None:
    """The load balancer stops using it, and Pods on it time out."""
    cluster, balancer = cce(policy="Local", on=(1, 2))
    cluster.plane.fail_node("node1")
    assert {opened(cluster, 4).backend for _ in range(20)} == {"shop/web2"}
    assert opened(cluster, 1).result == "timeout"
    assert balancer.listeners["TCP", 80].members[0].address == "192.168.0.1"


def test_a_deaf_backend_refuses() -> None:
    """Ready for Kubernetes, but nothing listens."""
    cluster, _ = cce(pass_through=None, on=(1,))
    cluster.plane.deafen("shop/web1")
    assert results(cluster, 4) == {"refused"}
    cluster.plane.deafen("shop/web1", deaf=False)
    assert results(cluster, 4) == {"connected"}


def test_a_load_balancer_is_created_once_and_a_named_one_is_found() -> None:
    """elb.autocreate as in cce_10_0355, elb.id as in cce_10_0385."""
    elb = Cluster().plane.elb
    asked = {
        "kubernetes.io/elb.class": "union",
        "kubernetes.io/elb.autocreate": '{"type":"public","name":"james"}',
    }
    service = {"metadata": {"namespace": "default", "name": "nginx", "annotations": asked}}
    created, addresses = elb.provision(service)
    assert elb.provision(service) == (created, addresses)
    assert elb.balancers[created].name == "james"
    assert addresses == [elb.balancers[created].eip, elb.balancers[created].vip]
    named = {"kubernetes.io/elb.id": created}
    other = {"metadata": {"namespace": "default", "name": "other", "annotations": named}}
    assert elb.provision(other) == (created, addresses)


@pytest.mark.parametrize("annotations", [{}, {"kubernetes.io/elb.id": "absent"}])
def test_a_service_that_names_no_load_balancer_gets_none(annotations: dict[str, str]) -> None:
    """Neither elb.id nor elb.autocreate, or an id that does not exist."""
    service = {"metadata": {"namespace": "default", "name": "nginx", "annotations": annotations}}
    with pytest.raises(UnknownBalancerError):
        Cluster().plane.elb.provision(service)


@pytest.mark.parametrize("mode", ["iptables", "ipvs"])
def test_a_backend_in_the_nodes_own_network_answers_at_the_nodes_address(mode: Mode) -> None:
    """hostNetwork: the endpoint's address is the node's, and only its own port is taken."""
    cluster = Cluster(mode=mode, nodes=3)
    cluster.pod("web1", 1, "192.168.0.1", host=True)
    cluster.service(on=())
    slices = {"endpoints": [{"addresses": ["192.168.0.1"], "nodeName": "node1"}]}
    cluster.objects.merge("endpointslices", "shop", "web-slice", slices)
    assert {opened(cluster, n, host=host).backend for n in (1, 2, 3) for host in (True, False)} == {
        "shop/web1"
    }
    assert opened(cluster, 2, ip="192.168.0.1", port=9999).result == "refused"
