"""A clock that is put forward or back while things happen: how long they last is not its business."""

import pytest

from bot.domain.incident import Phase
from tests.fakes.world import IPVS, shop, slices
from tests.watch.scene import Scene

HOUR = 3600.0


async def scene_of_one() -> Scene:
    """Everybody reaches the Service."""
    return await Scene(clusters=[shop(given=IPVS)]).begun()


async def test_an_hour_forward_makes_nothing_last_longer() -> None:
    """A rollout of a minute is a rollout of a minute."""
    scene = await scene_of_one()
    scene.cluster.put(slices("checkout"))
    await scene.wait(30)
    scene.set_clock(HOUR)
    await scene.wait(30)
    scene.cluster.put(slices("checkout", "node-a"))
    await scene.wait(600)
    assert scene.told == []


async def test_an_hour_back_makes_nothing_wait_longer() -> None:
    """What lasts is told after two minutes, whatever the clock shows; and it ends as soon."""
    scene = await scene_of_one()
    scene.cluster.put(slices("checkout"))
    await scene.wait(60)
    scene.set_clock(-HOUR)
    await scene.wait(90)
    assert scene.phases == [Phase.OPEN]
    scene.set_clock(-HOUR)
    scene.cluster.put(slices("checkout", "node-a"))
    await scene.wait(150)
    assert scene.phases == [Phase.CLOSED]


@pytest.mark.parametrize("by", [HOUR, -HOUR])
async def test_a_clock_that_is_set_while_all_is_well_is_no_news(by: float) -> None:
    """Neither the cluster nor anything in it changed."""
    scene = await scene_of_one()
    for _ in range(3):
        scene.set_clock(by)
        await scene.wait(300)
    assert scene.rows == []
