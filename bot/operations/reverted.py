"""Looks, for a while after a success, whether somebody undid it: a success that is undone is none."""

from dataclasses import dataclass

from bot.domain.change import Change, EventKind, Step
from bot.domain.words import unmarked
from bot.operations.jobs import say_job
from bot.operations.move import move
from bot.operations.world import World
from bot.ports import Cluster, Forbidden, Invalid, Later, NotFound, Unavailable

LOOK_AGAIN = 60.0
"""Seconds between two looks."""


async def watch(world: World, change: Change) -> None:
    """Look once; a change that was reverted says so, in its thread and in the incident channel.

    Raises:
        Later: the time of watching is not over.
    """
    if change.plan is None or change.ended_at is None:
        return
    left = change.plan.watch - (world.clock() - change.ended_at).total_seconds()
    if not await _undone_by_us(world, change) and (undone := await undone_by_others(world, change)).sentence:
        jobs = [say_job(change.id, "reverted"), say_job(change.id, "alarm")]
        await move(world, change, EventKind.REVERTED, jobs=jobs, note=undone.sentence)
    elif left > 0:
        raise Later(min(LOOK_AGAIN, left))


async def _undone_by_us(world: World, change: Change) -> bool:
    """Whether a later change of ours touches the same Services: what it sets is no revert."""
    for step in change.steps:
        newest = await world.store.changes.find(
            cluster=change.cluster, namespace=step.service.namespace, name=step.service.name, limit=10
        )
        if any(later.number > change.number and (later.applied_at or later.sent) for later in newest):
            return True
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Undone:
    """What others made of a patch."""

    sentence: str = ""
    """Which annotation is not as the change left it, and who wrote it; empty where all of them are."""
    put_back: bool = False
    """Whether every one is as it was before the change."""


async def undone_by_others(world: World, change: Change) -> Undone:
    """Look what others made of a patch; what cannot be read is taken to be as it was left."""
    cluster = world.clusters.get(change.cluster)
    found = [await _of_step(cluster, step) for step in change.steps]
    said = [undone.sentence for undone in found if undone.sentence]
    return Undone(sentence=" ".join(said), put_back=all(undone.put_back for undone in found))


async def _of_step(cluster: Cluster, step: Step) -> Undone:
    try:
        live = await cluster.read(step.service)
    except NotFound:
        return Undone(sentence=f"{step.service} was deleted.")
    except (Unavailable, Forbidden, Invalid):
        return Undone()
    put_back = all(live.annotations.get(key) == step.before.get(key) for key in step.after)
    for key, value in step.after.items():
        if live.annotations.get(key) != value:
            now = live.annotations.get(key)
            again = " again" if now == step.before.get(key) else ""
            what = "removed" if now is None else f"set to “{unmarked(now)}”{again}"
            by = f" by {unmarked(live.touched_by[key])}" if key in live.touched_by else ""
            return Undone(sentence=f"Undone on {step.service}: {key} was {what}{by}.", put_back=put_back)
    return Undone()
