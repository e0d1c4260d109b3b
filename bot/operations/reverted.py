"""Looks, for a while after a success, whether somebody undid it: a success that is undone is none."""

from collections.abc import Mapping

from bot.domain.change import Change, EventKind, ServiceRef
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
    if not await _undone_by_us(world, change) and (why := await _reverted(world, change)):
        jobs = [say_job(change.id, "reverted"), say_job(change.id, "alarm")]
        await move(world, change, EventKind.REVERTED, jobs=jobs, note=why)
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


async def _reverted(world: World, change: Change) -> str:
    cluster = world.clusters.get(change.cluster)
    said = [text for step in change.steps if (text := await _of_step(cluster, step.service, step.after))]
    return " ".join(said)


async def _of_step(cluster: Cluster, service: ServiceRef, after: Mapping[str, str | None]) -> str:
    try:
        live = await cluster.read(service)
    except NotFound:
        return f"{service} was deleted."
    except (Unavailable, Forbidden, Invalid):
        return ""
    for key, value in after.items():
        if live.annotations.get(key) != value:
            now = live.annotations.get(key)
            what = "removed" if now is None else f"set to “{unmarked(now)}”"
            by = f" by {unmarked(live.touched_by[key])}" if key in live.touched_by else ""
            return f"Undone on {service}: {key} was {what}{by}."
    return ""
