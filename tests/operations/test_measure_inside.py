"""A verification by commands in the backends, and what a pause does to one that is under way."""

from dataclasses import replace

from bot.domain.objects import Ref
from bot.domain.verification import Outcome
from bot.operations import measure
from tests.operations.measuring import Scene, client, plan
from tests.operations.test_bad_luck import backends


def scene() -> Scene:
    """Two backends, in which commands connect."""
    made = Scene(plan(client("backend", "node-a", "node-b"), how="exec"))
    made.cluster.put(backends())
    return made


async def test_commands_in_the_backends_bring_a_verdict_as_probes_do() -> None:
    """Each runs in the ready backend of its node, and none in a Pod of ours."""
    here = scene()
    done = await here.play()
    assert done.verdict.outcome is Outcome.SUCCEEDED
    assert {(pod.node, pod.inside) for pod in here.cluster.created} == {
        ("node-a", Ref("shop", "checkout-0")),
        ("node-b", Ref("shop", "checkout-1")),
    }


async def test_a_node_whose_backend_has_gone_is_not_connected_from() -> None:
    """It moved away between the plan and the burst: nothing is executed anywhere else."""
    here = scene()
    body = backends()
    each = body["endpoints"]
    assert isinstance(each, list)
    here.on_patch = lambda: here.cluster.put({**body, "endpoints": each[:1]})
    done = await here.play()
    assert {pod.inside for pod in here.cluster.created if pod.node == "node-b"} == {Ref("shop", "checkout-1")}
    assert done.verdict.outcome is not Outcome.FAILED


async def test_what_is_halted_is_swept_and_sent_once_more() -> None:
    """A pause ends what is sent at this moment; the run goes on with another attempt, and loses nothing."""
    here = Scene()
    await here.open()
    run = here.run
    while not here.cluster.started:
        progress = await here.step()
        assert isinstance(progress, measure.Waiting)
        here.clock.move(progress.until)
        run = progress.run
    await measure.halt(await here.store.runs.get(run.id), here.cluster)
    assert here.cluster.started == {}
    done = await here.play()
    assert done.verdict.outcome is Outcome.SUCCEEDED
    assert max(burst.attempt for burst in done.run.bursts) == 2


async def test_halting_a_run_that_sends_nothing_asks_nobody() -> None:
    """Between two bursts there is nothing to stop."""
    here = Scene()
    await here.open()
    await measure.halt(replace(here.run, bursts=()), here.cluster)
    assert here.cluster.calls == []
