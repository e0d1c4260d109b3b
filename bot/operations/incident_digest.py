"""What is told of many incidents in one message: at the first look, every week, and where a channel is closed to us."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from bot.domain.incident import Incident, Phase
from bot.domain.words import counted, duration
from bot.operations.incident_jobs import DIGEST, PART_OF, UNHEARD, WEEKLY
from bot.operations.incident_notice import CHANNEL_AGAIN, LONG, SIGNS, notice_of
from bot.operations.incident_pace import take_place
from bot.operations.incident_route import by_channel, rank
from bot.operations.incident_unheard import unheard
from bot.operations.world import World
from bot.ports import Later, Leased, NotFound

MOST_NAMED = 6


async def draw_digest(world: World, leased: Leased) -> None:
    """Say once what was so when a cluster was looked at for the first time."""
    cluster = str(leased.job.payload["cluster"])
    rows = [row for row in await world.store.incidents.live(cluster) if row.phase is Phase.STANDING]
    await _sum_up(world, leased, rows, "incident-digest")


async def draw_weekly(world: World, leased: Leased) -> None:
    """Say once a week what merely stays as it is: what was never told, and what has been open for a day."""
    cluster, now = str(leased.job.payload["cluster"]), world.clock()
    rows = [
        row
        for row in await world.store.incidents.live(cluster)
        if (row.phase is Phase.STANDING or (row.phase is Phase.OPEN and now - row.since >= LONG))
        and PART_OF not in row.detail
        and not row.snoozed(now)
    ]
    await _sum_up(world, leased, rows, "incident-weekly", now)


async def _sum_up(
    world: World, leased: Leased, rows: Sequence[Incident], template: str, now: datetime | None = None
) -> None:
    """Post one message to each channel that is told of any of them; with `now`, for how long they have been so."""
    cluster = str(leased.job.payload["cluster"])
    failed: NotFound | None = None
    for channel, some in sorted(by_channel(world, rows).items()):
        key = f"{leased.job.key}:{channel}"
        if await world.store.messages.place(key) is not None:
            continue
        await take_place(world, leased, channel)
        count, lines = counted(len(some), "incident"), _by_rule(some, now)
        message = world.message(template, cluster=cluster, count=count, lines=lines)
        try:
            place = await world.messenger.post(channel, message, key=key, look=leased.attempt > 1)
        except NotFound as error:
            failed = error
        else:
            await world.store.messages.remember(key, place)
    if failed is not None:
        raise Later(CHANNEL_AGAIN) from failed


async def draw_unheard(world: World, leased: Leased) -> None:
    """Say in the change channel what the incident channel cannot be told, and then that it was told there.

    Raises:
        Later: the change channel cannot be posted to either.
    """
    key, channel = leased.job.key, str(leased.job.payload["channel"])
    rows, place = await unheard(world, key), await world.store.messages.place(key)
    instead = world.settings.change_channel
    if instead in {None, channel} or (place is None and not rows):
        return
    message = world.message("incident-unheard", channel=channel, lines=_by_rule(rows, world.clock()))
    try:
        if place is not None:
            await world.messenger.edit(place, message)
        else:
            await take_place(world, leased, str(instead))
            place = await world.messenger.post(str(instead), message, key=key, look=leased.attempt > 1)
            await world.store.messages.remember(key, place)
    except NotFound as error:
        raise Later(CHANNEL_AGAIN) from error


def _by_rule(rows: Sequence[Incident], now: datetime | None) -> list[tuple[str, str]]:
    """One line for each rule, the gravest first: what it says, how often, where, and for how long."""
    found: dict[tuple[int, str], list[Incident]] = {}
    for row in rows:
        found.setdefault((-rank(row.severity), row.rule), []).append(row)
    return [(SIGNS[alike[0].severity], _line(alike, now)) for _, alike in sorted(found.items())]


def _line(alike: Sequence[Incident], now: datetime | None) -> str:
    lasts = "" if now is None else _lasts(now, min(row.since for row in alike))
    if len(alike) == 1:
        return f"{notice_of(alike[0]).sentence}{lasts}"
    names = sorted({str(service) for row in alike for service in row.services})
    left = len(names) - MOST_NAMED
    more = f" and {left} more" if left > 0 else ""
    first = lasts and f"; the first{lasts[1:]}"
    return f"{alike[0].title}, {len(alike)} times: {', '.join(names[:MOST_NAMED])}{more}{first}"


def _lasts(now: datetime, since: datetime) -> str:
    return f", for {duration(max(0.0, (now - since).total_seconds()))}"


PERFORMERS: Mapping[str, Callable[[World, Leased], Awaitable[None]]] = {
    DIGEST: draw_digest,
    WEEKLY: draw_weekly,
    UNHEARD: draw_unheard,
}
"""Who performs each kind of job."""
