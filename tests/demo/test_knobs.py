from collections.abc import AsyncIterator

import pytest

from bot.demo.knobs import KEY, register
from bot.demo.slack import Workspace
from bot.demo.world import World


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """The demo's world, at rest."""
    made = World()
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def slack(world: World) -> Workspace:
    """A workspace with the world's knobs; nothing is served."""
    made = Workspace(bot_token="xoxb", signing_secret="s")
    register(made, world)
    return made


def _vip(world: World) -> str:
    return world.scenario.balancers[0].vip


async def test_a_lagging_node_keeps_its_old_rules(world: World, slack: Workspace) -> None:
    """The annotation changes, the node does not; turned back, it follows."""
    node = world.scenario.nodes[-1].name
    journey = {"node": node, "pod_ip": None, "ip": _vip(world), "port": 443}
    assert "stopped" in await slack.knobs.turn("node")
    await slack.knobs.turn("annotation")
    await world.cluster.settled()
    assert world.dataplane.trace(**journey).balancer is None  # type: ignore[arg-type]  # one dictionary for both
    assert "again" in await slack.knobs.turn("node")
    await world.settled()
    assert world.dataplane.trace(**journey).balancer is not None  # type: ignore[arg-type]  # as above


async def test_the_annotation_flips_behind_the_bots_back(world: World, slack: Workspace) -> None:
    """Set by kubectl, then removed by kubectl."""
    for expected in ("true", None):
        await slack.knobs.turn("annotation")
        service = world.objects.get("services", "shop", "checkout") or {}
        assert service["metadata"]["annotations"].get(KEY) == expected


async def test_failed_members_refuse_and_recover(world: World, slack: Workspace) -> None:
    """Nobody outside gets through while every health check fails."""
    await slack.knobs.turn("members")
    assert (await world.dataplane.external(_vip(world), 443)).result != "connected"
    await slack.knobs.turn("members")
    assert (await world.dataplane.external(_vip(world), 443)).result == "connected"


async def test_a_rollout_replaces_the_pods(world: World, slack: Workspace) -> None:
    """Other Pods, as many as before."""
    before = {pod["metadata"]["name"] for pod in world.objects.list("pods", "shop")}
    await slack.knobs.turn("rollout")
    await world.settled()
    after = {pod["metadata"]["name"] for pod in world.objects.list("pods", "shop")}
    assert len(after) == len(before)
    assert not before & after
