from bot.ports import LoadBalancerFacts
from tests.fakes.cloud import MemoryCloud
from tests.fakes.world import ALICE, Town


def town(*unhealthy: str) -> Town:
    """A town whose cloud says which of the load balancer's three members fail their health check."""
    balancer = LoadBalancerFacts(
        id="elb-1",
        name="shop-elb",
        kind="union",
        private_ips=("10.0.0.9",),
        public_ips=(),
        listeners=(),
        unhealthy=unhealthy,
        members=3,
    )
    return Town(clouds={"prod": MemoryCloud(balancer)})


async def test_nobody_is_sent_to_a_load_balancer_whose_members_are_all_unhealthy() -> None:
    """Not proposed; the sentence says what to mend."""
    here = town("10.0.0.1:30080", "10.0.0.2:30080", "10.0.0.3:30080")
    await here.order(ALICE, "enable")
    assert here.store.changes.rows == {}
    (told,) = here.messenger.said_to(ALICE)
    assert "Every member of the load balancer fails the health check" in told
    assert "Mend the members first" in told


async def test_some_unhealthy_members_are_told_on_the_card() -> None:
    """Who approves should know that fewer backends are left."""
    here = town("10.0.0.1:30080")
    change = await here.propose()
    assert "1 of 3 members of the load balancer fail the health check" in here.card(change).text


async def test_healthy_members_are_not_mentioned() -> None:
    """No news."""
    here = town()
    assert "health check" not in here.card(await here.propose()).text
