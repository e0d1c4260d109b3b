"""After a verification that contradicted the explanation, status does not go on as if nothing had been seen."""

from dataclasses import replace
from datetime import timedelta

from bot.domain.verification import Outcome
from bot.operations import ask
from bot.operations.caller import Caller
from tests.fakes.messenger import TEAM, read
from tests.fakes.store import MemoryRuns
from tests.fakes.world import ALICE, OPS, Town, shop
from tests.operations.measuring import Scene

CALLER = Caller(user=ALICE, team=TEAM, channel=OPS)


async def measured(scene: Scene, *, value: str | None = "true", through: str | None = "true") -> Town:
    """A town in which shop/checkout was verified like that: its pass-through value now, and when it was measured."""
    done = await scene.play()
    town = Town(clusters=[shop(value=value)])
    town.store.runs = MemoryRuns(town.store.jobs)
    plan = replace(done.run.plan, value=through or "")
    town.store.runs.rows[done.run.id] = replace(done.run, plan=plan, verdict=done.verdict)
    return town


async def astray(*, value: str | None = "true") -> Town:
    """One in which node-b was seen to go past the load balancer, with pass-through on."""
    scene = Scene()
    scene.through["node-b"] = False
    return await measured(scene, value=value)


async def test_status_says_what_the_last_verification_saw_otherwise() -> None:
    """With the node, and when."""
    town = await astray()
    said = read(await ask.status(town.world, CALLER, "shop/checkout"))
    assert "saw something else than is explained here" in said
    assert "from node-b, expected through the load balancer" in said
    assert "2026-03-02" in said


async def test_headline_and_table_do_not_go_on_as_if_nothing_had_been_seen() -> None:
    """A notification shows the headline alone, and a table of nothing but ticks is read as good news."""
    message = await ask.status((await astray()).world, CALLER, "shop/checkout")
    seen = "cross the load balancer; nobody is cut off, but the last verification saw otherwise for: "
    assert f"in-cluster clients {seen}pod-with-backend" in message.text
    said = read(message)
    assert "⚠️ through the ELB (seen otherwise)" in said
    assert "✅ through the ELB" in said


async def test_what_was_measured_with_another_value_is_history() -> None:
    """Somebody took pass-through off meanwhile, with or without the bot."""
    town = await astray(value=None)
    assert "last verification" not in read(await ask.status(town.world, CALLER, "shop/checkout"))


async def test_what_was_measured_before_a_later_change_is_history() -> None:
    """Off and on again is the same value, and not the same state of every node."""
    town = await astray()
    off = await town.propose("disable")
    later = off.requested_at + timedelta(days=1)
    town.store.changes.rows[off.id] = replace(off, applied_at=later)
    assert "last verification" not in read(await ask.status(town.world, CALLER, "shop/checkout"))


async def test_what_was_seen_of_another_service_of_the_set_is_not_told_of_this_one() -> None:
    """Each row is about one of them."""
    town = await astray()
    (run,) = town.store.runs.rows.values()
    gateway = replace(run.service, namespace="api", name="gateway")
    clients = tuple(replace(client, service=gateway) for client in run.plan.clients)
    town.store.runs.rows[run.id] = replace(run, plan=replace(run.plan, clients=clients, others=(gateway,)))
    assert "last verification" not in read(await ask.status(town.world, CALLER, "shop/checkout"))


async def test_a_verification_that_agreed_is_not_mentioned() -> None:
    """Nor one that is inconclusive for want of data."""
    town = await measured(Scene())
    (run,) = town.store.runs.rows.values()
    assert run.verdict is not None
    assert run.verdict.outcome is Outcome.SUCCEEDED
    assert "last verification" not in read(await ask.status(town.world, CALLER, "shop/checkout"))


async def test_status_is_answered_while_the_database_is_away() -> None:
    """Without what it would have known."""
    town = await astray()
    town.store.jobs.switch.down = True
    said = read(await ask.status(town.world, CALLER, "shop/checkout"))
    assert "shop/checkout" in said
    assert "last verification" not in said
