"""Stops and allows every write and every probe of a cluster, at once and on all replicas; who waits for it is told."""

from bot.domain.change import Change, Phase
from bot.domain.near import nearest
from bot.domain.words import person, unmarked
from bot.operations.caller import Caller
from bot.operations.jobs import advance_job, announce_job, card_job, say_job, sweep_job
from bot.operations.refusal import Refused
from bot.operations.rights import operator
from bot.operations.world import World
from bot.ports import Job, Later, Pause

ALL = "*"
PAUSED_FOR = 5.0
"""Seconds after which a paused change looks again; resuming wakes it at once."""
UNDER_WAY = frozenset({Phase.APPROVED, Phase.APPLYING, Phase.VERIFYING})
"""Phases of a change that a pause holds up."""
MOST_NAMED = 10


async def unpaused(world: World, change: Change) -> None:
    """Go on only where nobody paused the cluster.

    Raises:
        Later: it is paused; the card says so.
    """
    if await world.store.pauses.paused(change.cluster) is not None:
        raise Later(PAUSED_FOR)


async def pause(world: World, caller: Caller, target: str) -> str:
    """Pause a cluster, or all; open changes wait, and whoever waits for them is told.

    Raises:
        Refused: the person is no operator, or there is no such cluster.
    """
    cluster = await _allowed(world, caller, target)
    await world.store.pauses.pause(cluster, caller.user, world.clock())
    held = await world.store.pauses.paused(cluster) or Pause(by=caller.user, at=world.clock())
    waiting = await _open(world, cluster)
    under_way = [change for change in waiting if change.phase in UNDER_WAY]
    names = _clusters(world, cluster)
    # Keys hold the moment of the pause as it is stored: an order that is carried out again says nothing twice.
    await world.store.jobs.submit(
        *map(sweep_job, names),
        *(card_job(change.id) for change in waiting),
        *(say_job(change.id, f"paused:{_stamp(held)}", _waits(change, held)) for change in under_way),
        *_announced(world, names, f"pause:{cluster}:{_stamp(held)}", _news(cluster, held, under_way)),
    )
    return f"{_named(cluster)} paused: nothing is written and no probe is sent until an operator resumes. Open changes wait."


async def resume(world: World, caller: Caller, target: str) -> str:
    """Resume a cluster, or all, wake the changes that waited, and say so; raises as pause."""
    cluster = await _allowed(world, caller, target)
    held = await world.store.pauses.paused(cluster)
    await world.store.pauses.resume(cluster)
    waiting = await _open(world, cluster)
    await world.store.jobs.submit(
        *(job for change in waiting for job in (advance_job(change.id), card_job(change.id)))
    )
    free = [name for name in _clusters(world, cluster) if not await world.store.pauses.paused(name)]
    if held is not None and free:
        gone_on = [change for change in waiting if change.phase in UNDER_WAY and change.cluster in free]
        news = f"{_named(cluster)} resumed by {person(caller.user)}. Changes that waited go on."
        await world.store.jobs.submit(
            *(say_job(change.id, f"resumed:{_stamp(held)}", _goes_on(change, caller)) for change in gone_on),
            *_announced(world, free, f"resume:{cluster}:{_stamp(held)}", news),
        )
    still = await _still_paused(world, cluster)
    if held is None:
        # It may have been a moment ago, by this very order before a crash: what is so now is said.
        return still.removeprefix("But ") or f"{_not_paused(cluster)} Nothing waits for that."
    return f"{_named(cluster)} resumed. {still or 'Changes that waited go on.'}"


async def _open(world: World, cluster: str) -> list[Change]:
    name = None if cluster == ALL else cluster
    return list(await world.store.changes.find(cluster=name, open_only=True, limit=1000))


def _news(cluster: str, held: Pause, under_way: list[Change]) -> str:
    """Say to a channel what is paused, by whom, and what waits for it."""
    labels = ", ".join(change.label for change in under_way[:MOST_NAMED])
    more = f" and {len(under_way) - MOST_NAMED} more" if under_way[MOST_NAMED:] else ""
    waits = f" {labels}{more} wait{'' if under_way[1:] else 's'}." if under_way else ""
    return (
        f"{_named(cluster)} paused by {person(held.by)}: nothing is written and no probe is sent until an operator "
        f"resumes.{waits}"
    )


def _waits(change: Change, held: Pause) -> str:
    concerned = dict.fromkeys([change.requested_by, *(approval.by for approval in change.approvals)])
    return f"{' '.join(map(person, concerned))}: {change.label} waits. {change.cluster} was paused by {person(held.by)} at {held.at:%H:%M} UTC."


def _goes_on(change: Change, caller: Caller) -> str:
    return f"{change.label} goes on: {change.cluster} was resumed by {person(caller.user)}."


def _announced(world: World, clusters: list[str], key: str, sentence: str) -> list[Job]:
    """Tell each incident channel of these clusters once."""
    channels = dict.fromkeys(world.cluster_settings(name).incident_channel for name in clusters)
    return [announce_job(f"{key}:{channel}", channel, sentence) for channel in channels if channel]


def _stamp(held: Pause) -> str:
    """Tell one pause from the next in the keys of what is said about it."""
    return f"{held.at.timestamp():.3f}"


def paused_words(pause: Pause) -> str:
    """Say by whom and since when nothing goes on."""
    return f"paused by {person(pause.by)} since {pause.at:%H:%M} UTC; it goes on when an operator resumes"


async def _still_paused(world: World, cluster: str) -> str:
    """Say what stays paused: a pause of one cluster and one of all of them are two."""
    if cluster != ALL:
        held = await world.store.pauses.paused(cluster)
        return f"But all clusters are paused, by {person(held.by)}: resume them too." if held else ""
    names = [name for name in world.clusters.names() if await world.store.pauses.paused(name)]
    return f"But {', '.join(names)} was paused by itself: resume it too." if names else ""


async def _allowed(world: World, caller: Caller, target: str) -> str:
    if not await operator(world, caller):
        raise Refused("Only operators may pause and resume.", who_may=world.settings.operators)
    if target and target != ALL and target not in world.clusters.names():
        near = nearest(unmarked(target), world.clusters.names(), 1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise Refused(
            f"There is no cluster “{unmarked(target)}”. {hint}There are: {', '.join(world.clusters.names())}."
        )
    return target or ALL


def _clusters(world: World, cluster: str) -> list[str]:
    return list(world.clusters.names()) if cluster == ALL else [cluster]


def _not_paused(cluster: str) -> str:
    return "No cluster is paused." if cluster == ALL else f"{cluster} is not paused."


def _named(cluster: str) -> str:
    return "Every cluster is" if cluster == ALL else f"{cluster} is"
