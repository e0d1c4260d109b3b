"""Proposes again what was superseded, for the same person, as things are now; its approvals start anew."""

from bot.domain.change import Change, Phase, Verb
from bot.domain.words import unmarked
from bot.operations.caller import Caller
from bot.operations.draft import Asked
from bot.operations.jobs import say_job
from bot.operations.move import annotate
from bot.operations.propose import propose
from bot.operations.refusal import Refused
from bot.operations.rollback import propose_rollback
from bot.operations.world import World
from bot.ports import Later

MOST_RENEWALS = 5
"""New proposals in a row: a Service that never rests must not fill the channel with cards."""
RETRY = 15.0
"""Seconds after which it is tried again where something does not answer."""


async def renew(world: World, change_id: str) -> None:
    """Make the new proposal, and link the old one to it; or say why there is none.

    Raises:
        Later: something does not answer; nothing was proposed yet.
    """
    old = await world.store.changes.get(change_id)
    if old.phase is not Phase.SUPERSEDED or old.superseded_by:
        return
    try:
        new = await _again(world, old)
    except Refused as refused:
        if refused.passing and world.clock() < old.expires_at:
            raise Later(RETRY) from refused
        note = f"{old.note} There is no new proposal: {unmarked(refused)}"
        await annotate(world, old, note=note, jobs=[say_job(old.id, "superseded")])
    else:
        await annotate(world, old, superseded_by=new.label, jobs=[say_job(old.id, "superseded")])


async def _again(world: World, old: Change) -> Change:
    if old.renewals >= MOST_RENEWALS:
        raise Refused(f"it was superseded {MOST_RENEWALS + 1} times in a row. Propose it when it is quiet.")
    asked = Asked(
        id=f"renew:{old.id}",
        verb=old.verb,
        reason=old.reason,
        caller=Caller(user=old.requested_by, team="", channel=old.channel),
        channel=old.channel,
        remark=f"It replaces {old.label}: {old.note}",
        renewals=old.renewals + 1,
    )
    if old.verb is not Verb.ROLLBACK:
        return await propose(world, asked, f"{old.cluster}/{old.service}")
    # What the bot began by itself waits for a person now: it is not what was configured for any more.
    first = await world.store.changes.get(old.rolls_back)
    return await propose_rollback(world, first, asked, replaces=old.label)
