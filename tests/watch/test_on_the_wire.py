"""Every rule from the API server, or the cloud, to the message in Slack: where it is told, and where it is not."""

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path

import pytest

from bot.adapters.cloud.api import CloudApi
from bot.demo.cloud.fault import Fault
from bot.domain.cluster_facts import Mode
from bot.domain.incident_rule import RULES
from tests.adapters.cloud.conftest import keys, settings
from tests.demo.cloud.caller import world
from tests.fakes.world import Town, shop
from tests.watch.wires import Wires, wires

Hands = Callable[[Wires], None]


def nothing(_: Wires) -> None:
    """Do nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What there is, what happens, and for how long; `says` is what is to be read then, nothing: silence."""

    name: str
    rule: str = "clients-cut-off"
    before: Hands = lambda w: w.service("checkout", "node-a", "node-b")
    happens: Hands
    turns: int = 0
    """How often endpoints leave or come, half a minute apart."""
    lasts: float = 200.0
    ends: Hands = nothing
    says: tuple[str, ...] = ()
    mode: Mode = Mode.IPVS
    ours: bool = False
    """Whether a change of the bot's turned pass-through of checkout on, a day ago."""


def two(w: Wires) -> None:
    """Two Services on one load balancer."""
    w.service("checkout", "node-a", "node-b")
    w.service("web", "node-a", "node-b", port=8443)


def local(w: Wires) -> None:
    """Policy Local, and pass-through by which CCE mends it."""
    w.service("checkout", "node-a", "node-b", policy="Local", value="onlyLocal")


def dedicated(w: Wires) -> None:
    """A load balancer that keeps the client's address."""
    w.service("checkout", "node-a", "node-b", kind="performance")


def applied(w: Wires) -> None:
    """A change of the bot's, applied and verified a day ago."""
    w.service("checkout", "node-a", "node-b", value="true")


def old(w: Wires) -> None:
    """A node of a version that knows no pass-through."""
    for name in ("node-a", "node-b", "node-c"):
        status = {"nodeInfo": {"kubeletVersion": "v1.15.11-r1"}}
        w.api.objects.merge("nodes", None, name, {"status": status}, manager="kubelet", subresource="status")
    w.service("checkout", "node-a", "node-b")


def without_address(w: Wires) -> None:
    """Let the load balancer's address go."""
    w.address("checkout", None)


def restarted(w: Wires) -> None:
    """Let it answer again; it remembers no version from before."""
    w.api.faults.clear()
    w.api.faults.expire()


def refuse(w: Wires) -> None:
    """Let the API server refuse every connection."""
    w.api.faults.refusing = True
    w.api.faults.cut_watches(abort=True)


TOLD = (
    Situation(
        name="somebody turns pass-through on",
        rule="pass-through-changed",
        happens=lambda w: w.annotate("checkout", "true"),
        says=(
            '🟠 shop/checkout · prod: pass-through was set to "true"',
            '(absent) → "true" by kubectl-edit at 14:',
        ),
    ),
    Situation(
        name="somebody turns it off, and the paths go back past the load balancer",
        rule="pass-through-changed",
        before=lambda w: w.service("checkout", "node-a", "node-b", value="true"),
        happens=lambda w: w.annotate("checkout", None),
        says=(
            "🟠 shop/checkout · prod: pass-through was removed",
            '"true" → (absent) at 14:',
            "Kubernetes does not record who removes a key.",
            "Propose the fix",
        ),
    ),
    Situation(
        name="somebody sets what is documented nowhere, and much of it",
        rule="pass-through-changed",
        happens=lambda w: w.annotate("checkout", "y" * 3000),
        says=(
            f'(absent) → "{"y" * 60}…" (3000 characters) by kubectl-edit',
            "What CCE makes of that value here is documented nowhere",
        ),
    ),
    Situation(
        name="somebody writes in the bot's name",
        rule="pass-through-changed",
        happens=lambda w: w.annotate("checkout", "true", by="elb-passthrough-bot"),
        says=("in this bot's name (elb-passthrough-bot), but by no change that it knows of",),
    ),
    Situation(
        name="somebody writes for policy Local what CCE would write",
        rule="pass-through-changed",
        before=lambda w: w.service("checkout", "node-a", "node-b", policy="Local", value="true"),
        happens=lambda w: w.annotate("checkout", "onlyLocal"),
        says=('"true" → "onlyLocal" by kubectl-edit at 14:',),
    ),
    Situation(
        name="somebody turns CCE's value of a former policy into another one",
        rule="pass-through-changed",
        before=lambda w: w.service("checkout", "node-a", "node-b", value="onlyLocal"),
        happens=lambda w: w.annotate("checkout", "true"),
        says=('"onlyLocal" → "true" by kubectl-edit at 14:',),
    ),
    Situation(
        name="somebody takes CCE's value of a former policy away",
        rule="pass-through-changed",
        before=lambda w: w.service("checkout", "node-a", "node-b", value="onlyLocal"),
        happens=lambda w: w.annotate("checkout", None),
        says=('"onlyLocal" → (absent) at 14:', "3 of 3 in-cluster clients: through the ELB → direct."),
    ),
    Situation(
        name="a Service loses its address",
        rule="address-lost",
        happens=without_address,
        says=(
            "🔴 shop/checkout · prod: lost its load balancer's address 10.9.0.9",
            "kubectl describe service",
        ),
    ),
    Situation(
        name="the only local endpoint's node is taken away, and the EndpointSlice still names it",
        before=lambda w: w.service("checkout", "node-a", policy="Local", value="onlyLocal"),
        happens=lambda w: w.api.objects.delete("nodes", None, "node-a"),
        says=("🔴 shop/checkout · prod: clients outside the cluster", "cannot reach 10.9.0.9:443"),
    ),
    Situation(
        name="an applied change is undone",
        rule="change-reverted",
        ours=True,
        before=applied,
        happens=lambda w: w.annotate("checkout", None),
        says=("🔴 shop/checkout · prod: pass-through was removed", "That undoes CHG-1."),
    ),
    Situation(
        name="the last endpoint leaves",
        happens=lambda w: w.endpoints("checkout"),
        says=("🔴 shop/checkout · prod: clients outside the cluster", "no-ready-endpoint", "What now"),
    ),
    Situation(
        name="the last local endpoint leaves a node, under policy Local without pass-through",
        before=lambda w: w.service("checkout", "node-a", "node-b", "node-c", policy="Local", value="false"),
        happens=lambda w: w.endpoints("checkout", "node-a", "node-b"),
        says=("processes on node node-c cannot reach 10.9.0.9:443", "ipvs-host-no-local-endpoint"),
    ),
    Situation(
        name="Local loses its pass-through",
        before=local,
        happens=lambda w: w.annotate("checkout", None),
        says=(
            "processes on node node-c cannot reach 10.9.0.9:443",
            '"onlyLocal" → (absent)',
            "Propose the fix",
        ),
    ),
    Situation(
        name="one of two siblings is turned on",
        rule="ipvs-sibling-mismatch",
        before=two,
        happens=lambda w: w.annotate("web", "true"),
        says=(
            "🔴 2 Services on load balancer elb-1 · prod",
            "disagree about pass-through",
            "ipvs-sibling-mismatch",
        ),
    ),
    Situation(
        name="pass-through behind a load balancer that keeps the client's address",
        rule="same-node-lockout",
        before=dedicated,
        happens=lambda w: w.annotate("checkout", "true"),
        says=(
            "are locked out now and then · since",
            "same-node-lockout",
            "Inside the cluster use the ClusterIP name",
        ),
    ),
    Situation(
        name="pass-through in a cluster that does not know it",
        rule="unsupported-version",
        before=old,
        happens=lambda w: w.annotate("checkout", "true"),
        says=('pass-through is "true", and this cluster does not know it', "unsupported-version", "What now"),
    ),
    Situation(
        name="an API server that refuses everybody",
        rule="watch-stale",
        happens=refuse,
        lasts=300.0,
        says=("🔴 prod: the bot does not see the cluster", "watch-stale", "elb-passthrough doctor"),
    ),
    Situation(
        name="endpoints that never settle",
        happens=nothing,
        turns=8,
        says=("🔴 shop/checkout · prod: clients outside the cluster", "it came and went 6 times"),
    ),
)
SILENT = (
    Situation(
        name="pass-through set and put right at once",
        rule="pass-through-changed",
        happens=lambda w: w.annotate("checkout", "true"),
        lasts=60.0,
        ends=lambda w: w.annotate("checkout", None),
    ),
    Situation(
        name="CCE writes its own value",
        rule="pass-through-changed",
        before=lambda w: w.service("checkout", "node-a", "node-b", "node-c", policy="Local"),
        happens=lambda w: w.annotate("checkout", "onlyLocal", by="cloud-controller-manager"),
    ),
    Situation(
        name="the bot writes itself",
        rule="pass-through-changed",
        ours=True,
        happens=lambda w: w.annotate("checkout", "true", by="elb-passthrough-bot"),
    ),
    Situation(
        name="CCE takes its value away after the policy is no longer Local",
        rule="pass-through-changed",
        before=local,
        happens=lambda w: w.policy("checkout", "Cluster"),
        lasts=60.0,
        ends=lambda w: w.annotate("checkout", None, by="cloud-controller-manager"),
    ),
    Situation(
        name="an address goes and another one comes",
        rule="address-lost",
        happens=without_address,
        lasts=60.0,
        ends=lambda w: w.address("checkout", "10.9.0.10"),
    ),
    Situation(
        name="a Service that never had an address waits for one",
        rule="address-lost",
        before=lambda w: w.service("checkout", "node-a", "node-b", ip=None),
        happens=nothing,
    ),
    Situation(
        name="an applied change is undone and done again at once",
        rule="change-reverted",
        ours=True,
        before=applied,
        happens=lambda w: w.annotate("checkout", None),
        lasts=60.0,
        ends=lambda w: w.annotate("checkout", "true"),
    ),
    Situation(
        name="a rollout takes every endpoint away for a minute",
        happens=lambda w: w.endpoints("checkout"),
        lasts=60.0,
        ends=lambda w: w.endpoints("checkout", "node-b", "node-c"),
    ),
    Situation(
        name="endpoints move, and one stays",
        happens=lambda w: w.endpoints("checkout", "node-c"),
    ),
    Situation(
        name="siblings that disagree where no proxy binds their address",
        rule="ipvs-sibling-mismatch",
        before=two,
        happens=lambda w: w.annotate("checkout", "true", by="elb-passthrough-bot"),
        mode=Mode.IPTABLES,
        ours=True,
    ),
    Situation(
        name="pass-through behind a shared load balancer",
        rule="same-node-lockout",
        ours=True,
        happens=lambda w: w.annotate("checkout", "true", by="elb-passthrough-bot"),
    ),
    Situation(
        name="pass-through in a cluster that knows it",
        rule="unsupported-version",
        ours=True,
        happens=lambda w: w.annotate("checkout", "true", by="elb-passthrough-bot"),
    ),
    Situation(
        name="an API server that restarts",
        rule="watch-stale",
        happens=refuse,
        lasts=40.0,
        ends=restarted,
    ),
)


async def play(w: Wires, situation: Situation) -> None:
    """Let it come to that."""
    situation.before(w)
    if situation.ours:
        change = await Town(clusters=[shop()]).done()
        w.town.store.changes.rows[change.id] = change
        w.town.clock.now += timedelta(days=1)
    await w.wait(200.0)
    situation.happens(w)
    for turn in range(situation.turns):
        w.endpoints("checkout", *(("node-a",) if turn % 2 else ()))
        await w.wait(30.0)
    await w.wait(situation.lasts)
    situation.ends(w)


@pytest.mark.parametrize("situation", TOLD, ids=lambda each: each.name)
async def test_it_is_told_once(situation: Situation, tmp_path: Path) -> None:
    """In one message that says how bad it is, who is affected, why, and what to do."""
    async with wires(tmp_path, mode=situation.mode) as w:
        await play(w, situation)
        (told,) = w.told
        assert [part for part in situation.says if part not in told] == []


@pytest.mark.parametrize("situation", SILENT, ids=lambda each: each.name)
async def test_it_is_not_told(situation: Situation, tmp_path: Path) -> None:
    """Not then, and not later."""
    async with wires(tmp_path, mode=situation.mode) as w:
        await play(w, situation)
        await w.wait(300.0)
        assert w.told == []


async def test_what_only_the_cloud_knows_is_told(tmp_path: Path) -> None:
    """All members ill, then well again; then the load balancer is gone. One that is ill, or no answer: silence."""
    async with AsyncExitStack() as stack:
        sky = await stack.enter_async_context(world())
        cloud = CloudApi(settings(sky.url, keys()), clock=lambda: datetime.fromtimestamp(sky.clock.now, UTC))
        stack.push_async_callback(cloud.close)
        w = await stack.enter_async_context(wires(tmp_path, clouds={"prod": cloud}))
        w.service("checkout", "node-a", "node-b", elb=sky.balancer.id)
        await w.wait(200.0)
        await w.ask_cloud()
        ill, *others = members = [member.address for member in sky.listener.members]
        sky.cluster.plane.set_member_health(sky.balancer.id, ill, healthy=False)
        await w.ask_cloud()
        await w.wait(200.0)
        assert w.told == []
        for member in others:
            sky.cluster.plane.set_member_health(sky.balancer.id, member, healthy=False)
        await w.ask_cloud()
        await w.wait(200.0)
        (told,) = w.told
        assert f"all {len(members)} members of shop-elb fail their health checks" in told
        for member in members:
            sky.cluster.plane.set_member_health(sky.balancer.id, member, healthy=True)
        await w.ask_cloud()
        await w.wait(200.0)
        (told,) = w.told
        assert told.startswith("⚪ Over: shop/checkout · prod")
        sky.cloud.faults.set("elb", Fault(status=HTTPStatus.FORBIDDEN))
        await w.ask_cloud()
        await w.wait(200.0)
        assert len(w.told) == 1
        sky.cloud.faults.set("elb", None)
        sky.cluster.plane.delete_balancer(sky.balancer.id)
        await w.ask_cloud()
        await w.wait(200.0)
        assert "🔴 shop/checkout · prod: its load balancer no longer exists" in w.told[1]


def test_every_rule_is_played_both_ways() -> None:
    """Or is the cloud's."""
    by_cloud = {rule.code for rule in RULES.values() if rule.by_cloud}
    assert {each.rule for each in TOLD} == {each.rule for each in SILENT} == set(RULES) - by_cloud
