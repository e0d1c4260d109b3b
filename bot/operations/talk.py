"""What the bot says by itself about a change: its card, what is said once, and where."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from bot.domain.change import Change
from bot.domain.policy import Right, policy_for, those_who_may
from bot.operations.card import Card, card_of
from bot.operations.console import console_of
from bot.operations.glass import frozen_words, glass_breakers
from bot.operations.jobs import card_job
from bot.operations.notice import alarm
from bot.operations.orphan import orphaned
from bot.operations.pause import paused_words
from bot.operations.thread import say_in_thread
from bot.operations.view import draw
from bot.operations.world import World
from bot.ports import Later, Leased, NotFound

ALARMS = frozenset({"alarm", "alarm:half-applied"})
"""What is said in the incident channel."""
READ = 50
"""Changes of a cluster among which one that a card names is looked for."""
LINK_AGAIN = 5.0
"""Seconds until a card looks again for another that it names and that is not posted yet."""
LINK_WITHIN = timedelta(seconds=30)
"""How long after that one was proposed it is looked for."""


async def draw_card(world: World, leased: Leased) -> None:
    """Post the change's card, or bring it up to date; always from the rows as they are now.

    Raises:
        Later: it names a change whose card will be there in a moment.
    """
    change = await world.store.changes.get(str(leased.job.payload["change"]))
    gone = orphaned(world, change.cluster, leased) if change.open else not world.knows(change.cluster)
    held = await world.store.pauses.paused(change.cluster) if change.open else None
    card = card_of(
        change,
        read_only=not gone and world.clusters.get(change.cluster).read_only,
        gone=gone,
        break_glass=bool(glass_breakers(world, change)),
        frozen=frozen_words(world, change),
        paused=paused_words(held) if held else "",
    )
    named = await _named(world, change)
    links = {other.label: await _link(world, other) for other in named}
    undo = _common(_entitled(world, change, Right.ROLLBACK)) if _rolls_back(card) else ()
    shown = replace(card, may_undo=undo, links=links, console=console_of(world, change.cluster))
    message = world.message("card", change=change, card=shown)
    await draw(world, leased, change.channel, message, asked_by=change.requested_by)
    if any(not links[each.label] and world.clock() - each.requested_at < LINK_WITHIN for each in named):
        raise Later(LINK_AGAIN)


def _entitled(world: World, change: Change, right: Right) -> list[tuple[str, ...]]:
    """Those to whom the policy of each namespace gives a right."""
    spaces = {step.service.namespace for step in change.steps}
    policies = world.settings.policies
    return [those_who_may(policy_for(policies, change.cluster, space), right) for space in spaces]


def _common(lists: list[tuple[str, ...]]) -> tuple[str, ...]:
    """Those who are on every list by name."""
    return tuple(each for each in lists[0] if all(each in others for others in lists))


def _rolls_back(card: Card) -> bool:
    return any(button.action == "change:rollback" for button in card.buttons)


async def _named(world: World, change: Change) -> list[Change]:
    """Return the changes that this one's card names."""
    labels = {change.superseded_by, change.rolled_back_by} - {""}
    recent = await world.store.changes.find(cluster=change.cluster, limit=READ) if labels else ()
    return [other for other in recent if other.label in labels]


async def _link(world: World, change: Change) -> str:
    """Where another change's card is; empty where it is not posted yet, or Slack gives no link."""
    place = await world.store.messages.place(card_job(change.id).key)
    return await world.messenger.permalink(place) if place else ""


async def say(world: World, leased: Leased) -> None:
    """Say one thing about a change, once: in its thread, or as an alarm in the incident channel."""
    change = await world.store.changes.get(str(leased.job.payload["change"]))
    what = str(leased.job.payload["what"])
    await (alarm(world, leased, change) if what in ALARMS else say_in_thread(world, leased, change, what))


async def announce(world: World, leased: Leased) -> None:
    """Say one sentence in a channel, once; a channel that is gone is told nothing."""
    payload = leased.job.payload
    message = world.message("sentence", sentence=str(payload["sentence"]))
    with suppress(NotFound):
        await world.messenger.post(
            str(payload["channel"]), message, key=leased.job.key, look=leased.attempt > 1
        )
