"""Clicks on an incident's message: acknowledged, snoozed, or mended by an ordinary proposal.

Silence takes the others' notices away, so it needs the right to propose or to approve in every namespace that the
incident is about; an incident of a whole cluster is the operators'.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from bot.domain.change import Verb
from bot.domain.incident import Incident, Phase, Snooze, What
from bot.domain.incident_rule import RULES
from bot.domain.policy import NOBODY_MAY, Cause, Right
from bot.domain.words import person
from bot.operations.caller import Caller
from bot.operations.draft import Asked
from bot.operations.incident_jobs import notice_job, say_job
from bot.operations.incident_notice import ACKNOWLEDGE, PROPOSE, SNOOZE, SNOOZES, fixable
from bot.operations.incident_notice import woken as name_of
from bot.operations.propose import propose
from bot.operations.refusal import Refused
from bot.operations.rights import operator, rights_of
from bot.operations.world import World
from bot.ports import Job, NotFound, Stale, Unreadable

CLICKS = frozenset({ACKNOWLEDGE, SNOOZE, PROPOSE})
_HOURS = {"1h": timedelta(hours=1), "8h": timedelta(hours=8)}
_MENU = {"acknowledge": ACKNOWLEDGE, "propose": PROPOSE}
_TRIES = 5


async def perform_click(world: World, action: str, value: str, caller: Caller, *, delivery: str) -> str:
    """Do what a click on an incident asks for; return the sentence for the person.

    `value` is the button's, or the chosen option's. `delivery` is the same for the same click, however often it is
    delivered.

    Raises:
        Refused: with the sentence for the person.
    """
    id_, _, choice = value.partition(":")
    # A message that tells several incidents has one menu for each, under one action.
    action = _MENU.get(choice, action)
    row = await _row(world, id_)
    if action == PROPOSE:
        return await _propose(world, row, caller, delivery)
    await _may_silence(world, row, caller)
    if not row.live and row.acknowledged_by != caller.user:
        raise Refused(f"It is over already (“{row.title}”). Nothing to do.")
    now = world.clock()
    if action == ACKNOWLEDGE:
        return await _acknowledge(world, row, caller, now)
    return await _snooze(world, row, caller, now, choice)


async def _row(world: World, id_: str) -> Incident:
    try:
        return await world.store.incidents.get(id_)
    except NotFound:
        raise Refused("This incident is older than what I remember. Nothing to do.") from None


async def _may_silence(world: World, row: Incident, caller: Caller) -> None:
    if not row.services:
        if not await operator(world, caller):
            why = "This is about the whole cluster: only operators may acknowledge and snooze it."
            raise Refused(why, who_may=world.settings.operators)
        return
    rights = await rights_of(world, caller, Right.PROPOSE, Right.APPROVE)
    for ref in row.services:
        decisions = [
            rights.decide(right, ref.cluster, ref.namespace) for right in (Right.PROPOSE, Right.APPROVE)
        ]
        if not any(decision.allowed for decision in decisions):
            named = dict.fromkeys(id_ for decision in decisions for id_ in decision.who_may)
            first = decisions[0]
            why = NOBODY_MAY if first.cause is Cause.NOT_ENTITLED else first.why
            raise Refused(
                f"You may not silence incidents of {ref.namespace}.{'' if named else f' {why}'}",
                who_may=tuple(named),
            )


async def _acknowledge(world: World, row: Incident, caller: Caller, now: datetime) -> str:
    def acknowledged(row: Incident) -> Incident:
        taken = replace(row, acknowledged_by=caller.user, acknowledged_at=now)
        if RULES[row.rule].by_row and row.phase is Phase.OPEN:
            return taken.after(What.ENDED, over_at=now, closed_at=now, ended_by="It was meant, and stays.")
        return taken

    if row.rule not in RULES:
        raise Unreadable(f"incident {row.id}")
    if row.acknowledged_by and row.acknowledged_by != caller.user:
        raise Refused(
            f"{person(row.acknowledged_by)} acknowledged it at {row.acknowledged_at:%H:%M} UTC already."
        )
    after = await _change(world, row, acknowledged, [notice_job(row.id)])
    return (
        "Acknowledged: it was meant, and stays." if not after.live else "Acknowledged. I say when it is over."
    )


async def _snooze(world: World, row: Incident, caller: Caller, now: datetime, choice: str) -> str:
    if choice not in SNOOZES:
        raise Refused("This button is older than I am and does nothing any more.")
    hours = _HOURS.get(choice)
    until = now + hours if hours else None

    def snoozed(row: Incident) -> Incident:
        return replace(row, snooze=Snooze(by=caller.user, at=now, until=until, seen=row.fingerprint))

    snooze = Snooze(by=caller.user, at=now, until=until)
    woken = [say_job(row, name_of(snooze), hours.total_seconds())] if hours else []
    await _change(world, row, snoozed, [notice_job(row.id), *woken])
    return f"Snoozed: {SNOOZES[choice][0].lower()}{SNOOZES[choice][1:]}."


async def _change(
    world: World, row: Incident, change: Callable[[Incident], Incident], jobs: list[Job]
) -> Incident:
    """Change a row that the watch may be saving at the same time."""
    for _ in range(_TRIES):
        try:
            return await world.store.incidents.save(row, change(row), jobs=jobs)
        except Stale:
            row = await world.store.incidents.get(row.id)
            if not row.live:
                raise Refused(f"It is over just now (“{row.title}”). Nothing to do.") from None
    raise Refused("The incident keeps changing; try again in a moment.")


async def _propose(world: World, row: Incident, caller: Caller, delivery: str) -> str:
    member = fixable(row)
    if not row.live or member is None or member.service is None:
        raise Refused("It is over already, or no change of pass-through mends it. Nothing was proposed.")
    asked = Asked(id=delivery, verb=Verb(member.verb), reason=f"Incident: {row.title}"[:500], caller=caller)
    change = await propose(world, asked, f"{row.cluster}/{member.service}")
    where = "" if change.channel == caller.channel else " Its card is in the change channel."
    return f"{change.label} is proposed: {member.verb} pass-through for {member.service}.{where}"
