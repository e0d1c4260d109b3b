"""Stops and allows every write and every probe of a cluster, at once and on all replicas."""

from bot.operations.caller import Caller
from bot.operations.jobs import advance_job
from bot.operations.refusal import Refused
from bot.operations.rights import operator
from bot.operations.world import World

ALL = "*"


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
    return f"{_named(cluster)} resumed. Changes that waited go on."


async def _allowed(world: World, caller: Caller, target: str) -> str:
    if not await operator(world, caller):
        raise Refused("Only operators may pause and resume.", who_may=world.settings.operators)
    if target and target != ALL and target not in world.clusters.names():
        raise Refused(f"There is no cluster “{target}”. There are: {', '.join(world.clusters.names())}.")
    return target or ALL


def _named(cluster: str) -> str:
    return "Every cluster is" if cluster == ALL else f"{cluster} is"
