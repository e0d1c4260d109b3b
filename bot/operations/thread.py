"""What is said in the thread of a change's card: each thing once, the bad news in the channel too."""

from collections.abc import Awaitable, Callable, Mapping

from bot.domain.change import Change, Phase, Place
from bot.operations.card import title_of
from bot.operations.glass import frozen_words
from bot.operations.jobs import card_job, picture_job
from bot.operations.measured import run_id
from bot.operations.verdict import verdict_message
from bot.operations.world import World
from bot.ports import Later, Leased, Message, NotFound, Unreadable

CARD_SOON = 0.5
"""Seconds after which a message for a thread looks again whether the thread's card has been posted."""


async def card_place(world: World, change_id: str) -> Place:
    """Where a change's card is; a message for its thread waits until it is posted.

    Raises:
        Later: it is not posted yet.
    """
    place = await world.store.messages.place(card_job(change_id).key)
    if place is None:
        raise Later(CARD_SOON)
    return place


async def say_in_thread(world: World, leased: Leased, change: Change, what: str) -> None:
    """Say one thing about a change, once: the sentence of the job, else what is to be said of the row as it is now.

    Raises:
        Unreadable: only a newer version knows what that is.
    """
    card = await card_place(world, change.id)
    sentence = str(leased.job.payload.get("sentence", ""))
    if not sentence and what not in _SAYINGS:
        raise Unreadable(f"“{what}”, which is to be said of {change.label},")
    said = world.message("sentence", sentence=sentence) if sentence else await _SAYINGS[what](world, change)
    await world.messenger.post(
        card.channel,
        said,
        key=leased.job.key,
        thread=card.ts,
        broadcast=what in _BAD_NEWS or (what == "verdict" and change.phase is Phase.FAILED),
        look=leased.attempt > 1,
    )
    if what == "verdict" and not sentence:
        await world.store.jobs.submit(picture_job(run_id(change)))


_BAD_NEWS = frozenset({"reverted", "not-applied", "stuck", "half-applied", "not-undone", "breakglass"})
"""Said in the channel too; an edited card notifies nobody."""


async def _applied(world: World, change: Change) -> Message:
    diff = "; ".join(
        f"{key} {'removed' if value is None else f'set to {value}'} on {step.service}"
        for step in change.steps
        for key, value in step.after.items()
    )
    sentence = f"Patched: {diff}. Open connections keep the old path; what follows measures new ones."
    return world.message("sentence", sentence=sentence)


async def _ended(world: World, change: Change) -> Message:
    return world.message("sentence", sentence=change.note)


async def _superseded(world: World, change: Change) -> Message:
    new = change.superseded_by
    follows = f" {new} is the new proposal; approvals of {change.label} do not count for it." if new else ""
    return world.message("sentence", sentence=f"{change.label} is superseded: {change.note}{follows}")


async def _undone(world: World, change: Change) -> Message:
    sentence = f"The configuration asks for it (onFailure: rollback): {change.rolled_back_by} undoes {change.label} now."
    return world.message("sentence", sentence=sentence)


async def _verdict(world: World, change: Change) -> Message:
    try:
        run = await world.store.runs.get(run_id(change))
    except NotFound:
        return await _ended(world, change)
    return verdict_message(world, run, change.undone)


async def _breakglass(world: World, change: Change) -> Message:
    glass = next(approval for approval in change.approvals if approval.break_glass)
    return world.message("breakglass", change=change, approval=glass)


async def _reminder(world: World, change: Change) -> Message:
    return world.message(
        "reminder", change=change, title=title_of(change), frozen=frozen_words(world, change)
    )


_SAYINGS: Mapping[str, Callable[[World, Change], Awaitable[Message]]] = {
    "applied": _applied,
    "not-applied": _ended,
    "stuck": _ended,
    "half-applied": _ended,
    "superseded": _superseded,
    "reverted": _ended,
    "undone": _undone,
    "not-undone": _ended,
    "verdict": _verdict,
    "breakglass": _breakglass,
    "reminder": _reminder,
}
