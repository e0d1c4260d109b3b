"""Changes of several Services on one load balancer: each is measured at its own ports, or named as not measured."""

from dataclasses import replace

import pytest

from bot.config.settings import Clients, VerificationSettings
from bot.domain.change import Change, MeasurementPlan, Phase, ServiceRef
from bot.domain.verification import Outcome
from bot.operations import ask
from bot.operations.caller import Caller
from bot.operations.plan_words import plan_words
from bot.operations.refusal import Refused
from bot.operations.verify import verify
from tests.fakes.messenger import TEAM, read
from tests.fakes.world import ALICE, IPVS, OPS, Cluster, Town, service, shop, slices
from tests.operations.measured_town import MeasuredTown

LONG = 7200.0
"""Enough for any measurement here."""
GATEWAY = ServiceRef(cluster="prod", namespace="api", name="gateway")
CHECKOUT = ServiceRef(cluster="prod", namespace="shop", name="checkout")
CALLER = Caller(user=ALICE, team=TEAM, channel=OPS)


def crowd(*others: str, ports: int = 1) -> Cluster:
    """A cluster in IPVS mode whose checkout shares its load balancer with other Services, each on ports of its own."""
    cluster = shop(given=IPVS)
    for index, name in enumerate(others):
        space, _, bare = name.partition("/")
        raw = service(space, bare, port=8000 + 100 * index)
        (first,) = raw["spec"]["ports"]
        raw["spec"]["ports"] = [
            {**first, "name": f"p{n}", "port": first["port"] + n, "nodePort": 31000 + 100 * index + n}
            for n in range(ports)
        ]
        cluster.put(raw)
        piece = slices(bare, "node-a", namespace=space)
        (port,) = piece["ports"]
        cluster.put({**piece, "ports": [{**port, "name": f"p{n}"} for n in range(ports)]})
    return cluster


async def proposed(*others: str, ports: int = 1) -> tuple[Change, MeasurementPlan]:
    """The proposal for all of them, and what it would send."""
    town = Town(
        clusters=[crowd(*others, ports=ports)], verification=VerificationSettings(clients=Clients.PROBE)
    )
    change = await town.propose()
    assert change.plan is not None
    return change, change.plan


def targets(plan: MeasurementPlan, ref: ServiceRef) -> set[str]:
    """Whereto connections for one Service go."""
    return {target for client in plan.clients if client.service == ref for target in client.targets}


async def test_every_service_of_a_set_is_measured_at_its_own_ports() -> None:
    """From the nodes that are beside its own backends, and apart from them."""
    change, plan = await proposed("api/gateway")
    assert {step.service for step in change.steps} == {CHECKOUT, GATEWAY}
    assert targets(plan, CHECKOUT) == {"tcp://10.9.0.9:443"}
    assert targets(plan, GATEWAY) == {"tcp://10.9.0.9:8000"}
    assert plan.ports == (443, 8000)
    beside = {c.service: c.nodes for c in plan.clients if c.kind == "pod-with-backend"}
    assert beside == {CHECKOUT: ("node-a", "node-b"), GATEWAY: ("node-a",)}


async def test_a_card_says_where_fewer_connections_are_made() -> None:
    """Beside the usual number."""
    change, plan = await proposed("api/gateway")
    clients = tuple(replace(client, connections=20) for client in plan.clients[:1])
    mixed = replace(plan, connections=120, clients=(*clients, *plan.clients[1:]))
    assert "× 120 connections (bare TCP 20) to " in plan_words(replace(change, plan=mixed))


async def test_the_few_addresses_of_a_run_are_shared_out_fairly() -> None:
    """Each Service's first port comes before any one's second; what is too many is named with its Service."""
    _, plan = await proposed("api/gateway", "web/front", ports=9)
    assert len(plan.addresses) == 8
    assert targets(plan, CHECKOUT) == {"tcp://10.9.0.9:443"}
    assert len(targets(plan, GATEWAY)) == 4
    assert any(text.startswith("api/gateway at 10.9.0.9:8008: 8 addresses") for text in plan.left_out)
    assert not plan.unmeasured


async def test_what_a_large_set_leaves_unmeasured_is_named() -> None:
    """Eight addresses do not reach for ten Services: the two that go without are said by name."""
    change, plan = await proposed(*(f"web/s-{number}" for number in range(9)))
    assert len(plan.measured) == 8
    assert {str(ref) for ref in plan.unmeasured} == {"web/s-7", "web/s-8"}
    assert {"web/s-7: nothing connects to it in this run", "web/s-8: nothing connects to it in this run"} <= {
        *plan.left_out
    }
    assert change.plan == plan


async def test_a_success_names_the_services_that_were_measured() -> None:
    """And each has rows of its own."""
    town = MeasuredTown(cluster=crowd("api/gateway"))
    change = await town.approved()
    await town.pass_time(LONG)
    (run,) = town.runs_of(change.id)
    assert run.verdict is not None
    assert (town.now(change).phase, run.verdict.outcome) == (Phase.SUCCEEDED, Outcome.SUCCEEDED)
    assert "in-cluster traffic to shop/checkout and api/gateway " in run.verdict.headline
    assert {row.client.partition(", to ")[2] for row in run.verdict.rows} == {"shop/checkout", "api/gateway"}


async def test_one_service_of_a_set_that_does_not_follow_fails_the_change() -> None:
    """However well the named one does; the verdict says which."""
    town = MeasuredTown(cluster=crowd("api/gateway"))
    town.deaf.add("http://10.9.0.9:8000")
    change = await town.approved()
    await town.pass_time(LONG)
    (run,) = town.runs_of(change.id)
    assert run.verdict is not None
    assert town.now(change).phase is Phase.FAILED
    assert ", to api/gateway: " in run.verdict.headline
    assert "shop/checkout" not in run.verdict.headline


async def test_status_of_each_service_of_a_set_knows_what_was_seen_of_it() -> None:
    """The run is named after one of them, and about all."""
    town = MeasuredTown(cluster=crowd("api/gateway"))
    town.deaf.add("http://10.9.0.9:8000")
    await town.approved()
    await town.pass_time(LONG)
    told = "saw something else than is explained here"
    assert told in read(await ask.status(town.world, CALLER, "api/gateway"))
    assert told not in read(await ask.status(town.world, CALLER, "shop/checkout"))


async def test_no_service_of_a_set_is_verified_while_a_run_about_all_is_under_way() -> None:
    """Two would count each other's connections, whichever of the Services the first is named after."""
    town = MeasuredTown(cluster=crowd("api/gateway"))
    change = await town.approved()
    await town.pass_time(60)
    (run,) = town.runs_of(change.id)
    assert run.open
    with pytest.raises(Refused, match="under way already"):
        await verify(town.world, "again", CALLER, "api/gateway", OPS)
    await town.pass_time(LONG)
    assert (await verify(town.world, "later", CALLER, "api/gateway", OPS)).open


async def test_no_success_is_claimed_for_a_service_that_was_not_measured() -> None:
    """It was patched as well, so the headline says that nothing is known of it."""
    cluster = crowd("api/gateway")
    raw = service("api", "gateway", port=8000)
    raw["spec"]["ports"] = [{**raw["spec"]["ports"][0], "protocol": "UDP"}]
    cluster.put(raw)
    town = MeasuredTown(cluster=cluster)
    change = await town.approved()
    await town.pass_time(LONG)
    (run,) = town.runs_of(change.id)
    assert run.verdict is not None
    assert run.verdict.outcome is Outcome.SUCCEEDED
    assert run.verdict.headline.endswith("; not measured, so nothing is known of: api/gateway")
    assert "api/gateway: nothing connects to it in this run" in run.verdict.not_looked_at
    assert "api/gateway" in town.now(change).note
