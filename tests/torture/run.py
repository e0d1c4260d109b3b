"""The torture itself: a crowd that races, replicas that die, servers that stumble; then the counting."""

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import monotonic

from bot.adapters.store import SqlStore, open_store
from bot.domain.change import Change, EventKind
from bot.operations.card import Card as Shown
from bot.operations.card import card_of
from bot.render import Renderer
from tests.torture.arena import Arena
from tests.torture.chaos import Chaos
from tests.torture.count import WRONGS, Wrong, duplicates, wrongs
from tests.torture.crowd import Crowd
from tests.torture.ledger import Card, Ledger, Row
from tests.torture.next_version import written_over
from tests.torture.subject import GROUP, Subject, number_of
from tests.torture.witness import OVER, CardSeen

AT_ONCE = 10
"""Changes that people are about at the same time."""
LONGEST = 600.0
"""Seconds after which no further changes are begun for the sake of points that were not reached."""
SETTLES_WITHIN = 600.0
AGREES_WITHIN = 120.0
"""Seconds in which the last cards are drawn and the last answers given."""
_LOOK = 2.0
ROLLED_AT = 40
"""After so many changes each, all replicas are restarted one after the other."""
_WHERETO = re.compile(r" \(https?://[^)]*\)")
_DECISIONS = {EventKind.APPROVED, EventKind.REJECTED, EventKind.WITHDRAWN}


@dataclass(slots=True, kw_only=True)
class Report:
    """What was counted."""

    changes: int
    groups: int
    approved: int = 0
    seconds: float = 0.0
    killed: int = 0
    rolled: int = 0
    failed_over: int = 0
    points: Sequence[str] = ()
    hits: Counter[str] = field(default_factory=Counter)
    passed: Counter[str] = field(default_factory=Counter)
    """How often a replica came by each named point while it might have been killed there."""
    wrong: Sequence[Wrong] = ()
    duplicates: int = 0
    written_over: int | None = None
    """How often one version wrote over what the next one had written; None: there was one version."""
    phases: Counter[str] = field(default_factory=Counter)

    @property
    def clean(self) -> bool:
        """Whether nothing was wrong."""
        return not self.wrong

    @property
    def deaths(self) -> int:
        """How often a replica was killed."""
        return self.killed + sum(self.hits.values())

    @property
    def missing(self) -> list[str]:
        """The named points at which nobody died."""
        return [point for point in self.points if not self.hits[point]]

    def lines(self) -> list[str]:
        """Say it."""
        told = [
            f"  {self.changes} changes, {self.groups} groups of three among them, {self.approved} approved; {self.deaths} times SIGKILL; {self.seconds:.0f} s",
            f"  {self.rolled} restarts one after the other, {self.failed_over} times every connection to the database ended",
            f"  in the end: {', '.join(f'{count} {phase}' for phase, count in self.phases.most_common())}",
            "  killed",
            f"    {'at random':44}{self.killed:>5}",
            *(f"    {point:44}{self.hits[point]:>5} of {self.passed[point]}" for point in self.points),
            "  counted",
        ]
        counts = Counter(each.what for each in self.wrong)
        told += [f"    {what:44}{counts[what]:>5}" for what in WRONGS]
        told.append(f"    {'duplicate messages':44}{self.duplicates:>5}")
        if self.written_over is not None:
            told.append(f"    {'rows of the next version written over':44}{self.written_over:>5}")
        return [*told, *(f"    {each.what}: {each.example}" for each in self.wrong[:20])]


async def torture(
    directory: Path,
    *,
    changes: int,
    replicas: int,
    database_url: str,
    seed: int = 7,
    quota: int = 2,
    spare: int = 0,
    versions: bool = False,
) -> Report:
    """Run it, and count.

    `quota` is how often a replica is killed at each named point, at most; `spare` how many more changes there may be
    where after the others a point was not reached yet. With `versions`, every other replica is of the next version.
    """
    began = monotonic()
    arena = Arena(
        directory,
        changes=changes + spare,
        replicas=replicas,
        database_url=database_url,
        seed=seed,
        quota=quota,
        versions=versions,
    )
    try:
        await arena.start()
        crowd = Crowd(arena)
        await _rush(arena, crowd, changes)
        await arena.calm()
        report = await _count(arena, crowd, database_url)
        report.written_over = arena.witness.ledger.written_over if versions else None
    finally:
        await arena.stop()
    report.seconds = monotonic() - began
    return report


async def _rush(arena: Arena, crowd: Crowd, changes: int) -> None:
    """Go through so many changes, and through more while there are named points at which nobody has died yet."""
    raging = asyncio.create_task(Chaos(arena, crowd).rage())
    rolls = set(range(ROLLED_AT, changes, ROLLED_AT)) or {changes // 2}
    room, until = asyncio.Semaphore(AT_ONCE), monotonic() + LONGEST

    async def one(each: Subject) -> None:
        async with room:
            arena.proposed.append(each)
            if each.number in rolls:
                arena.roll()
            await crowd.go_through(each)

    try:
        await asyncio.gather(*(one(each) for each in arena.subjects[:changes]))
        for first in range(changes, len(arena.subjects), AT_ONCE):
            if arena.ambush.missing and monotonic() < until:
                await asyncio.gather(*(one(each) for each in arena.subjects[first : first + AT_ONCE]))
    finally:
        raging.cancel()


async def _count(arena: Arena, crowd: Crowd, database_url: str) -> Report:
    """Wait until every change has ended and everybody is told; then count what is left."""
    until = monotonic() + SETTLES_WITHIN
    while not await arena.witness.sees(lambda: _all_over(arena), _LOOK * 2) and monotonic() < until:
        await crowd.tidy()
    store = open_store(database_url)
    try:
        until = monotonic() + AGREES_WITHIN
        while True:
            ledger = await _ledger(arena, store)
            found = wrongs(ledger, arena.proposed)
            if not found or monotonic() > until:
                break
            await arena.witness.sees(lambda: False, _LOOK)
    finally:
        await store.close()
    return Report(
        changes=len(arena.proposed),
        groups=sum(each.group for each in arena.proposed),
        approved=sum("approved" in row.decisions for row in ledger.rows),
        killed=arena.killed,
        rolled=arena.rolled,
        failed_over=arena.failed_over,
        points=arena.ambush.points,
        hits=arena.ambush.hits,
        passed=arena.ambush.passed,
        wrong=found,
        duplicates=duplicates(ledger),
        phases=Counter(row.phase for row in ledger.rows),
    )


def _all_over(arena: Arena) -> bool:
    found = [arena.witness.cards[each.number] for each in arena.proposed]
    return all(found) and all(card.state in OVER for cards in found for card in cards.values())


async def _ledger(arena: Arena, store: SqlStore) -> Ledger:
    """Complete what was seen by what there is now."""
    changes = await store.changes.find(limit=10 * len(arena.subjects) + 10)
    seen = {card.label: card for found in arena.witness.cards.values() for card in found.values()}
    await store.audit.seal()
    check = await store.audit.check()
    arena.witness.ledger.written_over, dropped = await store.database.read(written_over)
    return replace(
        arena.witness.ledger,
        values=arena.witness.values(),
        rows=[await _row(store, change) for change in changes],
        cards=[_card(arena, change, seen[change.label]) for change in changes if change.label in seen],
        posts=_posts(arena),
        tracebacks=arena.tracebacks(),
        chain=str(check.broken or ""),
        dropped=dropped,
    )


async def _row(store: SqlStore, change: Change) -> Row:
    events = await store.changes.events(change.id)
    return Row(
        label=change.label,
        number=number_of(str(change.service)),
        phase=change.phase.value,
        open=change.open,
        decisions=tuple(event.kind.value for event in events if event.kind in _DECISIONS),
        note=change.progress or change.note,
    )


def _card(arena: Arena, change: Change, card: CardSeen) -> Card:
    """Read the card as a person does, and the row as it would be drawn now."""
    message = arena.slack.message(card.channel, card.ts)
    if message is None:
        return Card(label=change.label, text="", right="a card")
    drawn = Renderer().message("card", change=change, card=_shown(change))
    right = replace(message, text=drawn["text"], blocks=tuple(drawn["blocks"]))
    text, wanted = (_WHERETO.sub("", arena.slack.readable(each)) for each in (message, right))
    return Card(label=change.label, text=text, right=wanted)


def _shown(change: Change) -> Shown:
    """What the card shows beside the row: who may roll back, by the arena's policies; where links lead is not compared."""
    card = card_of(change)
    offered = any(button.action == "change:rollback" for button in card.buttons)
    links = {label: "https://linked" for label in (change.superseded_by, change.rolled_back_by) if label}
    return replace(card, may_undo=(GROUP,) if offered else (), links=links)


def _posts(arena: Arena) -> list[str]:
    found = {}
    for channel in arena.slack.state.directory.channels:
        for top in arena.slack.messages(channel):
            for message in arena.slack.thread(channel, top.ts):
                payload = (message.metadata or {}).get("event_payload") or {}
                found[message.ts] = str(payload.get("key", ""))
    return [key for key in found.values() if key]
