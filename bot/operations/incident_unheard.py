"""Incidents whose channel cannot be posted to: kept, counted, and told of in the change channel until it can."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime

from bot.domain.incident import Incident
from bot.operations.incident_jobs import UNHEARD, unheard_job
from bot.operations.world import World
from bot.ports import Stale


def unheard_key(channel: str, at: datetime) -> str:
    """Name what tells of a channel: one message a day."""
    return f"{UNHEARD}:{channel}:{at:%Y-%m-%d}"


async def mark(world: World, rows: Iterable[Incident], channel: str) -> None:
    """Note that these cannot be told where they belong."""
    key = unheard_key(channel, world.clock())
    for row in rows:
        if row.live and UNHEARD not in row.detail:
            await _save(world, row, replace(row, detail={**row.detail, UNHEARD: key}), channel)


async def unmark(world: World, rows: Iterable[Incident], channel: str) -> None:
    """Note that these were told after all, or are over."""
    for row in rows:
        if UNHEARD in row.detail:
            kept = {name: value for name, value in row.detail.items() if name != UNHEARD}
            await _save(world, row, replace(row, detail=kept), channel)


async def unheard(world: World, key: str) -> list[Incident]:
    """Return what is open and was marked under a key."""
    return [row for row in await world.store.incidents.live() if row.detail.get(UNHEARD) == key]


async def _save(world: World, row: Incident, after: Incident, channel: str) -> None:
    key = (after.detail if UNHEARD in after.detail else row.detail)[UNHEARD]
    # Stale: the watch or somebody's click was first, and its own job comes here again.
    with suppress(Stale):
        await world.store.incidents.save(row, after, jobs=[unheard_job(key, channel)])
