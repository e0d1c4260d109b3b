from dataclasses import replace

import pytest

from bot.config.settings import Clients, VerificationSettings
from bot.domain.change import MeasurementPlan, ServiceRef
from bot.domain.cluster_facts import Category, ClusterFacts, Mode, Platform
from bot.domain.fact import Fact, Origin
from bot.domain.objects import (
    ELB_ID,
    Endpoint,
    EndpointPort,
    EndpointSlice,
    IngressPoint,
    Node,
    Pod,
    Protocol,
    Ref,
    Service,
    ServicePort,
    TrafficPolicy,
)
from bot.domain.path import explain
from bot.domain.snapshot import Inventory, Snapshot
from bot.operations.measure_plan import build_plan
from bot.operations.preview import with_value
from bot.ports import Listener, LoadBalancerFacts

REF = Ref("shop", "checkout")
SERVICE = ServiceRef(cluster="prod", namespace="shop", name="checkout")
CHECKOUT = Service(
    ref=REF,
    type="LoadBalancer",
    annotations={ELB_ID: "elb-1", "kubernetes.io/elb.class": "union"},
    ports=(ServicePort(port=443, node_port=30443, name="https"),),
    cluster_ips=("10.247.1.1",),
    ingress=(IngressPoint(ip="80.158.1.9"), IngressPoint(ip="10.9.0.9")),
)


def snapshot(service: Service = CHECKOUT, *, backends: str = "abc", nodes: str = "abcd") -> Snapshot:
    """A CCE standard cluster in IPVS mode, a client Pod on each node."""
    inventory = Inventory()
    for i, name in enumerate(nodes):
        inventory.put(
            Node(
                name=f"node-{name}",
                internal_ips=(f"192.168.0.{i + 1}",),
                kubelet_version="v1.29.2-r5",
                cce=True,
            )
        )
        inventory.put(Pod(ref=Ref("x", f"client-{name}"), node=f"node-{name}", ips=(f"10.0.{i}.5",)))
    endpoints = tuple(Endpoint(ip=f"10.0.{i}.9", node=f"node-{n}") for i, n in enumerate(backends))
    ports = (EndpointPort(port=8443, name="https"),)
    inventory.put(
        EndpointSlice(ref=Ref("shop", "c-1"), service=REF, family="IPv4", ports=ports, endpoints=endpoints)
    )
    inventory.put(service)
    return inventory.snapshot(
        ClusterFacts(
            platform=Fact(name="platform", value=Platform.CCE, origin=Origin.CONFIG),
            category=Fact(name="category", value=Category.STANDARD, origin=Origin.CONFIG),
            mode=Fact(name="kubeProxy.mode", value=Mode.IPVS, origin=Origin.CONFIG),
        )
    )


def planned(
    service: Service = CHECKOUT,
    *,
    view: Snapshot | None = None,
    settings: VerificationSettings | None = None,
    load_balancer: LoadBalancerFacts | None = None,
    alone: bool = False,
    api_server: tuple[str, ...] = (),
) -> MeasurementPlan:
    """The plan of switching pass-through on."""
    view = view or snapshot(service)
    after = view if alone else view.with_service(with_value(service, "true"))
    return build_plan(
        SERVICE,
        snapshot=view,
        before=None if alone else explain(view, REF),
        after=explain(after, REF),
        settings=settings or VerificationSettings(),
        load_balancer=load_balancer,
        api_server=api_server,
        then=after,
    )


def test_pods_beside_a_backend_and_apart_from_one_take_part() -> None:
    """Every node of a class, up to the bound, with what the path engine expects."""
    beside, apart = planned().clients
    assert (beside.nodes, apart.nodes) == (("node-a", "node-b", "node-c"), ("node-d",))
    for each in (beside, apart):
        assert (each.expect_before, each.through_before) == ("reachable", False)
        assert (each.expect_after, each.through_after) == ("reachable", True)


def test_a_public_address_is_no_target_while_the_way_out_to_it_is_unknown() -> None:
    """Its failure would tell nothing of the change; and what is not looked at is said."""
    plan = planned()
    assert {t for c in plan.clients for t in c.targets} == {"tcp://10.9.0.9:443"}
    assert any(each.startswith("80.158.1.9:443") for each in plan.left_out)


def test_a_plan_notes_which_value_is_measured() -> None:
    """That after the change, where there is one; what is seen later under another value is not the same."""
    assert planned().value == "true"
    assert planned(alone=True).value == ""


def test_bare_tcp_gets_few_connections() -> None:
    """Interrupted connects make some databases lock a host out."""
    assert planned().connections == 20
    https = replace(
        CHECKOUT, annotations={**CHECKOUT.annotations, "kubernetes.io/elb.protocol-port": "https:443,http:80"}
    )
    assert planned(https).connections == 120
    assert planned(https).clients[0].targets == ("https://10.9.0.9:443",)
    assert planned(settings=VerificationSettings(connections=50)).connections == 50
    assert planned(settings=VerificationSettings(connections=50, period=300.0)).connections == 250


def test_one_bare_tcp_port_lowers_its_own_burst_only() -> None:
    """It takes a turn of its own, with few connections; the others keep their many."""
    mixed = replace(both(ips=("10.9.0.9",)), annotations={"kubernetes.io/elb.protocol-port": "https:443"})
    plan = planned(mixed)
    assert plan.connections == 120
    assert [(client.targets, plan.sent_by(client)) for client in plan.clients] == 2 * [
        (("https://10.9.0.9:443",), 120),
        (("tcp://10.9.0.9:444",), 20),
    ]
    assert len({client.name for client in plan.clients}) == 4
    assert all(client.connections == 0 for client in planned(both()).clients)


def test_how_many_connections_a_class_opens_is_what_people_approve() -> None:
    """A digest of before there were numbers of a class's own stays as it was."""
    plan = planned(both(ips=("10.9.0.9",)))
    more = replace(plan, clients=tuple(replace(client, connections=50) for client in plan.clients))
    assert plan.content()["clients"] == [[c.name, c.host_network, list(c.targets)] for c in plan.clients]
    assert more.content() != plan.content()


@pytest.mark.parametrize(
    ("protocol", "scheme"), [("TERMINATED_HTTPS", "https"), ("HTTP", "http"), ("TCP", "tcp")]
)
def test_the_cloud_says_how_a_listener_is_spoken_to(protocol: str, scheme: str) -> None:
    """Where the annotation is silent."""
    facts = LoadBalancerFacts(
        id="elb-9",
        name="james",
        kind="union",
        private_ips=("10.9.0.9",),
        public_ips=(),
        listeners=(Listener(id="l", protocol=protocol, port=443),),
    )
    plan = planned(load_balancer=facts)
    assert plan.clients[0].targets == (f"{scheme}://10.9.0.9:443",)
    assert plan.load_balancer == "elb-9"


def test_host_network_takes_part_only_where_it_is_opted_in() -> None:
    """It needs a privileged namespace."""
    plan = planned(settings=VerificationSettings(host_network=True))
    assert [c.host_network for c in plan.clients] == [False, False, True, True]
    assert any("host-network probes are off" in each for each in planned().left_out)


def test_a_class_of_many_nodes_is_bounded_and_says_so() -> None:
    """Four at the same time; the number of the rest is told."""
    names = "abcdefghij"
    beside, apart = planned(view=snapshot(nodes=names, backends="a")).clients
    assert len(apart.nodes) == 4
    assert (beside.of, apart.of) == (1, 9)


def test_a_class_without_a_node_is_not_played() -> None:
    """Every node has a backend."""
    assert len(planned(view=snapshot(backends="abcd")).clients) == 1


def test_an_address_of_the_cluster_itself_is_never_a_target() -> None:
    """A status that names a node points the probes nowhere."""
    crooked = replace(CHECKOUT, ingress=(IngressPoint(ip="192.168.0.2"), IngressPoint(ip="169.254.169.254")))
    plan = planned(crooked)
    assert plan.clients == ()
    assert plan.left_out[:2] == (
        "192.168.0.2:443: a node has it",
        "169.254.169.254:443: it is a loopback, link-local or otherwise special address",
    )


def test_udp_is_left_out() -> None:
    """A probe opens connections."""
    ports = (*CHECKOUT.ports, ServicePort(port=53, node_port=30053, name="dns", protocol=Protocol.UDP))
    plan = planned(replace(CHECKOUT, ports=ports))
    assert plan.ports == (443,)
    assert any("UDP cannot be probed" in each for each in plan.left_out)


def test_verify_alone_expects_what_is_and_compares_nothing() -> None:
    """Pass-through is off: going past the load balancer is as it should be."""
    plan = planned(alone=True)
    assert not plan.compare
    assert [c.through_after for c in plan.clients] == [False, False]


@pytest.mark.parametrize("how", [Clients.NONE, Clients.EXEC])
def test_how_it_connects_is_part_of_the_plan(how: Clients) -> None:
    """People approve it too."""
    assert planned(settings=VerificationSettings(clients=how)).how == str(how)


def both(ports: int = 2, *, ips: tuple[str, ...] = ("10.9.0.9", "10.9.0.10")) -> Service:
    """A Service with several addresses and ports."""
    return replace(
        CHECKOUT,
        ports=tuple(ServicePort(port=443 + n, node_port=30443 + n, name=f"p{n}") for n in range(ports)),
        ingress=tuple(IngressPoint(ip=ip) for ip in ips),
    )


def test_every_private_address_and_port_is_measured_in_one_turn_where_all_fare_alike() -> None:
    """The Service's own addresses and ports, and the listeners of all of its ports."""
    plan = planned(both())
    beside, apart = plan.clients
    assert beside.targets == apart.targets
    assert beside.targets == (
        "tcp://10.9.0.10:443",
        "tcp://10.9.0.10:444",
        "tcp://10.9.0.9:443",
        "tcp://10.9.0.9:444",
    )
    assert plan.ports == (443, 444)
    assert plan.connections == 20


def test_the_number_of_addresses_and_ports_is_bounded_and_the_rest_is_said() -> None:
    """A result has 4,096 bytes, and a plan is something that people read."""
    plan = planned(both(12, ips=("10.9.0.9",)))
    assert len(plan.clients[0].targets) == 8
    assert sum("8 addresses and ports are enough" in each for each in plan.left_out) == 4


def test_what_fares_differently_takes_a_turn_of_its_own() -> None:
    """A port without an endpoint cannot be reached: added up with the other, both would be half reachable."""
    service = both(ips=("10.9.0.9",))
    view = snapshot(service)
    ports = (EndpointPort(port=8443, name="p0"),)
    endpoints = (Endpoint(ip="10.0.0.9", node="node-a"),)
    view.inventory.put(
        EndpointSlice(ref=Ref("shop", "c-1"), service=REF, family="IPv4", ports=ports, endpoints=endpoints)
    )
    plan = planned(service, view=view)
    assert [(c.name, c.expect_after) for c in plan.clients] == [
        ("pod on a node with a backend, to 10.9.0.9:443", "reachable"),
        ("pod on a node with a backend, to 10.9.0.9:444", "unreachable"),
        ("pod on a node without one, to 10.9.0.9:443", "reachable"),
        ("pod on a node without one, to 10.9.0.9:444", "unreachable"),
    ]


def test_neither_the_api_server_nor_what_the_cloud_does_not_know_is_a_target() -> None:
    """A status is written by whoever may write it."""
    facts = LoadBalancerFacts(
        id="elb-1", name="james", kind="union", private_ips=("10.9.0.9",), public_ips=(), listeners=()
    )
    assert planned(both(1), load_balancer=facts).clients[0].targets == ("tcp://10.9.0.9:443",)
    assert planned(both(1), api_server=("10.9.0.9",)).clients[0].targets == ("tcp://10.9.0.10:443",)


def test_a_public_address_is_measured_where_it_is_the_only_one() -> None:
    """Whatever comes of it."""
    assert planned(both(1, ips=("80.158.1.9",))).clients[0].targets == ("tcp://80.158.1.9:443",)


def test_commands_run_in_the_backends_themselves() -> None:
    """As in the vendor's own procedure: from a container of the workload; one turn, up to four nodes."""
    view = snapshot()
    pods = {"node-a": "checkout-1", "node-b": "checkout-2"}
    endpoints = tuple(
        Endpoint(ip=f"10.0.9.{i}", node=node, pod=Ref("shop", pod))
        for i, (node, pod) in enumerate(pods.items())
    )
    for endpoint in endpoints:
        assert endpoint.pod is not None
        view.inventory.put(Pod(ref=endpoint.pod, node=endpoint.node, ips=(endpoint.ip,)))
    ports = (EndpointPort(port=8443, name="https"),)
    view.inventory.put(
        EndpointSlice(ref=Ref("shop", "c-1"), service=REF, family="IPv4", ports=ports, endpoints=endpoints)
    )
    (client,) = planned(view=view, settings=VerificationSettings(clients=Clients.EXEC)).clients
    assert (client.name, client.kind, client.nodes) == ("a backend itself", "backend", ("node-a", "node-b"))
    assert (client.expect_after, client.through_after) == ("reachable", True)


DEDICATED = replace(CHECKOUT, annotations={ELB_ID: "elb-1", "kubernetes.io/elb.class": "performance"})
LOCAL = replace(CHECKOUT, external_policy=TrafficPolicy.LOCAL, health_check_node_port=30001)


def emptied(view: Snapshot, *, but: str = "") -> Snapshot:
    """A cluster whose Pods, but those on some nodes, are gone: Pods are known, and there are none."""
    for ref in list(view.inventory.pods):
        if ref.name.removeprefix("client-") not in but:
            view.inventory.remove(Pod, ref)
    view.inventory.put(Pod(ref=Ref("x", "pending"), node=""))
    return view


@pytest.mark.parametrize("service", [CHECKOUT, DEDICATED, LOCAL], ids=["shared", "dedicated", "local"])
@pytest.mark.parametrize("backends", ["a", "abc", "bd"])
@pytest.mark.parametrize("left", ["", "a", "d"])
def test_what_is_expected_of_a_probe_does_not_depend_on_who_else_is_there(
    service: Service, backends: str, left: str
) -> None:
    """A probe may be the first Pod on its node: the path engine is asked for one that is not there yet."""
    crowded = planned(service, view=snapshot(service, backends=backends))
    empty = planned(service, view=emptied(snapshot(service, backends=backends), but=left))
    assert empty.clients == crowded.clients
    assert all(client.expect_after != "undetermined" for client in empty.clients)


def test_the_lock_out_beside_the_only_backend_is_expected_where_no_other_pod_runs() -> None:
    """Of Pods elsewhere nothing is concluded: those get there."""
    service = replace(DEDICATED, external_policy=TrafficPolicy.LOCAL, health_check_node_port=30001)
    beside, apart = planned(service, view=emptied(snapshot(service, backends="a"), but="d")).clients
    assert (beside.nodes, beside.expect_after) == (("node-a",), "unreachable")
    assert (apart.node, apart.expect_after) == ("node-b", "reachable")
