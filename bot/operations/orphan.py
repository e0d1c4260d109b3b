"""Changes and runs of a cluster that is configured no more: nothing can be read, written or measured there.

While replicas are restarted one after the other, some know a cluster and others do not. So nothing is ended before no
replica has known it for a while: each one that does sets the count of attempts back.
"""

from bot.domain.change import Change, EventKind, Phase
from bot.operations import measure
from bot.operations.jobs import progress_job, say_job, verdict_job
from bot.operations.leftover import given_up
from bot.operations.measured import end_run
from bot.operations.move import half_applied, move, not_applied
from bot.operations.refusal import Refused
from bot.operations.world import World
from bot.ports import Leased, Stale, Unavailable

WAITS = 40
"""Attempts, half a minute apart in the end: a quarter of an hour, which is longer than a rolling restart."""


def orphaned(world: World, cluster: str, leased: Leased) -> bool:
    """Whether no replica has known a cluster for a while.

    Raises:
        Unavailable: this one does not, and another may.
    """
    if world.knows(cluster):
        return False
    if leased.attempt < WAITS:
        raise Unavailable(f"{cluster} is not configured here")
    return True


def known(world: World, change: Change, what: str) -> None:
    """Go on only where this replica knows a change's cluster; `what` is wanted of it.

    Raises:
        Refused: it does not.
    """
    if not world.knows(change.cluster):
        raise Refused(
            f"The cluster {change.cluster} is not configured here, so {change.label} cannot be {what}. Where the bot is "
            "just being restarted, click again in a minute.",
            passing=True,
        )


UNDER_WAY = frozenset({Phase.APPROVED, Phase.APPLYING, Phase.VERIFYING, Phase.SUCCEEDED})
"""Phases in which something of a change's cluster is still wanted."""


async def end_change(world: World, change: Change) -> None:
    """End what is under way; a success is no longer watched.

    Raises:
        Stale: somebody else moved it.
    """
    gone = f"The cluster {change.cluster} is not configured here any more."
    match change.phase:
        case Phase.APPROVED:
            await not_applied(world, change, f"{gone} Nothing was patched.")
        case Phase.APPLYING if change.still:
            await half_applied(world, change, f"{gone} {given_up(change, 'That')}")
        case Phase.APPLYING if change.sent:
            sent = ", ".join(map(str, change.sent))
            note = f"{gone} Whether the patch is on {sent} is not known: look there by hand."
            await not_applied(world, change, note, incident=True)
        case Phase.APPLYING:
            await not_applied(world, change, f"{gone} Nothing was patched.")
        case Phase.VERIFYING:
            note = f"{gone} It was patched, and what that did was not measured to the end."
            await end_run(world, change)
            jobs = [say_job(change.id, "verdict", note)]
            await move(world, change, EventKind.VERIFICATION_INCONCLUSIVE, jobs=jobs, note=note)
        case _:
            return


async def end_verification(world: World, run_id: str) -> None:
    """End a verification without a change, with what it has seen so far.

    Raises:
        Unavailable: it moved on.
    """
    try:
        await measure.abandon(run_id, cluster=None, store=world.store, clock=world.clock)
    except Stale as error:
        raise Unavailable("the verification moved on") from error
    await world.store.jobs.submit(progress_job(run_id), verdict_job(run_id))
