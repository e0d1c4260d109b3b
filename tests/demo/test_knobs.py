from collections.abc import AsyncIterator

import pytest
from aiohttp import ClientError, ClientSession

from bot.demo.knobs import KEY, register
from bot.demo.slack import Workspace
from bot.demo.traps import clusters
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


async def _pass_through(world: World, value: str | None) -> None:
    world.annotate("shop", "checkout", KEY, value)
    await world.settled()


def _way(world: World, node: str) -> tuple[str, bool]:
    """How a connection from a node's own process ends now, and whether it crosses the load balancer."""
    journey = world.dataplane.trace(node=node, pod_ip=None, ip=_vip(world), port=443)
    return journey.result, journey.balancer is not None


async def test_a_kube_proxy_that_forgets_answers_for_the_address_again(
    world: World, slack: Workspace
) -> None:
    """That node alone; and it learns it again."""
    last, other = world.scenario.nodes[-1].name, world.scenario.nodes[0].name
    await _pass_through(world, "true")
    for forgotten in (True, False):
        await slack.knobs.turn("forget")
        await world.settled()
        assert _way(world, last) == ("connected", not forgotten)
        assert _way(world, other) == ("connected", True)


async def test_a_drained_node_gives_its_pods_away_and_takes_pods_again(
    world: World, slack: Workspace
) -> None:
    """As many Pods as before, none of them there; undone, the next ones may come back."""
    node = world.scenario.nodes[0].name

    def homes() -> list[str]:
        return [pod["spec"]["nodeName"] for pod in world.objects.list("pods")]

    before = homes()
    assert node in before
    assert "Pods went elsewhere" in await slack.knobs.turn("drain", f"prod/{node}")
    await world.settled()
    assert len(homes()) == len(before)
    assert node not in homes()
    assert _state(slack, "drain", f"prod/{node}")
    await slack.knobs.turn("drain", f"prod/{node}")
    await slack.knobs.turn("rollout")
    await world.settled()
    assert node in homes()


async def test_a_node_that_is_cut_off_is_silent(world: World, slack: Workspace) -> None:
    """Nobody there hears an answer, until it is there again."""
    node = world.scenario.nodes[-1].name
    for result in ("timeout", "connected"):
        await slack.knobs.turn("cut")
        assert _way(world, node)[0] == result


async def test_a_load_balancer_goes_and_comes_back_with_all_it_had(world: World, slack: Workspace) -> None:
    """Its address answers nobody; back, it has its id and its listeners."""
    before = set(world.dataplane.elb.balancers)
    await slack.knobs.turn("gone")
    assert len(world.dataplane.elb.balancers) == len(before) - 1
    assert (await world.dataplane.external(_vip(world), 443)).result == "timeout"
    await slack.knobs.turn("members")
    await slack.knobs.turn("gone")
    assert set(world.dataplane.elb.balancers) == before
    assert (await world.dataplane.external(_vip(world), 443)).result == "refused"
    assert await slack.knobs.mend() == 1
    assert (await world.dataplane.external(_vip(world), 443)).result == "connected"


async def test_the_cloud_has_no_data_or_no_answer(world: World, slack: Workspace) -> None:
    """Points of the past are gone as well; and every service answers with an error."""
    listener = next(each for each in world.dataplane.elb.listeners() if each.port == 443)

    def points() -> int:
        now = round(world.dataplane.clock() * 1000)
        return len(world.cloud.meter.points(listener, "m4_ncps", now - 3_600_000, now))

    world.cloud.meter.since -= 100
    assert points()
    await slack.knobs.turn("metrics")
    assert not points()
    await slack.knobs.turn("metrics")
    assert points()
    for status in (500, 401):
        await slack.knobs.turn("cloud")
        async with (
            ClientSession() as session,
            session.get(f"{world.cloud_url}/v3/p/elb/loadbalancers") as answer,
        ):
            assert answer.status == status


async def test_an_api_server_that_is_down_breaks_every_connection(world: World, slack: Workspace) -> None:
    """The network goes on as it was; back, it answers."""
    url = world.kubeconfig()["clusters"][0]["cluster"]["server"]
    async with ClientSession() as session:
        await slack.knobs.turn("api")
        with pytest.raises(ClientError):
            await session.get(f"{url}/healthz")
        assert _way(world, world.scenario.nodes[0].name) == ("connected", False)
        await slack.knobs.turn("api")
        async with session.get(f"{url}/healthz") as answer:
            assert answer.status == 200


async def test_slack_refuses_calls_until_it_does_not(slack: Workspace) -> None:
    """As too many, and then not at all; each knob takes only its own back."""
    slack.faults.add("chat.update", "500")
    await slack.knobs.turn("ratelimit")
    assert slack.faults.pending()[-1].kind == "429"
    await slack.knobs.turn("slack")
    assert slack.faults.is_down
    assert await slack.knobs.mend() == 2
    assert [each.kind for each in slack.faults.pending()] == ["500"]
    assert not slack.faults.is_down


async def test_switches_tell_their_state_whoever_changed_it(world: World, slack: Workspace) -> None:
    """An annotation that somebody else sets is seen on the knob; so is a switch that was turned."""
    assert not _state(slack, "annotation", "prod/shop/checkout")
    async with slack.state.feed.subscribed() as changes:
        await _pass_through(world, "true")
        assert (await anext(changes)).kind == "knobs"
    assert _state(slack, "annotation", "prod/shop/checkout")
    assert await slack.knobs.mend() == 0
    assert _state(slack, "annotation", "prod/shop/checkout")


async def test_every_knob_of_every_cluster_can_be_turned_there_and_back(world: World) -> None:
    """Each switch shows that it was turned, and that it was turned back."""
    others = [World(scenario) for scenario in clusters()[1:]]
    slack = Workspace(bot_token="xoxb", signing_secret="s")
    register(slack, world, *others)
    for other in others:
        await other.start()
    try:
        turned = 0
        for knob in [each for each in slack.knobs.list() if each["switch"]]:
            for target in knob["targets"]:
                for on in (not target["on"], target["on"]):
                    assert await slack.knobs.turn(knob["name"], target["value"])
                    assert _state(slack, knob["name"], target["value"]) == on
                    turned += 1
        assert turned > 60
    finally:
        for other in others:
            await other.stop()


def _state(slack: Workspace, knob: str, target: str) -> bool:
    shown = next(each for each in slack.knobs.list() if each["name"] == knob)
    return next(bool(each["on"]) for each in shown["targets"] if each["value"] == target)
