"""What the worker calls for each kind of job; the only place that knows them all."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bot.domain.change import Change, Event, EventKind, Phase, Verb
from bot.operations import advance as changes
from bot.operations import jobs, talk, verify
from bot.operations.answer import answer, say
from bot.operations.caller import Caller
from bot.operations.decide import Click, decide
from bot.operations.draft import Asked
from bot.operations.pause import pause, resume
from bot.operations.propose import propose
from bot.operations.refusal import Refused
from bot.operations.world import World
from bot.ports import Later, Leased, NotFound

Performer = Callable[[Leased], Awaitable[None]]


def performers(world: World) -> Mapping[str, Performer]:
    """Return who performs each kind of job."""

    def bound(perform: Callable[[World, Leased], Awaitable[None]]) -> Performer:
        async def call(leased: Leased) -> None:
            await perform(world, leased)

        return call

    return {
        jobs.ORDER: bound(_order),
        jobs.CLICK: bound(_click),
        jobs.CARD: bound(talk.draw_card),
        jobs.ADVANCE: bound(_advance),
        jobs.MEASURE: bound(_measure),
        jobs.EXPIRE: bound(_expire),
        jobs.REMIND: bound(_remind),
        jobs.SAY: bound(talk.say),
        jobs.TELL: bound(_tell),
        jobs.VERDICT: bound(talk.say_verdict),
        jobs.PROGRESS: bound(talk.draw_progress),
    }


async def _order(world: World, leased: Leased) -> None:
    payload = leased.job.payload
    caller = Caller.from_json(payload["caller"])
    try:
        await _ORDERS[str(payload["verb"])](world, leased, caller)
    except Refused as refused:
        await say(world, caller, str(refused))


async def _propose(world: World, leased: Leased, caller: Caller) -> None:
    payload = leased.job.payload
    channel = await card_channel(world, caller)
    asked = Asked(
        id=leased.job.key,
        verb=Verb(str(payload["verb"])),
        reason=str(payload["reason"]),
        caller=caller,
        channel=channel,
    )
    change = await propose(world, asked, str(payload["target"]))
    if channel != caller.channel or caller.thread:
        await answer(world, caller, world.message("elsewhere", change=change, channel=channel))


async def _verify(world: World, leased: Leased, caller: Caller) -> None:
    channel = await card_channel(world, caller)
    run = await verify.verify(world, leased.job.key, caller, str(leased.job.payload["target"]), channel)
    if channel != caller.channel or caller.thread:
        await answer(world, caller, world.message("verifying-elsewhere", run=run, channel=channel))


async def _pause(world: World, leased: Leased, caller: Caller) -> None:
    await say(world, caller, await pause(world, caller, str(leased.job.payload["target"])))


async def _resume(world: World, leased: Leased, caller: Caller) -> None:
    await say(world, caller, await resume(world, caller, str(leased.job.payload["target"])))


_ORDERS = {"enable": _propose, "disable": _propose, "verify": _verify, "pause": _pause, "resume": _resume}


async def card_channel(world: World, caller: Caller) -> str:
    """Where a card goes: the change channel, else where the command was given.

    Raises:
        Refused: the bot is not there, and no change channel is configured.
    """
    fallback = world.settings.change_channel
    if fallback:
        return fallback
    if caller.channel and await world.messenger.member_of(caller.channel):
        return caller.channel
    raise Refused(
        "I am not a member of this channel, so I cannot post there, and no changeChannel is configured. "
        "Invite me (/invite @elb-passthrough) and give the command again."
    )


async def _click(world: World, leased: Leased) -> None:
    payload = leased.job.payload
    caller = Caller.from_json(payload["caller"])
    try:
        if payload["action"] == "verification:stop":
            sentence = await verify.stop(world, str(payload["subject"]), caller)
        else:
            sentence = await decide(world, _click_of(leased, caller))
    except Refused as refused:
        sentence = str(refused)
    await say(world, caller, sentence)


def _click_of(leased: Leased, caller: Caller) -> Click:
    payload = leased.job.payload
    return Click(
        id=leased.job.key,
        action=str(payload["action"]),
        change=str(payload["subject"]),
        caller=caller,
        reason=str(payload["reason"]),
    )


async def _advance(world: World, leased: Leased) -> None:
    await changes.advance(world, str(leased.job.payload["change"]))


async def _measure(world: World, leased: Leased) -> None:
    await verify.continue_run(world, str(leased.job.payload["run"]))


async def _tell(world: World, leased: Leased) -> None:
    await changes.tell(world, await world.store.changes.get(str(leased.job.payload["change"])))


async def _expire(world: World, leased: Leased) -> None:
    change = await _of(world, leased)
    if change is None or change.phase is not Phase.PROPOSED:
        return
    left = (change.expires_at - world.clock()).total_seconds()
    if left > 0:
        raise Later(left)
    event = Event(kind=EventKind.EXPIRED, at=world.clock(), by="bot", detail={"digest": change.digest})
    note = "Nobody approved it in time. Propose it again if it is still wanted."
    await world.store.changes.move(
        change, replace(change.after(event), note=note), event, jobs=[jobs.card_job(change.id)]
    )


async def _remind(world: World, leased: Leased) -> None:
    change = await _of(world, leased)
    if change is not None and change.phase is Phase.PROPOSED:
        await world.store.jobs.submit(jobs.say_job(change.id, "reminder"))


async def _of(world: World, leased: Leased) -> Change | None:
    try:
        return await world.store.changes.get(str(leased.job.payload["change"]))
    except NotFound:
        return None
