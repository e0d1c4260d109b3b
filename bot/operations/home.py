"""The Home tab of one person: what is wrong, what waits for them, what is theirs, what happened lately.

It is shown again when any of that changes, for as long as its person looked at it lately.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from json import dumps
from typing import Any

from bot.domain.change import Change
from bot.domain.incident import Incident
from bot.operations.caller import Caller
from bot.operations.card import STATES, title_of
from bot.operations.incident_jobs import notice_job
from bot.operations.incident_roster import Line, line_of, roster
from bot.operations.jobs import card_job
from bot.operations.refusal import Refused
from bot.operations.rights import Rights, rights_of
from bot.operations.waiting import waits_for
from bot.operations.world import World
from bot.ports import Forbidden, Invalid, Job, Leased, NotFound, WorldError

log = logging.getLogger(__name__)

HOME = "home"
"""The kind of job that keeps one person's Home tab up to date."""
EVERY = 100_000
"""Changes that may be open: a Service has one at most."""
READ = 200
"""Changes among which the latest that are over are looked for."""
MOST = 8
"""Changes, or incidents, under one heading."""
FRESH = 15.0
"""Seconds between two looks at what a Home tab shows."""
LOOKED_AT = 1800.0
"""Seconds after somebody opened their Home tab during which it is kept up to date."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change, with a link to its card."""

    change: Change
    emoji: str
    state: str
    title: str
    link: str


async def open_home(world: World, caller: Caller) -> None:
    """Show a person's Home tab, and have it kept up to date for a while."""
    try:
        view = await home_view(world, caller)
    except WorldError as error:
        sentence = f"Nothing can be shown now: {error}. Commands are still answered."
        await world.messenger.publish_home(caller.user, silent_view(world, sentence))
        return
    await world.messenger.publish_home(caller.user, view)
    await _look_again(world, caller, opened=world.clock().timestamp(), shown=_digest(view))


async def refresh_home(world: World, leased: Leased) -> None:
    """Show a Home tab again if it has changed; look again until its person has not opened it for long."""
    payload: Mapping[str, Any] = leased.job.payload
    caller, opened = Caller.from_json(payload["caller"]), float(payload["opened"])
    if world.clock().timestamp() - opened > LOOKED_AT:
        return
    view = await home_view(world, caller)
    shown = _digest(view)
    if shown != payload["shown"]:
        try:
            await world.messenger.publish_home(caller.user, view)
        except (Forbidden, Invalid, NotFound) as error:
            log.warning("a Home tab is not kept up to date: %s", error)
            return
    await _look_again(world, caller, opened=opened, shown=shown)


async def _look_again(world: World, caller: Caller, *, opened: float, shown: str) -> None:
    payload = {"caller": caller.as_json(), "opened": opened, "shown": shown}
    job = Job(key=f"{HOME}:{caller.user}", kind=HOME, payload=payload, delay=FRESH, again=True)
    await world.store.jobs.submit(job)


def _digest(view: Mapping[str, Any]) -> str:
    return sha256(dumps(view, sort_keys=True).encode()).hexdigest()[:16]


def silent_view(world: World, sentence: str) -> dict[str, Any]:
    """The Home tab while there is nothing to show on it."""
    return world.view("home-silent", sentence=sentence)


async def home_view(world: World, caller: Caller) -> dict[str, Any]:
    """Compose the Home tab; of somebody without any rights it says so."""
    rights = await rights_of(world, caller)
    try:
        rights.known()
    except Refused as refused:
        return silent_view(world, str(refused))
    wrong = await roster(world, rights)
    being, lately = await asyncio.gather(
        world.store.changes.find(open_only=True, limit=EVERY), world.store.changes.find(limit=READ)
    )
    # What ends first is shown first: a proposal that is not seen in time expires.
    soonest = sorted(_shown(rights, being), key=lambda change: change.expires_at)
    waiting = [change for change in soonest if waits_for(rights, change, world.clock())]
    mine = [change for change in soonest if change.requested_by == caller.user]
    recent = [change for change in _shown(rights, lately) if not change.open]
    headings = (("Waiting for you", waiting), ("Yours, still open", mine), ("Lately", recent))
    return world.view(
        "home",
        incidents=await asyncio.gather(*(_incident(world, row) for row in wrong.rows[:MOST])),
        incidents_left=max(0, len(wrong.rows) - MOST),
        parts_of_home=[
            (name, await _entries(world, some), _left([c for c in some[MOST:] if c.open]))
            for name, some in headings
        ],
    )


async def _incident(world: World, row: Incident) -> tuple[Line, str]:
    """Return an incident, and the link to its message, if it has one."""
    place = await world.store.messages.place(row.folded or notice_job(row.id).key)
    return line_of(row, world.clock()), await world.messenger.permalink(place) if place else ""


def _shown(rights: Rights, found: Sequence[Change]) -> list[Change]:
    return [change for change in found if rights.visible(change.cluster, change.service.namespace)]


def _left(more: Sequence[Change]) -> tuple[int, str]:
    """Return how many are not shown, and of what `history` shows them."""
    clusters = {change.cluster for change in more}
    spaces = {change.service.namespace for change in more}
    if len(clusters) != 1:
        return len(more), ""
    return len(more), "/".join([*clusters, *(spaces if len(spaces) == 1 else ())])


async def _entries(world: World, some: Sequence[Change]) -> list[Entry]:
    return await asyncio.gather(*(_entry(world, change) for change in some[:MOST]))


async def _entry(world: World, change: Change) -> Entry:
    place = await world.store.messages.place(card_job(change.id).key)
    link = await world.messenger.permalink(place) if place else ""
    emoji, state = STATES[change.phase]
    return Entry(change=change, emoji=emoji, state=state, title=title_of(change), link=link)
