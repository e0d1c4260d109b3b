"""What is looked at first in a large cluster, and that everything is looked at in the end."""

from typing import Any

from bot.domain.explanation import Verdict
from bot.domain.objects import Ref, Service
from tests.fakes.world import IPVS, service, shop, slices
from tests.watch.scene import Scene


async def crowd(count: int = 30, **changed: Any) -> Scene:
    """So many Services, each on a load balancer of its own, each with endpoints on three nodes."""
    cluster = shop(given=IPVS)
    for number in range(count):
        cluster.put(service(name=f"web-{number}", elb=f"elb-{number + 2}", ip=f"10.9.1.{number}", **changed))
        cluster.put(slices(f"web-{number}", "node-a", "node-b", "node-c"))
    return await Scene(clusters=[cluster]).begun()


def waiting(scene: Scene) -> tuple[set[str], set[str]]:
    """The names that press, and those that wait their turn."""
    lookout = scene.watches[0].clusters["prod"].lookout
    return {ref.name for ref in lookout._pressing}, {ref.name for ref in lookout._dirty}


async def test_a_lost_last_endpoint_is_looked_at_before_a_rollouts() -> None:
    """Hundreds of endpoints come and go a second; who is cut off must not wait for them."""
    scene = await crowd()
    for number in range(20):
        scene.cluster.put(slices(f"web-{number}", "node-a", "node-b"))
    scene.cluster.put(slices("web-29"))
    pressing, others = waiting(scene)
    assert pressing == {"web-29"}
    assert others == {f"web-{number}" for number in range(20)}
    scene.watches[0].clusters["prod"].lookout._look_for(0.0)
    assert waiting(scene)[0] == set()
    assert len(waiting(scene)[1]) == 20
    await scene.wait(300)  # a look stops after a quarter of a second, and goes on with the next
    assert waiting(scene) == (set(), set())


async def test_under_policy_local_every_node_that_loses_its_endpoint_presses() -> None:
    """Its processes may be cut off."""
    scene = await crowd(3, policy="Local")
    scene.cluster.put(slices("web-1", "node-a", "node-b"))
    assert waiting(scene) == ({"web-1"}, set())


async def test_from_several_nodes_to_one_presses() -> None:
    """A dedicated load balancer locks one node's clients out, where several leave it to chance."""
    scene = await crowd(3)
    scene.cluster.put(slices("web-1", "node-a", "node-b"))
    assert waiting(scene) == (set(), {"web-1"})
    scene.cluster.put(slices("web-1", "node-a"))
    assert "web-1" in waiting(scene)[0]


async def test_a_note_on_a_service_concerns_nobody_else() -> None:
    """Siblings are looked at again only for what they see of each other."""
    scene = await crowd(3)
    for name in ("one", "two"):
        scene.cluster.put(service(name=name, elb="elb-99", ip="10.9.0.99", port=len(name)))
    await scene.wait(10)
    noted = service(name="one", elb="elb-99", ip="10.9.0.99", port=3)
    noted["metadata"]["labels"] = {"team": "shop"}
    scene.cluster.put(noted)
    assert waiting(scene) == (set(), {"one"})
    turned = service(name="one", elb="elb-99", ip="10.9.0.99", port=3, value="true")
    scene.cluster.put(turned)
    assert {"one", "two"} <= waiting(scene)[0]


async def test_a_service_written_without_a_change_is_not_looked_at() -> None:
    """Only its resourceVersion is another one."""
    scene = await crowd(3)
    scene.cluster.put(service(name="web-1", elb="elb-3", ip="10.9.1.1"))
    assert waiting(scene) == (set(), set())


async def test_how_long_it_has_been_so_counts_from_the_change() -> None:
    """Not from when it was looked at: what waits its turn is told no later."""
    scene = await crowd(3)
    scene.cluster.put(slices("web-1"))
    changed_at = scene.town.clock.now
    await scene.wait(10, step=10)
    await scene.wait(200)
    assert scene.row.since == changed_at


async def test_the_verdict_of_every_service_is_known_and_follows_what_changes() -> None:
    """What a list is ordered by: a Service that loses its endpoints, and one that is gone."""
    scene = await crowd(3)
    verdicts = scene.watches[0].clusters["prod"].lookout.verdicts
    named = {ref.name: verdict for ref, verdict in verdicts.items()}
    assert {named[name] for name in ("web-0", "web-1", "web-2")} == {Verdict.REACHABLE}
    scene.cluster.put(slices("web-1"))
    scene.cluster.remove(Service, Ref("shop", "web-2"))
    await scene.look()
    assert verdicts[Ref("shop", "web-1")] is Verdict.UNREACHABLE
    assert Ref("shop", "web-2") not in verdicts


async def test_a_network_policy_has_the_services_of_its_namespace_looked_at() -> None:
    """Whom it lets in decides who gets there; another namespace's concerns nobody here."""
    scene = await crowd(2)
    lookout = scene.watches[0].clusters["prod"].lookout
    before = dict(lookout.verdicts)
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "nobody", "namespace": "elsewhere"},
        "spec": {"podSelector": {}, "ingress": []},
    }
    scene.cluster.put(policy)
    await scene.look()
    assert lookout.verdicts == before
    scene.cluster.put({**policy, "metadata": {"name": "nobody", "namespace": "shop"}})
    await scene.look()
    assert lookout.verdicts[Ref("shop", "web-0")] is Verdict.UNDETERMINED
