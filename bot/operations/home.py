"""The Home tab of one person: what waits for them, what is theirs, what happened lately."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.domain.change import Change, Phase
from bot.domain.policy import Right
from bot.operations.caller import Caller
from bot.operations.card import STATES, title_of
from bot.operations.jobs import card_job
from bot.operations.rights import Rights, rights_of
from bot.operations.world import World

MOST = 8
"""Changes under one heading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One change, with a link to its card."""

    change: Change
    emoji: str
    state: str
    title: str
    link: str


async def home_view(world: World, caller: Caller) -> dict[str, Any]:
    """Compose the Home tab."""
    rights = await rights_of(world, caller)
    found = [
        c for c in await world.store.changes.find(limit=200) if rights.visible(c.cluster, c.service.namespace)
    ]
    waiting = [c for c in found if c.phase is Phase.PROPOSED and _may_approve(rights, c, caller)]
    mine = [c for c in found if c.open and c.requested_by == caller.user]
    recent = [c for c in found if not c.open]
    headings = (("Waiting for you", waiting), ("Yours, still open", mine), ("Lately", recent))
    return world.renderer.view(
        "home", parts_of_home=[(name, await _entries(world, some)) for name, some in headings]
    )


def _may_approve(rights: Rights, change: Change, caller: Caller) -> bool:
    return change.requested_by != caller.user and all(
        rights.decide(Right.APPROVE, change.cluster, step.service.namespace).allowed for step in change.steps
    )


async def _entries(world: World, some: Sequence[Change]) -> list[Entry]:
    return await asyncio.gather(*(_entry(world, change) for change in some[:MOST]))


async def _entry(world: World, change: Change) -> Entry:
    place = await world.store.messages.place(card_job(change.id).key)
    link = await world.messenger.permalink(place) if place else ""
    emoji, state = STATES[change.phase]
    return Entry(change=change, emoji=emoji, state=state, title=title_of(change), link=link)
