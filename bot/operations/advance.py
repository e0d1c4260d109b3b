"""Takes a change one step further, whoever calls and however often: measure, apply, measure again, conclude."""

from dataclasses import replace

from bot.config.settings import OnFailure
from bot.domain.change import Change, EventKind, Phase, Verb
from bot.domain.verification import Outcome
from bot.domain.verification_cause import without_guess
from bot.operations.difference import difference
from bot.operations.jobs import advance_job, card_job, notice_job, say_job, undo_job
from bot.operations.measured import end_run, halt_run, measured_after, measured_before
from bot.operations.move import move, supersede
from bot.operations.pause import unpaused
from bot.operations.reverted import Undone, undone_by_others, watch
from bot.operations.steps import apply
from bot.operations.world import World
from bot.ports import Job, Later, NotFound, Stale

_CONCLUDED = {
    Outcome.SUCCEEDED: EventKind.VERIFIED,
    Outcome.FAILED: EventKind.VERIFICATION_FAILED,
    Outcome.INCONCLUSIVE: EventKind.VERIFICATION_INCONCLUSIVE,
}


async def advance(world: World, change_id: str) -> None:
    """Do what is due for a change.

    Raises:
        Later: there is more to do after some time.
    """
    change = await world.store.changes.get(change_id)
    try:
        await _tell_first(world, change)
        await _STEPS.get(change.phase, _over)(world, change)
    except Stale as error:
        raise Later(0.0) from error


async def _waiting(world: World, change: Change) -> None:
    """Nothing is due before a decision."""
    del world, change


async def _unpaused(world: World, change: Change) -> None:
    """Go on measuring only where nobody paused the cluster; where somebody did, nothing more is sent."""
    try:
        await unpaused(world, change)
    except Later:
        await halt_run(world, change)
        raise


async def _approved(world: World, change: Change) -> None:
    """Measure how it is before the patch, for as long as it is what was approved; then start to apply."""
    if why := await difference(world, change, quick=True):
        await supersede(world, change, why)
        return
    await _unpaused(world, change)
    plan = change.plan
    if plan is not None and plan.compare and plan.how != "none" and not change.at_once:
        await measured_before(world, change, plan)
    await move(world, change, EventKind.APPLY_STARTED)


async def _verifying(world: World, change: Change) -> None:
    """Measure how it is with the patch, and conclude."""
    if change.plan is None:
        nothing = "Nothing was measured: there is no client to measure from."
        await _conclude(world, change, Outcome.INCONCLUSIVE, nothing)
        return
    await _unpaused(world, change)
    verdict = await measured_after(world, change, change.plan)
    when = f"Measured {world.clock():%Y-%m-%d %H:%M} UTC"
    seen = f"{when}: {verdict.in_the_past}" if verdict.in_the_past else verdict.headline
    await _conclude(world, change, verdict.outcome, seen)


async def _conclude(world: World, change: Change, outcome: Outcome, headline: str) -> None:
    """End a verification; where somebody undid the patch meanwhile, that is the cause, and no other one is guessed."""
    undone = Undone() if outcome is Outcome.SUCCEEDED else await undone_by_others(world, change)
    seen = f"{undone.sentence} Seen: {without_guess(headline)}" if undone.sentence else headline
    bad = _of_failure(world, change, undone) if outcome is Outcome.FAILED else []
    await move(
        world,
        change,
        _CONCLUDED[outcome],
        jobs=[say_job(change.id, "verdict"), *bad],
        note=seen,
        undone=undone.sentence,
        put_back=undone.put_back,
    )


def _of_failure(world: World, change: Change, undone: Undone) -> list[Job]:
    """What a failure entails beside its verdict: the incident channel, and the rollback if it is automatic."""
    alarm = say_job(change.id, "alarm")
    automatic = world.cluster_settings(change.cluster).verification.on_failure is OnFailure.ROLLBACK
    to_undo = automatic and change.verb is not Verb.ROLLBACK and not undone.put_back
    return [alarm, undo_job(change.id)] if to_undo else [alarm]


async def _over(world: World, change: Change) -> None:
    """Sweep what a measurement left, and give a change that is not undone after all its button back."""
    if change.applied_at is None:
        await end_run(world, change)
        await _unlink(world, change)


async def _tell_first(world: World, change: Change) -> None:
    """Let the change that this one undoes say how far that is; a success that is undone is none any more."""
    if not change.rolls_back or (change.applied_at is None and not change.open):
        return
    try:
        first = await world.store.changes.get(change.rolls_back)
    except NotFound:
        return
    if first.rolled_back_by != change.label:
        return
    if change.applied_at is not None and first.phase in (Phase.SUCCEEDED, Phase.HALF_APPLIED):
        note = f"{change.label} put back what it had changed."
        await move(world, first, EventKind.REVERTED, note=note, rollback=change.phase)
    elif first.rollback is not change.phase:
        told = [card_job(first.id), notice_job(first.id)]
        await world.store.changes.note(first, replace(first, rollback=change.phase), jobs=told)


async def _unlink(world: World, change: Change) -> None:
    try:
        first = await world.store.changes.get(change.rolls_back)
    except NotFound:
        return
    if first.rolled_back_by == change.label:
        # A proposal that takes its place may be linked at this moment: then this is tried again, and finds it.
        await world.store.changes.note(
            first,
            replace(first, rolled_back_by="", rollback=None),
            jobs=[advance_job(first.id), card_job(first.id), notice_job(first.id)],
        )


_STEPS = {
    Phase.PROPOSED: _waiting,
    Phase.APPROVED: _approved,
    Phase.APPLYING: apply,
    Phase.VERIFYING: _verifying,
    Phase.SUCCEEDED: watch,
}
"""What is due in a phase; in any other the change is over."""
