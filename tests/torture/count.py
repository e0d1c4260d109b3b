"""Counting: from what was seen to what went wrong. Pure, so that a wrong ledger can show that it counts."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.torture.ledger import Ledger, Row
from tests.torture.subject import Subject

WRONGS = (
    "decided twice",
    "applied more than once",
    "applied without approval",
    "approved and not applied",
    "lost",
    "half-applied groups",
    "cards unlike the database",
    "unanswered clicks",
    "broken audit chains",
    "dropped by the other version",
    "tracebacks",
)
APPROVE = "change:approve"
_ON = frozenset({"verifying", "succeeded", "failed", "inconclusive", "reverted"})
_APPLIED = frozenset({"applying", *_ON})
_LEGAL = ((), ("approved",), ("rejected",), ("withdrawn",), ("approved", "withdrawn"))
"""What may be decided about a change: who asked for it may withdraw it until the patch is on its way."""
_DECIDED = re.compile(r"You (approved|rejected|withdrew) (CHG-\d+)\b(?!.*\bIt needs \d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wrong:
    """Something that must not be."""

    what: str
    """One of `WRONGS`."""
    example: str


def wrongs(ledger: Ledger, subjects: Sequence[Subject]) -> list[Wrong]:
    """Return everything that went wrong, in the order of `WRONGS`."""
    rows = {each.number: [row for row in ledger.rows if row.number == each.number] for each in subjects}
    found = [
        *_decided_twice(ledger, subjects),
        *(wrong for each in subjects for wrong in _patches(ledger, each, rows[each.number])),
        *(wrong for each in subjects for wrong in _ends(ledger, each, rows[each.number])),
        *_cards(ledger),
        *_unanswered(ledger, subjects),
        *(Wrong(what="lost", example=text) for text in ledger.forgotten),
        *(Wrong(what="tracebacks", example=text) for text in ledger.tracebacks),
        *([Wrong(what="broken audit chains", example=ledger.chain)] if ledger.chain else []),
        *(Wrong(what="dropped by the other version", example=text) for text in ledger.dropped),
    ]
    return sorted(found, key=lambda wrong: WRONGS.index(wrong.what))


def duplicates(ledger: Ledger) -> int:
    """How many messages stand there once more than they should."""
    return sum(times - 1 for times in Counter(ledger.posts).values())


def _decided_twice(ledger: Ledger, subjects: Sequence[Subject]) -> Iterator[Wrong]:
    """By what people were told, by what the card showed at any time, and by the events."""
    told: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for each in ledger.told:
        for word, label in _DECIDED.findall(each.text):
            told[label].add((word, each.who))
    shown: dict[str, set[str]] = defaultdict(set)
    for card in ledger.shown:
        shown[card.label].add(card.state)
    needed = {each.number: each.approvals for each in subjects}
    for row in ledger.rows:
        if (
            _too_many(told[row.label], needed[row.number])
            or _contradictory(shown[row.label])
            or row.decisions not in _LEGAL
        ):
            seen = [" ".join(each) for each in sorted(told[row.label])]
            example = ", ".join([*seen, *sorted(shown[row.label]), *row.decisions])
            yield Wrong(what="decided twice", example=f"{row.label}: {example}")


def _too_many(told: set[tuple[str, str]], approvals: int) -> bool:
    """Whether more people were told that they decided than can have; of several approvers each may be."""
    times = Counter(word for word, _ in told)
    return (
        times["approved"] > approvals
        or times["rejected"] > 1
        or times["withdrew"] > 1
        or (times["rejected"] > 0 and len(times) > 1)
    )


def _contradictory(states: set[str]) -> bool:
    """Whether a card said one thing at one time and another later."""
    if "rejected" in states:
        return bool(states & {"approved", "withdrawn", *_APPLIED})
    return "withdrawn" in states and bool(states & _APPLIED)


def _patches(ledger: Ledger, each: Subject, rows: Sequence[Row]) -> Iterator[Wrong]:
    approved = sum("approved" in row.decisions for row in rows)
    for service in each.services:
        sent = [patch for patch in ledger.patched if patch.service == service]
        on = [patch for patch in sent if patch.value is not None]
        off = len(sent) - len(on)
        if len(on) > max(approved, 1) or off > len(on) or ledger.turned.get(service, 0) > max(approved, 1):
            example = f"{service}: {len(on)} times on, {off} times off, for {approved} approved"
            yield Wrong(what="applied more than once", example=example)
        if on and (not approved or len(_approvers(ledger, each, on[0].at)) < each.approvals):
            yield Wrong(what="applied without approval", example=service)


def _approvers(ledger: Ledger, each: Subject, before: float) -> set[str]:
    """Who had pressed Approve by then, by Slack's log."""
    return {
        click.who
        for click in ledger.clicked
        if click.number == each.number and click.action == APPROVE and click.at < before
    }


def _ends(ledger: Ledger, each: Subject, rows: Sequence[Row]) -> Iterator[Wrong]:
    """How it stands with a change in the end: one way or the other, and as the database says."""
    values = {ledger.values.get(service) for service in each.services}
    if len(values) > 1:
        yield Wrong(what="half-applied groups", example=f"{each.named}: {sorted(map(str, values))}")
    promised = any(order.acknowledged for order in ledger.asked if order.number == each.number)
    if not rows and promised:
        yield Wrong(what="lost", example=f"{each.named}: proposed and not there")
    for row in rows:
        if row.open or not row.decisions:
            yield Wrong(what="lost", example=f"{row.label} for {each.named} is {row.phase}: {row.note}")
    wanted = any(row.phase in _ON for row in rows)
    if wanted and values != {"true"}:
        yield Wrong(what="approved and not applied", example=f"{each.named}: {sorted(map(str, values))}")
    if not wanted and values == {"true"}:
        phases = ", ".join(row.phase for row in rows)
        yield Wrong(what="applied without approval", example=f"{each.named} is on, and {phases or 'unknown'}")


def _cards(ledger: Ledger) -> Iterator[Wrong]:
    there = {card.label for card in ledger.cards}
    for row in ledger.rows:
        if row.label not in there:
            yield Wrong(what="cards unlike the database", example=f"{row.label} has none")
    for card in ledger.cards:
        if card.text != card.right:
            yield Wrong(
                what="cards unlike the database",
                example=f"{card.label}: {_difference(card.text, card.right)}",
            )


def _difference(text: str, right: str) -> str:
    pairs = zip(text.splitlines(), right.splitlines(), strict=False)
    return next((f"{one!r} is not {two!r}" for one, two in pairs if one != two), "one is longer")


def _unanswered(ledger: Ledger, subjects: Sequence[Subject]) -> Iterator[Wrong]:
    """Every click that was acknowledged is answered, to who clicked and where; what the answer says is another matter."""
    for each in subjects:
        for who in sorted({click.who for click in ledger.clicked if click.number == each.number}):
            clicks = [
                click
                for click in ledger.clicked
                if (click.number, click.who, click.acknowledged) == (each.number, who, True)
            ]
            heard = [
                told
                for told in ledger.told
                if (told.who, told.channel) == (who, each.channel) and clicks and told.at >= clicks[0].at
            ]
            if len(heard) < len(clicks):
                example = (
                    f"{who} clicked {len(clicks)} times on {each.named} and was answered {len(heard)} times"
                )
                yield Wrong(what="unanswered clicks", example=example)
