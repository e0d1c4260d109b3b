"""Where a change's card, or a verification's thread, belongs."""

from bot.operations.caller import Caller
from bot.operations.refusal import Refused
from bot.operations.world import World

_DIRECT = "D"
"""Begins the id of a direct message."""


async def card_channel(world: World, caller: Caller) -> str:
    """Return the change channel, else where the command was given.

    Raises:
        Refused: the bot is not there, and no change channel is configured.
    """
    if world.settings.change_channel:
        return world.settings.change_channel
    if caller.channel and await world.messenger.member_of(caller.channel):
        return caller.channel
    if caller.channel.startswith(_DIRECT) or not caller.channel:
        raise Refused(
            "A change belongs where others can see and approve it, not into a direct message, and no changeChannel is "
            "configured. Give the command in a channel that I am a member of."
        )
    raise Refused(
        "I am not a member of this channel, so I cannot post there, and no changeChannel is configured. "
        "Invite me (/invite @elb-passthrough) and give the command again."
    )
