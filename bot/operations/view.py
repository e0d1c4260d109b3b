"""A message as a view of a row: posted once, edited in place, shown again when somebody deleted it."""

import logging

from bot.operations.world import World
from bot.ports import Forbidden, Leased, Message, NotFound, WorldError

log = logging.getLogger(__name__)


async def draw(
    world: World,
    leased: Leased,
    channel: str,
    message: Message,
    *,
    thread: str | None = None,
    asked_by: str = "",
) -> None:
    """Post the message of a job's key, or bring it up to date; where Slack forbids it, tell once who asked for it."""
    place = await world.store.messages.place(leased.job.key)
    if place is not None:
        try:
            await world.messenger.edit(place, message)
        except NotFound:
            # Somebody deleted it; the row is the truth, so it is shown again.
            place = None
    if place is None:
        try:
            place = await world.messenger.post(
                channel, message, key=leased.job.key, thread=thread, look=leased.attempt > 1
            )
        except Forbidden as error:
            if leased.attempt == 1 and asked_by.startswith(("U", "W")):
                await _cannot(world, channel, asked_by, error)
            raise
        await world.store.messages.remember(leased.job.key, place)


async def _cannot(world: World, channel: str, user: str, error: Forbidden) -> None:
    """Tell somebody that nobody can see what they asked for."""
    sentence = f"I cannot post here what you asked for: {error}. It is stored, and posted as soon as Slack lets me; whoever installed the app should look at its log."
    try:
        await world.messenger.whisper(channel, user, world.message("sentence", sentence=sentence))
    except WorldError as silent:
        log.warning("a person could not be told that nothing can be posted: %s", silent)
