"""The counting counts: a ledger that is wrong on purpose, one way at a time."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.torture.count import APPROVE, WRONGS, duplicates, wrongs
from tests.torture.ledger import Asked, Card, Clicked, Ledger, Patched, Row, Shown, Told
from tests.torture.subject import APPROVERS, Subject

BOB, CAROL, DAVE = APPROVERS
ONE = Subject(number=0, services=("shop/web-000",))
TWO = Subject(number=3, services=("pay/web-003",))
GROUP = Subject(number=1, services=("shop/set-001-a", "shop/set-001-b", "pay/set-001-c"))
SUBJECTS = (ONE, TWO, GROUP)


def click(at: float, number: int, who: str, action: str = APPROVE) -> Clicked:
    """A click that was acknowledged."""
    return Clicked(at=at, number=number, who=who, action=action, acknowledged=True)


def told(who: str, text: str, number: int = 0) -> Told:
    """What somebody was told, where the change is."""
    return Told(at=5, who=who, channel=f"C0T{number:03}", text=text)


def row(label: str, number: int, phase: str, *decisions: str, open_: bool = False) -> Row:
    """A change in the database."""
    return Row(label=label, number=number, phase=phase, open=open_, decisions=decisions)


def good() -> Ledger:
    """Three changes: one approved at once, one rejected after a first approval, a group that two approved."""
    return Ledger(
        asked=[Asked(at=0, number=each.number, acknowledged=True) for each in SUBJECTS],
        clicked=[
            click(1, 0, BOB),
            click(1, 3, BOB),
            click(2, 3, DAVE, "change:reject"),
            click(1, 1, BOB),
            click(2, 1, CAROL),
        ],
        patched=[
            Patched(at=3, service="shop/web-000", value="true"),
            *(Patched(at=3, service=name, value="true") for name in GROUP.services),
        ],
        shown=[
            Shown(label="CHG-1", state="proposed"),
            Shown(label="CHG-1", state="succeeded"),
            Shown(label="CHG-2", state="rejected"),
            Shown(label="CHG-3", state="applying"),
            Shown(label="CHG-3", state="inconclusive"),
        ],
        told=[
            told(BOB, "You approved CHG-1. The thread of its card shows what happens."),
            told(BOB, "You approved CHG-2. It needs 1 other person too.", 3),
            told(DAVE, "You rejected CHG-2. Nothing is patched.", 3),
            told(BOB, "You approved CHG-3. It needs 1 other person too.", 1),
            told(BOB, "You approved CHG-3. It is being applied.", 1),
            told(CAROL, "You approved CHG-3. The thread of its card shows what happens.", 1),
        ],
        turned=dict.fromkeys(("shop/web-000", *GROUP.services), 1),
        values={**dict.fromkeys(("shop/web-000", *GROUP.services), "true"), "pay/web-003": None},
        cards=[Card(label=f"CHG-{n}", text="as it is", right="as it is") for n in (1, 2, 3)],
        rows=[
            row("CHG-1", 0, "succeeded", "approved"),
            row("CHG-2", 3, "rejected", "rejected"),
            row("CHG-3", 1, "inconclusive", "approved"),
        ],
        posts=["card:a", "card:b", "card:c", "say:a:applied"],
    )


def put_back() -> Ledger:
    """The group could not be completed: what was patched of it was put back."""
    ledger = good()
    first, second, last = GROUP.services
    patched = [
        ledger.patched[0],
        *(Patched(at=3, service=name, value="true") for name in (second, last)),
        *(Patched(at=4, service=name, value=None) for name in (second, last)),
    ]
    values = {**ledger.values, **dict.fromkeys(GROUP.services)}
    turned = {"shop/web-000": 1, second: 1, last: 1}
    rows = [*ledger.rows[:2], row("CHG-3", 1, "not applied", "approved")]
    assert first not in turned
    return replace(ledger, patched=patched, values=values, turned=turned, rows=rows)


@pytest.mark.parametrize("ledger", [good(), put_back()])
def test_nothing_is_counted_where_nothing_is_wrong(ledger: Ledger) -> None:
    """Neither in what was applied whole, nor in what was put back whole."""
    assert wrongs(ledger, SUBJECTS) == []
    assert duplicates(ledger) == 0


def rows(ledger: Ledger, new: Row) -> Ledger:
    """Put a row in the place of the one with its label."""
    return replace(ledger, rows=[new if each.label == new.label else each for each in ledger.rows])


BROKEN: dict[str, tuple[str, Callable[[Ledger], Ledger]]] = {
    "two people are told that they decided": (
        "decided twice",
        lambda b: replace(b, told=[*b.told, told(DAVE, "You rejected CHG-1. Nothing is patched.")]),
    ),
    "two are told that they approved what needs one": (
        "decided twice",
        lambda b: replace(b, told=[*b.told, told(CAROL, "You approved CHG-1. The thread shows it.")]),
    ),
    "a card said both": (
        "decided twice",
        lambda b: replace(b, shown=[*b.shown, Shown(label="CHG-1", state="rejected")]),
    ),
    "what is applied is withdrawn": (
        "decided twice",
        lambda b: replace(b, shown=[*b.shown, Shown(label="CHG-1", state="withdrawn")]),
    ),
    "two events decide": (
        "decided twice",
        lambda b: rows(b, row("CHG-1", 0, "succeeded", "approved", "rejected")),
    ),
    "a patch is accepted twice": (
        "applied more than once",
        lambda b: replace(b, patched=[*b.patched, Patched(at=5, service="shop/web-000", value="true")]),
    ),
    "an annotation turns twice": (
        "applied more than once",
        lambda b: replace(b, turned={**b.turned, "shop/web-000": 2}),
    ),
    "what was never there is put back": (
        "applied more than once",
        lambda b: replace(b, patched=[*b.patched, Patched(at=5, service="pay/web-003", value=None)]),
    ),
    "what was rejected is patched": (
        "applied without approval",
        lambda b: replace(b, patched=[*b.patched, Patched(at=5, service="pay/web-003", value="true")]),
    ),
    "a patch comes before the click": (
        "applied without approval",
        lambda b: replace(b, patched=[replace(b.patched[0], at=0.5), *b.patched[1:]]),
    ),
    "a patch comes before the second approval": (
        "applied without approval",
        lambda b: replace(b, patched=[b.patched[0], replace(b.patched[1], at=1.5), *b.patched[2:]]),
    ),
    "what was rejected is on in the end": (
        "applied without approval",
        lambda b: replace(b, values={**b.values, "pay/web-003": "true"}),
    ),
    "what succeeded is off": (
        "approved and not applied",
        lambda b: replace(b, values={**b.values, "shop/web-000": None}),
    ),
    "a change never ends": ("lost", lambda b: rows(b, row("CHG-1", 0, "verifying", "approved", open_=True))),
    "a proposal is gone": ("lost", lambda b: replace(b, rows=[each for each in b.rows if each.number != 3])),
    "nobody decided": ("lost", lambda b: rows(b, row("CHG-2", 3, "rejected"))),
    "somebody waited for nothing": ("lost", lambda b: replace(b, forgotten=["the clicks on CHG-1"])),
    "one of a group is off": (
        "half-applied groups",
        lambda b: replace(b, values={**b.values, "shop/set-001-b": None}),
    ),
    "a card says something else": (
        "cards unlike the database",
        lambda b: replace(b, cards=[replace(b.cards[0], text="as it was"), *b.cards[1:]]),
    ),
    "a card is missing": ("cards unlike the database", lambda b: replace(b, cards=b.cards[1:])),
    "a click is not answered": (
        "unanswered clicks",
        lambda b: replace(b, told=[each for each in b.told if each.who != DAVE]),
    ),
    "a click is answered before it was made": (
        "unanswered clicks",
        lambda b: replace(b, told=[replace(each, at=0.5) for each in b.told]),
    ),
    "the chain is broken": ("broken audit chains", lambda b: replace(b, chain="at 3")),
    "a field of the other version is gone": (
        "dropped by the other version",
        lambda b: replace(b, dropped=["changes: .plan"]),
    ),
    "something surprising is logged": ("tracebacks", lambda b: replace(b, tracebacks=["Traceback"])),
}


@pytest.mark.parametrize("how", BROKEN)
def test_each_wrong_is_counted(how: str) -> None:
    """By its name; a counter that stays 0 whatever happens would prove nothing."""
    what, broken = BROKEN[how]
    assert what in {wrong.what for wrong in wrongs(broken(good()), SUBJECTS)}


def test_every_counter_is_seen_to_count() -> None:
    """None of those that are reported is left out above."""
    assert {what for what, _ in BROKEN.values()} == set(WRONGS)


def test_half_a_group_that_was_put_back_is_counted() -> None:
    """The change says not applied, and one of its Services is on."""
    ledger = put_back()
    left = replace(ledger, patched=ledger.patched[:-1], values={**ledger.values, GROUP.services[2]: "true"})
    assert {wrong.what for wrong in wrongs(left, SUBJECTS)} == {"half-applied groups"}


def test_a_message_that_stands_there_twice_is_a_duplicate() -> None:
    """By its key."""
    assert duplicates(replace(good(), posts=["card:a", "card:a", "card:b", "card:a"])) == 2
