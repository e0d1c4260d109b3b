"""Sends a person the answer to a command or a click, on whichever way is still open."""

from bot.operations.caller import Caller
from bot.operations.world import World
from bot.ports import Forbidden, Invalid, Message, NotFound


async def answer(world: World, caller: Caller, message: Message, *, in_channel: bool = False) -> None:
    """Answer so that only this person sees it, or in the channel.

    In a thread, or where the response_url is used up or refused, the message is posted to the channel for
    this person only; where the bot is not in the channel, as a direct message.
    """
    if caller.response_url and not caller.thread:
        try:
            await world.messenger.answer(caller.response_url, message, in_channel=in_channel)
        except (NotFound, Forbidden, Invalid):
            pass
        else:
            return
    await world.messenger.whisper(
        caller.channel or caller.user, caller.user, message, thread=caller.thread or None
    )


async def reply(world: World, caller: Caller, message: Message) -> None:
    """Answer a question: in the thread where it was asked by a mention, for all who read it there; else as `answer`."""
    if not caller.thread:
        await answer(world, caller, message)
        return
    try:
        await world.messenger.post(caller.channel, message, key="answer", thread=caller.thread)
    except (NotFound, Forbidden):
        await answer(world, caller, message)


async def say(world: World, caller: Caller, sentence: str) -> None:
    """Answer with one sentence."""
    await answer(world, caller, world.message("sentence", sentence=sentence))
