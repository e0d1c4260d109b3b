"""A load balancer that has a name and no address: resolved once, when the plan is made, and held to it."""

from collections.abc import Sequence

import pytest

from bot.config.settings import Clients, VerificationSettings
from bot.domain.change import MeasurementPlan
from bot.operations.world import World
from bot.ports import LoadBalancerFacts, Unavailable, WorldError
from tests.fakes.cloud import MemoryCloud
from tests.fakes.resolver import MemoryResolver
from tests.fakes.store import MemoryRuns
from tests.fakes.world import ALICE, BOB, Town, service, shop

NAME = "lb.example.com"


class Named:
    """A town in which shop/checkout's load balancer has a name."""

    def __init__(
        self, *answers: Sequence[str] | WorldError, cloud: MemoryCloud | None = None, resolves: bool = True
    ) -> None:
        self.resolver = MemoryResolver(*answers)
        cluster = shop()
        body = service()
        body["status"]["loadBalancer"]["ingress"] = [{"hostname": NAME}]
        cluster.put(body)
        self.cluster = cluster
        self.town = Town(
            clusters=(cluster,),
            verification=VerificationSettings(clients=Clients.PROBE),
            clouds={"prod": cloud} if cloud else {},
        )
        self.town.store.runs = MemoryRuns(self.town.store.jobs)
        if resolves:
            self.town.world = self.town.replica(resolver=self.resolver)

    @property
    def world(self) -> World:
        """The bot's."""
        return self.town.world

    async def verify(self) -> MeasurementPlan | str:
        """Measure now: what is planned, or what Alice is told instead."""
        await self.town.order(ALICE, "verify")
        runs = list(self.town.store.runs.rows.values())
        return runs[-1].plan if runs else self.town.messenger.said_to(ALICE)[-1]


def targets(plan: MeasurementPlan | str) -> set[str]:
    """Whereto it connects."""
    assert isinstance(plan, MeasurementPlan), plan
    return {target for client in plan.clients for target in client.targets}


async def test_probes_are_given_the_addresses_and_never_the_name() -> None:
    """A name that means something else a second later (DNS rebinding) changes nothing: nobody asks again."""
    named = Named(["10.9.0.9"], ["169.254.169.254"])
    plan = await named.verify()
    assert targets(plan) == {"tcp://10.9.0.9:443"}
    sent: set[str] = set()
    for _ in range(60):
        await named.town.pass_time(30)
        sent |= {target for pod in named.cluster.started.values() for target in pod.targets}
    assert sent == {"tcp://10.9.0.9:443"}
    assert named.resolver.asked == [NAME]


async def test_what_the_name_meant_is_approved() -> None:
    """The card shows the addresses, the digest covers them, and a name that moved on changes neither."""
    named = Named(["10.9.0.9", "10.9.0.10"], ["10.9.0.66"])
    change = await named.town.propose()
    card = named.town.card(change).text
    assert "to 10.9.0.10:443, 10.9.0.9:443 (what lb.example.com was resolved to, once)" in card
    await named.town.click(BOB, "change:approve", change.id)
    now = named.town.now(change)
    assert now.plan is not None
    assert targets(now.plan) == {"tcp://10.9.0.9:443", "tcp://10.9.0.10:443"}
    other = await Named(["10.9.0.66"]).town.propose()
    assert other.digest != change.digest
    assert named.resolver.asked == [NAME]


@pytest.mark.parametrize(
    ("ip", "why"),
    [
        ("127.0.0.1", "loopback"),
        ("::1", "loopback"),
        ("169.254.169.254", "link-local"),
        ("::ffff:169.254.169.254", "link-local"),
        ("fe80::1%eth0", "no IP address"),
        ("0.0.0.0", "special"),  # noqa: S104  an answer that must be refused
        ("172.16.0.1", "a node has it"),
        ("10.1.0.21", "a Pod has it"),
        ("10.96.0.7", "a Service inside the cluster has it"),
        ("203.0.113.7", "the API server has it"),
    ],
)
@pytest.mark.parametrize("beside", [[], ["10.9.0.9"]])
async def test_a_name_that_leads_into_the_cluster_or_nowhere_is_not_connected_to(
    ip: str, why: str, beside: list[str]
) -> None:
    """One such answer makes the others doubtful too: whoever owns the name chose all of them."""
    named = Named([*beside, ip])
    named.cluster.api_server = ("203.0.113.7",)
    told = await named.verify()
    assert isinstance(told, str)
    assert "There is nothing to verify" in told
    assert f"it is resolved to {ip}" in told
    assert why in told


async def test_where_the_cloud_can_be_asked_the_address_must_be_the_load_balancers_own() -> None:
    """A name that somebody else owns proves nothing."""
    own = LoadBalancerFacts(
        id="elb-1", name="james", kind="union", private_ips=("10.9.0.9",), public_ips=(), listeners=()
    )
    assert targets(await Named(["10.9.0.9"], cloud=MemoryCloud(own)).verify()) == {"tcp://10.9.0.9:443"}
    told = str(await Named(["10.9.0.10"], cloud=MemoryCloud(own)).verify())
    assert "it is resolved to 10.9.0.10, and the load balancer does not have it" in told


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([], "it cannot be resolved: the name has no address"),
        ([[]], "it cannot be resolved: the name has no address"),
        ([Unavailable("no name server answers")], "it cannot be resolved: no name server answers"),
    ],
)
async def test_a_name_that_cannot_be_resolved_is_said(
    answers: list[Sequence[str] | WorldError], why: str
) -> None:
    """And a change is proposed all the same, with nothing to measure."""
    assert why in str(await Named(*answers).verify())
    change = await Named(*answers).town.propose()
    assert change.plan is not None
    assert any(why in text for text in change.plan.left_out)


async def test_without_a_resolver_a_name_is_left_out() -> None:
    """Said, and not guessed at."""
    assert "host names are not resolved here" in str(await Named(resolves=False).verify())


async def test_a_private_answer_is_preferred_to_a_public_one() -> None:
    """As with addresses: whether nodes get out to a public one is not known."""
    named = Named(["80.158.1.9", "10.9.0.9"])
    plan = await named.verify()
    assert targets(plan) == {"tcp://10.9.0.9:443"}
    assert isinstance(plan, MeasurementPlan)
    assert any("lb.example.com (80.158.1.9:443)" in text for text in plan.left_out)
