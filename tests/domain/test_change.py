from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from bot.domain.change import (
    OPEN,
    TRANSITIONS,
    Approval,
    Change,
    Event,
    EventKind,
    IllegalMoveError,
    MeasuredClient,
    MeasurementPlan,
    Phase,
    ServiceRef,
    Step,
    Verb,
)

NOW = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
KEY = "kubernetes.io/elb.pass-through"
SERVICE = ServiceRef(cluster="prod", namespace="shop", name="checkout")
STEP = Step(
    service=SERVICE,
    uid="uid-1",
    before={KEY: None},
    after={KEY: "true"},
    read_hash="abc",
    resource_version="7",
    load_balancer="elb-1",
)
CLIENT = MeasuredClient(
    name="pods, node with a backend",
    node="node-a",
    host_network=False,
    targets=("https://10.9.0.9:443",),
    expect_before="reachable",
    through_before=False,
    expect_after="reachable",
    through_after=True,
)
PLAN = MeasurementPlan(
    service=SERVICE,
    how="probe",
    clients=(CLIENT,),
    connections=120,
    period=60,
    baseline=300,
    window=600,
    watch=1800,
    load_balancer="elb-1",
)
PROPOSED = Change(
    id="c1",
    number=7,
    cluster="prod",
    verb=Verb.ENABLE,
    service=SERVICE,
    steps=(STEP,),
    requested_by="U0ALICE",
    requested_at=NOW,
    reason="TLS",
    channel="C0OPS",
    template_digest="t1",
    plan=PLAN,
    table=(),
    findings=(),
    approvers=("S0SRE",),
    approvals_needed=1,
    expires_at=NOW + timedelta(hours=1),
)
TERMINAL = [phase for phase in Phase if not TRANSITIONS[phase]]


def event(kind: EventKind) -> Event:
    """Something that happens now."""
    return Event(kind=kind, at=NOW, by="U0BOB")


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("kind", EventKind)
def test_every_event_in_every_phase_is_a_move_or_refused(phase: Phase, kind: EventKind) -> None:
    """The table decides; a move that it does not have raises and changes nothing."""
    before = replace(PROPOSED, phase=phase, progress="measuring")
    kept = replace(before)
    if kind in TRANSITIONS[phase]:
        after = before.after(event(kind))
        assert after.phase is TRANSITIONS[phase][kind]
        assert after.version == before.version + 1
        assert after.progress == ""
        assert (after.ended_at is None) == (after.phase in OPEN)
    else:
        with pytest.raises(IllegalMoveError) as refused:
            before.after(event(kind))
        assert (refused.value.phase, refused.value.event) == (phase, kind)
    assert before == kept


def test_every_phase_has_its_row_and_can_be_reached() -> None:
    """No phase is forgotten in the table, and none is there in vain."""
    assert set(TRANSITIONS) == set(Phase)
    assert {to for row in TRANSITIONS.values() for to in row.values()} | {Phase.PROPOSED} == set(Phase)


def test_nothing_open_is_without_a_way_out() -> None:
    """From every open phase an end can be reached."""
    for phase in OPEN:
        seen = {phase}
        while more := {to for each in seen for to in TRANSITIONS[each].values()} - seen:
            seen |= more
        assert seen - OPEN


def test_nothing_is_applied_without_an_approval() -> None:
    """The only way into applying comes from approved."""
    ways = [phase for phase, row in TRANSITIONS.items() if Phase.APPLYING in row.values()]
    assert set(ways) == {Phase.APPROVED, Phase.APPLYING}


PROGRESS: list[dict[str, Any]] = [
    {"progress": "measuring"},
    {"note": "x"},
    {"version": 9},
    {"phase": Phase.APPLYING},
    {"approvals": (Approval(by="U0BOB", at=NOW),)},
    {"rolled_back_by": "CHG-9"},
    {"superseded_by": "CHG-9"},
    {"sent": (SERVICE,)},
    {"undoing": "x"},
    {"incident": True},
    {"table": ()},
    {"number": 8},
    {"requested_by": "U0X"},
    {"steps": (replace(STEP, resource_version="8"),)},
    {"plan": replace(PLAN, clients=(replace(CLIENT, node="node-b", nodes=("node-b",)),))},
]
CONTENT: list[dict[str, Any]] = [
    {"cluster": "test"},
    {"template_digest": "t2"},
    {"steps": (STEP, STEP)},
    {"steps": (replace(STEP, uid="uid-2"),)},
    {"steps": (replace(STEP, read_hash="abd"),)},
    {"steps": (replace(STEP, before={KEY: ""}),)},
    {"steps": (replace(STEP, after={KEY: None}),)},
    {"steps": (replace(STEP, service=replace(SERVICE, name="basket")),)},
    {"plan": None},
    {"plan": replace(PLAN, connections=20)},
    {"plan": replace(PLAN, clients=())},
    {"plan": replace(PLAN, clients=(replace(CLIENT, targets=("tcp://10.9.0.9:443",)),))},
]


@pytest.mark.parametrize("changed", PROGRESS, ids=lambda changed: next(iter(changed)))
def test_the_digest_is_not_of_progress(changed: dict[str, Any]) -> None:
    """What happens to a change does not change what was approved; a rollout does not, either."""
    assert replace(PROPOSED, **changed).digest == PROPOSED.digest


@pytest.mark.parametrize("changed", CONTENT, ids=lambda changed: next(iter(changed)))
def test_the_digest_is_of_what_people_approve(changed: dict[str, Any]) -> None:
    """Anything that would be done differently is another digest; absent is not empty."""
    assert replace(PROPOSED, **changed).digest != PROPOSED.digest


def test_the_short_digest_is_the_beginning_of_the_digest() -> None:
    """Two groups of four, as the card shows them."""
    assert PROPOSED.short_digest == f"{PROPOSED.digest[:4]} {PROPOSED.digest[4:8]}"


def test_a_step_is_a_merge_patch_of_annotations_only() -> None:
    """None removes the key."""
    assert replace(STEP, after={KEY: None}).patch() == {"metadata": {"annotations": {KEY: None}}}


@given(st.lists(st.sampled_from(EventKind), max_size=12))
def test_a_digest_survives_any_story(kinds: list[EventKind]) -> None:
    """Whatever happens, what was approved stays what was approved."""
    change = PROPOSED
    for kind in kinds:
        if kind in TRANSITIONS[change.phase]:
            change = change.after(event(kind))
    assert change.digest == PROPOSED.digest


class Life(RuleBasedStateMachine):
    """A change to which anything may happen, at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.change = PROPOSED
        self.past: list[Phase] = []

    @rule(kind=st.sampled_from(EventKind))
    def happen(self, kind: EventKind) -> None:
        """Move if the table says so; else nothing may change."""
        before = self.change
        try:
            self.change = before.after(event(kind))
        except IllegalMoveError:
            assert kind not in TRANSITIONS[before.phase]
            assert self.change is before
        else:
            self.past.append(before.phase)

    @precondition(lambda self: self.change.phase in TERMINAL)
    @rule(kind=st.sampled_from(EventKind))
    def stay(self, kind: EventKind) -> None:
        """What is over stays over."""
        with pytest.raises(IllegalMoveError):
            self.change.after(event(kind))

    @invariant()
    def count(self) -> None:
        """Each move counts the version up by one."""
        assert self.change.version == len(self.past)

    @invariant()
    def approve_first(self) -> None:
        """Nothing is applied that was not approved."""
        if self.change.phase in {Phase.APPLYING, Phase.VERIFYING, Phase.SUCCEEDED, Phase.REVERTED}:
            assert Phase.APPROVED in self.past

    @invariant()
    def never_return(self) -> None:
        """No phase is entered again once it was left."""
        left = [now for now, after in zip(self.past, self.past[1:], strict=False) if now is not after]
        assert len(left) == len(set(left))

    @invariant()
    def hold(self) -> None:
        """A change holds its Services exactly as long as it is open."""
        assert self.change.open == (self.change.ended_at is None)


TestLife = Life.TestCase
TestLife.settings = settings(max_examples=60, stateful_step_count=20)
