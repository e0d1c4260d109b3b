"""The end of a proposal that nobody decided, and the reminder before it."""

from bot.domain.change import EventKind, Phase
from bot.operations.jobs import REMINDER, invite_job, say_job
from bot.operations.move import move
from bot.operations.world import World
from bot.ports import Later, Stale

EXPIRED = "Nobody decided it in time. Propose it again if it is still wanted."


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
        await move(world, change, EventKind.EXPIRED, note=EXPIRED)
    except Stale as error:
        raise Later(0.0) from error


async def remind(world: World, change_id: str) -> None:
    """Remind the approvers of a proposal that still waits."""
    change = await world.store.changes.get(change_id)
    if change.phase is Phase.PROPOSED:
        await world.store.jobs.submit(say_job(change.id, REMINDER), invite_job(change.id, REMINDER))
