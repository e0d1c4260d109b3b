"""How nodes follow the API: late, never, or at once."""

import asyncio

from bot.demo.dataplane import DataPlane, Noise
from bot.demo.dataplane.counters import Counter
from bot.demo.seam import Network
from tests.demo.dataplane.cluster import VIP, Cluster

ON = {"metadata": {"annotations": {"kubernetes.io/elb.pass-through": "true"}}}
OFF = {"metadata": {"annotations": {"kubernetes.io/elb.pass-through": None}}}


def late(sync_delay: float = 0.02) -> Cluster:
    """A cluster whose nodes program changes late, with one Service on a shared load balancer."""
    cluster = Cluster(mode="ipvs", nodes=3, sync_delay=sync_delay)
    balancer = cluster.plane.elb.add("web", "shared", vip=VIP)
    cluster.service(on=(1,), annotations={"kubernetes.io/elb.id": balancer.id})
    return cluster


def via(cluster: Cluster, number: int) -> bool:
    """Whether a connection from a Pod on nodeN crosses the load balancer."""
    journey = cluster.plane.trace(node=f"node{number}", pod_ip=f"10.0.{number}.9", ip=VIP, port=80)
    return journey.balancer is not None


async def test_an_annotation_takes_effect_when_the_node_has_synchronised() -> None:
    """Not before, and on each node by itself."""
    cluster = late()
    async with asyncio.timeout(60):
        await cluster.plane.settled()
        cluster.objects.merge("services", "shop", "web", ON)
        before = [via(cluster, n) for n in (1, 2, 3)]
        await cluster.plane.settled()
    assert before == [False, False, False]
    assert [via(cluster, n) for n in (1, 2, 3)] == [True, True, True]


async def test_changes_in_a_row_are_programmed_at_once() -> None:
    """As kube-proxy's bounded runner does; rules are not written for each event."""
    cluster = late()
    async with asyncio.timeout(60):
        await cluster.plane.settled()
        written = cluster.plane.nodes["node1"].written
        for patch in (ON, OFF, ON):
            cluster.objects.merge("services", "shop", "web", patch)
        await cluster.plane.settled()
    assert cluster.plane.nodes["node1"].written == written + 1
    assert via(cluster, 1)


async def test_a_frozen_node_keeps_its_rules_until_it_thaws() -> None:
    """The misbehaviour that verification has to notice."""
    cluster = late()
    async with asyncio.timeout(60):
        await cluster.plane.settled()
        cluster.plane.freeze("node2")
        cluster.objects.merge("services", "shop", "web", ON)
        await cluster.plane.settled()
        frozen = [via(cluster, n) for n in (1, 2, 3)]
        cluster.plane.thaw("node2")
        await cluster.plane.settled()
    assert frozen == [True, False, True]
    assert via(cluster, 2)


async def test_one_node_may_lag_behind_the_others() -> None:
    """Extra lag on one node leaves the rest alone."""
    cluster = late()
    async with asyncio.timeout(60):
        await cluster.plane.settled()
        cluster.plane.set_sync_delay(60, node="node3")
        cluster.objects.merge("services", "shop", "web", ON)
        await cluster.plane.nodes["node1"].settled()
        await cluster.plane.nodes["node2"].settled()
    assert [via(cluster, n) for n in (1, 2, 3)] == [True, True, False]
    cluster.plane.stop()


def test_a_node_that_joins_is_programmed_and_becomes_a_member_and_one_that_leaves_is_forgotten() -> None:
    """Nodes come and go in the API."""
    cluster = late(sync_delay=0)
    spare = Cluster(nodes=4).objects.get("nodes", None, "node4")
    assert spare is not None
    cluster.objects.create("nodes", spare)
    cluster.pod("client4", 4, "10.0.4.9")
    listener = next(iter(cluster.plane.elb.listeners()))
    assert not via(cluster, 4)
    assert len(next(iter(cluster.plane.elb.listeners())).members) == len(listener.members) == 4
    cluster.objects.delete("nodes", None, "node4")
    assert len(next(iter(cluster.plane.elb.listeners())).members) == 3
    assert cluster.plane.trace(node="node4", pod_ip="10.0.4.9", ip=VIP, port=80).result == "timeout"


def test_a_listener_keeps_its_count_while_its_members_change() -> None:
    """The same listener id is the same listener."""
    cluster = late(sync_delay=0)
    cluster.plane.trace_external(VIP, 80)
    cluster.objects.merge("services", "shop", "web", ON)
    (listener,) = cluster.plane.elb.listeners()
    assert listener.counter.total == 1


def test_a_stopped_plane_follows_nothing() -> None:
    """No timers and no rules are left behind."""
    cluster = late(sync_delay=0)
    cluster.plane.stop()
    cluster.objects.merge("services", "shop", "web", ON)
    assert not via(cluster, 1)


def test_the_same_seed_gives_the_same_story() -> None:
    """Which backend and which node are picked depends on the seed alone."""

    def story(seed: int) -> list[str | None]:
        cluster = Cluster(mode="iptables", nodes=3, seed=seed)
        cluster.service(on=(1, 2, 3))
        return [
            cluster.plane.trace(node="node1", pod_ip="10.0.1.9", ip=VIP, port=80).backend for _ in range(30)
        ]

    assert story(7) == story(7)
    assert story(7) != story(8)


async def test_a_client_sees_result_backend_and_time() -> None:
    """The seam's Network: what a probe would measure."""
    cluster = late(sync_delay=0)
    network: Network = cluster.plane
    answered = await network.connect(node="node2", pod_ip="10.0.2.9", ip=VIP, port=80, protocol="TCP")
    assert (answered.result, answered.backend) == ("connected", "shop/web1")
    assert 0 < answered.latency_ms < 50
    lost = await network.connect(node="node2", pod_ip="10.0.2.9", ip="192.168.99.9", port=80, protocol="TCP")
    assert (lost.result, lost.latency_ms) == ("timeout", 5000.0)


async def test_noise_from_the_internet_is_counted_by_the_load_balancer() -> None:
    """It opens connections until it is stopped."""
    cluster = late(sync_delay=0)
    heard = asyncio.Event()
    plane: DataPlane = cluster.plane

    def clock() -> float:
        heard.set()
        return 1000.0

    plane.clock = clock
    noise = Noise(plane, address=VIP, port=80, rate=500, seed=3)
    noise.start()
    async with asyncio.timeout(60):
        await heard.wait()
    noise.stop()
    (listener,) = plane.elb.listeners()
    assert listener.counter.total == noise.opened >= 1


def test_a_listeners_counter_answers_for_any_window() -> None:
    """Windows are half open, so neighbours never count a connection twice."""
    counter = Counter()
    for tenth in range(100):
        counter.record(1_800_000_000 + tenth / 10)
    assert counter.between(1_800_000_000, 1_800_000_002) == 20
    assert [counter.between(1_800_000_000 + n, 1_800_000_001 + n) for n in range(10)] == [10] * 10
    assert counter.between(1_700_000_000, 1_900_000_000) == counter.total == 100


def test_a_listeners_counter_forgets_after_two_hours() -> None:
    """What is kept stays bounded under steady traffic."""
    counter = Counter()
    for tick in range(200_000):
        counter.record(1_800_000_000 + tick / 10)
    end = 1_800_000_000 + 20_000
    assert counter.between(end - 7200, end) == 72_000
    assert len(counter._ticks) < 150_000
