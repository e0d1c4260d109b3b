"""Questions, answered beside the acknowledgement: in the thread where they were asked, or to their person."""

import re

from bot.operations import ask
from bot.operations.answer import answer
from bot.operations.caller import Caller
from bot.operations.refusal import Refused
from bot.operations.world import World
from bot.ports import Forbidden, Invalid, Message, NotFound


class Questions:
    """Answers what changes nothing."""

    def __init__(self, world: World) -> None:
        self._world = world

    async def answer(self, verb: str, target: str, caller: Caller, delivery: str) -> None:
        """Answer status, list, history or help."""
        match verb:
            case "status":
                message = await ask.status(self._world, caller, target)
            case "list":
                message = await ask.listing(self._world, caller, target)
            case "history":
                message = await ask.history(self._world, caller, target)
            case _:
                await answer(self._world, caller, await ask.help_for(self._world, caller))
                return
        if caller.thread:
            await self._in_thread(caller, message, delivery)
        else:
            await answer(self._world, caller, message)

    async def _in_thread(self, caller: Caller, message: Message, delivery: str) -> None:
        """Answer where all who read the thread can see it; where the bot may not post, its person alone."""
        key = f"answer:{delivery}"
        try:
            await self._world.messenger.post(caller.channel, message, key=key, thread=caller.thread)
        except (NotFound, Forbidden):
            await answer(self._world, caller, message)

    async def page(self, value: str, caller: Caller) -> None:
        """Turn the page of a list, in its place; where that is gone, below it."""
        number, _, target = value.partition(":")
        page = int(number) if re.fullmatch("[0-9]{1,6}", number) else 0
        message = await ask.listing(self._world, caller, target, page=page)
        if caller.response_url:
            try:
                await self._world.messenger.answer(caller.response_url, message, replace=True)
            except (NotFound, Forbidden, Invalid):
                pass
            else:
                return
        await answer(self._world, caller, message)

    async def share(self, value: str, caller: Caller, delivery: str) -> None:
        """Show a status to everybody in the channel, or in the thread, where its button was pressed."""
        message = await ask.share(self._world, caller, value)
        if caller.response_url and not caller.thread:
            try:
                await self._world.messenger.answer(caller.response_url, message, in_channel=True)
            except (NotFound, Forbidden, Invalid):
                pass
            else:
                return
        key = f"share:{delivery}"
        try:
            await self._world.messenger.post(caller.channel, message, key=key, thread=caller.thread or None)
        except (NotFound, Forbidden) as error:
            raise Refused("I cannot post in this channel. Invite me (/invite @elb-passthrough).") from error
