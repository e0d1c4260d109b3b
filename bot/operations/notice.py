"""What the incident channel is told: one notice for a change, edited in place, and an alarm when it goes wrong."""

from bot.domain.change import Change
from bot.operations.card import card_of, title_of
from bot.operations.incident_pace import take_place
from bot.operations.incident_route import channel_for
from bot.operations.jobs import card_job, notice_job
from bot.operations.thread import CARD_SOON
from bot.operations.view import draw
from bot.operations.world import World
from bot.ports import Later, Leased, Message


async def draw_notice(world: World, leased: Leased) -> None:
    """Post a change's notice, or bring it up to date; without an incident channel, nobody is told."""
    change = await world.store.changes.get(str(leased.job.payload["change"]))
    channel = _channel(world, change)
    if channel is not None and change.incident:
        if await world.store.messages.place(leased.job.key) is None:
            await take_place(world, leased, channel, urgent=True)
        await draw(world, leased, channel, await _notice(world, change))


async def alarm(world: World, leased: Leased, change: Change) -> None:
    """Say in the notice's thread, and so that the channel sees it, that a change went wrong; an edit notifies nobody.

    Raises:
        Later: the notice is not posted yet.
    """
    channel = _channel(world, change)
    if channel is None:
        return
    place = await world.store.messages.place(notice_job(change.id).key)
    if place is None:
        raise Later(CARD_SOON)
    await take_place(world, leased, place.channel, urgent=True)
    await world.messenger.post(
        place.channel,
        world.message("alarm", change=change, card=card_of(change)),
        key=leased.job.key,
        thread=place.ts,
        broadcast=True,
        look=leased.attempt > 1,
    )


def _channel(world: World, change: Change) -> str | None:
    """Where incidents of its Services are told; of a cluster that is configured no more, where it is by default."""
    if change.cluster not in world.settings.clusters:
        return world.settings.incident_channel
    return channel_for(world, change.cluster, (step.service for step in change.steps))


async def _notice(world: World, change: Change) -> Message:
    card = await world.store.messages.place(card_job(change.id).key)
    link = await world.messenger.permalink(card) if card else ""
    return world.message(
        "notice",
        change=change,
        title=title_of(change),
        link=link,
        card=card_of(change),
        glass=next((approval for approval in change.approvals if approval.break_glass), None),
    )
