"""Clocks that are apart: the bot's, the cloud's, the nodes'."""

import pytest

from bot.domain.verification import Outcome
from tests.operations.measuring import Metering, Scene, client, plan

MINUTES = [437.0, -437.0, 90.0, -90.0, 3600.0, -30.0, 13.0]
SHORT = plan(
    client("pod-with-backend", "node-a", "node-b"),
    client("pod-without-backend", "node-c"),
    period=2.0,
    baseline=10.0,
    window=20.0,
)


@pytest.mark.parametrize("skew", MINUTES)
@pytest.mark.parametrize("measurement", [None, SHORT])
async def test_a_bot_whose_clock_is_off_measures_by_the_clouds(skew: float, measurement: object) -> None:
    """Bursts fill the cloud's periods, and the counters of those periods are asked for. The nodes have the right time."""
    scene = Scene(SHORT if measurement else None, metering=Metering(skew=skew))
    scene.cluster.skew = skew
    done = await scene.play()
    assert done.verdict.outcome is Outcome.SUCCEEDED
    assert {row.after.seen for row in done.verdict.rows} <= {119, 120, 121}
    period = done.run.plan.period
    assert all(burst.at.timestamp() % period == 0 for burst in done.run.bursts)
    assert done.run.finished_at == scene.clock()


@pytest.mark.parametrize("skew", MINUTES)
async def test_a_node_that_did_not_follow_is_found_by_the_clouds_clock_too(skew: float) -> None:
    """What was wrong is wrong by any clock."""
    scene = Scene(metering=Metering(skew=skew))
    scene.cluster.skew = skew
    scene.through["node-b"] = False
    done = await scene.play()
    assert done.verdict.outcome is Outcome.FAILED
    assert "node-b" in done.verdict.headline


@pytest.mark.parametrize("skew", MINUTES)
async def test_a_cloud_whose_time_is_not_believed_never_makes_a_false_failure(skew: float) -> None:
    """Its points lie in other periods than the bursts; whatever that looks like, it is not a failure."""
    scene = Scene(metering=Metering(skew=skew, dated=False))
    done = await scene.play()
    assert done.verdict.outcome is not Outcome.FAILED


@pytest.mark.parametrize("skew", MINUTES)
async def test_nodes_whose_clocks_are_off_change_nothing(skew: float) -> None:
    """A Pod cannot have started after it was seen to have ended: such a clock is not believed."""
    scene = Scene()
    scene.cluster.skew = skew
    done = await scene.play()
    assert done.verdict.outcome is Outcome.SUCCEEDED
