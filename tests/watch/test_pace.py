"""At most so many messages a minute to a channel, whatever they are about; nothing is lost for it."""

from collections import Counter

from bot.config.settings import IncidentSettings
from tests.domain.situation import facts
from tests.fakes.world import IPVS, service, shop, slices
from tests.watch.scene import Scene


async def each_minute(scene: Scene, minutes: int) -> list[int]:
    """How many messages came to the incident channel in each of these minutes of the store's clock."""
    found: Counter[int] = Counter()
    there = len(scene.notices)
    for _ in range(minutes * 6):
        await scene.wait(10)
        found[int(scene.town.clock.seconds() // 60)] += len(scene.notices) - there
        there = len(scene.notices)
    return list(found.values())


async def test_digests_of_many_clusters_come_a_few_a_minute() -> None:
    """All of them, in the end."""
    clusters = []
    for number in range(8):
        cluster = shop(f"c{number}", given=IPVS)
        cluster.put(slices("checkout"))
        clusters.append(cluster)
    scene = Scene(clusters=clusters, incidents=IncidentSettings(per_minute=3))
    await scene.look()
    counts = await each_minute(scene, 12)
    assert max(counts) <= 3
    assert len([text for text in scene.told if "is watched now" in text]) == 8


async def test_what_becomes_worse_comes_a_few_a_minute() -> None:
    """Warnings that turn into errors all at once: each is said, none above the limit."""
    cluster = shop(given=IPVS)
    for number in range(6):
        for index in (0, 1):
            name = f"web-{number}-{index}"
            cluster.put(
                service(
                    name=name, elb=f"elb-{number + 2}", ip=f"10.9.1.{number}", port=1000 + index, value=None
                )
            )
            cluster.put(slices(name, "node-a", "node-b"))
    cluster.facts = facts(mode=None, platform="cce", category="standard", delivery=None, version="v1.29.2")
    incidents = IncidentSettings(per_minute=2, rules={"pass-through-changed": None})
    scene = await Scene(clusters=[cluster], incidents=incidents).begun()
    for number in range(6):
        cluster.put(
            service(
                name=f"web-{number}-1",
                elb=f"elb-{number + 2}",
                ip=f"10.9.1.{number}",
                port=1001,
                value="true",
            )
        )
    await scene.wait(600)
    cluster.facts = IPVS
    assert max(await each_minute(scene, 12)) <= 2
    assert len([text for text in scene.told if "Worse than before" in text]) == 6


async def test_one_message_a_minute_is_one() -> None:
    """A digest and what is folded share the only place."""
    first, second = shop("a", given=IPVS), shop("b", given=IPVS)
    for cluster in (first, second):
        cluster.put(slices("checkout"))
        cluster.put(service(name="web", elb="elb-2", ip="10.9.1.1"))
        cluster.put(slices("web", "node-a"))
    scene = Scene(clusters=[first, second], incidents=IncidentSettings(per_minute=1))
    await scene.look()
    counts = await each_minute(scene, 3)
    first.put(slices("web"))
    second.put(slices("web"))
    counts += await each_minute(scene, 6)
    assert max(counts) == 1
    assert len([text for text in scene.told if "is watched now" in text]) == 2
    assert any("2 incidents at once" in text for text in scene.told)
