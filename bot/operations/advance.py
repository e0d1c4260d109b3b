"""Takes a change one step further, whoever calls and however often: measure, apply, measure again, conclude."""

from dataclasses import replace

from bot.domain.change import Change, Event, EventKind, Phase, Step
from bot.domain.verification import Outcome, Run, Verdict
from bot.operations import measure
from bot.operations.apply import Result, apply_step, still_allowed, undo_step
from bot.operations.jobs import advance_job, card_job, progress_job, say_job, tell_job
from bot.operations.world import World
from bot.ports import AlreadyOpen, Forbidden, Job, Later, NotFound, Stale, Unavailable

PAUSED_FOR = 5.0
"""Seconds after which a paused change looks again; resuming wakes it at once."""
RETRY = 2.0
"""Seconds after which a cluster that did not answer is asked again."""
LOOK_AGAIN = 60.0
"""Seconds between two looks for a revert."""

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
        await _STEPS[change.phase](world, change)
    except Stale as error:
        raise Later(0.0) from error


async def _nothing(world: World, change: Change) -> None:
    """Nothing is due before a decision, nor after a refusal; what a withdrawn measurement left is swept."""
    if change.phase in {Phase.WITHDRAWN, Phase.SUPERSEDED, Phase.NOT_APPLIED}:
        await _end_run(world, change)


async def _approved(world: World, change: Change) -> None:
    """Measure how it is before the patch; then start to apply."""
    await _unpaused(world, change)
    if change.plan is not None and change.plan.compare and change.plan.how != "none":
        run = await _run(world, change)
        await _measured(world, change, run)
    await _move(world, change, EventKind.APPLY_STARTED, jobs=[advance_job(change.id)])


async def _applying(world: World, change: Change) -> None:
    await _unpaused(world, change)
    if world.clusters.get(change.cluster).read_only:
        await _not_applied(world, change, f"The cluster {change.cluster} is read-only here.")
        return
    decision = await still_allowed(world, change)
    if not decision.allowed:
        await _not_applied(world, change, decision.why)
        return
    await _apply(world, change)


async def _apply(world: World, change: Change) -> None:
    cluster = world.clusters.get(change.cluster)
    done: list[Step] = []
    for step in change.steps:
        try:
            result = await apply_step(cluster, step)
        except Unavailable as error:
            await _note(world, change, f"{change.cluster} does not answer; trying again ({error})")
            raise Later(RETRY) from error
        if result.result is not Result.APPLIED:
            await _give_up(world, change, done, result.result, result.sentence)
            return
        done.append(step)
    now = world.clock()
    jobs = [advance_job(change.id), tell_job(change.id), say_job(change.id, "applied")]
    await _move(world, change, EventKind.APPLIED, jobs=jobs, applied_at=now, note="", dry_run="")


async def _give_up(world: World, change: Change, done: list[Step], result: Result, why: str) -> None:
    """Undo what was applied of several steps, as a whole; then say how it ended."""
    cluster = world.clusters.get(change.cluster)
    trouble = [text for step in reversed(done) if (text := await undo_step(cluster, step))]
    sentence = " ".join(
        [why, *(["What was patched before was put back."] if done and not trouble else trouble)]
    )
    if result is Result.SUPERSEDED:
        await _move(
            world,
            change,
            EventKind.SUPERSEDED,
            jobs=[advance_job(change.id), say_job(change.id, "superseded")],
            note=sentence,
        )
    else:
        await _not_applied(world, change, sentence)


async def _not_applied(world: World, change: Change, why: str) -> None:
    jobs = [advance_job(change.id), say_job(change.id, "not-applied")]
    await _move(world, change, EventKind.NOT_APPLIED, jobs=jobs, note=why)


async def _verifying(world: World, change: Change) -> None:
    """Measure how it is with the patch, and conclude."""
    if change.plan is None:
        await _conclude(
            world, change, Outcome.INCONCLUSIVE, "Nothing was measured: there is no client to measure from."
        )
        return
    await _unpaused(world, change)
    run = await _run(world, change)
    if run.applied_at is None:
        run = await measure.patched(run.id, change.applied_at or world.clock(), store=world.store)
    verdict = await _measured(world, change, run)
    if verdict is not None:
        await _conclude(world, change, verdict.outcome, verdict.headline)


async def _conclude(world: World, change: Change, outcome: Outcome, headline: str) -> None:
    jobs = [advance_job(change.id), say_job(change.id, "verdict"), say_job(change.id, "notice")]
    await _move(world, change, _CONCLUDED[outcome], jobs=jobs, note=headline, progress="", incident=True)


async def _watching(world: World, change: Change) -> None:
    """Look for a revert until the watch period is over: a success that is undone is none."""
    if change.rolled_back_by or change.plan is None or change.applied_at is None:
        return
    left = change.plan.watch - (world.clock() - change.applied_at).total_seconds()
    why = await _reverted(world, change)
    if why:
        jobs = [say_job(change.id, "reverted"), say_job(change.id, "revert-notice")]
        await _move(world, change, EventKind.REVERTED, jobs=jobs, note=why)
    elif left > 0:
        raise Later(min(LOOK_AGAIN, left))


async def _reverted(world: World, change: Change) -> str:
    cluster = world.clusters.get(change.cluster)
    for step in change.steps:
        try:
            live = await cluster.read(step.service)
        except NotFound:
            return f"{step.service} was deleted."
        except (Unavailable, Forbidden):
            continue
        for key, value in step.after.items():
            if live.annotations.get(key) != value:
                return f"{live.touched_by.get(key, 'somebody')} changed {key} on {step.service} back."
    return ""


_STEPS = {
    Phase.APPROVED: _approved,
    Phase.APPLYING: _applying,
    Phase.VERIFYING: _verifying,
    Phase.SUCCEEDED: _watching,
} | dict.fromkeys(set(Phase) - {Phase.APPROVED, Phase.APPLYING, Phase.VERIFYING, Phase.SUCCEEDED}, _nothing)


# --- the parts -------------------------------------------------------------------------------------------


async def _unpaused(world: World, change: Change) -> None:
    by = await world.store.pauses.paused(change.cluster)
    if by is None:
        return
    await _note(world, change, f"paused on {change.cluster}; resume lets it go on")
    raise Later(PAUSED_FOR)


async def _note(world: World, change: Change, progress: str) -> None:
    if change.progress != progress:
        await world.store.changes.note(change, replace(change, progress=progress), jobs=[card_job(change.id)])


async def _move(world: World, change: Change, kind: EventKind, *, jobs: list[Job], **changed: object) -> None:
    event = Event(kind=kind, at=world.clock(), by="bot", detail=_detail(change, changed))
    await world.store.changes.move(
        change, change.after(event, **changed), event, jobs=[card_job(change.id), *jobs]
    )


def _detail(change: Change, changed: dict[str, object]) -> dict[str, str]:
    note = changed.get("note")
    return {"digest": change.digest} | ({"note": str(note)} if note else {})


def run_id(change: Change) -> str:
    """Return the id of the change's own verification run."""
    return f"{change.id[:20]}-change"


async def _run(world: World, change: Change) -> Run:
    """The change's own verification run, opened once; another one on the Service is waited for."""
    if change.plan is None:
        raise AssertionError("a change without a plan has no run")
    place = await world.store.messages.place(card_job(change.id).key)
    run = Run(
        id=run_id(change),
        service=change.service,
        change_id=change.id,
        plan=change.plan,
        requested_by=change.requested_by,
        channel=change.channel,
        thread=place,
        started_at=world.clock(),
    )
    try:
        opened = await world.store.runs.open(run)
    except AlreadyOpen as error:
        await _note(world, change, "waiting for another verification of this Service to end")
        raise Later(change.plan.period) from error
    return opened


async def _measured(world: World, change: Change, run: Run) -> Verdict | None:
    """Take the measurement as far as it goes now; None: the part before the patch is complete."""
    cluster = world.clusters.get(change.cluster)
    cloud = world.clouds.get(change.cluster)
    progress = await measure.advance(run, cluster=cluster, cloud=cloud, store=world.store, clock=world.clock)
    await world.store.jobs.submit(progress_job(run.id))
    match progress:
        case measure.Waiting(until=until):
            raise Later(max(0.0, (until - world.clock()).total_seconds()))
        case measure.BeforeComplete():
            return None
        case measure.Complete(verdict=verdict):
            return verdict


async def _end_run(world: World, change: Change) -> None:
    """Stop a measurement whose change came to nothing, and sweep what it left."""
    cluster = world.clusters.get(change.cluster)
    try:
        await measure.abandon(run_id(change), cluster=cluster, store=world.store, clock=world.clock)
    except NotFound:
        return
    await world.store.jobs.submit(progress_job(run_id(change)))


async def tell(world: World, change: Change) -> None:
    """Record the Kubernetes Event on each Service, once; whoever reads its Events learns who did this."""
    cluster = world.clusters.get(change.cluster)
    approvers = ", ".join(approval.by for approval in change.approvals)
    for step in change.steps:
        values = ", ".join(
            f"{key}={'(removed)' if value is None else value}" for key, value in step.after.items()
        )
        message = f"{change.label}: {values}; requested by {change.requested_by}, approved by {approvers}"
        await cluster.tell(step.service, step.uid, key=change.id, message=message)
