from dataclasses import replace
from typing import Any

import pytest

from bot.domain.change import Approval, Event, EventKind, Phase
from bot.domain.freeze import Window
from bot.domain.policy import Policy
from bot.operations.jobs import click_job
from bot.operations.order import ANSWER_TRIES
from bot.ports import Stale, Unavailable
from tests.fakes.messenger import buttons
from tests.fakes.store import MemoryChanges
from tests.fakes.world import (
    ALICE,
    BOB,
    CAROL,
    IPVS,
    LEAD,
    MALLORY,
    PLATFORM,
    SRE,
    START,
    Town,
    caller,
    service,
    shop,
)

APPROVE, REJECT, WITHDRAW, GLASS = (
    f"change:{word}" for word in ("approve", "reject", "withdraw", "breakglass")
)
TWO = Policy(propose=(PLATFORM,), approve=(SRE,), approvals=2)
BREAKABLE = Policy(propose=(PLATFORM,), approve=(SRE,), break_glass=(LEAD, ALICE))


async def test_an_approval_lets_the_change_be_applied() -> None:
    """One yes of somebody who may: decided by whom and when, and patched."""
    town = Town()
    change = await town.propose()
    said = await town.click(BOB, APPROVE, change)
    now = town.now(change)
    assert said == "You approved CHG-1. The thread of its card shows what happens."
    assert now.phase is Phase.VERIFYING
    assert now.decided_by == BOB
    assert now.decided_at == START
    assert len(town.cluster.landed) == 1


async def test_the_audit_says_who_approved_what() -> None:
    """The event has person, digest and delivery."""
    town = Town()
    change = await town.propose()
    await town.click(BOB, APPROVE, change)
    event = next(e for e in town.store.changes.log[change.id] if e.kind is EventKind.APPROVED)
    assert event.by == BOB
    assert event.detail["digest"] == change.digest


async def test_two_approvals_take_two_people() -> None:
    """The first counts, a second of the same person does not, that of another decides."""
    town = Town(policies=(TWO,))
    change = await town.propose()
    assert "needs 1 other person too" in await town.click(BOB, APPROVE, change)
    assert town.now(change).phase is Phase.PROPOSED
    assert "needs 1 of" in town.card(change).text
    assert "approved by <@U0BOB>" in town.card(change).text
    assert "You have approved CHG-1 already" in await town.click(BOB, APPROVE, change)
    await town.click(CAROL, APPROVE, change)
    assert town.now(change).phase is Phase.VERIFYING
    assert [a.by for a in town.now(change).approvals] == [BOB, CAROL]


async def test_the_requester_cannot_approve() -> None:
    """Self-approval is barred, also for somebody who may approve."""
    policy = Policy(propose=(BOB,), approve=(BOB, CAROL))
    town = Town(policies=(policy,))
    change = await town.propose(user=BOB)
    said = await town.click(BOB, APPROVE, change)
    assert "You may not approve your own proposal. <@U0CAROL> may." in said
    assert town.now(change).phase is Phase.PROPOSED


async def test_self_approval_can_be_allowed() -> None:
    """Where the policy says so."""
    town = Town(policies=(Policy(propose=(BOB,), approve=(BOB,), self_approval=True),))
    change = await town.propose(user=BOB)
    await town.click(BOB, APPROVE, change)
    assert town.now(change).phase is Phase.VERIFYING


async def test_who_may_not_approve_is_told_who_may() -> None:
    """A click from the wrong person is answered to that person, and changes nothing."""
    town = Town()
    change = await town.propose()
    assert "You may not approve changes here. <!subteam^S0SRE> may." in await town.click(
        MALLORY, APPROVE, change
    )
    assert town.now(change) == change
    assert town.cluster.landed == []


FROZEN = Policy(
    propose=(PLATFORM,),
    approve=(SRE,),
    expires_after=4 * 3600.0,
    freeze=(Window(start=0, end=1440, days=frozenset({"mon"})),),
)
"""It is Monday, 14:00 UTC."""


async def test_a_proposal_that_expires_in_the_freeze_is_refused_at_once() -> None:
    """Nobody could approve it, and nobody may break the glass: it says until when, and nothing is stored."""
    town = Town(policies=(FROZEN,))
    await town.order(ALICE, "enable")
    (said,) = town.messenger.said_to(ALICE)
    assert "Changes are frozen here until Tue 03 Mar 00:00 (UTC), and nobody may break the glass." in said
    assert "A proposal expires after 4 h" in said
    assert town.changes() == []


async def test_a_freeze_for_good_is_called_so() -> None:
    """No day of the calendar is made up."""
    town = Town(policies=(replace(FROZEN, freeze=(Window(start=0, end=1440),)),))
    await town.order(ALICE, "enable")
    assert "Changes are frozen here for good" in town.messenger.said_to(ALICE)[0]
    assert town.changes() == []


async def test_the_freezes_of_all_namespaces_count_together() -> None:
    """One is frozen until the evening, the other from then on: there is no moment for both."""
    day = Window(start=0, end=18 * 60)
    night = Window(start=18 * 60, end=1440)
    cluster = shop(given=IPVS)
    cluster.put(service("pay", "till", port=8000))
    pay = replace(FROZEN, namespace="pay", freeze=(night,))
    town = Town(clusters=[cluster], policies=(pay, replace(FROZEN, freeze=(day,), expires_after=86400.0)))
    await town.order(ALICE, "enable")
    assert "frozen here for good" in town.messenger.said_to(ALICE)[0]
    assert town.changes() == []


async def test_who_approves_a_set_in_a_freeze_is_told_when_the_last_of_its_freezes_ends() -> None:
    """And of one that never ends, no day on which to come back."""
    cluster = shop(given=IPVS)
    cluster.put(service("pay", "till", port=8000))
    glass = replace(FROZEN, break_glass=(LEAD,))
    weekdays = Window(start=0, end=1440, days=frozenset({"mon", "tue"}))
    town = Town(clusters=[cluster], policies=(replace(glass, namespace="pay", freeze=(weekdays,)), glass))
    change = await town.propose()
    assert "until Wed 04 Mar 00:00 (UTC). Approve it then." in await town.click(BOB, APPROVE, change)
    town.policies = (replace(glass, freeze=(Window(start=0, end=1440),)),)
    town.world = town.replica()
    said = await town.click(BOB, APPROVE, change)
    assert said == "Changes are frozen here for good. <@U0LEAD> may break the glass."


async def test_a_rollback_is_never_refused_for_a_freeze() -> None:
    """Undoing is no new risk."""
    town = Town()
    change = await town.done()
    town.policies = (FROZEN,)
    town.world = town.replica()
    assert "undoes CHG-1" in await town.click(BOB, "change:rollback", change)


async def test_the_card_says_that_it_is_frozen_and_who_may_break_the_glass() -> None:
    """From the first moment, in the reminder too, and no longer than it is so."""
    glass = replace(FROZEN, break_glass=(LEAD,), expires_after=86400.0, reminder=86400.0 - 3600)
    town = Town(policies=(glass,))
    change = await town.propose()
    frozen = "Changes are frozen here until Tue 03 Mar 00:00 (UTC), so nobody can approve this now; <@U0LEAD> may break the glass."
    assert frozen in town.card(change).text
    assert GLASS in buttons(town.card(change).message)
    await town.pass_time(3600)
    assert any(frozen in said for said in town.thread(change))
    await town.pass_time(10 * 3600)
    assert "rozen" not in town.card(change).text
    assert "You approved CHG-1" in await town.click(BOB, APPROVE, change)


async def test_a_freeze_that_begins_later_comes_onto_the_card() -> None:
    """Within half a minute, although nobody did anything."""
    evening = Window(start=15 * 60, end=16 * 60)
    town = Town(policies=(replace(FROZEN, freeze=(evening,)),))
    change = await town.propose()
    assert "rozen" not in town.card(change).text
    await town.pass_time(3600 + 31)
    assert "Changes are frozen here until Mon 02 Mar 16:00 (UTC)" in town.card(change).text


@pytest.mark.parametrize(
    ("policy", "approved", "said"),
    [
        (Policy(propose=(PLATFORM,), approve=(SRE,)), False, "Nobody decided it in time."),
        (TWO, True, "Only 1 of 2 people approved it in time."),
        (
            replace(FROZEN, break_glass=(LEAD,)),
            False,
            "Changes are frozen here until Tue 03 Mar 00:00 (UTC), so it was not approved in time.",
        ),
    ],
)
async def test_an_expired_proposal_says_what_was_missing(
    policy: Policy, said: str, *, approved: bool
) -> None:
    """Nobody, somebody, or a moment at which anybody could."""
    town = Town(policies=(policy,))
    change = await town.propose()
    if approved:
        await town.click(BOB, APPROVE, change)
    await town.pass_time(86400)
    assert town.now(change).phase is Phase.EXPIRED
    assert said in town.card(change).text


async def test_who_joined_the_group_after_the_proposal_does_not_approve_it() -> None:
    """Membership must hold at the proposal too; who may is named, and a new proposal counts the newcomer."""
    town = Town()
    town.messenger.groups[SRE] = frozenset({BOB})
    change = await town.propose()
    town.messenger.groups[SRE] = frozenset({BOB, CAROL})
    said = await town.click(CAROL, APPROVE, change)
    assert said == "You got the right to do that only after CHG-1 was proposed. <@U0BOB> may."
    assert "only after CHG-1" in await town.click(CAROL, REJECT, change)
    assert town.now(change).phase is Phase.PROPOSED
    await town.click(ALICE, WITHDRAW, change)
    assert "You approved CHG-2" in await town.click(CAROL, APPROVE, await town.propose())


async def test_who_may_is_said_exactly() -> None:
    """Not the requester, who is barred; not who has approved it already; the card says the same."""
    town = Town(policies=(Policy(propose=(ALICE,), approve=(ALICE, BOB, CAROL), approvals=2),))
    change = await town.propose()
    assert "needs 2 of <@U0BOB> or <@U0CAROL>" in town.card(change).text
    assert "You may not approve changes here. <@U0BOB> or <@U0CAROL> may." in await town.click(
        MALLORY, APPROVE, change
    )
    await town.click(BOB, APPROVE, change)
    assert "needs 1 of <@U0CAROL>" in town.card(change).text
    for user in (MALLORY, ALICE, BOB):
        assert (await town.click(user, APPROVE, change)).endswith(" <@U0CAROL> may.")


async def test_who_is_denied_is_told_who_may() -> None:
    """As everybody else who may not."""
    town = Town(policies=(Policy(propose=(PLATFORM,), approve=(SRE,), deny=(BOB,)),))
    change = await town.propose()
    assert await town.click(BOB, APPROVE, change) == "You are on the deny list here. <@U0CAROL> may."


async def test_where_nobody_is_left_who_may_break_the_glass_is_named() -> None:
    """The only approver left the group."""
    town = Town(policies=(BREAKABLE,))
    change = await town.propose()
    town.messenger.groups[SRE] = frozenset()
    said = await town.click(BOB, APPROVE, change)
    assert (
        said
        == "You may not approve changes here. Nobody may now. <@U0LEAD> or <@U0ALICE> may break the glass."
    )


@pytest.mark.parametrize("phase", [Phase.PROPOSED, Phase.REJECTED])
async def test_who_may_not_look_learns_nothing_of_a_change(phase: Phase) -> None:
    """A guest, or somebody on the deny list, with a made-up button: neither note nor who decided it."""
    town = Town(policies=(Policy(propose=(PLATFORM,), approve=(SRE,), deny=(MALLORY,)),))
    town.messenger.add("GUEST", full=False)
    change = await town.propose()
    row = replace(change, phase=phase, decided_by=BOB, decided_at=START, note="the payment of 3 March")
    town.store.changes.rows[change.id] = row
    for user in ("U0GUEST", MALLORY):
        for action in (APPROVE, REJECT, WITHDRAW, GLASS, "change:rollback"):
            said = await town.click(user, action, change)
            assert "CHG-1" not in said
            assert "payment" not in said
            assert "U0BOB" not in said


async def test_membership_must_hold_at_the_click() -> None:
    """Who left the group since the proposal may not approve."""
    town = Town()
    change = await town.propose()
    town.messenger.groups[SRE] = frozenset({CAROL})
    assert "You may not approve" in await town.click(BOB, APPROVE, change)


async def test_the_deny_list_wins_at_the_click() -> None:
    """A policy that denies somebody since is the one that counts."""
    town = Town()
    change = await town.propose()
    town.policies = (Policy(propose=(PLATFORM,), approve=(SRE,), deny=(BOB,)),)
    town.world = town.replica()
    assert "deny list" in await town.click(BOB, APPROVE, change)


async def test_a_freeze_stops_an_approval_and_not_a_rejection() -> None:
    """Changes are frozen; the sentence says until when."""
    town = Town(policies=(replace(FROZEN, break_glass=(LEAD,)),))
    change = await town.propose()
    told = "frozen here until Tue 03 Mar 00:00 (UTC). Approve it then. <@U0LEAD> may break the glass."
    assert told in await town.click(BOB, APPROVE, change)
    assert "You rejected CHG-1" in await town.click(BOB, REJECT, change)


async def test_a_rejection_closes_the_proposal_without_a_notice() -> None:
    """The card says by whom and when, its buttons go, and the incident channel hears nothing."""
    town = Town()
    change = await town.propose()
    assert await town.click(BOB, REJECT, change) == "You rejected CHG-1. Nothing is patched."
    card = town.card(change)
    assert "Rejected" in card.text
    assert "rejected by <@U0BOB>" in card.text
    assert buttons(card.message) == {}
    assert town.incidents() == []
    assert town.cluster.landed == []


async def test_a_reason_for_a_rejection_is_on_the_card_and_told_to_the_requester() -> None:
    """Whether it comes with the rejection or right after it, and once only."""
    for together in (True, False):
        town = Town()
        change = await town.propose()
        if not together:
            await town.click(BOB, REJECT, change)
        said = await town.click(BOB, REJECT, change, reason="not before the <!channel> sale")
        assert said == (
            "You rejected CHG-1. Nothing is patched." if together else "Your reason is on the card of CHG-1."
        )
        assert "Rejected by <@U0BOB>: “not before the &lt;!channel&gt; sale”" in town.card(change).text
        (told,) = town.thread(change)
        assert told.startswith("<@U0ALICE>: CHG-1 was rejected by <@U0BOB>: “not before")
        await town.click(BOB, REJECT, change, reason="another one")
        assert "another one" not in town.card(change).text
        assert len(town.thread(change)) == 1


async def test_only_who_rejected_says_why() -> None:
    """Another approver's reason comes too late."""
    town = Town()
    change = await town.propose()
    await town.click(BOB, REJECT, change)
    said = await town.click(CAROL, REJECT, change, reason="I think so too")
    assert said == "CHG-1 was rejected by <@U0BOB> at 14:00 UTC. Nothing was patched."
    assert "I think so too" not in town.card(change).text


async def test_who_would_stop_an_approved_change_is_told_how() -> None:
    """It cannot be rejected any more; an operator can hold it."""
    town = Town()
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, APPROVE, change)
    assert "To stop it, ask an operator to pause the cluster." in await town.click(CAROL, WITHDRAW, change)


async def test_a_rejection_after_one_of_two_approvals_names_who_rejected() -> None:
    """Both are in the card's last line."""
    town = Town(policies=(TWO,))
    change = await town.propose()
    await town.click(BOB, APPROVE, change)
    await town.click(CAROL, REJECT, change)
    assert "approved by <@U0BOB>" in town.card(change).text
    assert "rejected by <@U0CAROL>" in town.card(change).text


async def test_the_requester_withdraws_and_does_not_reject() -> None:
    """One's own proposal is withdrawn; nobody else can do that."""
    town = Town(policies=(Policy(propose=(BOB,), approve=(BOB, CAROL)),))
    change = await town.propose(user=BOB)
    assert "withdraw it instead" in await town.click(BOB, REJECT, change)
    said = await town.click(CAROL, WITHDRAW, change)
    assert said == "Only <@U0BOB>, who asked for CHG-1, can withdraw it. To stop it, reject it."
    assert await town.click(BOB, WITHDRAW, change) == "You withdrew CHG-1. Nothing is patched."
    assert "withdrawn by <@U0BOB>" in town.card(change).text


async def test_an_approved_change_can_be_withdrawn_until_it_is_applied() -> None:
    """While a pause holds it, the requester may still take it back."""
    town = Town()
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, APPROVE, change)
    assert town.now(change).phase is Phase.APPROVED
    await town.click(ALICE, WITHDRAW, change)
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.WITHDRAWN
    assert town.cluster.landed == []
    assert "approved by <@U0BOB>" in town.card(change).text
    assert "withdrawn by <@U0ALICE>" in town.card(change).text


async def test_breaking_the_glass_takes_a_reason_and_tells_everybody() -> None:
    """One person, their own proposal too; thread and incident channel have name and reason."""
    town = Town(policies=(BREAKABLE,))
    change = await town.propose()
    assert GLASS in buttons(town.card(change).message)
    assert "needs a reason" in await town.click(ALICE, GLASS, change)
    await town.click(ALICE, GLASS, change, reason="the shop is down")
    assert town.now(change).phase is Phase.VERIFYING
    assert town.now(change).approvals == (
        Approval(by=ALICE, at=START, break_glass=True, reason="the shop is down"),
    )
    assert any("Glass broken" in text and "the shop is down" in text for text in town.thread(change))
    (notice,) = town.incidents()
    assert "approved alone by <@U0ALICE>: “the shop is down”" in notice.text


async def test_only_named_people_break_the_glass() -> None:
    """Who may approve may not, without being named."""
    town = Town(policies=(BREAKABLE,))
    change = await town.propose()
    assert "You may not break the glass here" in await town.click(BOB, GLASS, change, reason="now")


@pytest.mark.parametrize(
    ("first", "said"),
    [
        (APPROVE, "CHG-1 was approved by <@U0BOB> at 14:00 UTC and applied, and is being verified."),
        (REJECT, "CHG-1 was rejected by <@U0BOB> at 14:00 UTC. Nothing was patched."),
    ],
)
async def test_a_click_that_comes_too_late_hears_what_became_of_it(first: str, said: str) -> None:
    """By whom and when, for every button of an old card."""
    town = Town()
    change = await town.propose()
    await town.click(BOB, first, change)
    for action in (APPROVE, REJECT):
        assert said in await town.click(CAROL, action, change)
    assert len(town.cluster.landed) == (first == APPROVE)


@pytest.mark.parametrize("phase", [phase for phase in Phase if phase is not Phase.PROPOSED])
async def test_every_phase_has_an_answer_to_a_late_click(phase: Phase) -> None:
    """No button of any age is left without a sentence, and none of them patches."""
    town = Town()
    change = await town.propose()
    row = replace(
        change, phase=phase, decided_by=BOB, decided_at=START, note="because", superseded_by="CHG-2"
    )
    town.store.changes.rows[change.id] = row
    for action in (APPROVE, REJECT, WITHDRAW):
        assert "CHG-1" in await town.click(CAROL, action, change)
    assert town.cluster.landed == []


async def test_a_late_click_on_what_was_rolled_back_hears_by_which_change() -> None:
    """It was not just somebody."""
    town = Town()
    change = await town.done()
    await town.click(BOB, "change:rollback", change)
    said = await town.click(CAROL, APPROVE, change)
    assert "approved by <@U0BOB> at 14:00 UTC and applied, and CHG-2 undid it since." in said


async def test_a_button_of_an_unknown_change_is_answered() -> None:
    """Older than the database's retention, or of another installation."""
    town = Town()
    assert "not known here any more" in await town.click(BOB, APPROVE, "0" * 32)


async def test_a_double_click_decides_once() -> None:
    """The second click is told that it is done; one patch, one event."""
    town = Town()
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    assert "You approved CHG-1" in await town.click(BOB, APPROVE, change)
    assert await town.click(BOB, APPROVE, change) == "You approved CHG-1. It is being applied."
    await town.order(LEAD, "resume", "")
    assert len(town.cluster.landed) == 1
    kinds = [event.kind for event in town.store.changes.log[change.id]]
    assert kinds.count(EventKind.APPROVED) == 1


async def test_an_expired_proposal_cannot_be_approved_even_before_its_job_ran() -> None:
    """The clock decides, not the job."""
    town = Town()
    change = await town.propose()
    for key in (f"expire:{change.id}", f"look:{change.id}", f"remind:{change.id}"):
        town.store.jobs.rows[key].due_at = None
    await town.later(86400)
    assert "CHG-1 has expired" in await town.click(BOB, APPROVE, change)
    assert town.cluster.landed == []


class Contested(MemoryChanges):
    """Changes that somebody else moves just before the first moves of ours."""

    losses: int = 0
    rival: Any = None

    async def move(self, before: Any, after: Any, event: Any, *, jobs: Any = ()) -> None:
        """Let the rival be faster, so many times."""
        if self.losses and event.by == BOB:
            self.losses -= 1
            await self.rival()
        await super().move(before, after, event, jobs=jobs)


async def test_who_loses_a_race_is_told_who_won() -> None:
    """Approve and reject at the same time: one decides, the other hears of it."""
    town = Town()
    contested = Contested(town.store.jobs)
    town.store.changes = contested
    change = await town.propose()

    async def reject() -> None:
        event = Event(kind=EventKind.REJECTED, at=START, by=CAROL)
        now = contested.rows[change.id]
        await MemoryChanges.move(contested, now, now.after(event, decided_by=CAROL, decided_at=START), event)

    contested.losses, contested.rival = 1, reject
    said = await town.click(BOB, APPROVE, change)
    assert said == "CHG-1 was rejected by <@U0CAROL> at 14:00 UTC. Nothing was patched."
    assert town.cluster.landed == []


async def test_a_race_with_a_redrawn_card_is_no_refusal() -> None:
    """A note that comes between reading and deciding does not cost a person their click."""
    town = Town()
    contested = Contested(town.store.jobs)
    town.store.changes = contested
    change = await town.propose()

    async def note() -> None:
        now = contested.rows[change.id]
        await contested.note(now, replace(now, git_note="seen"))

    contested.losses, contested.rival = 3, note
    assert "You approved CHG-1" in await town.click(BOB, APPROVE, change)


async def test_a_row_that_never_rests_gives_up_with_a_sentence() -> None:
    """Losing again and again ends in an answer, not in a loop."""
    town = Town()
    contested = Contested(town.store.jobs)
    town.store.changes = contested
    change = await town.propose()

    async def steal() -> None:
        raise Stale("somebody else")

    contested.losses, contested.rival = 99, steal
    assert "at the same time" in await town.click(BOB, APPROVE, change)


async def test_a_read_only_cluster_lets_nobody_approve() -> None:
    """An old card's button, after the configuration became read-only."""
    town = Town()
    change = await town.propose()
    town.cluster.read_only = True
    assert "read-only here, so CHG-1 cannot be approved" in await town.click(BOB, APPROVE, change)
    assert town.now(change).phase is Phase.PROPOSED


async def test_an_approval_while_the_cluster_is_silent_counts() -> None:
    """Nothing is known then; applying looks again, and applies only what was approved."""
    town = Town()
    change = await town.propose()
    town.cluster.fail("read", Unavailable("prod does not answer"))
    await town.click(BOB, APPROVE, change)
    assert town.now(change).phase is Phase.VERIFYING


async def test_an_answer_that_cannot_be_given_is_given_up() -> None:
    """Slack does not answer for long: what was decided stands, and no job lives for ever."""
    town = Town()
    change = await town.propose()
    for _ in range(ANSWER_TRIES):
        town.messenger.fail("answer", Unavailable("Slack does not answer"))
    await town.store.jobs.submit(click_job("late", APPROVE, change.id, "", caller(BOB)))
    await town.pass_time(2 * ANSWER_TRIES)
    assert town.messenger.said_to(BOB) == []
    assert town.store.jobs.waiting("click") == []
    assert town.now(change).phase is Phase.VERIFYING


async def test_every_namespace_of_a_set_must_approve() -> None:
    """Who may approve in one namespace only is refused for both."""
    cluster = shop(given=IPVS)
    cluster.put(service("pay", "till", port=8000))
    pay = Policy(namespace="pay", propose=(PLATFORM,), approve=(CAROL,))
    town = Town(clusters=[cluster], policies=(pay, Policy(propose=(PLATFORM,), approve=(SRE,))))
    change = await town.propose()
    assert "You may not approve changes here. <@U0CAROL> may." in await town.click(BOB, APPROVE, change)
    await town.click(CAROL, APPROVE, change)
    assert len(cluster.landed) == 2
