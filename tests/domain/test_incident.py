"""Incidents: lifecycle, settling, and what an act is; as values."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.change import ServiceRef
from bot.domain.explanation import Severity
from bot.domain.incident import (
    LIVE,
    TRANSITIONS,
    IllegalMoveError,
    Incident,
    Key,
    Member,
    Phase,
    Snooze,
    What,
    incident_id,
    worst,
)
from bot.domain.incident_act import Act, changed, collapsed, manager, puts_back
from bot.domain.incident_rule import CUT_OFF, RULES, severity_of
from bot.domain.incident_step import Look, Open, Save, step
from bot.domain.incident_track import Track
from bot.domain.objects import PASS_THROUGH, Ref, Service, TrafficPolicy

AT = datetime(2026, 3, 2, 14, 0, tzinfo=UTC)
SETTLE = timedelta(minutes=2)
REF = ServiceRef(cluster="prod", namespace="shop", name="checkout")
KEY = Key("prod", "elb:elb-1", CUT_OFF.code)
MEMBER = Member(service=REF, text="nobody gets there", uid="u")


def an_incident(**changes: object) -> Incident:
    """An incident of one Service."""
    base = Incident(
        id="i-1",
        cluster="prod",
        group="elb:elb-1",
        rule=CUT_OFF.code,
        title=CUT_OFF.title,
        severity=Severity.ERROR,
        since=AT,
        members=(MEMBER,),
    )
    return replace(base, **changes)  # type: ignore[arg-type]  # replace() checks the names itself


def a_service(
    value: str | None = None, *managers: tuple[str, tuple[str, ...]], local: bool = False
) -> Service:
    """A Service with that value, and who owns what."""
    return Service(
        ref=Ref("shop", "checkout"),
        uid="u",
        type="LoadBalancer",
        annotations={} if value is None else {PASS_THROUGH: value},
        external_policy=TrafficPolicy.LOCAL if local else TrafficPolicy.CLUSTER,
        managers=managers,
    )


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("what", What)
def test_an_incident_moves_by_its_table_only(phase: Phase, what: What) -> None:
    """An illegal move raises and changes nothing."""
    before = an_incident(phase=phase)
    if what in TRANSITIONS[phase]:
        assert before.after(what).phase is TRANSITIONS[phase][what]
    else:
        with pytest.raises(IllegalMoveError):
            before.after(what)
    assert before == an_incident(phase=phase)


def test_only_what_is_closed_is_not_live() -> None:
    """The others are in the way of another one of their key."""
    assert set(Phase) - LIVE == {Phase.CLOSED}
    assert an_incident().live


def test_an_id_is_the_same_on_every_replica() -> None:
    """And another one for another key or time."""
    assert incident_id(KEY, AT) == incident_id(KEY, AT)
    assert incident_id(KEY, AT) != incident_id(KEY, AT + SETTLE)
    assert incident_id(KEY, AT) != incident_id(KEY._replace(group="elb:elb-2"), AT)


def test_the_worst_member_says_how_bad_it_is() -> None:
    """Without a member it is information."""
    info, warning = replace(MEMBER, severity=Severity.INFO), replace(MEMBER, severity=Severity.WARNING)
    assert worst((info, MEMBER, warning)) is Severity.ERROR
    assert worst((info, warning)) is Severity.WARNING
    assert worst(()) is Severity.INFO


def test_a_snooze_ends_with_its_time_or_with_a_change() -> None:
    """Whatever was asked for."""
    row = an_incident()
    assert not row.snoozed(AT)
    hour = replace(row, snooze=Snooze(by="U0BOB", at=AT, until=AT + timedelta(hours=1)))
    assert hour.snoozed(AT)
    assert not hour.snoozed(AT + timedelta(hours=1))
    still = replace(row, snooze=Snooze(by="U0BOB", at=AT, until=None, seen=row.fingerprint))
    assert still.snoozed(AT + timedelta(days=9))
    assert not replace(still, severity=Severity.WARNING).snoozed(AT)


class TestTrack:
    """Coming, going, and settling."""

    def test_what_lasts_is_told(self) -> None:
        """Not a moment before."""
        track = Track.begun(MEMBER, AT)
        assert not track.told(AT + SETTLE - timedelta(seconds=1), SETTLE)
        assert track.told(AT + SETTLE, SETTLE)

    def test_what_is_gone_long_enough_is_over(self) -> None:
        """Not a moment before."""
        track = Track.begun(MEMBER, AT).gone(AT + SETTLE)
        assert not track.over(AT + SETTLE, SETTLE)
        assert track.over(AT + SETTLE * 2, SETTLE)

    def test_seen_again_unchanged_is_the_same(self) -> None:
        """And gone twice is gone once."""
        track = Track.begun(MEMBER, AT)
        assert track.seen(MEMBER, AT + SETTLE) is track
        gone = track.gone(AT + SETTLE)
        assert gone.gone(AT + SETTLE * 2) is gone

    @given(st.lists(st.integers(1, 100), min_size=1, max_size=40))
    def test_the_last_flip_decides(self, pauses: list[int]) -> None:
        """However it came and went: after a long rest it is told if it holds, and over if it does not."""
        track, now = Track.begun(MEMBER, AT), AT
        for index, pause in enumerate(pauses):
            now += timedelta(seconds=pause)
            track = track.gone(now) if index % 2 == 0 else track.seen(MEMBER, now)
        rested = now + SETTLE * 6
        assert track.told(rested, SETTLE) == track.holds
        assert track.over(rested, SETTLE) != track.holds
        assert not (track.told(now, SETTLE) and track.over(now, SETTLE))


class TestStep:
    """What is done about one key."""

    def look(self, after: timedelta = SETTLE) -> Look:
        """Look then."""
        return Look(now=AT + after, settle=SETTLE, synced_at=AT)

    def test_a_new_one_is_opened(self) -> None:
        """Since it was first seen."""
        found = step(KEY, [Track.begun(MEMBER, AT)], None, self.look())
        assert isinstance(found, Open)
        assert (found.incident.phase, found.incident.since) == (Phase.OPEN, AT)

    def test_what_has_not_settled_is_left(self) -> None:
        """Nothing is stored."""
        assert step(KEY, [Track.begun(MEMBER, AT)], None, self.look(SETTLE / 2)) is None

    def test_what_stays_as_it_is_costs_nothing(self) -> None:
        """No save, no edit."""
        row = an_incident(phase=Phase.OPEN)
        assert step(KEY, [Track.begun(MEMBER, AT)], row, self.look()) is None

    def test_what_is_gone_is_over_since_it_went(self) -> None:
        """Though it is closed a little later."""
        row = an_incident(phase=Phase.OPEN)
        gone = Track.begun(MEMBER, AT).gone(AT + SETTLE)
        found = step(KEY, [gone], row, self.look(SETTLE * 2))
        assert isinstance(found, Save)
        assert (found.after.phase, found.after.over_at) == (Phase.CLOSED, AT + SETTLE)
        assert found.after.seconds == SETTLE.total_seconds()

    def test_what_was_never_seen_here_is_over_after_a_while(self) -> None:
        """A replica that has just started must look for as long as things may flap."""
        row = an_incident(phase=Phase.OPEN)
        assert step(KEY, [], row, self.look(SETTLE / 2)) is None
        assert isinstance(step(KEY, [], row, self.look(SETTLE)), Save)

    def test_a_graver_turn_is_worse(self) -> None:
        """A milder one is an edit."""
        warning = replace(MEMBER, severity=Severity.WARNING)
        row = an_incident(phase=Phase.OPEN, severity=Severity.WARNING, members=(warning,))
        worse = step(KEY, [Track.begun(MEMBER, AT)], row, self.look())
        assert isinstance(worse, Save)
        assert worse.worse
        better = step(KEY, [Track.begun(warning, AT)], an_incident(phase=Phase.OPEN), self.look())
        assert isinstance(better, Save)
        assert not better.worse

    def test_one_of_several_that_is_well_again_leaves_the_list(self) -> None:
        """The others stay."""
        other = replace(MEMBER, service=ServiceRef(cluster="prod", namespace="shop", name="web"))
        row = an_incident(phase=Phase.OPEN, members=(MEMBER, other))
        found = step(
            KEY, [Track.begun(MEMBER, AT), Track.begun(other, AT).gone(AT)], row, self.look(SETTLE * 2)
        )
        assert isinstance(found, Save)
        assert found.after.members == (MEMBER,)


class TestActs:
    """Whose write it was."""

    def test_a_value_that_is_the_same_is_no_change(self) -> None:
        """Nor is another Service of the same name."""
        assert not changed(a_service("true"), a_service("true"))
        assert not changed(a_service(), replace(a_service("true"), uid="another"))
        assert not changed(a_service(), replace(a_service("true"), type="ClusterIP"))
        assert changed(a_service(), a_service("true"))

    def test_a_write_in_our_name_is_an_act_until_the_store_says_otherwise(self) -> None:
        """Anybody may write as any field manager."""
        ours = ("elb-passthrough-bot", (PASS_THROUGH,))
        assert changed(a_service(), a_service("true", ours))

    def test_cce_writes_only_local_for_policy_local(self) -> None:
        """And takes it away with that policy; anybody's onlyLocal under policy Cluster is an act."""
        assert not changed(a_service(local=True), a_service("onlyLocal", local=True))
        assert not changed(a_service("onlyLocal", local=True), a_service())
        assert changed(a_service(), a_service("onlyLocal"))
        assert changed(a_service("onlyLocal", local=True), a_service(local=True))

    def test_what_a_person_writes_is_not_cces_also_where_cce_would_write_the_same(self) -> None:
        """CCE's own field manager is documented nowhere; those of people's tools are known."""
        person, cloud = ("kubectl-edit", (PASS_THROUGH,)), ("cloud-controller", (PASS_THROUGH,))
        for before in (None, "true", "false"):
            assert changed(a_service(before, local=True), a_service("onlyLocal", person, local=True))
            assert not changed(a_service(before, local=True), a_service("onlyLocal", cloud, local=True))
        assert changed(a_service("onlyLocal", local=True), a_service("true", cloud, local=True))
        assert changed(a_service("onlyLocal"), a_service("true", cloud))

    def test_cce_takes_its_value_away_only_with_the_policy(self) -> None:
        """Nobody is named for a removal; under policy Cluster there must have been a turn."""
        assert changed(a_service("onlyLocal"), a_service())
        assert not changed(a_service("onlyLocal"), a_service(), turned=True)
        assert not changed(a_service("onlyLocal"), a_service(None, ("cloud-controller", ("a",))))
        assert changed(a_service("onlyLocal"), a_service(None, ("kubectl-edit", ("a",))), turned=True)

    def test_who_sets_a_key_owns_it(self) -> None:
        """So its manager is named."""
        kubectl = ("kubectl-edit", (PASS_THROUGH,))
        assert manager(a_service(), a_service("true", ("helm", ("a",)), kubectl)) == "kubectl-edit"

    def test_nobody_owns_a_key_that_is_gone(self) -> None:
        """It is named only if just one manager's entry came or grew with that write."""
        owned = ("kubectl-edit", (PASS_THROUGH,))
        before = a_service("true", owned, ("helm", ("a",)))
        assert manager(before, a_service(None, ("helm", ("a",)))) == ""
        assert manager(before, a_service(None, ("helm", ("a", "b")))) == "helm"
        assert manager(before, a_service(None, ("helm", ("a", "b")), ("argocd", ("c",)))) == ""

    def test_several_writes_are_one_act(self) -> None:
        """From the first value to the last; there and back is none."""

        def act(before: str | None, after: str | None, by: str) -> Act:
            return Act(service=REF, uid="u", group="g", before=before, after=after, by=by, at=AT)

        both = collapsed([act(None, "true", "a"), act("true", "onlyLocal", "b")])
        assert [(each.before, each.after, each.by) for each in both] == [(None, "onlyLocal", "b")]
        assert collapsed([act(None, "true", "a"), act("true", None, "b")]) == []

    def test_what_a_proposal_can_put_back(self) -> None:
        """Under policy Local CCE writes the key itself, and onlyLocal nobody proposes."""
        assert puts_back(a_service(), "true") == "enable"
        assert puts_back(a_service("true"), None) == "disable"
        assert puts_back(a_service("true", local=True), None) == ""
        assert puts_back(a_service(), "onlyLocal") == ""


def test_the_configuration_speaks_of_the_finding_first() -> None:
    """Then of the rule; then it is as the engine found it, or as the catalogue says."""
    off, mild = {"no-ready-endpoint": None}, {CUT_OFF.code: Severity.WARNING}
    assert severity_of(CUT_OFF, {**mild, **off}, code="no-ready-endpoint") is None
    assert severity_of(CUT_OFF, mild, code="no-ready-endpoint") is Severity.WARNING
    assert severity_of(CUT_OFF, {}, given=Severity.INFO) is Severity.INFO
    assert severity_of(CUT_OFF, {}) is Severity.ERROR


def test_rules_are_known_by_their_codes() -> None:
    """Stable, for configurations name them."""
    assert all(code == rule.code for code, rule in RULES.items())
