"""A row that a newer version wrote keeps what this one does not know, whatever this one writes over it."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, cast, get_args, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.adapters.store import codec
from bot.adapters.store.carry import carry
from bot.domain.change import TRANSITIONS, Approval, Change, ClientClass, Event, ServiceRef, Step
from bot.domain.explanation import Severity
from bot.domain.incident import Incident
from bot.domain.verification import Burst, Outcome, Part, Probe, ProbePhase, Reading, Run, Verdict

AT = datetime(2026, 11, 2, 9, 30, tzinfo=UTC)
EXTRAS: tuple[Any, ...] = (None, "mood", 7, ["x"], {"deep": {"er": [{}]}})
WORDS = st.text(alphabet="ab <@U0>é", max_size=3)
CART = ServiceRef(cluster="prod", namespace="shop", name="cart")

LEAVES: Mapping[Any, st.SearchStrategy[Any]] = {
    str: WORDS,
    int: st.integers(0, 9),
    float: st.integers(0, 9).map(float),
    datetime: st.integers(0, 9).map(lambda minutes: AT + timedelta(minutes=minutes)),
}


def some(kind: Any) -> st.SearchStrategy[Any]:
    """Small values of a stored type."""
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        made: st.SearchStrategy[Any] = st.builds(
            cast("type", kind), **{field.name: some(hints[field.name]) for field in fields(kind)}
        )
        return made
    args = get_args(kind)
    if not args:
        return LEAVES[kind] if kind in LEAVES else st.from_type(kind)
    if type(None) in args:
        return st.none() | some(args[0])
    if args[-1] is Ellipsis:
        return st.lists(some(args[0]), max_size=2).map(tuple)
    if len(args) == 1:
        return st.frozensets(some(args[0]), max_size=2)
    return st.dictionaries(some(args[0]), some(args[1]), max_size=2)


def parts(kind: Any, value: Any) -> list[dict[str, Any]]:
    """Every object of a stored document that has fields: a newer version may have given it more of them."""
    args = [arg for arg in get_args(kind) if arg not in {type(None), Ellipsis}]
    if isinstance(value, dict) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return [value, *(part for name, hint in hints.items() for part in parts(hint, value[name]))]
    if type(None) in get_args(kind):
        return parts(args[0], value)
    if isinstance(value, dict):
        return [part for each in value.values() for part in parts(args[-1], each)]
    return [part for each in value for part in parts(args[0], each)] if isinstance(value, list) else []


def as_newer(value: Any, extra: Callable[[], Any]) -> dict[str, Any]:
    """The row of a newer version: what is stored of a value, and more in every part of it."""
    stored: dict[str, Any] = json.loads(codec.dump(value))
    for number, part in enumerate(parts(type(value), stored)):
        part[f"new-{number}"] = extra()
    return stored


def unknown(stored: Any) -> dict[str, Any]:
    """What a newer version wrote anywhere in a document."""
    if isinstance(stored, list):
        return {key: extra for each in stored for key, extra in unknown(each).items()}
    if not isinstance(stored, dict):
        return {}
    mine = {key: extra for key, extra in stored.items() if key.startswith("new-")}
    return mine | {
        key: extra
        for name, each in stored.items()
        if name not in mine
        for key, extra in unknown(each).items()
    }


def over(stored: Mapping[str, Any], value: Any) -> dict[str, Any]:
    """What is written when this version writes a value over a row."""
    written: dict[str, Any] = json.loads(codec.dump_over(json.dumps(stored), value))
    return written


bounded = settings(max_examples=60, suppress_health_check=list(HealthCheck))


@bounded
@given(st.one_of(some(Change), some(Run), some(Incident)), st.data())
def test_what_is_read_and_written_back_is_what_was_there(value: Any, data: st.DataObject) -> None:
    """Every key, known or not, at every depth, of any change, verification or incident."""
    stored = as_newer(value, lambda: data.draw(st.sampled_from(EXTRAS)))
    read = codec.load(type(value), json.dumps(stored))
    assert read == value
    assert over(stored, read) == stored


@bounded
@given(st.sampled_from([Change, Run, Incident]).flatmap(lambda kind: st.tuples(some(kind), some(kind))))
def test_what_is_known_is_written_as_it_is(values: tuple[Any, Any]) -> None:
    """Whatever was there: nothing of this version's own fields is held back, and nothing comes from elsewhere."""
    before, after = values
    stored = as_newer(before, lambda: "extra")
    written = over(stored, after)
    assert codec.load(type(after), json.dumps(written)) == after
    assert unknown(written).items() <= unknown(stored).items()
    assert "new-0" in written


def _changes(change: Change) -> list[Change]:
    """What the operations make of a change: every move there is, and what is noted."""
    kinds = [(phase, kind) for phase, row in TRANSITIONS.items() for kind in row]
    moved = [
        replace(change, phase=phase).after(Event(kind=kind, at=AT, by="U0BOB"), note="because")
        for phase, kind in kinds
    ]
    yes = Approval(by="U0NEW", at=AT, reason="fine")
    row = ClientClass(
        client="more",
        count=1,
        destination="d",
        before="b",
        after="a",
        through_before=None,
        through_after=None,
    )
    return [
        *moved,
        replace(change, progress="waiting", sent=(*change.sent, CART), sent_over={"shop/cart": "7"}),
        replace(change, approvals=(*change.approvals, yes), decided_by="U0NEW", decided_at=AT),
        replace(change, table=(row, *(replace(each, count=9, after="other") for each in change.table))),
        replace(change, findings=tuple(replace(each, severity="error", fix="f") for each in change.findings)),
        replace(change, steps=tuple(reversed(change.steps))),
        replace(change, superseded_by="CHG-9", rolled_back_by="CHG-9", undoing="u", incident=True),
    ]


def _runs(run: Run) -> list[Run]:
    probe = Probe(name="another", node="n", connections=1)
    burst = Burst(part=Part.RECHECK, client="another", at=AT, probes=(probe,))
    ended = tuple(
        replace(
            b, closed_at=AT, probes=tuple(replace(p, phase=ProbePhase.DONE, attempts=3) for p in b.probes)
        )
        for b in run.bursts
    )
    verdict = Verdict(outcome=Outcome.SUCCEEDED, rule="r", headline="h")
    return [
        replace(run, bursts=(*run.bursts, burst), calls=run.calls + 1),
        replace(run, bursts=ended),
        replace(run, readings=(*run.readings, Reading(at=AT + timedelta(days=1), value=1.0)), read_at=AT),
        replace(run, readings=tuple(replace(each, packets=2.0) for each in run.readings)),
        replace(
            run,
            finished_at=AT,
            verdict=run.verdict and replace(verdict, rows=run.verdict.rows, beside=run.verdict.beside),
        ),
        replace(run, stopped_by="U0BOB", stopped_at=AT),
    ]


def _incidents(incident: Incident) -> list[Incident]:
    worse = tuple(replace(each, text="worse", severity=Severity.ERROR) for each in incident.members)
    return [
        replace(incident, members=worse, version=incident.version + 1),
        replace(incident, acknowledged_by="U0BOB", acknowledged_at=AT),
        replace(incident, over_at=AT, closed_at=AT, ended_by="It is over.", detail={"a": "b"}),
    ]


@bounded
@given(some(Change), some(Run), some(Incident))
def test_whatever_an_operation_does_the_unknown_stays(change: Change, run: Run, incident: Incident) -> None:
    """Every move, every note, every step of a verification and of an incident that takes nothing away."""
    for before, afters in ((change, _changes(change)), (run, _runs(run)), (incident, _incidents(incident))):
        stored = as_newer(before, lambda: "extra")
        for after in afters:
            assert unknown(over(stored, after)) == unknown(stored)


def test_what_is_removed_takes_along_what_it_had_and_no_more() -> None:
    """The others of a list keep their own, in whatever order they are."""
    one, two, three = (Approval(by=by, at=AT) for by in ("U1", "U2", "U3"))
    stored = {"approvals": [{"by": by, "at": AT.isoformat(), f"new-{by}": by} for by in ("U1", "U2", "U3")]}

    def written(*approvals: Approval) -> list[set[str]]:
        kept = over(stored, Consent(approvals=approvals))["approvals"]
        return [{key for key in each if key.startswith("new-")} for each in kept]

    assert written(one, two, three) == [{"new-U1"}, {"new-U2"}, {"new-U3"}]
    assert written(three, one) == [{"new-U3"}, {"new-U1"}]
    assert written(replace(two, reason="fine"), Approval(by="U4", at=AT)) == [{"new-U2"}, set()]


def test_items_of_the_same_identity_keep_their_order() -> None:
    """The first is the first, the second the second."""
    step = Step(service=CART, uid="u", before={}, after={}, read_hash="", resource_version="1")
    stored = json.loads(codec.dump(Holder(steps=(step, step))))
    stored["steps"][0]["new-a"], stored["steps"][1]["service"]["new-b"] = 1, 2
    written = over(stored, Holder(steps=(replace(step, uid="v"), step, step)))["steps"]
    assert [unknown(each) for each in written] == [{"new-a": 1}, {"new-b": 2}, {}]


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """A row with a list."""

    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """A row with another."""

    approvals: tuple[Approval, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Nameless:
    """An item of which it is not said how it is told from others."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A row with such items."""

    items: tuple[Nameless, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """A row with a field that may be one thing or another."""

    item: Nameless | ServiceRef


@pytest.mark.parametrize("kind", [Listing, Doubtful])
def test_a_row_whose_items_cannot_be_told_apart_is_not_stored(kind: type) -> None:
    """Whoever adds such a field hears of it in the first test that stores one."""
    with pytest.raises(TypeError, match="nobody can tell which"):
        carry(kind, {}, {})
