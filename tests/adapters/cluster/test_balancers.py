"""What the cloud tells of the Services' load balancers becomes part of what answers rest on."""

import asyncio

from bot.adapters.cluster.balancers import Balancers
from bot.adapters.cluster.pace import Timing
from bot.demo.kubernetes import ApiServer
from bot.domain.path import explain
from bot.ports import ClusterKind, Forbidden, LoadBalancerFacts, Unavailable
from tests.adapters.cluster.conftest import CHECKOUT_REF, PATIENCE, Make, service
from tests.fakes.cloud import MemoryCloud

ELB = "3c7caa5a-a641-4bff-801a-feace27424b6"


def facts(elb: str = ELB, *unhealthy: str, members: int = 3) -> LoadBalancerFacts:
    """A dedicated load balancer, some of whose members fail their health check."""
    return LoadBalancerFacts(
        id=elb,
        name="james",
        kind="performance",
        private_ips=("10.9.0.9",),
        public_ips=(),
        listeners=(),
        unhealthy=unhealthy,
        members=members,
    )


class Clock:
    """Seconds, moved by hand."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """The time."""
        return self.now


async def test_the_kind_of_load_balancer_is_the_clouds_where_the_annotation_is_silent(
    api: ApiServer, make: Make
) -> None:
    """`elb.class` with its origin, the members that fail, category and proxy mode: none of it was configured."""
    cloud = MemoryCloud(
        facts(ELB, "10.0.0.1:30080"),
        kind=ClusterKind(category="standard", version="v1.29", proxy_mode="ipvs"),
    )
    api.objects.create("services", service(id=ELB), manager="kubectl")
    cluster = make(cloud=cloud)
    async with asyncio.timeout(PATIENCE):
        await cluster.until(
            lambda s: bool(s.service(CHECKOUT_REF) and s.facts.balancers and s.facts.mode.known)
        )
    answer = explain(cluster.snapshot(), CHECKOUT_REF)
    told = {fact.name: (str(fact.value), str(fact.origin)) for fact in answer.facts}
    assert told["elb.class"] == ("performance", "cloud")
    assert told["category"] == ("standard", "cloud")
    assert told["kubeProxy.mode"] == ("ipvs", "cloud")
    (finding,) = [each for each in answer.findings if each.code == "members-unhealthy"]
    assert finding.severity == "warning"
    assert finding.evidence == ("1 of 3 members are OFFLINE, says the cloud's API: 10.0.0.1:30080",)


async def test_each_is_asked_about_in_its_turn_and_no_more_often_than_allowed() -> None:
    """Two load balancers take two turns; then nobody's turn comes before the time is over."""
    cloud, clock = MemoryCloud(facts("a"), facts("b")), Clock()
    balancers = Balancers(cloud, Timing(), clock)
    assert [await balancers.ask(["elb:b", "elb:a", "ip:10.0.0.1"]) for _ in range(3)] == [True, True, False]
    assert set(balancers.known()) == {"a", "b"}
    assert len(cloud.calls) == 2
    clock.now += 60
    assert not await balancers.ask(["elb:b", "elb:a"]), "the same as before is nothing new"
    assert len(cloud.calls) == 3


async def test_a_cloud_that_does_not_answer_leaves_what_it_told_until_that_is_too_old() -> None:
    """Unavailable and Forbidden change nothing; after a quarter of an hour it is unknown again."""
    cloud, clock = MemoryCloud(facts("a")), Clock()
    balancers = Balancers(cloud, Timing(), clock)
    await balancers.ask(["elb:a"])
    for error in (Unavailable("no answer"), Forbidden("no right")):
        clock.now += 60
        cloud.fail("load_balancer", error)
        await balancers.ask(["elb:a"])
        assert set(balancers.known()) == {"a"}
    clock.now += 900
    assert balancers.known() == {}


async def test_a_load_balancer_that_is_gone_is_forgotten() -> None:
    """In the cloud, or because no Service names it any more."""
    cloud, clock = MemoryCloud(facts("a"), facts("b")), Clock()
    balancers = Balancers(cloud, Timing(), clock)
    for _ in range(2):
        await balancers.ask(["elb:a", "elb:b"])
    del cloud.balancers["a"]
    clock.now += 60
    assert await balancers.ask(["elb:a", "elb:b"])
    assert set(balancers.known()) == {"b"}
    await balancers.ask([])
    assert balancers.known() == {}
