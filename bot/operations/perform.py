"""What the worker calls for each kind of job; the only place that knows them all."""

from collections.abc import Awaitable, Callable, Mapping

from bot.operations import invitation, jobs, notice, orphan, progress, talk
from bot.operations.advance import advance
from bot.operations.expiry import expire, remind
from bot.operations.home import HOME, refresh_home
from bot.operations.incident_digest import PERFORMERS as DIGESTS
from bot.operations.incident_notice import PERFORMERS as INCIDENTS
from bot.operations.kubernetes_event import record
from bot.operations.look import look
from bot.operations.order import answer_click, carry_out
from bot.operations.renew import renew
from bot.operations.rollback import roll_back_by_itself
from bot.operations.sweep import sweep
from bot.operations.verdict_picture import show_picture
from bot.operations.verify import continue_run
from bot.operations.world import World
from bot.ports import Leased

Performer = Callable[[Leased], Awaitable[None]]


def performers(world: World) -> Mapping[str, Performer]:
    """Return who performs each kind of job."""
    return {kind: _bound(world, perform) for kind, perform in _PERFORMERS.items()}


def _bound(world: World, perform: Callable[[World, Leased], Awaitable[None]]) -> Performer:
    async def call(leased: Leased) -> None:
        await perform(world, leased)

    return call


def _of_change(
    perform: Callable[[World, str], Awaitable[None]],
) -> Callable[[World, Leased], Awaitable[None]]:
    """Give a performer the change that its job is about."""

    async def call(world: World, leased: Leased) -> None:
        await perform(world, str(leased.job.payload["change"]))

    return call


async def _tell(world: World, leased: Leased) -> None:
    await record(world, await world.store.changes.get(str(leased.job.payload["change"])))


async def _advance(world: World, leased: Leased) -> None:
    change = await world.store.changes.get(str(leased.job.payload["change"]))
    if change.phase in orphan.UNDER_WAY and orphan.orphaned(world, change.cluster, leased):
        await orphan.end_change(world, change)
    else:
        await advance(world, change.id)


async def _measure(world: World, leased: Leased) -> None:
    run = await world.store.runs.get(str(leased.job.payload["run"]))
    if orphan.orphaned(world, run.service.cluster, leased):
        await orphan.end_verification(world, run.id)
    else:
        await continue_run(world, run.id)


async def _sweep(world: World, leased: Leased) -> None:
    await sweep(world, str(leased.job.payload["cluster"]))


_PERFORMERS: Mapping[str, Callable[[World, Leased], Awaitable[None]]] = {
    jobs.ORDER: carry_out,
    jobs.CLICK: answer_click,
    jobs.CARD: talk.draw_card,
    jobs.NOTICE: notice.draw_notice,
    jobs.SAY: talk.say,
    jobs.ANNOUNCE: talk.announce,
    jobs.PROGRESS: progress.draw_progress,
    jobs.VERDICT: progress.say_verdict,
    jobs.FAILED: progress.say_failed,
    jobs.PICTURE: show_picture,
    jobs.ADVANCE: _advance,
    jobs.LOOK: _of_change(look),
    jobs.RENEW: _of_change(renew),
    jobs.UNDO: _of_change(roll_back_by_itself),
    jobs.EXPIRE: _of_change(expire),
    jobs.REMIND: _of_change(remind),
    jobs.MEASURE: _measure,
    jobs.SWEEP: _sweep,
    jobs.TELL: _tell,
    jobs.INVITE: invitation.invite,
    jobs.INVITATION: invitation.tell,
    HOME: refresh_home,
    **INCIDENTS,
    **DIGESTS,
}
