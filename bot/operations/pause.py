"""Stops and allows every write and every probe of a cluster, at once and on all replicas."""

from bot.domain.change import Change
from bot.domain.words import person, unmarked
from bot.operations.caller import Caller
from bot.operations.jobs import advance_job
from bot.operations.move import show_progress
from bot.operations.refusal import Refused
from bot.operations.rights import operator
from bot.operations.world import World
from bot.ports import Later

ALL = "*"
PAUSED_FOR = 5.0
"""Seconds after which a paused change looks again; resuming wakes it at once."""


async def unpaused(world: World, change: Change) -> None:
    """Go on only where nobody paused the cluster.

    Raises:
        Later: it is paused; the card says so.
    """
    if await world.store.pauses.paused(change.cluster) is None:
        return
    await show_progress(world, change, f"paused on {change.cluster}; it goes on when an operator resumes")
    raise Later(PAUSED_FOR)


async def pause(world: World, caller: Caller, target: str) -> str:
    """Pause a cluster, or all; open changes wait.

    Raises:
        Refused: the person is no operator, or there is no such cluster.
    """
    cluster = await _allowed(world, caller, target)
    await world.store.pauses.pause(cluster, caller.user, world.clock())
    return f"{_named(cluster)} paused: nothing is written and no probe is sent until an operator resumes. Open changes wait."


async def resume(world: World, caller: Caller, target: str) -> str:
    """Resume a cluster, or all, and wake the changes that waited; raises as pause."""
    cluster = await _allowed(world, caller, target)
    await world.store.pauses.resume(cluster)
    waiting = await world.store.changes.find(
        cluster=None if cluster == ALL else cluster, open_only=True, limit=1000
    )
    await world.store.jobs.submit(*(advance_job(change.id) for change in waiting))
    still = await _still_paused(world, cluster)
    return f"{_named(cluster)} resumed. {still or 'Changes that waited go on.'}"


async def _still_paused(world: World, cluster: str) -> str:
    """Say what stays paused: a pause of one cluster and one of all of them are two."""
    if cluster != ALL:
        by = await world.store.pauses.paused(cluster)
        return f"But all clusters are paused, by {person(by)}: resume them too." if by else ""
    names = [name for name in world.clusters.names() if await world.store.pauses.paused(name)]
    return f"But {', '.join(names)} was paused by itself: resume it too." if names else ""


async def _allowed(world: World, caller: Caller, target: str) -> str:
    if not await operator(world, caller):
        raise Refused("Only operators may pause and resume.", who_may=world.settings.operators)
    if target and target != ALL and target not in world.clusters.names():
        raise Refused(
            f"There is no cluster “{unmarked(target)}”. There are: {', '.join(world.clusters.names())}."
        )
    return target or ALL


def _named(cluster: str) -> str:
    return "Every cluster is" if cluster == ALL else f"{cluster} is"
