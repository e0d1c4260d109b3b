from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.verification import Outcome
from tests.operations.measuring import Metering, Scene, client, plan

Call = Callable[..., Coroutine[Any, Any, Any]]


class Killed(BaseException):
    """The process is gone: nobody catches this."""


class Deadly:
    """Lets the n-th call of anything outside be the last of this process."""

    def __init__(self, number: int, *, after: bool) -> None:
        self.number = number
        self.after = after
        self.calls = 0

    def around(self, call: Call) -> Call:
        """Count a call, and die before or after its effect."""

        async def counted(*args: object, **named: object) -> object:
            self.calls += 1
            if self.calls == self.number and not self.after:
                raise Killed
            result = await call(*args, **named)
            if self.calls == self.number and self.after:
                raise Killed
            return result

        return counted


def deadly(number: int, *, after: bool) -> Scene:
    """A story in which the n-th call of the store, the cluster or the cloud kills the process."""
    scene = Scene(
        plan(client("pod-with-backend", "node-a", "node-b"), client("pod-without-backend", "node-c")),
        metering=Metering(delay=30.0),
    )
    death = Deadly(number, after=after)
    for owner, verb in (
        (scene.store.runs, "save"),
        (scene.cluster, "start_probe"),
        (scene.cluster, "probe_state"),
        (scene.cluster, "sweep_probes"),
        (scene.cloud, "load_balancer"),
        (scene.cloud, "metrics"),
    ):
        setattr(owner, verb, death.around(getattr(owner, verb)))
    return scene


@pytest.mark.parametrize("away", [0.5, 45.0, 3600.0], ids=["at once", "in the next period", "an hour later"])
@pytest.mark.parametrize("after", [False, True], ids=["before the effect", "after it"])
async def test_a_bot_that_dies_at_any_call_ends_in_the_same_verdict(after: bool, away: float) -> None:  # noqa: FBT001  a case, no switch
    """One patch, each Pod created once, nothing left behind."""
    died = survived = 0
    while not survived:
        number = died + 1
        scene = deadly(number, after=after)
        try:
            done = await scene.play()
            survived = number
        except Killed:
            died += 1
            scene.clock.move(scene.clock() + timedelta(seconds=away))
            done = await scene.play()
        assert done.verdict.outcome is Outcome.SUCCEEDED, (number, done.verdict)
        assert scene.cluster.started == {}
        names = [pod.name for pod in scene.cluster.created]
        assert len(set(names)) == len(names)
    assert died > 30
