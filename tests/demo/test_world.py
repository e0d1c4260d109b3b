"""The simulated world as a whole: the demo's cluster, and the story that it has to carry."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiohttp import ClientSession

from bot.demo import chance
from bot.demo.cloud import AccessKey
from bot.demo.dataplane import Noise
from bot.demo.scenario import PROBES, NoiseSpec, Scenario, prod
from bot.demo.seam import EventType, Json
from bot.demo.world import World
from tests.demo.cloud.caller import Clock, authorization

PASS_THROUGH = "kubernetes.io/elb.pass-through"
SHOP_VIP = "192.168.10.9"


@asynccontextmanager
async def running(scenario: Scenario | None = None, clock: Clock | None = None) -> AsyncIterator[World]:
    """A world that has started, and is stopped whatever happens; its nodes are quick to follow."""
    chosen = scenario or replace(prod(), sync_delay=0.02)
    world = World(chosen, clock=clock) if clock else World(chosen)
    async with asyncio.timeout(60):
        await world.start()
        try:
            yield world
        finally:
            await world.stop()


def probe(name: str, node: str, target: str, *, connections: int) -> Json:
    """A probe Pod as the bot makes them."""
    expression = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    required = {"nodeSelectorTerms": [{"matchExpressions": [expression]}]}
    variables = {
        "TARGETS": target,
        "CONNECTIONS": str(connections),
        "DURATION_SECONDS": "0.05",
        "TIMEOUT_SECONDS": "1",
    }
    container = {
        "name": "probe",
        "image": "registry.example/elb-passthrough@sha256:0",
        "env": [{"name": key, "value": value} for key, value in variables.items()],
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "namespace": PROBES,
            "name": name,
            "labels": {"app.kubernetes.io/managed-by": "elb-passthrough"},
            "annotations": {"elb-passthrough.bot/run": "RUN-1"},
        },
        "spec": {
            "restartPolicy": "Never",
            "affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}},
            "containers": [container],
        },
    }


async def probed(world: World, name: str, node: str, *, connections: int = 20) -> Json:
    """Run one probe against checkout to its end; its result for that target."""
    over: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def watch(event: EventType, pod: Json) -> None:
        if event == "MODIFIED" and pod["metadata"]["name"] == name and pod["status"]["phase"] == "Succeeded":
            state = pod["status"]["containerStatuses"][0]["state"]
            if not over.done():
                over.set_result(state["terminated"]["message"])

    end = world.objects.subscribe("pods", watch)
    target = f"tcp://{SHOP_VIP}:443"
    world.create(probe(name, node, target, connections=connections))
    result: Json = json.loads(await over)["targets"][target]
    end()
    return result


async def new_connections(world: World, clock: Clock) -> list[float]:
    """What Cloud Eye tells of checkout's load balancer over the last minute, asked for over HTTP."""
    (balancer,) = world.scenario.balancers
    scenario = world.scenario
    path = f"/V1.0/{scenario.project}/metric-data"
    query = [
        ("namespace", "SYS.ELB"),
        ("metric_name", "m4_ncps"),
        ("dim.0", f"lbaas_instance_id,{balancer.id}"),
        ("from", str(round(clock.now - 60) * 1000)),
        ("to", str(round(clock.now) * 1000)),
        ("period", "1"),
        ("filter", "average"),
    ]
    stamp = "20270115T080000Z"
    headers = {"host": world.cloud_url.removeprefix("http://"), "x-sdk-date": stamp}
    key: AccessKey = scenario.access_key
    headers["authorization"] = authorization(key, "GET", path, query=query, headers=headers, body=b"")
    async with (
        ClientSession() as session,
        session.get(f"{world.cloud_url}{path}", params=query, headers=headers) as answer,
    ):
        body = await answer.json()
        assert answer.status == 200, body
        return [point["average"] for point in body["datapoints"]]


async def test_the_demos_cluster_has_the_vendors_own_example_to_the_letter() -> None:
    """Nginx of cce_10_0355: two replicas, policy Local, pass-through on, a new load balancer named james."""
    async with running() as world:
        nginx = world.objects.get("services", "default", "nginx")
        pods = world.objects.list("pods", "default")
        assert nginx is not None
        james = world.dataplane.elb.balancers[nginx["metadata"]["annotations"]["kubernetes.io/elb.id"]]
    assert nginx["metadata"]["annotations"][PASS_THROUGH] == "true"
    assert nginx["spec"]["externalTrafficPolicy"] == "Local"
    assert (james.name, james.kind) == ("james", "shared")
    assert [entry["ip"] for entry in nginx["status"]["loadBalancer"]["ingress"]] == james.addresses
    assert len(james.addresses) == 2
    assert [pod["status"]["phase"] for pod in pods] == ["Running", "Running"]


async def test_checkout_runs_on_three_of_four_nodes_behind_tls_without_pass_through() -> None:
    """The Service that the demo's story is about."""
    async with running() as world:
        checkout = world.objects.get("services", "shop", "checkout")
        places = {pod["spec"]["nodeName"] for pod in world.objects.list("pods", "shop")}
        listener = world.dataplane.elb.balancers[world.scenario.balancers[0].id].listeners["TCP", 443]
    assert checkout is not None
    assert PASS_THROUGH not in checkout["metadata"]["annotations"]
    assert [e["ip"] for e in checkout["status"]["loadBalancer"]["ingress"]] == ["80.158.1.9", SHOP_VIP]
    assert len(places) == 3
    assert (listener.protocol, listener.service) == ("HTTPS", "shop/checkout")


async def test_clients_inside_bypass_checkouts_load_balancer_and_clients_outside_do_not() -> None:
    """Every node and its Pods, before anything is changed."""
    async with running() as world:
        inside = [
            world.dataplane.trace(node=n.name, pod_ip=address, ip=SHOP_VIP, port=443)
            for n in world.scenario.nodes
            for address in (None, str(n.pod_cidr).replace("0/24", "200"))
        ]
        outside = world.dataplane.trace_external("80.158.1.9", 443)
    assert {(j.result, j.balancer) for j in inside} == {("connected", None)}
    assert (outside.result, outside.balancer) == ("connected", world.scenario.balancers[0].id)


async def test_the_annotation_sends_probes_through_the_load_balancer_and_cloud_eye_counts_them() -> None:
    """The main story, by the API, the probes and the metrics alone."""
    clock = Clock()
    async with running(clock=clock) as world:
        before = await probed(world, "before", "192.168.0.12")
        clock.now += 10
        world.annotate("shop", "checkout", PASS_THROUGH, "true")
        await world.settled()
        after = await probed(world, "after", "192.168.0.12")
        clock.now += 10
        seen = await new_connections(world, clock)
    assert before["attempts"] == before["connected"] > 0
    assert after["attempts"] == after["connected"] > 0
    assert [value * world.scenario.metering.period for value in seen if value] == [after["connected"]]
    assert seen[0] == 0.0


async def test_a_node_that_never_resynchronises_keeps_bypassing() -> None:
    """The demo's second story."""
    async with running() as world:
        world.dataplane.freeze("192.168.0.12")
        world.annotate("shop", "checkout", PASS_THROUGH, "true")
        await world.settled()
        listener = world.dataplane.elb.balancers[world.scenario.balancers[0].id].listeners["TCP", 443]
        await probed(world, "frozen", "192.168.0.12")
        frozen = listener.counter.total
        fine = await probed(world, "fine", "192.168.0.13")
        # How many connections fit into a probe's time is the machine's affair; that each is counted is not.
        assert (frozen, listener.counter.total) == (0, fine["connected"])
        assert fine["connected"] > 0


async def test_without_an_annotation_policy_local_gets_only_local() -> None:
    """CCE writes it, and clients go through the load balancer."""
    async with running() as world:
        patch = {"spec": {"externalTrafficPolicy": "Local"}}
        world.objects.merge("services", "shop", "checkout", patch, manager="kubectl-edit")
        await world.settled()
        checkout = world.objects.get("services", "shop", "checkout")
        journey = world.dataplane.trace(node="192.168.0.12", pod_ip=None, ip=SHOP_VIP, port=443)
    assert checkout is not None
    assert checkout["metadata"]["annotations"][PASS_THROUGH] == "onlyLocal"
    assert (journey.result, journey.balancer is not None) == ("connected", True)


async def test_a_service_that_names_a_load_balancer_that_is_not_there_gets_no_address() -> None:
    """And the controller goes on with the others."""
    async with running() as world:
        (checkout,) = (m for m in world.scenario.manifests[3:] if m["kind"] == "Service")
        wishes = {
            "lost": {"kubernetes.io/elb.id": "absent"},
            "found": {"kubernetes.io/elb.autocreate": '{"type":"inner","name":"found"}'},
        }
        for name, annotations in wishes.items():
            metadata = {"namespace": "shop", "name": name, "annotations": annotations}
            world.create({**checkout, "metadata": metadata})
        await world.settled()
        ingress = {
            name: (world.objects.get("services", "shop", name) or {})["status"]["loadBalancer"]
            for name in wishes
        }
    assert ingress["lost"] == {}
    assert len(ingress["found"]["ingress"]) == 1


async def test_a_load_balancer_that_was_created_for_a_service_goes_with_it() -> None:
    """One that was there before stays."""
    async with running() as world:
        for namespace, name in (("default", "nginx"), ("shop", "checkout")):
            world.objects.delete("services", namespace, name)
        await world.settled()
        assert [b.name for b in world.dataplane.elb.balancers.values()] == ["shop-elb"]
        assert list(world.dataplane.elb.listeners()) == []


async def test_pods_that_move_are_followed_by_slices_rules_and_health() -> None:
    """A rollout changes every address, and connections still arrive."""
    async with running() as world:
        world.cluster.deployments.restart("shop", "checkout")
        await world.settled()
        pods = {f"shop/{pod['metadata']['name']}" for pod in world.objects.list("pods", "shop")}
        seen = {
            world.dataplane.trace(node="192.168.0.12", pod_ip=None, ip=SHOP_VIP, port=443).backend
            for _ in range(60)
        }
        assert seen == pods


async def test_the_bots_kubeconfig_opens_what_the_bot_needs_and_no_more() -> None:
    """Reading and patching Services, but no Secrets."""
    async with running() as world:
        kubeconfig = world.kubeconfig()
        url = kubeconfig["clusters"][0]["cluster"]["server"]
        token = kubeconfig["users"][0]["user"]["token"]
        async with ClientSession(headers={"Authorization": f"Bearer {token}"}) as session:
            ends = {}
            for path in ("api/v1/services", "api/v1/namespaces/default/secrets"):
                async with session.get(f"{url}/{path}") as answer:
                    ends[path] = answer.status
    assert kubeconfig["current-context"] == "prod"
    assert ends == {"api/v1/services": 200, "api/v1/namespaces/default/secrets": 403}


async def test_the_cloud_knows_the_cluster_and_where_its_api_is() -> None:
    """So that the bot can match its kubeconfig to a cluster id."""
    async with running() as world:
        record = world.cloud.cce.clusters[world.scenario.cluster_id]
        assert record.endpoints == (("Internal", world.api.url),)
    assert (record.category, record.proxy_mode, record.version) == ("CCE", "ipvs", "v1.29.2-r5")


async def test_noise_belongs_to_the_scenario() -> None:
    """It starts and ends with the world."""
    noisy = replace(prod(), noise=(NoiseSpec(address="80.158.1.9", port=443, rate=400),))
    heard = asyncio.Event()

    class Listening(Clock):
        def __call__(self) -> float:
            if noise and noise[0].opened:
                heard.set()
            return self.now

    noise: list[Noise] = []
    clock = Listening()
    async with running(noisy, clock) as world:
        noise[:] = world.noise
        await heard.wait()
        listener = world.dataplane.elb.balancers[world.scenario.balancers[0].id].listeners["TCP", 443]
        assert listener.counter.total >= 1
    opened = world.noise[0].opened
    await asyncio.sleep(0)
    assert world.noise[0].opened == opened


@pytest.mark.parametrize("seed", range(12))
async def test_a_world_made_at_random_starts_and_knows_its_own_truth(seed: int) -> None:
    """Clients outside arrive where a member is healthy, and asking for the truth counts nothing."""
    chosen = replace(chance.scenario(seed, period=1), noise=())
    async with running(chosen) as world:
        listener = next(each for each in world.dataplane.elb.listeners() if each.port == 443)
        balancer = world.dataplane.elb.balancers[listener.balancer_id]
        online = any(world.dataplane.online(balancer, listener, m) for m in listener.members)
        truths = [
            world.dataplane.truth(node=n.name, pod_ip=None, ip=chance.VIP, port=443) for n in chosen.nodes
        ]
        counted = listener.counter.total
        outside = world.dataplane.trace_external(chance.VIP, 443)
    assert all(truths)
    assert counted == 0
    assert (outside.result == "connected") == online


def test_the_same_seed_makes_the_same_world() -> None:
    """And other seeds make others."""
    assert chance.scenario(3) == chance.scenario(3)
    made = [chance.scenario(seed) for seed in range(200)]
    assert {m.mode for m in made} == {"iptables", "ipvs", "nftables"}
    assert {m.category for m in made} == {"standard", "turbo"}
    assert any(m.frozen for m in made)
    assert any(m.noise for m in made)
    assert any(m.metering.drop for m in made)


async def test_a_scenario_may_begin_with_misbehaviour() -> None:
    """A frozen node and an unhealthy member from the start, and noise that is added later."""
    bad = replace(
        prod(), sync_delay=0.02, frozen=("192.168.0.12",), unhealthy=(("shop-elb", "192.168.0.13"),)
    )
    async with running(bad) as world:
        world.annotate("shop", "checkout", PASS_THROUGH, "true")
        await world.settled()
        ends = {
            n.name: world.dataplane.truth(node=n.name, pod_ip=None, ip=SHOP_VIP, port=443) for n in bad.nodes
        }
        crossed = [
            world.dataplane.trace(node="192.168.0.14", pod_ip=None, ip=SHOP_VIP, port=443).hops
            for _ in range(40)
        ]
        noise = world.add_noise("80.158.1.9", 443, 1.0)
    assert ends.pop("192.168.0.12") == {("connected", False)}
    assert set(ends.values()) == {frozenset({("connected", True)})}
    assert not [hops for hops in crossed if hops[2] == "node 192.168.0.13"]
    assert noise in world.noise
