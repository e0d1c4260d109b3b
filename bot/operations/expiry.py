"""The end of a proposal that nobody decided, and the reminder before it."""

from bot.domain.change import Change, EventKind, Phase
from bot.operations.jobs import REMINDER, invite_job, say_job
from bot.operations.move import move
from bot.operations.world import World
from bot.ports import Later, Stale

AGAIN = "Propose it again if it is still wanted."


async def expire(world: World, change_id: str) -> None:
    """Let a proposal expire.

    Raises:
        Later: its time has not come, by the bot's clock, or somebody moved it just now.
    """
    change = await world.store.changes.get(change_id)
    if change.phase is not Phase.PROPOSED:
        return
    left = (change.expires_at - world.clock()).total_seconds()
    if left > 0:
        raise Later(left)
    try:
        await move(world, change, EventKind.EXPIRED, note=_why(change))
    except Stale as error:
        raise Later(0.0) from error


def _why(change: Change) -> str:
    """Say what was missing."""
    given = len(change.approvals)
    if change.frozen:
        return f"Changes are frozen here {change.frozen}, so it was not approved in time. Propose it again after that."
    if given:
        return f"Only {given} of {change.approvals_needed} people approved it in time. {AGAIN}"
    return f"Nobody decided it in time. {AGAIN}"


async def remind(world: World, change_id: str) -> None:
    """Remind the approvers of a proposal that still waits."""
    change = await world.store.changes.get(change_id)
    if change.phase is Phase.PROPOSED:
        await world.store.jobs.submit(say_job(change.id, REMINDER), invite_job(change.id, REMINDER))
