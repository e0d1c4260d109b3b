"""The torture itself: people who race, replicas that die, servers that stumble; then the counting."""

import asyncio
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

from bot.adapters.store import open_store
from bot.demo.slack import Message
from bot.demo.slack.fault import Kind
from bot.domain.change import Change, EventKind, Phase
from tests.torture.arena import APPROVERS, REQUESTER, Arena, channel_of, name_of

WAVE = 8
"""Changes that are decided at the same time."""
SETTLES_WITHIN = 240.0
AGAIN_AFTER = 6.0
"""Seconds after which a person whose command or click Slack could not deliver does it again."""
_STATE = re.compile(
    r"^\S+ (Proposed|Approved|Applying|Verifying|Succeeded|Failed|Inconclusive|Not applied|Rejected|Withdrawn|Expired|Superseded|Reverted)"
)
_DECISIONS = {EventKind.APPROVED, EventKind.REJECTED, EventKind.WITHDRAWN}


@dataclass(slots=True)
class Report:
    """What was counted, from the API server's and Slack's side."""

    changes: int = 0
    approved: int = 0
    rejected: int = 0
    killed: int = 0
    seconds: float = 0.0
    wrong: Counter[str] = field(default_factory=Counter)
    duplicates: int = 0
    examples: list[str] = field(default_factory=list)

    def blame(self, what: str, example: str) -> None:
        """Count something that must not be."""
        self.wrong[what] += 1
        if len(self.examples) < 10:
            self.examples.append(f"{what}: {example}")

    @property
    def clean(self) -> bool:
        """Whether nothing was wrong."""
        return not self.wrong

    def lines(self) -> list[str]:
        """Say it."""
        told = [
            f"  {self.changes} changes, {self.approved} approved, {self.rejected} rejected; {self.killed} times SIGKILL; {self.seconds:.0f} s"
        ]
        told += [f"  {what:36}{self.wrong[what]:>5}" for what in WRONGS]
        told.append(f"  {'duplicate messages (at most allowed)':36}{self.duplicates:>5}")
        return [*told, *(f"    {example}" for example in self.examples)]


WRONGS = (
    "decided twice",
    "applied more than once",
    "applied without approval",
    "approved and not applied",
    "lost",
    "card unlike the database",
    "traceback",
)


async def torture(
    directory: Path, *, changes: int, replicas: int, database_url: str, seed: int = 7, chaos: bool = True
) -> Report:
    """Run it, and count."""
    began = monotonic()
    arena = Arena(directory, changes=changes, replicas=replicas, database_url=database_url, seed=seed)
    report = Report(changes=changes)
    try:
        await arena.start()
        breaking = [asyncio.create_task(b(arena)) for b in (_break, _kill_after_effects)] if chaos else []
        for first in range(0, changes, WAVE):
            await asyncio.gather(*(_decide(arena, n) for n in range(first, min(first + WAVE, changes))))
        for task in breaking:
            task.cancel()
        arena.world.api.faults.clear()
        arena.slack.faults.clear()
        await arena.all_back()
        await _settled(arena, changes)
        await _count(arena, report, database_url)
    finally:
        await arena.stop()
    for log in arena.logs():
        for line in log.splitlines():
            if "Traceback (most recent call last)" in line and '"level": "error"' in line:
                report.blame("traceback", line[:300])
    report.killed = arena.killed
    report.seconds = monotonic() - began
    return report


async def _decide(arena: Arena, number: int) -> None:
    """Alice proposes; then two approve and one rejects at the same time, some twice, some late."""
    slack, dice = arena.slack, arena.dice
    channel = channel_of(number)
    card = await _proposed(arena, number)
    clickers = list(APPROVERS)
    dice.shuffle(clickers)
    acts = [(who, "change:approve" if place < 2 else "change:reject") for place, who in enumerate(clickers)]
    await asyncio.gather(*(_click(arena, who, card, action) for who, action in acts))
    while True:
        try:
            await slack.wait_for(
                lambda: _state(slack.readable(slack.message(channel, card.ts) or card)) != "Proposed" or None,
                AGAIN_AFTER,
            )
        except TimeoutError:
            # The clicks were lost on their way to a dead replica, and Slack said so: somebody clicks again.
            await _click(arena, clickers[0], card, "change:approve")
        else:
            return


async def _proposed(arena: Arena, number: int) -> Message:
    """Ask until the card is there: a command that Slack could not deliver is given again."""
    slack, channel = arena.slack, channel_of(number)
    while True:
        await slack.command(REQUESTER, channel, f"/elb-passthrough enable shop/{name_of(number)} torture")
        try:
            return await slack.wait_for(lambda: _card(arena, number), AGAIN_AFTER)
        except TimeoutError:
            continue


def _card(arena: Arena, number: int) -> Message | None:
    found = (m for m in arena.slack.messages(channel_of(number)) if m.thread_ts in {None, m.ts})
    return next((m for m in found if f"shop/{name_of(number)}" in arena.slack.readable(m)), None)


async def _click(arena: Arena, who: str, card: Message, action: str) -> None:
    slack, dice = arena.slack, arena.dice
    now = slack.message(card.channel, card.ts) or card
    slack.deliveries.next(copies=dice.choice((1, 1, 2)), delay=dice.choice((0.0, 0.0, 0.05)))
    try:
        ack = await slack.click(who, now, action)
    except LookupError:
        return
    if ack.ok and dice.random() < 0.2 and slack.deliveries.sent:
        number = slack.deliveries.sent[-1].number
        slack.deliveries.background(slack.deliveries.again(number, delay=1.5))


async def _break(arena: Arena) -> None:
    """Kill, stumble, hang up: at random, and in the moment between an effect and its record."""
    dice = arena.dice
    while True:
        await asyncio.sleep(dice.uniform(0.3, 1.5))
        fault = dice.random()
        # Faults that nothing met yet do not pile up: a server that only ever stumbles is down, not stumbling.
        if fault < 0.25 and not arena.world.api.faults.pending():
            arena.world.api.faults.fail(
                1, code=dice.choice((409, 429, 500)), verb="patch", resource="services", retry_after=1
            )
        elif fault < 0.4 and not arena.world.api.faults.pending():
            arena.world.api.faults.drop_reply(1, verb="patch", resource="services")
        elif fault < 0.7 and len(arena.slack.faults.pending()) < 2:
            kind: Kind = dice.choice(("429", "500", "lost", "timeout"))
            method = dice.choice(("chat.postMessage", "chat.update", "*"))
            arena.slack.faults.add(method, kind, count=1, seconds=1.0)
        if dice.random() < 0.02:
            arena.kill()


async def _kill_after_effects(arena: Arena) -> None:
    """Kill in the moment between an effect and its record: a patch, or a message, has just landed."""
    dice = arena.dice
    while True:
        patched, posted = sum(arena.patched.values()), _posted(arena)
        await arena.slack.wait_for(
            lambda before=patched, said=posted: (
                sum(arena.patched.values()) > before + 3 or _posted(arena) > said + 20 or None
            ),  # type: ignore[misc]  # mypy cannot infer a default argument's type
            3600,
        )
        arena.kill()
        await asyncio.sleep(dice.uniform(4.0, 8.0))


def _posted(arena: Arena) -> int:
    return sum(1 for entry in arena.slack.log(name="chat.postMessage") if entry.result == "ok")


def _state(text: str) -> str:
    found = _STATE.match(text)
    return found[1] if found else ""


async def _settled(arena: Arena, changes: int) -> None:
    """Wait until every card says how its change ended."""
    over = {
        "Succeeded",
        "Failed",
        "Inconclusive",
        "Not applied",
        "Rejected",
        "Superseded",
        "Expired",
        "Withdrawn",
        "Reverted",
    }

    def done() -> bool | None:
        cards = [_card(arena, n) for n in range(changes)]
        return all(c is not None and _state(arena.slack.readable(c)) in over for c in cards) or None

    try:
        await arena.slack.wait_for(done, SETTLES_WITHIN)
    except TimeoutError:
        return


async def _count(arena: Arena, report: Report, database_url: str) -> None:
    store = open_store(database_url)
    try:
        found = {c.service.name: c for c in await store.changes.find(limit=10 * report.changes + 10)}
        for number in range(report.changes):
            change = found.get(name_of(number))
            if change is None:
                report.blame("lost", name_of(number))
                continue
            await _judge(
                arena, report, number, change, [event.kind for event in await store.changes.events(change.id)]
            )
    finally:
        await store.close()
    keys = Counter(
        (m.metadata or {}).get("event_payload", {}).get("key")
        for n in range(report.changes)
        if (card := _card(arena, n))
        for m in arena.slack.thread(card.channel, card.ts)
    )
    report.duplicates = sum(times - 1 for key, times in keys.items() if key and times > 1)


async def _judge(arena: Arena, report: Report, number: int, change: Change, events: list[EventKind]) -> None:
    name, patched = name_of(number), arena.patched.get(name_of(number), 0)
    decisions = [kind for kind in events if kind in _DECISIONS]
    approved = EventKind.APPROVED in decisions
    report.approved += approved
    report.rejected += EventKind.REJECTED in decisions
    if len(decisions) > 1:
        report.blame("decided twice", f"{name} {decisions}")
    if patched > 1:
        report.blame("applied more than once", f"{name} {patched}")
    if patched and not approved:
        report.blame("applied without approval", name)
    if approved and not patched and change.phase not in {Phase.NOT_APPLIED, Phase.SUPERSEDED}:
        report.blame("approved and not applied", f"{name} {change.phase}")
    if change.open or not decisions:
        report.blame("lost", f"{name} is {change.phase}: {change.progress or change.note}")
    card = _card(arena, number)
    shown = _state(arena.slack.readable(card)).lower() if card else "no card"
    if shown != change.phase.value:
        report.blame("card unlike the database", f"{name}: {shown}, {change.phase}")
