"""Commands and clicks, as they were stored: carried out, and answered to the person."""

import logging
from collections.abc import Awaitable, Callable, Mapping

from bot.domain.change import Verb
from bot.operations import verify as verifying
from bot.operations.answer import answer
from bot.operations.caller import Caller
from bot.operations.channel import card_channel
from bot.operations.decide import Click, decide
from bot.operations.draft import Asked
from bot.operations.incident_click import CLICKS as INCIDENT_CLICKS
from bot.operations.incident_click import perform_click
from bot.operations.jobs import AT_ONCE
from bot.operations.pause import pause, resume
from bot.operations.propose import propose
from bot.operations.refusal import Refused
from bot.operations.world import World
from bot.ports import Leased, Message, Unavailable, WorldError

log = logging.getLogger(__name__)

ANSWER_TRIES = 80
"""Attempts after which a person gets no answer any more: what was decided stands, and the card says so."""


async def carry_out(world: World, leased: Leased) -> None:
    """Carry a command out, and answer it where its effect is not to be seen anyway."""
    caller = Caller.from_json(leased.job.payload["caller"])
    try:
        message = await _ORDERS[str(leased.job.payload["verb"])](world, leased, caller)
    except Refused as refused:
        message = world.message("sentence", sentence=str(refused))
    if message is not None:
        await _tell(world, leased, caller, message)


async def answer_click(world: World, leased: Leased) -> None:
    """Decide a click, and say what came of it."""
    payload = leased.job.payload
    caller = Caller.from_json(payload["caller"])
    try:
        if payload["action"] == "verification:stop":
            sentence = await verifying.stop(world, str(payload["subject"]), caller)
        elif payload["action"] in INCIDENT_CLICKS:
            action, value = str(payload["action"]), str(payload["subject"])
            sentence = await perform_click(world, action, value, caller, delivery=leased.job.key)
        else:
            sentence = await decide(world, _click(leased, caller))
    except Refused as refused:
        sentence = str(refused)
    await _tell(world, leased, caller, world.message("sentence", sentence=sentence))


async def _tell(world: World, leased: Leased, caller: Caller, message: Message) -> None:
    """Answer a person; one who cannot be reached keeps no job alive for ever."""
    try:
        await answer(world, caller, message)
    except WorldError as error:
        if isinstance(error, Unavailable) and leased.attempt < ANSWER_TRIES:
            raise
        log.warning("%s could not be answered: %s", leased.job.key, error)


def _click(leased: Leased, caller: Caller) -> Click:
    payload = leased.job.payload
    subject = str(payload["subject"])
    return Click(
        id=leased.job.key,
        action=str(payload["action"]),
        change=subject.removesuffix(AT_ONCE),
        caller=caller,
        reason=str(payload["reason"]),
        at_once=subject.endswith(AT_ONCE),
    )


async def _propose(world: World, leased: Leased, caller: Caller) -> Message | None:
    payload = leased.job.payload
    asked = Asked(
        id=leased.job.key, verb=Verb(str(payload["verb"])), reason=str(payload["reason"]), caller=caller
    )
    change = await propose(world, asked, str(payload["target"]))
    if change.channel == caller.channel and not caller.thread:
        return None
    return world.message("elsewhere", change=change, channel=change.channel)


async def _verify(world: World, leased: Leased, caller: Caller) -> Message | None:
    channel = await card_channel(world, caller)
    run = await verifying.verify(world, leased.job.key, caller, str(leased.job.payload["target"]), channel)
    if channel == caller.channel and not caller.thread:
        return None
    return world.message("verifying-elsewhere", run=run, channel=channel)


async def _pause(world: World, leased: Leased, caller: Caller) -> Message:
    sentence = await pause(world, caller, str(leased.job.payload["target"]))
    return world.message("sentence", sentence=sentence)


async def _resume(world: World, leased: Leased, caller: Caller) -> Message:
    sentence = await resume(world, caller, str(leased.job.payload["target"]))
    return world.message("sentence", sentence=sentence)


_ORDERS: Mapping[str, Callable[[World, Leased, Caller], Awaitable[Message | None]]] = {
    "enable": _propose,
    "disable": _propose,
    "verify": _verify,
    "pause": _pause,
    "resume": _resume,
}
