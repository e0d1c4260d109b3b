"""How far a verification is: one message in its thread, edited in place."""

from contextlib import suppress
from dataclasses import dataclass

from bot.domain.verification import Outcome, Run
from bot.domain.verification_cause import without_guess
from bot.domain.verification_period import later
from bot.domain.verification_progress import progress_line
from bot.domain.words import duration
from bot.operations.behind import Behind, behind
from bot.operations.caller import Caller
from bot.operations.card import Button
from bot.operations.incident_pace import take_place
from bot.operations.incident_route import channel_for
from bot.operations.jobs import failed_job, picture_job, progress_job
from bot.operations.thread import card_place
from bot.operations.verdict import SIGNS, verdict_message
from bot.operations.view import draw
from bot.operations.world import World
from bot.ports import Later, Leased, NotFound

SHORT = 10
"""Minutes below which seconds are said too."""
WIDTH = 8
"""Characters of the bar."""


async def draw_progress(world: World, leased: Leased) -> None:
    """Post or bring up to date how far a verification is; without a change it starts a thread of its own.

    Raises:
        Later: it is edited when the budget of edits allows; the last edit, which takes the button away, does not wait.
    """
    run = await world.store.runs.get(str(leased.job.payload["run"]))
    if (
        run.open
        and await world.store.messages.place(leased.job.key)
        and (wait := world.edits.take(world.clock()))
    ):
        raise Later(wait)
    thread = (await card_place(world, run.change_id)).ts if run.change_id else None
    message = world.message(
        "progress",
        run=run,
        service=run.service,
        progress=_progress(world, run),
        ended=_ended(run),
        buttons=_stop(run),
    )
    await draw(world, leased, run.channel, message, thread=thread, asked_by=run.requested_by)


async def say_verdict(world: World, leased: Leased) -> None:
    """Say how a verification without a change ended, in its thread; a failure in the channel too, with the way back."""
    run = await world.store.runs.get(str(leased.job.payload["run"]))
    place = await world.store.messages.place(progress_job(run.id).key)
    failed = _failed(run)
    await world.messenger.post(
        place.channel if place else run.channel,
        verdict_message(world, run, behind=await _behind(world, run) if failed else None),
        key=leased.job.key,
        thread=place.ts if place else None,
        broadcast=failed,
        look=leased.attempt > 1,
    )
    await world.store.jobs.submit(picture_job(run.id), *([failed_job(run.id)] if failed else []))


async def say_failed(world: World, leased: Leased) -> None:
    """Tell the incident channel of a verification without a change that failed, once."""
    run = await world.store.runs.get(str(leased.job.payload["run"]))
    channel = channel_for(world, run.service.cluster, run.services)
    if run.verdict is None or channel is None or channel == run.channel:
        return
    await take_place(world, leased, channel, urgent=True)
    place = await world.store.messages.place(progress_job(run.id).key)
    message = world.message(
        "verdict-notice",
        run=run,
        headline=run.verdict.headline,
        behind=await _behind(world, run),
        link=await world.messenger.permalink(place) if place else "",
    )
    with suppress(NotFound):
        await world.messenger.post(channel, message, key=leased.job.key, look=leased.attempt > 1)


def _failed(run: Run) -> bool:
    return run.verdict is not None and run.verdict.outcome is Outcome.FAILED


async def _behind(world: World, run: Run) -> Behind | None:
    return await behind(world, run.service, Caller(user=run.requested_by, team="", channel=run.channel))


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


@dataclass(frozen=True, slots=True, kw_only=True)
class _End:
    emoji: str
    word: str
    took: str
    why: str
    """What was found, in a clause."""


def _ended(run: Run) -> _End:
    """What a run came to, for a message that stays above its verdict."""
    emoji, word = SIGNS[run.verdict.outcome] if run.verdict else ("⚪", "Over")
    began = later(run.started_at, run.ahead)
    took = (run.finished_at - began).total_seconds() if run.finished_at else 0.0
    why = without_guess(run.verdict.headline).removesuffix(".") if run.verdict else ""
    return _End(emoji=emoji, word=word, took=_exactly(took), why=why)


def _exactly(seconds: float) -> str:
    """A length of time to the second, where that is worth it."""
    minutes, left = divmod(round(seconds), 60)
    return f"{minutes} min {left} s" if left and 0 < minutes < SHORT else duration(seconds)


def _stop(run: Run) -> tuple[Button, ...]:
    if not run.open or run.stopped_by:
        return ()
    return (Button(action="verification:stop", label="Stop measuring", value=run.id),)
