"""Whether a change may be proposed, approved and applied."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.approval import (
    BOT,
    REFUSED_BY_DEFAULT,
    approving,
    concerned,
    decide_approval,
    decide_proposal,
    decide_rejection,
    objections,
    still_stands,
    who_can_approve,
)
from bot.domain.catalogue import RULES
from bot.domain.change import Approval, Change, Phase, ServiceRef, Step, Verb
from bot.domain.entitled import PERSONAL, decided, electorate, members
from bot.domain.freeze import Window
from bot.domain.policy import Cause, Decision, Groups, Member, Policy, Right, all_agree
from bot.domain.words import unmarked
from tests.domain.test_policy import Somebody, groups, people, policies

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
"""A Saturday."""
ALICE, BOB, CAROL, LEAD = (Somebody(f"U0{name}") for name in ("ALICE", "BOB", "CAROL", "LEAD"))
EVERYBODY: dict[str, Member] = {person.id: person for person in (ALICE, BOB, CAROL, LEAD)}
SRE: Groups = {"S0SRE": frozenset({"U0BOB", "U0CAROL"})}
POLICY = Policy(propose=("*",), approve=("S0SRE",), break_glass=("U0LEAD",))
WEEKEND = Window(start=0, end=1440, days=frozenset({"sat", "sun"}))


def change(*approvals: str, verb: Verb = Verb.ENABLE, by: str = "U0ALICE", needed: int = 1) -> Change:
    """Return a proposal of Alice's, with some approvals."""
    service = ServiceRef(cluster="prod", namespace="shop", name="checkout")
    step = Step(
        service=service,
        uid="1",
        before={"kubernetes.io/elb.pass-through": None},
        after={"kubernetes.io/elb.pass-through": "true"},
        read_hash="",
        resource_version="1",
    )
    return Change(
        id="c1",
        number=7,
        cluster="prod",
        verb=verb,
        service=service,
        steps=(step,),
        requested_by=by,
        requested_at=NOW - timedelta(hours=1),
        reason="TLS",
        channel="C1",
        template_digest="",
        plan=None,
        table=(),
        findings=(),
        approvers=("S0SRE",),
        approvals_needed=needed,
        expires_at=NOW + timedelta(hours=1),
        approvals=tuple(Approval(by=user, at=NOW) for user in approvals),
    )


def test_the_requester_cannot_approve() -> None:
    """Four eyes: also one who may approve others' proposals; the refusal names the others, and not the requester."""
    decision = together([POLICY], change(by="U0BOB"), BOB)
    assert decision.cause is Cause.OWN_PROPOSAL
    assert decision.who_may == ("U0CAROL",)


def together(
    several: Sequence[Policy], proposal: Change, person: Member, known: Groups = SRE, *, glass: bool = False
) -> Decision:
    """Decide a yes in all namespaces of a change."""

    def decide(policy: Policy, somebody: Member) -> Decision:
        return decide_approval(policy, proposal, somebody, known, NOW, break_glass=glass, reason="x")

    by = (Right.BREAK_GLASS,) if glass else approving(proposal.verb)
    return decided(several, by, person, known, decide, concerned=concerned(proposal))


def test_who_may_is_nobody_else_in_each_case() -> None:
    """Neither the requester, nor who has approved already, nor who may in one namespace only, nor the denied."""
    both = replace(POLICY, approve=("U0ALICE", "U0BOB"), approvals=2, break_glass=())
    assert together([both], change(), LEAD).who_may == ("U0BOB",)
    assert together([both], change("U0BOB", by="U0CAROL", needed=2), BOB).who_may == ("U0ALICE",)
    other = replace(POLICY, approve=("U0BOB", "U0LEAD"))
    assert together([POLICY, other], change(), ALICE).who_may == ("U0BOB",)
    assert together([replace(POLICY, deny=("U0CAROL",))], change(), CAROL).who_may == ("U0BOB",)
    everybody = together([replace(POLICY, approve=("*",), deny=("U0LEAD",))], change(by="U0BOB"), BOB)
    assert (everybody.who_may, everybody.but) == (("*",), ("U0BOB", "U0LEAD"))
    assert together([POLICY], change(), BOB, glass=True).who_may == ("U0LEAD",)
    # A freeze is not their fault: they may when it is over.
    assert together([replace(POLICY, freeze=(WEEKEND,))], change(), ALICE).who_may == ("S0SRE",)


def held(*, groups: Groups = SRE, policy: Policy = POLICY, **more: Any) -> Change:
    """Return a proposal that remembers who could decide it when it was made."""
    return replace(change(**more), electorate=electorate([policy], groups))


@pytest.mark.parametrize("said", ["yes", "no", "glass"])
def test_who_got_the_right_after_the_proposal_does_not_count(said: str) -> None:
    """Membership must hold at the proposal and at the click, whatever the click says."""
    policy = replace(POLICY, approve=("S0SRE",), break_glass=("S0SRE",))
    proposal = held(policy=policy, groups={"S0SRE": frozenset({"U0BOB"})})

    def say(person: Member) -> Decision:
        if said == "no":
            return decide_rejection(policy, proposal, person, SRE, NOW)
        glass = said == "glass"
        return decide_approval(policy, proposal, person, SRE, NOW, break_glass=glass, reason="it burns")

    assert say(BOB).allowed
    late = say(CAROL)
    assert late.cause is Cause.LATE
    assert "only after CHG-7 was proposed" in late.why


def test_a_group_that_was_not_known_at_the_proposal_gives_nobody_a_right() -> None:
    """A failed look-up then refuses now, and the sentence does not say that the person was no member."""
    late = decide_approval(POLICY, held(groups={"S0SRE": None}), BOB, SRE, NOW)
    assert late.cause is Cause.LATE
    assert "is not known" in late.why


def test_who_was_denied_at_the_proposal_does_not_count() -> None:
    """Taken off the deny list since."""
    proposal = held(policy=replace(POLICY, deny=("U0BOB",)))
    assert decide_approval(POLICY, proposal, BOB, SRE, NOW).cause is Cause.LATE


def test_who_could_only_approve_then_undoes_nothing_alone_now() -> None:
    """The right to roll back came after the proposal; the yes is one of those that are needed."""
    policy = replace(POLICY, approvals=2, rollback=())
    proposal = held(policy=policy, verb=Verb.ROLLBACK, needed=2)
    now = replace(policy, rollback=("U0BOB",))
    decision = decide_approval(now, proposal, BOB, SRE, NOW)
    assert (decision.allowed, decision.enough) == (True, False)


def test_the_requester_can_approve_where_the_policy_says_so() -> None:
    """`selfApproval: true`."""
    policy = replace(POLICY, self_approval=True)
    assert decide_approval(policy, change(by="U0BOB"), BOB, SRE, NOW).enough


@pytest.mark.parametrize("own", [False, True])
@pytest.mark.parametrize("self_approval", [False, True])
@pytest.mark.parametrize("needed", [1, 2])
@pytest.mark.parametrize("break_glass", [False, True])
def test_the_own_proposal_under_each_setting(
    *, own: bool, self_approval: bool, needed: int, break_glass: bool
) -> None:
    """Broken glass counts alone whatever is set; a yes to one's own counts as one, where that is allowed at all."""
    policy = replace(POLICY, self_approval=self_approval, approvals=needed, break_glass=("U0BOB",), freeze=())
    proposal = change(by="U0BOB" if own else "U0ALICE", needed=needed)
    decision = decide_approval(policy, proposal, BOB, SRE, NOW, break_glass=break_glass, reason="it burns")
    barred = own and not self_approval and not break_glass
    assert decision.allowed is not barred
    assert decision.enough is (not barred and (break_glass or needed == 1))


@pytest.mark.parametrize("right", ["approve", "break_glass", "rollback"])
def test_a_denied_person_says_yes_in_no_way(right: str) -> None:
    """Neither by name, nor with broken glass, nor to a rollback; nor does what they said before count."""
    lists: dict[str, Any] = {right: ("U0LEAD",)}
    policy = replace(POLICY, deny=("U0LEAD",), **lists)
    verb = Verb.ROLLBACK if right == "rollback" else Verb.ENABLE
    glass = right == "break_glass"
    said = decide_approval(policy, change(verb=verb), LEAD, SRE, NOW, break_glass=glass, reason="it burns")
    assert said.cause is Cause.DENIED
    given_before = replace(
        change(verb=verb), approvals=(Approval(by="U0LEAD", at=NOW, break_glass=glass, reason="it burns"),)
    )
    assert not still_stands(policy, given_before, EVERYBODY, SRE, NOW).allowed


def test_one_approval_is_enough_by_default() -> None:
    """Bob is in the group that may approve."""
    assert decide_approval(POLICY, change(), BOB, SRE, NOW).enough


def test_two_approvals_come_from_two_people() -> None:
    """The first is not enough, the same person again does not count, another's is the last."""
    policy = replace(POLICY, approvals=2)
    first = decide_approval(policy, change(needed=2), BOB, SRE, NOW)
    assert (first.allowed, first.enough) == (True, False)
    assert decide_approval(policy, change("U0BOB", needed=2), BOB, SRE, NOW).cause is Cause.TWICE
    assert decide_approval(policy, change("U0BOB", needed=2), CAROL, SRE, NOW).enough


@pytest.mark.parametrize(("promised", "in_force"), [(2, 1), (1, 2)])
def test_the_stricter_number_of_approvals_counts(promised: int, in_force: int) -> None:
    """A configuration that changed in between does not lower what was promised, and may raise it."""
    policy = replace(POLICY, approvals=in_force)
    assert not decide_approval(policy, change(needed=promised), BOB, SRE, NOW).enough


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.PROPOSED])
def test_only_a_proposal_can_be_approved(phase: Phase) -> None:
    """Every other phase has decided already."""
    decision = decide_approval(POLICY, replace(change(), phase=phase), BOB, SRE, NOW)
    assert decision.cause is Cause.CLOSED
    assert str(phase) in decision.why


def test_a_proposal_expires_on_the_second() -> None:
    """The last moment is too late."""
    proposal = change()
    assert decide_approval(POLICY, proposal, BOB, SRE, proposal.expires_at).cause is Cause.EXPIRED
    just_before = proposal.expires_at - timedelta(microseconds=1)
    assert decide_approval(POLICY, proposal, BOB, SRE, just_before).enough


def test_a_freeze_stops_approvals_and_says_until_when() -> None:
    """Saturday noon: until Monday."""
    decision = decide_approval(replace(POLICY, freeze=(WEEKEND,)), change(), BOB, SRE, NOW)
    assert decision.cause is Cause.FROZEN
    assert decision.why == "Changes are frozen here until Mon 23 Nov 00:00 (UTC)."


def test_a_freeze_does_not_stop_a_rollback() -> None:
    """Undoing brings no new risk."""
    decision = decide_approval(replace(POLICY, freeze=(WEEKEND,)), change(verb=Verb.ROLLBACK), BOB, SRE, NOW)
    assert decision.enough


def test_broken_glass_counts_alone_with_a_reason() -> None:
    """Own proposal, a freeze, two approvals: all of it passed, loudly; without a reason nothing is."""
    policy = replace(POLICY, approvals=2, freeze=(WEEKEND,))
    own = change(by="U0LEAD", needed=2)
    assert decide_approval(policy, own, LEAD, SRE, NOW, break_glass=True, reason="shop is down").enough
    refused = decide_approval(policy, own, LEAD, SRE, NOW, break_glass=True, reason=" ")
    assert refused.cause is Cause.REASON_MISSING


def test_only_named_people_break_the_glass() -> None:
    """An approver is not one of them."""
    decision = decide_approval(POLICY, change(), BOB, SRE, NOW, break_glass=True, reason="hurry")
    assert (decision.cause, decision.who_may) == (Cause.NOT_ENTITLED, ("U0LEAD",))


def test_who_may_roll_back_approves_the_own_rollback_alone() -> None:
    """Start and approve, says the contract of `rollback`."""
    policy = replace(POLICY, approvals=2, rollback=("U0ALICE",))
    assert decide_approval(policy, change(verb=Verb.ROLLBACK, needed=2), ALICE, SRE, NOW).enough
    assert not decide_approval(policy, change(needed=2), ALICE, SRE, NOW).allowed


def test_who_may_not_roll_back_alone_needs_the_approvals_of_a_change() -> None:
    """Bob may approve, but not roll back alone here."""
    policy = replace(POLICY, approvals=2, rollback=("U0ALICE",))
    decision = decide_approval(policy, change(verb=Verb.ROLLBACK, by="U0CAROL", needed=2), BOB, SRE, NOW)
    assert (decision.allowed, decision.enough) == (True, False)


def test_who_may_approve_may_reject_but_not_the_own_proposal() -> None:
    """Who proposed it withdraws it."""
    assert decide_rejection(POLICY, change(), BOB, SRE, NOW).allowed
    assert decide_rejection(POLICY, change(), LEAD, SRE, NOW).cause is Cause.NOT_ENTITLED
    assert decide_rejection(POLICY, change(by="U0BOB"), BOB, SRE, NOW).cause is Cause.OWN_PROPOSAL
    assert (
        decide_rejection(POLICY, replace(change(), phase=Phase.EXPIRED), BOB, SRE, NOW).cause is Cause.CLOSED
    )


def test_who_may_roll_back_may_reject_a_rollback() -> None:
    """The same people decide both ways."""
    policy = replace(POLICY, rollback=("U0LEAD",))
    assert decide_rejection(policy, change(verb=Verb.ROLLBACK), LEAD, SRE, NOW).allowed


def test_a_required_reason_must_be_given() -> None:
    """White space is none."""
    policy = replace(POLICY, require_reason=True)
    assert decide_proposal(policy, Verb.ENABLE, ALICE, SRE, reason="TLS").allowed
    assert decide_proposal(policy, Verb.ENABLE, ALICE, SRE, reason="\n ").cause is Cause.REASON_MISSING


def test_a_proposal_may_be_made_in_a_freeze() -> None:
    """It waits for its approval."""
    assert decide_proposal(replace(POLICY, freeze=(WEEKEND,)), Verb.ENABLE, ALICE, SRE, reason="").allowed


# --- just before it is applied ---------------------------------------------------------------------------


def approved(*approvals: str, verb: Verb = Verb.ENABLE, needed: int = 1) -> Change:
    """Return a change that was approved."""
    return replace(change(*approvals, verb=verb, needed=needed), phase=Phase.APPROVED)


def test_what_was_allowed_still_stands_while_nothing_changes() -> None:
    """The ordinary case."""
    assert still_stands(POLICY, approved("U0BOB"), EVERYBODY, SRE, NOW).allowed


@pytest.mark.parametrize(
    ("policy", "cause"),
    [
        (replace(POLICY, deny=("U0BOB",)), Cause.NOT_ENOUGH),
        (replace(POLICY, approve=("U0CAROL",)), Cause.NOT_ENOUGH),
        (replace(POLICY, approvals=2), Cause.NOT_ENOUGH),
        (replace(POLICY, deny=("U0ALICE",)), Cause.DENIED),
        (replace(POLICY, propose=("U0CAROL",)), Cause.NOT_ENTITLED),
        (replace(POLICY, freeze=(WEEKEND,)), Cause.FROZEN),
    ],
)
def test_a_right_that_is_gone_stops_the_change(policy: Policy, cause: Cause) -> None:
    """Rights are checked at the click and again before the patch."""
    assert still_stands(policy, approved("U0BOB"), EVERYBODY, SRE, NOW).cause is cause


def test_a_person_who_cannot_be_looked_up_stops_the_change() -> None:
    """Requester or approver."""
    without_alice = {k: v for k, v in EVERYBODY.items() if k != "U0ALICE"}
    without_bob = {k: v for k, v in EVERYBODY.items() if k != "U0BOB"}
    assert still_stands(POLICY, approved("U0BOB"), without_alice, SRE, NOW).cause is Cause.UNKNOWN
    assert still_stands(POLICY, approved("U0BOB"), without_bob, SRE, NOW).cause is Cause.NOT_ENOUGH


def test_broken_glass_stands_while_its_person_may_break_it() -> None:
    """In a freeze too."""
    glass = Approval(by="U0LEAD", at=NOW, break_glass=True, reason="shop is down")
    broken = replace(approved(), approvals=(glass,))
    frozen = replace(POLICY, freeze=(WEEKEND,))
    assert still_stands(frozen, broken, EVERYBODY, SRE, NOW).allowed
    assert (
        still_stands(replace(frozen, break_glass=()), broken, EVERYBODY, SRE, NOW).cause is Cause.NOT_ENOUGH
    )


def test_a_rollback_stands_on_one_person_who_may_roll_back() -> None:
    """Alice approved her own."""
    policy = replace(POLICY, approvals=2, rollback=("U0ALICE",))
    rollback = approved("U0ALICE", verb=Verb.ROLLBACK, needed=2)
    assert still_stands(policy, rollback, EVERYBODY, SRE, NOW).allowed


def test_a_rollback_that_the_configuration_asked_for_needs_nobody() -> None:
    """`onFailure: rollback`; nothing else of the bot's own passes."""
    rollback = replace(approved(BOT, verb=Verb.ROLLBACK), requested_by=BOT)
    assert still_stands(POLICY, rollback, {}, {}, NOW).allowed
    assert not still_stands(POLICY, replace(rollback, verb=Verb.ENABLE), {}, {}, NOW).allowed


def test_a_person_who_approved_a_rollback_of_the_bots_must_still_may() -> None:
    """The configuration asked for it; that it is applied is that person's doing."""
    policy = replace(POLICY, rollback=())
    rollback = replace(approved("U0BOB", verb=Verb.ROLLBACK), requested_by=BOT)
    assert still_stands(policy, rollback, EVERYBODY, SRE, NOW).allowed
    assert not still_stands(policy, rollback, EVERYBODY, {"S0SRE": frozenset()}, NOW).allowed


# --- who can approve at all ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "requester", "possible"),
    [
        (POLICY, "U0ALICE", True),
        (replace(POLICY, approve=("U0ALICE",), break_glass=()), "U0ALICE", False),
        (replace(POLICY, approve=("U0ALICE",)), "U0ALICE", True),
        (replace(POLICY, approve=("U0ALICE",), break_glass=(), self_approval=True), "U0ALICE", True),
        (replace(POLICY, approvals=2, break_glass=()), "U0BOB", False),
        (replace(POLICY, approvals=2, break_glass=()), "U0ALICE", True),
        (replace(POLICY, approve=(), break_glass=()), "U0ALICE", False),
        (replace(POLICY, approve=("*",), break_glass=()), "U0ALICE", True),
        (replace(POLICY, approve=("*",), break_glass=(), deny=("*",)), "U0ALICE", False),
        (replace(POLICY, deny=("S0SRE",), break_glass=()), "U0ALICE", False),
    ],
)
def test_a_proposal_that_nobody_can_approve_is_known_at_once(
    policy: Policy, requester: str, *, possible: bool
) -> None:
    """Counted in people, without the requester, without the denied."""
    found = who_can_approve([policy], Verb.ENABLE, requester, SRE)
    assert found.possible is possible
    assert bool(found.why) is not possible


def test_an_approver_without_rights_does_not_count() -> None:
    """A guest in the user group approves nothing."""
    policy = replace(POLICY, break_glass=())
    assert not who_can_approve(
        [policy], Verb.ENABLE, "U0BOB", SRE, without_rights=frozenset({"U0CAROL"})
    ).possible


def test_the_card_names_those_who_may_and_not_the_requester() -> None:
    """Groups are named as groups."""
    policy = replace(POLICY, approve=("S0SRE", "U0ALICE", "U0LEAD"), deny=("U0LEAD",))
    assert who_can_approve([policy], Verb.ENABLE, "U0ALICE", SRE).ids == ("S0SRE",)


def test_a_rollback_can_be_approved_by_its_requester() -> None:
    """Where that person may roll back."""
    policy = replace(POLICY, approve=(), rollback=("U0ALICE",), break_glass=())
    found = who_can_approve([policy], Verb.ROLLBACK, "U0ALICE", SRE)
    assert (found.ids, found.possible) == (("U0ALICE",), True)


@pytest.mark.parametrize("policy", [replace(POLICY, break_glass=()), replace(POLICY, deny=("S0SRE",))])
def test_approvers_who_cannot_be_looked_up_are_said_to_be_unknown(policy: Policy) -> None:
    """The sentence tells a failed look-up from an empty list."""
    found = who_can_approve([policy], Verb.ENABLE, "U0ALICE", {"S0SRE": None})
    assert not found.possible
    assert "S0SRE could not be looked up" in unmarked(found.why)


SHOP = Policy(propose=("U0ALICE",), approve=("S0SRE",))
BOB_PAYS = Policy(namespace="pay", propose=("U0ALICE",), approve=("U0BOB",))


@pytest.mark.parametrize(
    ("policies", "ids", "possible"),
    [
        ((SHOP, BOB_PAYS), ("U0BOB",), True),
        ((SHOP, replace(BOB_PAYS, approve=("*",))), ("S0SRE",), True),
        ((SHOP, replace(BOB_PAYS, approve=("*",), deny=("S0SRE",))), (), False),
        ((SHOP, replace(BOB_PAYS, approve=("U0EVE",))), (), False),
        ((SHOP, replace(BOB_PAYS, approve=("S0SRE",), approvals=2)), ("S0SRE",), True),
        ((SHOP, replace(BOB_PAYS, approvals=2)), ("U0BOB",), False),
        ((SHOP, replace(BOB_PAYS, approve=("U0EVE",), break_glass=("U0LEAD",))), (), False),
        (
            (replace(SHOP, break_glass=("U0LEAD",)), replace(BOB_PAYS, break_glass=("U0LEAD",))),
            ("U0BOB",),
            True,
        ),
    ],
)
def test_who_approves_a_change_in_several_namespaces_may_do_it_in_all_of_them(
    policies: tuple[Policy, ...], ids: tuple[str, ...], *, possible: bool
) -> None:
    """Two who may in one namespace each can never agree: such a proposal is refused at once."""
    found = who_can_approve(policies, Verb.ENABLE, "U0ALICE", SRE)
    assert found.possible is possible
    assert found.ids == ids
    assert ("every namespace" in found.why) is not possible


# --- findings --------------------------------------------------------------------------------------------


def test_harmful_findings_refuse_by_default() -> None:
    """Others do not."""
    assert objections(Policy(), ["ipvs-sibling-mismatch", "gitops-reverts"]).blocking == (
        "ipvs-sibling-mismatch",
    )


def test_taking_the_annotation_away_is_never_refused_for_what_the_annotation_does() -> None:
    """Where it means nothing, or does harm."""
    codes = ["unsupported-version", "meaningless-proxy", "same-node-lockout"]
    assert objections(Policy(), codes, verb=Verb.ENABLE).blocking == tuple(codes)
    assert objections(Policy(), codes, verb=Verb.DISABLE).blocking == ()


@pytest.mark.parametrize("verb", Verb)
def test_harm_that_was_there_before_is_no_reason_against_a_change(verb: Verb) -> None:
    """But harm that the change brings about is, and so are Services that would go on disagreeing."""
    codes = ["source-ranges-fatal", "networkpolicy-source-changes"]
    assert objections(Policy(), codes, verb=verb).blocking == tuple(codes)
    assert objections(Policy(), codes, verb=verb, before=codes).blocking == ()
    mismatch = ["ipvs-sibling-mismatch"]
    assert objections(Policy(), mismatch, verb=verb, before=mismatch).blocking == tuple(mismatch)


def test_every_code_that_refuses_is_in_the_catalogue() -> None:
    """A code that was renamed would refuse nothing any more."""
    assert {code for code in REFUSED_BY_DEFAULT if code not in RULES} == set()


def test_a_policy_refuses_more_and_turns_refusals_into_questions() -> None:
    """`blockOn` and `acceptRisk`; a code in both stays a refusal."""
    policy = Policy(
        block_on=frozenset({"gitops-reverts", "same-node-lockout"}),
        accept_risk=frozenset({"unsupported-version", "same-node-lockout", "gitops-reverts"}),
    )
    found = objections(
        policy, ["unsupported-version", "gitops-reverts", "same-node-lockout", "unsupported-version"]
    )
    assert found.blocking == ("gitops-reverts", "same-node-lockout")
    assert found.risks == ("unsupported-version",)


# --- laws ------------------------------------------------------------------------------------------------

settings = st.builds(
    replace,
    policies,
    approvals=st.integers(1, 3),
    self_approval=st.booleans(),
    freeze=st.sampled_from([(), (WEEKEND,)]),
)
changes = st.builds(
    lambda approvals, verb, by, needed: change(*approvals, verb=verb, by=by, needed=needed),
    st.lists(st.sampled_from(["U0ALICE", "U0BOB", "U0EVE"]), unique=True),
    st.sampled_from(Verb),
    st.sampled_from(["U0ALICE", "U0BOB", "U0EVE"]),
    st.integers(1, 3),
)


@given(settings, changes, people, groups)
def test_nobody_approves_the_own_proposal_unless_told(
    policy: Policy, proposal: Change, person: Somebody, known: Groups
) -> None:
    """Whatever else the policy gives; rollbacks are another matter."""
    own = replace(proposal, requested_by=person.id, verb=Verb.ENABLE)
    barred = replace(policy, self_approval=False)
    assert not decide_approval(barred, own, person, known, NOW).allowed


@given(settings, changes, people, groups)
def test_enough_means_as_many_people_as_needed(
    policy: Policy, proposal: Change, person: Somebody, known: Groups
) -> None:
    """Counted without the same person twice."""
    enabling = replace(proposal, verb=Verb.ENABLE)
    decision = decide_approval(policy, enabling, person, known, NOW)
    if decision.allowed:
        given = {approval.by for approval in enabling.approvals} | {person.id}
        assert decision.enough == (len(given) >= max(policy.approvals, enabling.approvals_needed))


@given(
    settings,
    changes,
    people,
    groups,
    st.sampled_from(["U0ALICE", "U0BOB", "S0SRE", "S0LOST", "*"]),
    st.booleans(),
)
def test_denying_more_never_lets_an_approval_through(
    policy: Policy,
    proposal: Change,
    person: Somebody,
    known: Groups,
    added: str,
    glass: bool,  # noqa: FBT001 - drawn
) -> None:
    """Also with the glass broken."""
    longer = replace(policy, deny=(*policy.deny, added))
    less = decide_approval(longer, proposal, person, known, NOW, break_glass=glass, reason="x")
    more = decide_approval(policy, proposal, person, known, NOW, break_glass=glass, reason="x")
    assert less.allowed <= more.allowed


@given(settings, changes, groups, st.sampled_from(["S0SRE", "S0DEV"]))
def test_knowing_less_never_lets_a_change_be_applied(
    policy: Policy, proposal: Change, known: Groups, lost: str
) -> None:
    """A look-up that fails between the click and the patch stops the patch."""
    staff: dict[str, Member] = {user: Somebody(user) for user in ("U0ALICE", "U0BOB", "U0EVE")}
    less = still_stands(policy, proposal, staff, {**known, lost: None}, NOW)
    assert less.allowed <= still_stands(policy, proposal, staff, known, NOW).allowed


@given(st.lists(settings, min_size=1, max_size=2), st.sampled_from(Verb), people, groups)
def test_a_proposal_can_be_approved_exactly_if_it_is_said_to_be(
    several: list[Policy], verb: Verb, requester: Somebody, known: Groups
) -> None:
    """Everybody who exists says yes, one after the other, and breaks the glass in the end."""
    several = [replace(policy, freeze=()) for policy in several]
    proposal = change(by=requester.id, verb=verb, needed=max(policy.approvals for policy in several))
    staff = [Somebody(user) for user in ("U0ALICE", "U0BOB", "U0EVE", *CROWD)]
    said = who_can_approve(several, verb, requester.id, known).possible
    assert said is _approved_by_all(several, proposal, staff, known)


def _approved_by_all(several: list[Policy], proposal: Change, staff: list[Somebody], known: Groups) -> bool:
    for glass in (False, True):
        for person in staff:
            found = all_agree(
                decide_approval(policy, proposal, person, known, NOW, break_glass=glass, reason="x")
                for policy in several
            )
            if found.enough:
                return True
            if found.allowed:
                given = Approval(by=person.id, at=NOW)
                proposal = replace(proposal, approvals=(*proposal.approvals, given))
    return False


CROWD = ("U1", "U2", "U3")
"""As many people as a policy may ask for, whom none names."""


@given(
    st.lists(settings, min_size=1, max_size=2),
    changes,
    people,
    groups,
    st.none() | groups,
    st.booleans(),
)
def test_those_who_are_named_are_exactly_those_who_may(
    several: list[Policy],
    proposal: Change,
    person: Somebody,
    known: Groups,
    before: Groups | None,
    glass: bool,  # noqa: FBT001 - drawn
) -> None:
    """Everybody who is named would be allowed, and everybody who would be allowed is named."""
    several = [replace(policy, freeze=()) for policy in several]
    if before is not None:
        proposal = replace(proposal, electorate=electorate(several, before))
    found = together(several, proposal, person, known, glass=glass)
    if found.cause not in PERSONAL:
        return
    staff = {"U0ALICE", "U0BOB", "U0EVE", *CROWD}
    able = {user for user in staff if together(several, proposal, Somebody(user), known, glass=glass).allowed}
    said = staff if "*" in found.who_may else {u for id_ in found.who_may for u in members(id_, known)}
    assert said - set(found.but) == able


@given(settings, changes, people, groups, groups)
def test_remembering_who_could_never_allows_more(
    policy: Policy, proposal: Change, person: Somebody, known: Groups, before: Groups
) -> None:
    """A click that counts with a memory counts without one."""
    remembered = replace(proposal, electorate=electorate([policy], before))
    more = decide_approval(policy, proposal, person, known, NOW)
    less = decide_approval(policy, remembered, person, known, NOW)
    assert less.allowed <= more.allowed
    assert less.enough <= more.enough


@given(st.lists(st.sampled_from([*sorted(REFUSED_BY_DEFAULT), "gitops-reverts"])), policies)
def test_every_harmful_finding_is_a_refusal_or_a_risk(codes: list[str], policy: Policy) -> None:
    """None slips through."""
    found = objections(policy, codes)
    assert set(codes) & REFUSED_BY_DEFAULT <= {*found.blocking, *found.risks}
