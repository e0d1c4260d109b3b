"""Incident messages: one for each incident, edited as it develops; too many at once are told together."""

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.domain.explanation import Severity
from bot.domain.freeze import frozen_until
from bot.domain.incident import CLUSTER, Incident, Member, Phase, Snooze
from bot.domain.words import counted, duration, person
from bot.operations.card import Button
from bot.operations.incident_jobs import (
    BECAUSE,
    FOLD,
    NOTICE,
    PART_OF,
    SAY,
    fold_job,
    notice_job,
)
from bot.operations.incident_pace import take_last_place, take_place
from bot.operations.incident_route import channel_of, rank, worth_telling
from bot.operations.incident_unheard import mark, unmark
from bot.operations.world import World
from bot.ports import Later, Leased, Message, NotFound, Stale

log = logging.getLogger(__name__)

ACKNOWLEDGE, SNOOZE, PROPOSE = "incident:acknowledge", "incident:snooze", "incident:propose"
SNOOZES = {"1h": "1 hour", "8h": "8 hours", "change": "Until it changes"}
SIGNS = {Severity.ERROR: "🔴", Severity.WARNING: "🟠", Severity.INFO: "🔵"}
OVER = "⚪"
MOST_LISTED = 12
LONG = timedelta(days=1)
"""After this an open incident is one of those that merely stay."""
CHANNEL_AGAIN = 300.0
"""Seconds after which a channel that is archived, or without the bot, is tried again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What the template shows."""

    sign: str
    where: str
    what: str
    sentence: str
    """All of it in one, for notifications."""
    members: tuple[tuple[str, str], ...]
    more: str
    why: tuple[str, str]
    """The reason, and the code of the rule that it comes from."""
    still: str
    fix: str
    notes: tuple[str, ...]
    buttons: tuple[Button, ...]
    snoozes: tuple[tuple[str, str], ...]
    menu: tuple[tuple[str, str], ...]
    """Everything that the buttons do, for a message that tells several incidents."""


async def draw(world: World, leased: Leased) -> None:
    """Post an incident's message, or bring it up to date.

    What was over before it could be told is told no more: a message says what is, not what was.

    Raises:
        Later: it is a quiet hour, or the channel cannot be posted to now.
    """
    row = await world.store.incidents.get(str(leased.job.payload["incident"]))
    channel = channel_of(world, row)
    if channel is None or row.phase in {Phase.SETTLING, Phase.STANDING} or PART_OF in row.detail:
        return
    if row.folded:
        await world.store.jobs.submit(fold_job(row.folded, channel))
        return
    place = await world.store.messages.place(leased.job.key)
    if place is not None:
        try:
            await world.messenger.edit(place, notice_message(world, row))
        except NotFound:
            log.info("the message of incident %s is gone", row.id)
            await _wait_for(world, [row], channel)
        else:
            return
    if not row.live:
        await unmark(world, [row], channel)
    elif worth_telling(world, row) and not silent(world, row):
        await _post(world, leased, row, channel)


async def _wait_for(world: World, rows: Sequence[Incident], channel: str) -> None:
    """An archived channel may be opened again, and would go on saying of what is over that it is not.

    Raises:
        Later: it cannot be posted to now.
    """
    over = [row for row in rows if row.closed_at is not None]
    if len(over) < len(rows) or await world.messenger.member_of(channel):
        return
    if all(world.clock() - row.closed_at < LONG for row in over if row.closed_at):
        raise Later(CHANNEL_AGAIN)


def silent(world: World, row: Incident) -> bool:
    """Whether somebody asked for silence.

    Raises:
        Later: there is silence until a known time.
    """
    now = world.clock()
    if row.snoozed(now) and row.snooze is not None:
        if row.snooze.until is None:
            return True
        raise Later((row.snooze.until - now).total_seconds())
    windows = [q.window for q in world.settings.incidents.quiet if rank(row.severity) < rank(q.below)]
    until = frozen_until(windows, now)
    if until is not None:
        raise Later(max(1.0, (until - now).total_seconds()))
    return False


async def _post(world: World, leased: Leased, row: Incident, channel: str) -> None:
    fold = "" if leased.attempt > 1 else await _fold(world, channel)
    if fold:
        try:
            await world.store.incidents.save(row, replace(row, folded=fold), jobs=[fold_job(fold, channel)])
        except Stale as error:
            raise Later(0.0) from error
        return
    try:
        place = await world.messenger.post(
            channel, notice_message(world, row), key=leased.job.key, look=leased.attempt > 1
        )
    except NotFound as error:
        log.warning("incident %s of %s cannot be told: %s", row.id, row.cluster, error)
        await mark(world, [row], channel)
        raise Later(CHANNEL_AGAIN) from error
    await world.store.messages.remember(leased.job.key, place)
    await unmark(world, [row], channel)


async def _fold(world: World, channel: str) -> str:
    """Return the key of the message that tells this one with others; empty: it may have its own."""
    minute, number = await world.store.incidents.admit(channel)
    return "" if number < world.settings.incidents.per_minute else f"incident-fold:{channel}:{minute}"


async def draw_fold(world: World, leased: Leased) -> None:
    """Post or edit the one message that tells what came too fast; a single one looks as if it were alone."""
    rows = await world.store.incidents.folded(leased.job.key)
    place = await world.store.messages.place(leased.job.key)
    if not rows or (place is None and not any(row.live for row in rows)):
        await unmark(world, rows, str(leased.job.payload["channel"]))
        return
    if place is not None:
        try:
            await world.messenger.edit(place, _fold_message(world, rows))
        except NotFound:
            log.info("the message %s is gone", leased.job.key)
            await _wait_for(world, rows, str(leased.job.payload["channel"]))
        return
    channel = str(leased.job.payload["channel"])
    await take_last_place(world, leased, channel)
    try:
        place = await world.messenger.post(
            channel, _fold_message(world, rows), key=leased.job.key, look=leased.attempt > 1
        )
    except NotFound as error:
        await mark(world, rows, channel)
        raise Later(CHANNEL_AGAIN) from error
    await world.store.messages.remember(leased.job.key, place)
    await unmark(world, rows, channel)


def _taken(row: Incident, now: datetime) -> str:
    """Say who has it in hand."""
    if not row.live:
        return ""
    if row.acknowledged_by:
        return f"acknowledged by {person(row.acknowledged_by)}"
    return f"snoozed by {person(row.snooze.by)}" if row.snooze and row.snoozed(now) else ""


def _fold_message(world: World, rows: Sequence[Incident]) -> Message:
    if len(rows) == 1:
        return notice_message(world, rows[0])
    worst_first = sorted(rows, key=lambda row: (not row.live, -rank(row.severity)))
    notices = [(notice_of(row), _taken(row, world.clock())) for row in worst_first]
    left = len(notices) - MOST_LISTED
    more = f"and {left} more: ask for the list" if left > 0 else ""
    over = sum(not row.live for row in rows)
    title = f"{counted(len(rows), 'incident')} at once" + (f", {over} of them over" if over else "")
    return world.message("incidents", title=title, notices=notices[:MOST_LISTED], more=more)


async def say(world: World, leased: Leased) -> None:
    """Say in the thread, and so that the channel sees it, what an edit would tell nobody; nothing once it is over."""
    row = await world.store.incidents.get(str(leased.job.payload["incident"]))
    place = await world.store.messages.place(row.folded or notice_job(row.id).key)
    if row.phase is not Phase.OPEN or place is None:
        return
    what = str(leased.job.payload["what"])
    if what.startswith("woke"):
        snooze = row.snooze
        if row.acknowledged_by or snooze is None or what != woken(snooze) or row.snoozed(world.clock()):
            return
        await world.store.jobs.submit(notice_job(row.id))
    await take_place(world, leased, place.channel)
    notice = notice_of(row)
    word = "Still so" if what.startswith("woke") else "Worse than before"
    await world.messenger.post(
        place.channel,
        world.message("sentence", sentence=f"{notice.sign} {word}: {notice.sentence}"),
        key=leased.job.key,
        thread=place.ts,
        broadcast=True,
        look=leased.attempt > 1,
    )


def woken(snooze: Snooze) -> str:
    """Name what is said when a snooze ends; another snooze takes its place."""
    return f"woke-{snooze.at.timestamp():.0f}"


PERFORMERS: Mapping[str, Callable[[World, Leased], Awaitable[None]]] = {
    NOTICE: draw,
    FOLD: draw_fold,
    SAY: say,
}
"""Who performs each kind of job."""


# --- what is shown ---------------------------------------------------------------------------------------


def notice_message(world: World, row: Incident) -> Message:
    """Render an incident as it is now."""
    return world.message("incident", row=row, notice=notice_of(row), over=not row.live)


def notice_of(row: Incident) -> Notice:
    """Compose an incident as it is now."""
    first = row.members[0] if row.members else None
    one = first is not None and len(row.members) == 1
    where = _where(row)
    what = first.text if one and first else row.title
    left = len(row.members) - MOST_LISTED
    return Notice(
        sign=SIGNS[row.severity] if row.live else OVER,
        where=where,
        what=what,
        sentence=_sentence(row, where, what),
        members=() if one else tuple((member.name, member.text) for member in row.members[:MOST_LISTED]),
        more=f"and {left} more" if left > 0 else "",
        why=(f"{first.why} {row.detail.get(BECAUSE, '')}".strip(), first.code) if first else ("", ""),
        still=first.still if one and first else "",
        fix=first.fix if first else "",
        notes=tuple(_notes(row)),
        buttons=tuple(_buttons(row)) if row.phase is Phase.OPEN else (),
        snoozes=tuple((f"{row.id}:{code}", words) for code, words in SNOOZES.items()),
        menu=tuple(_menu(row)) if row.phase is Phase.OPEN else (),
    )


def sentence_of(row: Incident) -> str:
    """Say an incident in one sentence."""
    return notice_of(row).sentence


def _where(row: Incident) -> str:
    if row.group == CLUSTER:
        return row.cluster
    named = row.members[0].name if len(row.members) == 1 else ""
    return f"{named or _subject(row)} · {row.cluster}"


def _subject(row: Incident) -> str:
    services = len(row.services)
    if not services:
        return _balancer(row)
    return f"{counted(services, 'Service')} on {_balancer(row)}" if services > 1 else str(row.services[0])


def _balancer(row: Incident) -> str:
    return f"load balancer {row.group.partition(':')[2]}"


def _sentence(row: Incident, where: str, what: str) -> str:
    if row.live:
        return f"{where}: {what}"
    ended = f" {row.ended_by}" if row.ended_by else ""
    return f"Over: {where}, after {duration(row.seconds)}: {what}.{ended}"


def _notes(row: Incident) -> list[str]:
    notes = [f"it came back {counted(row.times - 1, 'time')}"] if row.times > 1 else []
    return notes + ([f"it came and went {counted(row.flips, 'time')}"] if row.flips else [])


def _buttons(row: Incident) -> list[Button]:
    buttons = []
    if any(member.verb for member in row.members):
        buttons.append(Button(action=PROPOSE, label="Propose the fix", value=row.id, style="primary"))
    if not row.acknowledged_by:
        buttons.append(Button(action=ACKNOWLEDGE, label="Acknowledge", value=row.id))
    return buttons


def _menu(row: Incident) -> Iterator[tuple[str, str]]:
    for button in _buttons(row):
        yield f"{row.id}:{button.action.partition(':')[2]}", button.label
    for code, words in SNOOZES.items():
        yield f"{row.id}:{code}", f"Snooze: {words[0].lower()}{words[1:]}"


def fixable(row: Incident) -> Member | None:
    """Return the Service of an incident that a proposal would mend."""
    return next((member for member in row.members if member.verb and member.service), None)
