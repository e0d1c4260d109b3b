"""Moves that the bot itself makes: one compare-and-set, with the event and the jobs that follow."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.domain.approval import BOT
from bot.domain.change import Change, Event, EventKind
from bot.operations.jobs import advance_job, card_job, notice_job, renew_job, say_job
from bot.operations.world import World
from bot.ports import Job, Stale


async def move(
    world: World,
    change: Change,
    kind: EventKind,
    *,
    jobs: Sequence[Job] = (),
    detail: Mapping[str, str] | None = None,
    **changed: object,
) -> Change:
    """Move a change, and let card and notice be drawn again; one that ends is looked at once more.

    Raises:
        Stale: somebody else moved it first.
        IllegalMoveError: the lifecycle has no such move.
    """
    event = Event(kind=kind, at=world.clock(), by=BOT, detail=_detail(change, changed, detail or {}))
    after = change.after(event, **changed)
    await world.store.changes.move(change, after, event, jobs=[*follow_ups(change, after), *jobs])
    return after


def follow_ups(before: Change, after: Change) -> list[Job]:
    """What every move entails: the card, the notice if there is one, and what the new phase asks for."""
    jobs = [card_job(after.id)]
    if after.incident:
        jobs.append(notice_job(after.id))
    if after.phase is not before.phase:
        jobs.append(advance_job(after.id))
    return jobs


def _detail(change: Change, changed: Mapping[str, object], more: Mapping[str, str]) -> dict[str, str]:
    note = changed.get("note")
    return {"digest": change.digest, **({"note": str(note)} if note else {}), **more}


async def show_progress(world: World, change: Change, progress: str) -> None:
    """Let the card say what the change waits for."""
    if change.progress != progress:
        await world.store.changes.note(change, replace(change, progress=progress), jobs=[card_job(change.id)])


async def supersede(world: World, change: Change, why: str) -> None:
    """Void a change whose content is no longer what people see; a new proposal follows by itself.

    Raises:
        Stale: somebody else moved it first.
    """
    await move(world, change, EventKind.SUPERSEDED, jobs=[renew_job(change.id)], note=why)


async def not_applied(world: World, change: Change, why: str, *, incident: bool = False) -> None:
    """End an approved change without a patch; with `incident`, something of it is left. Raises as `supersede`."""
    jobs = [say_job(change.id, "not-applied"), *([say_job(change.id, "alarm")] if incident else [])]
    told = change.incident or incident
    await move(world, change, EventKind.NOT_APPLIED, jobs=jobs, note=why, incident=told)


async def half_applied(world: World, change: Change, why: str) -> None:
    """End a change of which a part is in the cluster and was not put back. Raises as `supersede`."""
    jobs = [say_job(change.id, "half-applied"), say_job(change.id, "alarm:half-applied")]
    await move(world, change, EventKind.HALF_APPLIED, jobs=jobs, note=why, incident=True)


async def annotate(world: World, change: Change, *, jobs: Sequence[Job] = (), **changed: object) -> Change:
    """Write something on a change that is no event, whoever else writes meanwhile."""
    while True:
        after = replace(change, **changed)  # type: ignore[arg-type]  # replace() checks the names itself
        shown = [card_job(change.id), *([notice_job(change.id)] if after.incident else [])]
        try:
            return await world.store.changes.note(change, after, jobs=[*shown, *jobs])
        except Stale:
            change = await world.store.changes.get(change.id)
