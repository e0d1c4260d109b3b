"""A message as a view of a row: posted once, edited in place, shown again when somebody deleted it."""

from bot.operations.world import World
from bot.ports import Leased, Message, NotFound


async def draw(
    world: World, leased: Leased, channel: str, message: Message, *, thread: str | None = None
) -> None:
    """Post the message of a job's key, or bring it up to date."""
    place = await world.store.messages.place(leased.job.key)
    if place is not None:
        try:
            await world.messenger.edit(place, message)
        except NotFound:
            # Somebody deleted it; the row is the truth, so it is shown again.
            place = None
    if place is None:
        place = await world.messenger.post(
            channel, message, key=leased.job.key, thread=thread, look=leased.attempt > 1
        )
        await world.store.messages.remember(leased.job.key, place)
