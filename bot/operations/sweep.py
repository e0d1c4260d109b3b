"""Clears away the probe Pods that no verification wants: at every start, every hour, and when a cluster is paused.

A run that the store holds open keeps its Pods, whichever replica is at it. Pods of a run that the store does not know
may be another installation's: they are left until they are older than any probe lives.
"""

import logging
from collections.abc import Iterable
from datetime import timedelta

from bot.operations.jobs import sweep_job
from bot.operations.world import World
from bot.ports import FoundProbe, Job, Later, NotFound, WorldError

log = logging.getLogger(__name__)

EVERY = 3600.0
AGAIN = 60.0
"""Seconds after which a cluster that did not answer is swept."""
FORGOTTEN = timedelta(hours=1)
"""Age at which a Pod of a run that nobody knows is taken for left behind; its own deadline is a few minutes."""


def sweep_jobs(clusters: Iterable[str]) -> list[Job]:
    """One job per cluster; submitted at every start."""
    return [sweep_job(cluster) for cluster in clusters]


async def sweep(world: World, name: str) -> None:
    """Delete what is left over in one cluster.

    Raises:
        Later: always; there is no end to it.
    """
    try:
        swept = await _sweep(world, name)
    except NotFound:
        return  # a cluster that is not configured any more
    except WorldError as error:
        log.info("%s: probes could not be swept: %s", name, error)
        raise Later(AGAIN) from error
    if swept:
        log.info("%s: %d probes were left over and are deleted", name, swept)
    raise Later(EVERY)


async def _sweep(world: World, name: str) -> int:
    cluster = world.clusters.get(name)
    if cluster.read_only:
        return 0
    found = await cluster.probes()
    paused = bool(found) and await world.store.pauses.paused(name) is not None
    runs = {probe.run: [each for each in found if each.run == probe.run] for probe in found}
    over = [run for run, probes in runs.items() if await _over(world, run, probes, paused=paused)]
    return sum([await cluster.sweep_probes(run) for run in over])


async def _over(world: World, run: str, probes: Iterable[FoundProbe], *, paused: bool) -> bool:
    """Whether nobody wants these probes any more."""
    try:
        return paused or not (await world.store.runs.get(run)).open
    except NotFound:
        since = world.clock() - FORGOTTEN
        return all(probe.created_at is not None and probe.created_at < since for probe in probes)
