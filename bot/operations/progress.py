"""How far a verification is: one message in its thread, edited in place."""

from dataclasses import dataclass

from bot.domain.verification import Run
from bot.domain.verification_progress import progress_line
from bot.domain.words import duration
from bot.operations.card import Button
from bot.operations.jobs import progress_job
from bot.operations.thread import card_place
from bot.operations.verdict import verdict_message
from bot.operations.view import draw
from bot.operations.world import World
from bot.ports import Leased

WIDTH = 8
"""Characters of the bar."""


async def draw_progress(world: World, leased: Leased) -> None:
    """Post or bring up to date how far a verification is; without a change it starts a thread of its own."""
    run = await world.store.runs.get(str(leased.job.payload["run"]))
    thread = (await card_place(world, run.change_id)).ts if run.change_id else None
    message = world.message(
        "progress", run=run, service=run.service, progress=_progress(world, run), buttons=_stop(run)
    )
    await draw(world, leased, run.channel, message, thread=thread)


async def say_verdict(world: World, leased: Leased) -> None:
    """Say how a verification without a change ended, in its thread."""
    run = await world.store.runs.get(str(leased.job.payload["run"]))
    place = await world.store.messages.place(progress_job(run.id).key)
    await world.messenger.post(
        place.channel if place else run.channel,
        verdict_message(world, run),
        key=leased.job.key,
        thread=place.ts if place else None,
        look=leased.attempt > 1,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    step: int
    of: int
    words: str
    bar: str
    left: str


def _progress(world: World, run: Run) -> _Bar:
    now = progress_line(run, world.clock())
    full = round(now.done * WIDTH)
    bar = "▓" * full + "░" * (WIDTH - full)
    return _Bar(step=now.step, of=now.of, words=now.words, bar=bar, left=duration(now.left))


def _stop(run: Run) -> tuple[Button, ...]:
    if not run.open or run.stopped_by:
        return ()
    return (Button(action="verification:stop", label="Stop measuring", value=run.id),)
