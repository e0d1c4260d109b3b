"""What every `bot.ports.Cloud` does: the real adapter and its twin in memory."""

from datetime import timedelta

import pytest

from bot.demo.cloud import Metering
from bot.ports import Cloud, ClusterKind, Listener, LoadBalancerFacts, NotFound, Point
from tests.adapters.cloud.conftest import Ask, points
from tests.adapters.cloud.test_api import at
from tests.demo.cloud.caller import World
from tests.demo.dataplane.cluster import EIP, VIP
from tests.fakes.cloud import MemoryCloud


@pytest.fixture(params=["wire", "memory"])
def cloud(request: pytest.FixtureRequest, w: World, ask: Ask) -> Cloud:
    """A cloud with one load balancer, to which 120 connections were opened in the first of two minutes."""
    w.cloud.set_metering(Metering(period=60))
    start = at(w)
    w.burst(120)
    w.clock.now += 120
    if request.param == "wire":
        return ask()
    listener = Listener(id=w.listener.id, protocol="TCP", port=80, load_balancer=w.balancer.id)
    memory = MemoryCloud(
        LoadBalancerFacts(
            id=w.balancer.id,
            name="shop-elb",
            kind="union",
            private_ips=(VIP,),
            public_ips=(EIP,),
            listeners=(listener,),
            members=4,
        ),
        kind=ClusterKind(category="standard", version="v1.29", proxy_mode="ipvs"),
    )
    second = Point(at=start + timedelta(seconds=60), value=0.0)
    memory.points[listener.id] = [second, Point(at=start, value=2.0)]
    memory.concurrent[listener.id] = [second, Point(at=start, value=2.0)]
    memory.packets[listener.id] = [second, Point(at=start, value=12.0)]
    return memory


async def test_a_load_balancer_is_described(cloud: Cloud, w: World) -> None:
    """The same facts from both."""
    facts = await cloud.load_balancer(w.balancer.id)
    assert (facts.kind, facts.private_ips, facts.public_ips) == ("union", (VIP,), (EIP,))
    assert (facts.members, facts.unhealthy) == (4, ())
    assert [each.port for each in facts.listeners] == [80]


async def test_one_that_is_not_there_is_not_found(cloud: Cloud) -> None:
    """By its id."""
    with pytest.raises(NotFound):
        await cloud.load_balancer("00000000-0000-4000-8000-000000000000")


async def test_points_come_in_order_and_as_asked(cloud: Cloud, w: World) -> None:
    """Oldest first; the end is not part of the question."""
    (listener,) = (await cloud.load_balancer(w.balancer.id)).listeners
    start = at(w, -120)
    whole = await points(cloud, listener, start=start, end=at(w))
    assert [point.value for point in whole] == [2.0, 0.0]
    first = await points(cloud, listener, start=start, end=start + timedelta(seconds=60))
    assert [point.at for point in first] == [start]
    assert await points(cloud, listener, start=start, end=start) == []


async def test_the_other_metrics_come_with_them(cloud: Cloud, w: World) -> None:
    """Of several listeners, each in its place; one that counts nothing has nothing."""
    (listener,) = (await cloud.load_balancer(w.balancer.id)).listeners
    nobody = Listener(id="nobody", protocol="TCP", port=81, load_balancer=w.balancer.id)
    found = await cloud.metrics([nobody, listener], start=at(w, -120), end=at(w))
    first, second = found.each
    assert not [*first.new_connections, *first.concurrent, *first.packets]
    assert [point.value for point in second.packets] == [12.0, 0.0]
    assert [point.value for point in second.concurrent] == [2.0, 0.0]
    assert found.calls == 1


async def test_clocks_that_agree_are_not_apart(cloud: Cloud, w: World) -> None:
    """As far as whole seconds tell."""
    await cloud.load_balancer(w.balancer.id)
    assert cloud.ahead() == 0


async def test_the_cluster_is_described(cloud: Cloud) -> None:
    """In our words."""
    assert await cloud.cluster() == ClusterKind(category="standard", version="v1.29", proxy_mode="ipvs")
