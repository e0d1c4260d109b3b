"""The load balancer's new connections during a verification, as a picture under its verdict."""

import asyncio
import logging

from bot.domain.change import Place
from bot.domain.verification import Run
from bot.domain.verification_progress import Series, series
from bot.domain.words import counted
from bot.operations.jobs import card_job, progress_job
from bot.operations.world import World
from bot.ports import Forbidden, Invalid, Leased, NotFound, Picture
from bot.render.chart import Chart, png

log = logging.getLogger(__name__)

MOST_NUMBERS = 8
"""Bursts of one kind whose counts are read out."""

_UNITS = {1.0: "second", 60.0: "minute"}


async def show_picture(world: World, leased: Leased) -> None:
    """Show the picture in the run's thread, where one can be drawn and Slack lets us; the verdict has it as text."""
    try:
        run = await world.store.runs.get(str(leased.job.payload["run"]))
    except NotFound:
        return  # nothing was measured
    place = await _thread(world, run)
    drawn = await asyncio.to_thread(picture, world, run)  # drawing takes longer than others should wait
    if drawn is None or place is None:
        return
    try:
        await world.messenger.show(place.channel, drawn, thread=place.ts)
    except (Forbidden, Invalid, NotFound) as error:
        log.info("the picture of %s is not shown: %s", run.id, error)


async def _thread(world: World, run: Run) -> Place | None:
    """The card's thread, or that of the verification itself."""
    job = card_job(run.change_id) if run.change_id else progress_job(run.id)
    return await world.store.messages.place(job.key)


def picture(world: World, run: Run) -> Picture | None:
    """Draw a run's counters; None where nothing can draw, or none came."""
    shown = series(run)
    unit = _UNITS.get(run.plan.period) or f"{run.plan.period:g} s"
    title = world.redacted(
        f"New connections per {unit} at the load balancer of {run.service} on {run.service.cluster}"
    )
    data = png(Chart(title=f"{title} (UTC)", series=shown, compared=bool(run.change_id)))
    alt = f"{title}. {_told(shown)}"
    return None if data is None else Picture(name="connections.png", data=data, title=title, alt=alt)


def _told(shown: Series) -> str:
    """The numbers of a picture, for those who cannot see it."""
    said = [_quiet(shown)]
    for mark, words in (
        ("before", "before the patch"),
        ("after", "after it" if "patch" in shown.marks else ""),
        ("recheck", "when looked at once more"),
    ):
        if mark in shown.marks:
            said.append(f"In the bursts {words}".rstrip() + f": {_bursts(shown, mark)}.")
    missing = sum(value is None for value in shown.values)
    if missing:
        said.append(f"No data came of {counted(missing, 'period')}.")
    return " ".join(said)


def _quiet(shown: Series) -> str:
    quiet = [v for v, mark in zip(shown.values, shown.marks, strict=True) if mark in ("", "patch")]
    came = [v for v in quiet if v is not None]
    if not came:
        return "Outside the bursts no data came."
    return (
        f"Outside the bursts: {min(came)} to {max(came)}."
        if min(came) != max(came)
        else (f"Outside the bursts: always {came[0]}.")
    )


def _bursts(shown: Series, mark: str) -> str:
    """Seen of made, burst by burst."""
    rows = zip(shown.values, shown.made, shown.marks, strict=True)
    told = [f"{'no data' if v is None else v} of {made}" for v, made, each in rows if each == mark and made]
    more = len(told) - MOST_NUMBERS
    return ", ".join([*told[:MOST_NUMBERS], *([f"and {more} more"] if more > 0 else [])])
