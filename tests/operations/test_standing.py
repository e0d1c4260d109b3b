"""What becomes of a change while time passes: superseded, redrawn, expired, reminded of, reverted, told."""

from dataclasses import replace

from bot.config.settings import Clients, VerificationSettings
from bot.domain.change import EventKind, Phase
from bot.domain.objects import Service
from bot.domain.policy import Policy
from bot.domain.verification import Outcome
from bot.ports import Freshness, Unavailable
from tests.fakes.messenger import buttons
from tests.fakes.world import (
    ALICE,
    BOB,
    CHECKOUT,
    IPVS,
    KEY,
    LEAD,
    PLATFORM,
    SRE,
    Town,
    service,
    shop,
    slices,
)

APPROVE, REJECT, ROLLBACK = "change:approve", "change:reject", "change:rollback"
LATER = 31
SHORT = Policy(propose=(PLATFORM,), approve=(SRE,), expires_after=3600, reminder=600)


async def test_a_click_on_what_has_changed_supersedes_it_instead() -> None:
    """Nobody approves what is no longer so; the new proposal is linked both ways, its approvals start anew."""
    town = Town(policies=(Policy(propose=(PLATFORM,), approve=(SRE,), approvals=2),))
    old = await town.propose()
    await town.click("U0CAROL", APPROVE, old)
    town.cluster.change_spec(CHECKOUT, sessionAffinity="ClientIP")
    said = await town.click(BOB, APPROVE, old)
    new = town.changes()[1]
    assert "CHG-1 is superseded: The spec or the ELB annotations of shop/checkout changed since." in said
    assert town.now(old).phase is Phase.SUPERSEDED
    assert buttons(town.card(old).message) == {}
    assert "CHG-2 takes its place" in town.card(old).text
    assert "It replaces CHG-1" in town.card(new).text
    assert (new.requested_by, new.reason, new.approvals) == (ALICE, "TLS errors", ())
    assert new.digest != old.digest
    assert any("approvals of CHG-1 do not count for it" in text for text in town.thread(old))
    assert town.cluster.landed == []


async def test_a_proposal_that_waits_is_superseded_before_anybody_clicks() -> None:
    """Looking now and then is enough; the old button hears what happened."""
    town = Town()
    old = await town.propose()
    town.cluster.annotate(CHECKOUT, "false")
    await town.pass_time(LATER)
    assert town.now(old).phase is Phase.SUPERSEDED
    assert f"kubectl-edit changed {KEY} on shop/checkout since" in town.card(old).text
    assert "Decide CHG-2 instead" in await town.click(BOB, APPROVE, old)
    await town.click(BOB, APPROVE, town.changes()[1])
    assert town.cluster.annotations(CHECKOUT)[KEY] == "true"


async def test_what_was_done_by_hand_meanwhile_needs_no_new_proposal() -> None:
    """Somebody set it: superseded, and the card says why there is nothing more to decide."""
    town = Town()
    old = await town.propose()
    town.cluster.annotate(CHECKOUT, "true")
    await town.pass_time(LATER)
    assert len(town.changes()) == 1
    assert "There is no new proposal: shop/checkout: pass-through is already on" in town.card(old).text


async def test_a_label_that_changes_supersedes_nothing() -> None:
    """What the path does not read is not in the digest."""
    town = Town()
    old = await town.propose()
    town.cluster.annotate(CHECKOUT, "x", key="team.example/note")
    await town.pass_time(LATER)
    assert town.now(old).phase is Phase.PROPOSED


async def test_a_rollout_redraws_the_card_and_voids_nothing() -> None:
    """Pods move: the table follows, the digest and an approval stay."""
    town = Town(policies=(Policy(propose=(PLATFORM,), approve=(SRE,), approvals=2),))
    old = await town.propose()
    await town.click(BOB, APPROVE, old)
    town.cluster.put(slices("checkout", "node-a"))
    await town.pass_time(LATER)
    now = town.now(old)
    assert now.table != old.table
    assert now.digest == old.digest
    assert [a.by for a in now.approvals] == [BOB]
    assert town.card(old).edits >= 2


async def test_a_stale_cache_redraws_nothing() -> None:
    """What is not known is not shown as news."""
    town = Town()
    old = await town.propose()
    town.cluster.put(slices("checkout", "node-a"))
    town.cluster.fresh = Freshness(synced=True, age=90.0, problem="prod does not answer")
    await town.pass_time(LATER)
    assert town.now(old).table == old.table


async def test_a_quiet_proposal_costs_no_call_to_the_api_server() -> None:
    """As long as the cached resourceVersion is the proposal's, nothing is read."""
    town = Town()
    await town.propose()
    reads = town.cluster.calls.count("read")
    await town.pass_time(600)
    assert town.cluster.calls.count("read") == reads


async def test_a_new_sibling_on_the_load_balancer_supersedes_under_ipvs() -> None:
    """The set that was proposed is not the set any more."""
    town = Town(clusters=[shop(given=IPVS)])
    old = await town.propose()
    town.cluster.put(service("shop", "basket", port=8000))
    town.cluster.put(slices("basket", "node-a"))
    await town.pass_time(LATER)
    assert town.now(old).phase is Phase.SUPERSEDED
    assert [str(step.service) for step in town.changes()[1].steps] == ["shop/basket", "shop/checkout"]


async def test_a_silent_cluster_delays_the_new_proposal() -> None:
    """It is made as soon as the cluster answers."""
    town = Town()
    old = await town.propose()
    town.cluster.annotate(CHECKOUT, "false")
    reads = iter(range(100))
    real = town.cluster.read

    async def flaky(ref: object) -> object:
        if 1 <= next(reads) <= 2:
            raise Unavailable("prod does not answer")
        return await real(ref)  # type: ignore[arg-type]  # passed on as it came

    town.cluster.read = flaky  # type: ignore[assignment, method-assign]  # for this story
    await town.pass_time(LATER)
    assert town.now(old).phase is Phase.SUPERSEDED
    assert len(town.changes()) == 1
    await town.pass_time(60)
    assert town.now(old).superseded_by == "CHG-2"


async def test_a_lookup_that_fails_delays_the_new_proposal() -> None:
    """Slack's bad minute is no answer to whether somebody may propose, or approve."""
    for verb in ("person", "members"):
        town = Town()
        old = await town.propose()
        town.cluster.annotate(CHECKOUT, "false")
        for _ in range(2):
            town.messenger.fail(verb, Unavailable("Slack does not answer"))
        await town.pass_time(LATER)
        assert town.now(old).phase is Phase.SUPERSEDED
        assert len(town.changes()) == 1
        await town.pass_time(60)
        assert town.now(old).superseded_by == "CHG-2"


async def test_a_requester_who_left_proposes_nothing_anew() -> None:
    """The new proposal needs its right, too."""
    town = Town()
    old = await town.propose()
    town.messenger.groups[PLATFORM] = frozenset()
    town.cluster.annotate(CHECKOUT, "false")
    await town.pass_time(LATER)
    assert "There is no new proposal: You may not propose changes here" in town.card(old).text


async def test_a_rollback_that_waits_is_superseded_and_proposed_anew() -> None:
    """The spec changed while a rollback waited: its new proposal waits for an approval again."""
    policy = Policy(propose=(PLATFORM,), approve=(SRE,), rollback=(BOB,))
    town = Town(policies=(policy,))
    first = await town.done(Outcome.FAILED)
    await town.click(ALICE, ROLLBACK, first)
    town.cluster.change_spec(CHECKOUT, sessionAffinity="ClientIP")
    await town.pass_time(LATER)
    _, old, new = town.changes()
    assert (old.phase, new.phase) == (Phase.SUPERSEDED, Phase.PROPOSED)
    assert town.now(first).rolled_back_by == new.label


async def test_a_proposal_that_nobody_decides_expires() -> None:
    """At its time, not before; buttons gone, with the moment on the card."""
    town = Town(policies=(SHORT,))
    change = await town.propose()
    await town.pass_time(3599)
    assert town.now(change).phase is Phase.PROPOSED
    await town.pass_time(1)
    assert town.now(change).phase is Phase.EXPIRED
    card = town.card(change)
    assert "expired <!date^" in card.text
    assert buttons(card.message) == {}
    assert "CHG-1 has expired" in await town.click(BOB, APPROVE, change)
    assert town.incidents() == []


async def test_the_approvers_are_reminded_once_before_it_expires() -> None:
    """Ten minutes before, in the thread, by name."""
    town = Town(policies=(SHORT,))
    change = await town.propose()
    await town.pass_time(2999)
    assert town.thread(change) == []
    await town.pass_time(300)
    (said,) = town.thread(change)
    assert "still waits for <!subteam^S0SRE>" in said


async def test_what_is_decided_needs_no_reminder() -> None:
    """A rejected proposal is silent."""
    town = Town(policies=(SHORT,))
    change = await town.propose()
    await town.click(BOB, REJECT, change)
    await town.pass_time(3600)
    assert town.thread(change) == []
    assert town.now(change).phase is Phase.REJECTED


async def test_each_verdict_has_its_phase_and_its_words() -> None:
    """Succeeded, failed, inconclusive: on the card, in the thread; only a failure goes to the channel too."""
    for outcome, phase, shouted in (
        (Outcome.SUCCEEDED, Phase.SUCCEEDED, False),
        (Outcome.FAILED, Phase.FAILED, True),
        (Outcome.INCONCLUSIVE, Phase.INCONCLUSIVE, False),
    ):
        town = Town()
        change = await town.done(outcome)
        assert change.phase is phase
        assert f"It {outcome}, says the test." in town.card(change).text
        (verdict,) = town.messenger.keyed(f"say:{change.id}:verdict")
        assert verdict.broadcast is shouted


async def test_the_incident_channel_has_one_notice_that_is_edited() -> None:
    """From the patch to the verdict it is one message; a failure is said in its thread, so that it is seen."""
    town = Town()
    change = await town.approved()
    (notice,) = town.incidents()
    assert "Verifying" in notice.text
    await town.concluded(change)
    (notice,) = town.incidents()
    assert "Succeeded" in notice.text
    assert "|the change's thread>" in notice.text
    bad = Town()
    await bad.done(Outcome.FAILED)
    notice, alarm = bad.incidents()
    assert "Failed" in notice.text
    assert ROLLBACK in buttons(notice.message)
    assert (alarm.thread, alarm.broadcast) == (notice.place.ts, True)


async def test_nobody_is_told_without_an_incident_channel() -> None:
    """No channel configured: everything else goes on."""
    town = Town()
    settings = town.settings()
    quiet = {name: replace(each, incident_channel=None) for name, each in settings.clusters.items()}
    town.world = town.replica(settings=replace(settings, clusters=quiet))
    change = await town.done(Outcome.FAILED)
    assert change.phase is Phase.FAILED
    assert town.incidents() == []
    assert all(not job.error for job in town.store.jobs.rows.values())


async def test_a_success_that_somebody_undoes_is_reverted() -> None:
    """Within the watch: the phase, the thread, the channel and the incident channel say by whom."""
    town = Town()
    change = await town.done()
    town.cluster.annotate(CHECKOUT, "false", by="argocd-controller")
    await town.pass_time(61)
    now = town.now(change)
    assert now.phase is Phase.REVERTED
    assert (
        f"Undone on shop/checkout: {KEY} was set to “false” by argocd-controller." in town.card(change).text
    )
    assert any(p.broadcast and "argocd-controller" in p.text for p in town.messenger.posts if p.thread)
    assert any("Reverted" in posted.text for posted in town.incidents())
    assert EventKind.REVERTED in [event.kind for event in town.store.changes.log[change.id]]


async def test_the_watch_begins_with_the_success_and_ends() -> None:
    """A long verification does not shorten it; after it, nobody looks any more."""
    town = Town(verification=VerificationSettings(clients=Clients.NONE, watch=120))
    change = await town.approved()
    await town.pass_time(3600)
    await town.concluded(change)
    await town.pass_time(119)
    town.cluster.annotate(CHECKOUT, None)
    await town.pass_time(2)
    assert town.now(change).phase is Phase.REVERTED
    late = Town(verification=VerificationSettings(clients=Clients.NONE, watch=120))
    other = await late.done()
    await late.pass_time(130)
    late.cluster.annotate(CHECKOUT, None)
    await late.pass_time(3600)
    assert late.now(other).phase is Phase.SUCCEEDED


async def test_a_silent_cluster_is_no_revert() -> None:
    """Not seen is not undone."""
    town = Town()
    change = await town.done()
    for _ in range(3):
        town.cluster.fail("read", Unavailable("prod does not answer"))
    await town.pass_time(200)
    assert town.now(change).phase is Phase.SUCCEEDED


async def test_our_own_later_change_is_no_revert() -> None:
    """Switched on, and switched off again by a proposal within the watch."""
    town = Town()
    on = await town.done()
    off = await town.propose("disable")
    await town.click(BOB, APPROVE, off)
    await town.pass_time(120)
    assert town.now(on).phase is Phase.SUCCEEDED


async def test_a_success_that_is_rolled_back_is_none_any_more() -> None:
    """Its card says by what, and that without an alarm; and what becomes of that."""
    town = Town()
    first = await town.done()
    await town.click(BOB, ROLLBACK, first)
    await town.pass_time(120)
    assert (town.now(first).phase, town.now(first).rolled_back_by) == (Phase.REVERTED, "CHG-2")
    assert "🟠 *Reverted*" in town.card(first).text
    assert "CHG-2 put back what it had changed." in town.card(first).text
    assert "CHG-2> undid it" in town.card(first).text
    assert not [posted for posted in town.incidents() if posted.thread]
    await town.concluded(next(change for change in town.changes() if change.label == "CHG-2"))
    town.cluster.annotate(CHECKOUT, "true")
    await town.pass_time(61)
    assert "CHG-2> undid it, and was undone itself since" in town.card(first).text


async def test_a_deleted_service_is_reverted_too() -> None:
    """A Service that is gone has no pass-through."""
    town = Town()
    change = await town.done()
    town.cluster.remove(Service, CHECKOUT)
    await town.pass_time(61)
    assert "shop/checkout was deleted." in town.card(change).text


async def test_a_deleted_card_is_shown_again() -> None:
    """The row is the truth; whoever deletes the message gets it back with the next move."""
    town = Town()
    change = await town.propose()
    town.messenger.delete(town.card(change))
    await town.click(BOB, REJECT, change)
    assert "Rejected" in town.card(change).text


async def test_a_card_whose_answer_was_lost_is_not_posted_twice() -> None:
    """Slack posted it and did not say so: the next attempt looks first."""
    town = Town()
    town.messenger.lose_reply("post")
    await town.order(ALICE, "enable")
    await town.pass_time(5)
    assert len(town.messenger.posts) == 1
    change = town.changes()[0]
    await town.click(BOB, REJECT, change)
    assert "Rejected" in town.card(change).text


async def test_a_card_whose_answer_was_lost_says_what_was_decided_meanwhile() -> None:
    """The message that is found was drawn before the click; the row is the truth."""
    town = Town()
    town.messenger.lose_reply("post")
    await town.order(ALICE, "enable")
    (change,) = town.changes()
    await town.click(BOB, REJECT, change)
    await town.pass_time(20)
    assert "Rejected" in town.card(change).text
    assert len(town.messenger.posts) == 1


async def test_what_belongs_into_a_thread_waits_for_its_card() -> None:
    """Slack takes the card late: nothing is said outside the thread, nothing is lost."""
    town = Town()
    for _ in range(3):
        town.messenger.fail("post", Unavailable("Slack does not answer"))
    await town.order(ALICE, "enable")
    (change,) = town.changes()
    await town.click(BOB, APPROVE, change)
    await town.pass_time(20)
    assert len(town.thread(change)) == 1
    assert "Patched" in town.thread(change)[0]


async def test_a_change_of_two_people_is_told_once_each() -> None:
    """After everything, no key has two messages."""
    town = Town()
    change = await town.done(Outcome.FAILED)
    await town.click(BOB, ROLLBACK, change)
    await town.order(LEAD, "pause", "")
    await town.order(LEAD, "resume", "")
    keys = [posted.key for posted in town.messenger.posts]
    assert len(keys) == len(set(keys))
