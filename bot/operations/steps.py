"""The steps of an approved change, one after the other; if one cannot be done, those before it are undone.

Each step is recorded when it is done, and the will to put back is recorded before anything is put back: whoever
takes over goes on in the same direction.
"""

from dataclasses import replace

from bot.domain.change import Change, EventKind, Step
from bot.operations.apply import Applied, Result, apply_step, there, undo_step
from bot.operations.difference import difference
from bot.operations.jobs import say_job, tell_job
from bot.operations.move import annotate, move, not_applied, show_progress, supersede
from bot.operations.pause import unpaused
from bot.operations.standing import still_allowed, undecided
from bot.operations.world import World
from bot.ports import Cluster, Forbidden, Invalid, Later, NotFound, Unavailable

RETRY = 2.0
"""Seconds after which a cluster that did not answer is asked again."""
_RESTORED = "What was patched before was put back."


async def apply(world: World, change: Change) -> None:
    """Apply every step that is not there yet.

    Raises:
        Later: paused, or something does not answer; nothing was decided.
    """
    await unpaused(world, change)
    try:
        await (_put_back(world, change) if change.undoing else _go_on(world, change))
    except Unavailable as error:
        change = await world.store.changes.get(change.id)
        await show_progress(world, change, f"{error}; trying again")
        raise Later(RETRY) from error


async def _go_on(world: World, change: Change) -> None:
    cluster = world.clusters.get(change.cluster)
    done = [step for step in change.steps if step.service in change.sent and await _is_there(cluster, step)]
    # What an earlier attempt patched was allowed then; only what is still to be patched is asked about now.
    if len(done) < len(change.steps) and (why := await _forbidden(world, change, cluster)):
        await _give_up(world, change, done, Applied(result=Result.REFUSED, sentence=why))
        return
    for step in change.steps:
        if step in done:
            continue
        await unpaused(world, change)
        resumed, change = step.service in change.sent, await _about_to_send(world, change, step)
        applied = await apply_step(cluster, step, resumed=resumed)
        if applied.result is not Result.APPLIED:
            await _give_up(world, change, done, applied)
            return
        done.append(step)
        change = await _recorded(world, change, step, applied)
    await _applied(world, change)


async def _is_there(cluster: Cluster, step: Step) -> bool:
    """Whether an attempt that did not live to say so applied the step."""
    try:
        return there(await cluster.read(step.service), step)
    except (NotFound, Forbidden, Invalid):
        return False


async def _about_to_send(world: World, change: Change, step: Step) -> Change:
    if step.service in change.sent:
        return change
    return await world.store.changes.note(change, replace(change, sent=(*change.sent, step.service)))


async def _applied(world: World, change: Change) -> None:
    jobs = [tell_job(change.id), say_job(change.id, "applied")]
    now = world.clock()
    await move(
        world, change, EventKind.APPLIED, jobs=jobs, applied_at=now, note="", dry_run="", incident=True
    )


async def _forbidden(world: World, change: Change, cluster: Cluster) -> str:
    """Say why nothing (more) may be patched, or nothing."""
    if cluster.read_only:
        return f"The cluster {change.cluster} is read-only here."
    decision = await still_allowed(world, change)
    if undecided(decision):
        raise Unavailable(decision.why)
    return decision.why


async def _recorded(world: World, change: Change, step: Step, applied: Applied) -> Change:
    """Record one step of several; the only one is recorded with the change itself."""
    if len(change.steps) == 1:
        return change
    detail = {"service": str(step.service), "resourceVersion": applied.resource_version}
    return await move(world, change, EventKind.STEP_APPLIED, detail=detail)


async def _give_up(world: World, change: Change, done: list[Step], failed: Applied) -> None:
    """End the change; if something of it is there already, put that back first, as was resolved here."""
    if done:
        await _put_back(world, await annotate(world, change, undoing=failed.sentence))
    elif failed.result is Result.SUPERSEDED:
        await supersede(world, change, failed.sentence)
    else:
        await not_applied(world, change, failed.sentence)


async def _put_back(world: World, change: Change) -> None:
    cluster = world.clusters.get(change.cluster)
    sent = [step for step in reversed(change.steps) if step.service in change.sent]
    trouble = [text for step in sent if (text := await undo_step(cluster, step))]
    sentence = " ".join([change.undoing, *(trouble or [_RESTORED])])
    if trouble:
        await not_applied(world, change, sentence, incident=True)
    elif await difference(world, change):
        await supersede(world, change, sentence)
    else:
        await not_applied(world, change, sentence)
