"""Who has which right where."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.policy import (
    ALLOWED,
    NOTHING_BUT_VIEW,
    Cause,
    Decision,
    Groups,
    Policy,
    Right,
    all_agree,
    among,
    may,
    may_start_rollback,
    policy_for,
    refuse,
)
from bot.domain.words import unmarked


@dataclass(frozen=True)
class Somebody:
    """A person."""

    id: str
    full_member: bool = True


ALICE, BOB, GUEST = Somebody("U0ALICE"), Somebody("U0BOB"), Somebody("U0GUEST", full_member=False)
SRE: Groups = {"S0SRE": frozenset({"U0BOB", "U0CAROL"})}
TWO = Policy(propose=("*",), approve=("S0SRE",))

IDS = ("U0ALICE", "U0BOB", "S0SRE", "S0DEV", "S0LOST", "*")
lists = st.lists(st.sampled_from(IDS), max_size=4).map(tuple)
policies = st.builds(
    Policy,
    view=lists,
    verify=st.none() | lists,
    propose=lists,
    approve=lists,
    rollback=st.none() | lists,
    deny=st.lists(st.sampled_from([i for i in IDS if i != "*"]), max_size=2).map(tuple),
    break_glass=lists,
)
people = st.builds(Somebody, st.sampled_from(["U0ALICE", "U0BOB", "U0EVE"]), st.booleans())
members = st.none() | st.frozensets(st.sampled_from(["U0ALICE", "U0BOB", "U0EVE"]))
groups = st.fixed_dictionaries({}, optional={"S0SRE": members, "S0DEV": members, "S0LOST": st.none()})
rights = st.sampled_from(Right)


def test_the_first_policy_that_matches_decides() -> None:
    """A later, wider one is not looked at."""
    narrow = Policy(cluster="prod", namespace="payments-*", approvals=2)
    wide = Policy(cluster="*", namespace="*", approvals=3)
    assert policy_for([narrow, wide], "prod", "payments-eu") is narrow
    assert policy_for([narrow, wide], "prod", "shop") is wide
    assert policy_for([wide, narrow], "prod", "payments-eu") is wide


def test_without_a_match_there_is_nothing_but_view() -> None:
    """No policy at all means: everybody may look, nobody may do."""
    policy = policy_for([Policy(cluster="prod", propose=("*",))], "test", "shop")
    assert policy is NOTHING_BUT_VIEW
    assert [right for right in Right if may(policy, right, ALICE, {}).allowed] == [Right.VIEW]


@pytest.mark.parametrize("name", ["Prod", "prod2", "xprod"])
def test_a_glob_must_match_the_whole_name_in_its_own_case(name: str) -> None:
    """Globs are fnmatch's, on every platform alike."""
    assert not Policy(cluster="prod").matches(name, "shop")


def test_verify_is_as_propose_and_rollback_as_approve_unless_said() -> None:
    """The defaults of the configuration file."""
    assert may(TWO, Right.VERIFY, ALICE, SRE).allowed
    assert may(TWO, Right.ROLLBACK, BOB, SRE).allowed
    said = replace(TWO, verify=(), rollback=())
    assert not may(said, Right.VERIFY, ALICE, SRE).allowed
    assert not may(said, Right.ROLLBACK, BOB, SRE).allowed


def test_a_refusal_names_who_may() -> None:
    """People must know whom to ask."""
    refused = may(TWO, Right.APPROVE, ALICE, SRE)
    assert (refused.cause, refused.who_may) == (Cause.NOT_ENTITLED, ("S0SRE",))
    assert refused.why == "You may not approve changes here."


def test_a_refusal_does_not_name_who_is_denied() -> None:
    """Somebody on the deny list is no help."""
    policy = Policy(approve=("U0BOB", "U0CAROL"), deny=("U0BOB",))
    assert may(policy, Right.APPROVE, ALICE, {}).who_may == ("U0CAROL",)


def test_a_guest_has_no_rights_even_where_everybody_has() -> None:
    """The star stands for full members."""
    assert may(NOTHING_BUT_VIEW, Right.VIEW, GUEST, {}).cause is Cause.NOT_A_MEMBER


def test_a_group_that_was_not_looked_up_refuses_and_says_so() -> None:
    """No entry and a failed look-up are the same."""
    for known in ({}, {"S0SRE": None}):
        refused = may(TWO, Right.APPROVE, BOB, known)
        assert refused.cause is Cause.UNKNOWN
        assert "S0SRE could not be looked up" in unmarked(refused.why)


def test_who_is_named_directly_needs_no_look_up() -> None:
    """An unknown group beside the name takes nothing away."""
    policy = Policy(approve=("S0SRE", "U0BOB"))
    assert may(policy, Right.APPROVE, BOB, {"S0SRE": None}).allowed


def test_an_unknown_group_on_the_deny_list_takes_every_right_away() -> None:
    """It might hold the person."""
    policy = Policy(deny=("S0GONE",))
    assert may(policy, Right.VIEW, ALICE, {"S0GONE": None}).cause is Cause.UNKNOWN
    assert may(policy, Right.VIEW, ALICE, {"S0GONE": frozenset()}).allowed


def test_only_the_groups_that_decide_are_asked_for() -> None:
    """The deny list always decides; people and stars need no look-up."""
    policy = Policy(view=("S0VIEW",), approve=("S0SRE", "U0BOB"), deny=("S0GONE",))
    assert policy.groups(Right.APPROVE) == {"S0SRE", "S0GONE"}
    assert policy.groups() == {"S0VIEW", "S0SRE", "S0GONE"}


def test_who_may_propose_may_ask_for_a_rollback() -> None:
    """Whether it is approved is another question; the refusal speaks of rolling back."""
    policy = Policy(propose=("U0ALICE",), rollback=("U0BOB",))
    assert may_start_rollback(policy, ALICE, {}).allowed
    assert may_start_rollback(policy, BOB, {}).allowed
    assert may_start_rollback(policy, Somebody("U0EVE"), {}).why == "You may not roll changes back here."


def test_operators_are_full_members_on_the_list() -> None:
    """The same lists, without a policy around them."""
    assert among(("S0SRE",), BOB, SRE)
    assert not among(("S0SRE",), ALICE, SRE)
    assert not among(("S0SRE",), BOB, {})
    assert not among(("*",), GUEST, SRE)


def test_several_policies_allow_only_together() -> None:
    """One refusal refuses; an approval is enough only where it is enough for all."""
    enough = Decision(allowed=True, cause=Cause.ALLOWED, enough=True)
    no = refuse(Cause.FROZEN, "No.")
    assert all_agree([enough, ALLOWED]).enough is False
    assert all_agree([enough, enough]).enough is True
    assert all_agree([enough, no]) is no
    assert all_agree([]).allowed is False


@given(policies, rights, people, groups)
def test_deny_wins_over_everything(policy: Policy, right: Right, person: Somebody, known: Groups) -> None:
    """Whoever is on the list, by name or in a group, has no right at all."""
    denied = person.id in policy.deny or any(person.id in (known.get(i) or ()) for i in policy.deny)
    assert not (denied and may(policy, right, person, known).allowed)


@given(policies, rights, people, groups, st.sampled_from(IDS))
def test_a_longer_deny_list_never_allows_more(
    policy: Policy, right: Right, person: Somebody, known: Groups, added: str
) -> None:
    """What was refused stays refused."""
    longer = replace(policy, deny=(*policy.deny, added))
    assert may(longer, right, person, known).allowed <= may(policy, right, person, known).allowed


@given(policies, rights, people, groups, st.sampled_from(["S0SRE", "S0DEV"]))
def test_knowing_less_never_allows_more(
    policy: Policy, right: Right, person: Somebody, known: Groups, lost: str
) -> None:
    """A look-up that fails can only refuse."""
    less = {**known, lost: None}
    assert may(policy, right, person, less).allowed <= may(policy, right, person, known).allowed


@given(policies, rights, people, groups)
def test_a_right_has_a_reason(policy: Policy, right: Right, person: Somebody, known: Groups) -> None:
    """Allowed means: a full member, on the list by name, in a known group, or everybody is."""
    decision = may(policy, right, person, known)
    listed = policy.entitled(right)
    named = person.id in listed or "*" in listed or any(person.id in (known.get(i) or ()) for i in listed)
    assert not decision.allowed or (person.full_member and named)
    assert decision.allowed != bool(decision.why)
