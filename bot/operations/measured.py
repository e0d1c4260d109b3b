"""A change's own verification run: opened once, taken further, ended with its change."""

from dataclasses import replace

from bot.domain.change import Change, MeasurementPlan
from bot.domain.verification import Run, Verdict
from bot.operations import measure
from bot.operations.jobs import card_job, news_job, progress_job
from bot.operations.move import show_progress
from bot.operations.world import World
from bot.ports import AlreadyOpen, Later, NotFound


def run_id(change: Change) -> str:
    """Return the id of the change's own verification run."""
    return f"{change.id[:20]}-change"


async def measured_before(world: World, change: Change, plan: MeasurementPlan) -> None:
    """Measure how it is before the patch.

    Raises:
        Later: that is not complete yet.
    """
    await _taken_further(world, change, await _run(world, change, plan))


async def measured_after(world: World, change: Change, plan: MeasurementPlan) -> Verdict:
    """Measure how it is with the patch.

    Raises:
        Later: there is no verdict yet.
    """
    run = await _run(world, change, plan)
    if run.applied_at is None:
        run = await measure.patched(run.id, change.applied_at or world.clock(), store=world.store)
    verdict = await _taken_further(world, change, run)
    if verdict is None:
        raise Later(plan.period)
    return verdict


async def halt_run(world: World, change: Change) -> None:
    """Stop what a change's measurement sends at this moment; it is sent once more when the change goes on."""
    try:
        run = await world.store.runs.get(run_id(change))
    except NotFound:
        return
    await measure.halt(run, world.clusters.get(change.cluster))


async def end_run(world: World, change: Change) -> None:
    """Stop a measurement whose change came to nothing, and sweep what it left."""
    cluster = world.clusters.get(change.cluster) if world.knows(change.cluster) else None
    try:
        await measure.abandon(run_id(change), cluster=cluster, store=world.store, clock=world.clock)
    except NotFound:
        return
    await world.store.jobs.submit(progress_job(run_id(change)))


async def _run(world: World, change: Change, plan: MeasurementPlan) -> Run:
    """Open the run, once; another one on the Service is waited for."""
    run = Run(
        id=run_id(change),
        service=change.service,
        change_id=change.id,
        plan=replace(plan, compare=plan.compare and not change.at_once),
        requested_by=change.requested_by,
        channel=change.channel,
        thread=await world.store.messages.place(card_job(change.id).key),
        started_at=world.clock(),
    )
    try:
        return await world.store.runs.open(run, jobs=[progress_job(run.id)])
    except AlreadyOpen as error:
        await show_progress(world, change, "waiting for another verification of this Service to end")
        raise Later(plan.period) from error


async def _taken_further(world: World, change: Change, run: Run) -> Verdict | None:
    """Take the measurement as far as it goes now; None: the part before the patch is complete."""
    cluster = world.clusters.get(change.cluster)
    cloud = world.clouds.get(change.cluster)
    progress = await measure.advance(run, cluster=cluster, cloud=cloud, store=world.store, clock=world.clock)
    await world.store.jobs.submit(news_job(run, progress.run, world.clock()))
    match progress:
        case measure.Waiting(until=until):
            raise Later(max(0.0, (until - world.clock()).total_seconds()))
        case measure.BeforeComplete():
            return None
        case measure.Complete(verdict=verdict):
            return verdict
