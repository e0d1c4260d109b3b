"""What the bot says by itself: cards, threads, verdicts, notices. Each message is a view of its row."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from bot.domain.change import Change, Place
from bot.domain.policy import policy_for
from bot.domain.verification import Count, Crossing, Run, Verdict
from bot.domain.verification_progress import progress_line, series
from bot.domain.words import duration
from bot.operations.advance import run_id
from bot.operations.card import Button, card_of, title_of
from bot.operations.jobs import card_job, progress_job
from bot.operations.world import World
from bot.ports import Later, Leased, Message, NotFound


async def draw_card(world: World, leased: Leased) -> None:
    """Post the change's card, or bring it up to date; always from the row as it is now."""
    change = await world.store.changes.get(str(leased.job.payload["change"]))
    policies = [
        policy_for(world.settings.policies, change.cluster, step.service.namespace) for step in change.steps
    ]
    read_only = world.clusters.get(change.cluster).read_only
    card = card_of(change, read_only=read_only, break_glass=all(policy.break_glass for policy in policies))
    await _draw(world, leased, change.channel, world.message("card", change=change, card=card))


async def draw_progress(world: World, leased: Leased) -> None:
    """Post or bring up to date how far a verification is, in the thread of its card."""
    run = await world.store.runs.get(str(leased.job.payload["run"]))
    message = world.message(
        "progress", run=run, service=run.service, progress=_progress(world, run), buttons=_stop(run)
    )
    thread = await _thread(world, run)
    await _draw(world, leased, run.channel, message, thread=thread.ts if thread else None)


async def _draw(
    world: World, leased: Leased, channel: str, message: Message, *, thread: str | None = None
) -> None:
    key = leased.job.key
    place = await world.store.messages.place(key)
    if place is not None:
        try:
            await world.messenger.edit(place, message)
        except NotFound:
            # Somebody deleted it; the row is the truth, so it is shown again.
            place = None
    if place is None:
        place = await world.messenger.post(channel, message, key=key, thread=thread, look=leased.attempt > 1)
        await world.store.messages.remember(key, place)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    step: int
    of: int
    words: str
    bar: str
    left: str


def _progress(world: World, run: Run) -> _Bar:
    now = progress_line(run, world.clock())
    full = round(now.done * 8)
    return _Bar(
        step=now.step, of=now.of, words=now.words, bar="▓" * full + "░" * (8 - full), left=duration(now.left)
    )


def _stop(run: Run) -> tuple[Button, ...]:
    if not run.open or run.stopped_by:
        return ()
    return (Button(action="verification:stop", label="Stop measuring", value=run.id),)


async def _thread(world: World, run: Run) -> Place | None:
    """The message in whose thread a run reports: the change's card; `verify` starts a thread of its own."""
    return await _card(world, run.change_id) if run.change_id else None


async def say(world: World, leased: Leased) -> None:
    """Say one thing about a change, once."""
    change = await world.store.changes.get(str(leased.job.payload["change"]))
    what = str(leased.job.payload["what"])
    if what.endswith("notice") or what == "breakglass":
        await _notice(world, leased, change, what)
    if not what.endswith("notice"):
        await _in_thread(
            world, leased, change, await _SAYINGS[what](world, change), broadcast=what in _BAD_NEWS
        )


_BAD_NEWS = frozenset({"reverted", "not-applied"})


CARD_SOON = 0.5
"""Seconds after which a message for a thread looks again whether the thread's card has been posted."""


async def _card(world: World, change_id: str) -> Place:
    """Where a change's card is; a message for its thread waits until it is posted.

    Raises:
        Later: it is not posted yet.
    """
    place = await world.store.messages.place(card_job(change_id).key)
    if place is None:
        raise Later(CARD_SOON)
    return place


async def _in_thread(
    world: World, leased: Leased, change: Change, message: Message, *, broadcast: bool
) -> None:
    card = await _card(world, change.id)
    await world.messenger.post(
        card.channel,
        message,
        key=leased.job.key,
        thread=card.ts,
        broadcast=broadcast,
        look=leased.attempt > 1,
    )


async def _notice(world: World, leased: Leased, change: Change, what: str) -> None:
    """Tell the incident channel; without one, nobody is told."""
    channel = world.cluster_settings(change.cluster).incident_channel
    if channel is None:
        return
    card = await world.store.messages.place(card_job(change.id).key)
    link = await world.messenger.permalink(card) if card else ""
    message = world.message(
        "notice", change=change, what=what, title=title_of(change), link=link, card=card_of(change)
    )
    await world.messenger.post(channel, message, key=f"{leased.job.key}:incident", look=leased.attempt > 1)


async def _applied(world: World, change: Change) -> Message:
    diff = "; ".join(
        f"{key} {'removed' if value is None else f'set to {value}'} on {step.service}"
        for step in change.steps
        for key, value in step.after.items()
    )
    sentence = (
        f"Patched: {diff}. Connections that are open keep the old path; the measurement of new ones goes on."
    )
    return world.message("sentence", sentence=sentence)


async def _ended(world: World, change: Change) -> Message:
    return world.message("sentence", sentence=change.note)


async def _verdict(world: World, change: Change) -> Message:
    run = None
    try:
        run = await world.store.runs.get(run_id(change))
    except NotFound:
        return await _ended(world, change)
    return verdict_message(world, run)


async def _breakglass(world: World, change: Change) -> Message:
    glass = next(approval for approval in change.approvals if approval.break_glass)
    return world.message("breakglass", change=change, approval=glass)


async def _reminder(world: World, change: Change) -> Message:
    return world.message("reminder", change=change, title=title_of(change))


_SAYINGS: Mapping[str, Callable[[World, Change], Awaitable[Message]]] = {
    "applied": _applied,
    "not-applied": _ended,
    "superseded": _ended,
    "reverted": _ended,
    "verdict": _verdict,
    "breakglass": _breakglass,
    "reminder": _reminder,
}


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


_SIGNS = {
    "succeeded": ("✅", "Succeeded"),
    "failed": ("❌", "Failed"),
    "inconclusive": ("❔", "Inconclusive"),
}


def verdict_message(world: World, run: Run) -> Message:
    """Show what a run found: the table of client classes, and why it is sure, or what is missing."""
    verdict = run.verdict
    if verdict is None:
        return world.message(
            "sentence", sentence=f"The verification of {run.service} was stopped; it has no verdict."
        )
    emoji, word = _SIGNS[verdict.outcome]
    return world.message(
        "verdict",
        run=run,
        verdict=verdict,
        emoji=emoji,
        word=word,
        rows=_table(run, verdict),
        series=series(run).text,
        confidence="" if verdict.confidence is None else f"{int(verdict.confidence * 100)} %",
    )


def _table(run: Run, verdict: Verdict) -> tuple[tuple[str, ...], ...]:
    head: tuple[str, ...]
    if run.comparing:
        head = ("Client", "Connected before", "after", "Seen by the ELB before", "after", "Expected")
        return (
            head,
            *(
                (
                    row.client,
                    _connected(row.before),
                    _connected(row.after),
                    _seen(row.before),
                    _seen(row.after),
                    row.expected,
                )
                for row in verdict.rows
            ),
        )
    head = ("Client", "Connected", "Seen by the ELB", "Expected")
    return (
        head,
        *((row.client, _connected(row.after), _seen(row.after), row.expected) for row in verdict.rows),
    )


def _connected(count: Count | None) -> str:
    return "–" if count is None or count.attempts is None else f"{count.connected}/{count.attempts}"


def _seen(count: Count | None) -> str:
    return (
        "–"
        if count is None or count.crossing is Crossing.UNSEEN or count.seen is None
        else str(max(0, count.seen))
    )
