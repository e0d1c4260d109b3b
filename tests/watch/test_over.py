"""An incident is over when the harm is, and says why; a Service that only looks different keeps its incident."""

from datetime import timedelta
from pathlib import Path

from bot.domain.incident import Phase
from bot.domain.objects import Ref, Service
from bot.watch import Watch
from tests.fakes.world import IPVS, service, shop, slices
from tests.watch.scene import Scene
from tests.watch.wires import STEP, Wires, wires


def rows(w: Wires) -> list[tuple[str, Phase, str]]:
    """Every row's rule, where it stands, and how it ended."""
    return [(row.rule, row.phase, row.ended_by) for row in w.town.store.incidents.rows.values()]


async def cut_off(w: Wires) -> None:
    """Nobody gets to checkout, and that was told."""
    w.service("checkout", "node-a", "node-b")
    await w.wait(200)
    w.endpoints("checkout")
    await w.wait(300)
    assert [phase for _, phase, _ in rows(w)] == [Phase.OPEN]


async def test_a_service_of_another_type_ends_it_and_that_is_said(tmp_path: Path) -> None:
    """Nobody is sent to its load balancer any more."""
    async with wires(tmp_path) as w:
        await cut_off(w)
        w.change("checkout", {"spec": {"type": "ClusterIP", "externalTrafficPolicy": None}})
        await w.wait(300)
        assert rows(w) == [
            ("clients-cut-off", Phase.CLOSED, "The Service is no longer of type LoadBalancer.")
        ]
        (told,) = w.told
        assert told.endswith("The Service is no longer of type LoadBalancer.")


async def test_a_service_that_is_being_deleted_ends_it_and_that_is_said(tmp_path: Path) -> None:
    """Whatever still holds it back."""
    async with wires(tmp_path) as w:
        await cut_off(w)
        w.change("checkout", {"metadata": {"finalizers": ["example.com/wait"]}})
        w.api.objects.delete("services", "shop", "checkout")
        await w.wait(300)
        assert rows(w) == [("clients-cut-off", Phase.CLOSED, "The Service is being deleted.")]


async def test_a_service_that_changes_its_load_balancer_stays_in_its_incident(tmp_path: Path) -> None:
    """The harm goes on, and began when it began; when it ends, that one message says so."""
    async with wires(tmp_path) as w:
        await cut_off(w)
        (before,) = w.told
        w.change("checkout", {"metadata": {"annotations": {"kubernetes.io/elb.id": "elb-2"}}})
        await w.wait(300)
        assert w.told == [before]
        w.endpoints("checkout", "node-a")
        await w.wait(300)
        (after,) = w.told
        assert after.startswith("⚪ Over: shop/checkout · prod, 14:03 to ")


async def test_a_service_that_loses_its_address_keeps_what_was_told_of_it(tmp_path: Path) -> None:
    """Its paths cannot be looked at without one; that it has none is told beside it, and both are over with it."""
    async with wires(tmp_path) as w:
        await cut_off(w)
        w.address("checkout", None)
        await w.wait(300)
        assert [(rule, phase) for rule, phase, _ in rows(w)] == [
            ("clients-cut-off", Phase.OPEN),
            ("address-lost", Phase.OPEN),
        ]
        w.address("checkout", "10.9.0.9")
        w.endpoints("checkout", "node-a")
        await w.wait(300)
        assert {phase for _, phase, _ in rows(w)} == {Phase.CLOSED}


async def test_what_nothing_can_be_said_of_outlasts_a_restart(tmp_path: Path) -> None:
    """A replica that never saw the address, and cannot look at paths without one, ends nothing."""
    async with wires(tmp_path) as w:
        await cut_off(w)
        w.address("checkout", None)
        await w.wait(300)
        told = w.told
        await w.watch.clusters["prod"].stop()
        w.watch = Watch(w.town.world, steady=w.town.clock.seconds)
        await w.wait(900)
        assert w.told == told
        assert {phase for _, phase, _ in rows(w)} == {Phase.OPEN}


async def test_a_pod_of_a_node_that_is_gone_keeps_no_incident_open(tmp_path: Path) -> None:
    """Of which version its kube-proxy was nobody knows any more, and nobody needs to."""
    async with wires(tmp_path) as w:
        w.service("checkout", "node-a", "node-b", policy="Local", value="onlyLocal")
        left = {
            "metadata": {"namespace": "shop", "name": "left"},
            "spec": {"nodeName": "node-c", "containers": [{"name": "c", "image": "c"}]},
        }
        w.api.objects.create("pods", left, manager="test")
        await w.wait(200)
        w.endpoints("checkout")
        await w.wait(300)
        w.api.objects.delete("nodes", None, "node-c")
        w.endpoints("checkout", "node-a", "node-b")
        await w.wait(300)
        assert [(rule, phase) for rule, phase, _ in rows(w)] == [("clients-cut-off", Phase.CLOSED)]


async def test_an_outage_is_as_long_as_nothing_was_seen(tmp_path: Path) -> None:
    """From when the API server was heard of last, not from when that was too long ago."""
    async with wires(tmp_path) as w:
        await w.wait(200)
        began = w.town.clock.now
        w.api.faults.refusing = True
        w.api.faults.cut_watches(abort=True)
        await w.wait(200)
        w.api.faults.clear()
        w.api.faults.expire()
        await w.wait(300)
        (row,) = w.town.store.incidents.rows.values()
        assert row.over_at is not None
        assert abs(row.since - began) <= timedelta(seconds=2 * STEP)
        assert abs(row.seconds - 200) <= 2 * STEP


async def test_several_services_that_end_in_different_ways_say_so() -> None:
    """One was deleted, one has another type."""
    cluster = shop(given=IPVS)
    cluster.put(service(name="web", port=8443))
    cluster.put(slices("web", "node-a", "node-b"))
    scene = await Scene(clusters=[cluster]).begun()
    cluster.put(slices("checkout"))
    cluster.put(slices("web"))
    await scene.wait(300)
    assert scene.phases == [Phase.OPEN]
    cluster.put(service(kind="ClusterIP"))
    cluster.remove(Service, Ref("shop", "web"))
    await scene.wait(300)
    assert scene.row.ended_by == "The Services are no longer of type LoadBalancer or were deleted."
