import json
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.domain.change import Change, EventKind, Phase
from bot.domain.objects import Ref, Service
from bot.domain.verification import Outcome
from bot.operations.jobs import advance_job
from bot.ports import Conflict, Forbidden, Invalid, Unavailable
from tests.fakes.cluster import MemoryClusters
from tests.fakes.dying import Death, Heart, mortal
from tests.fakes.world import (
    ALICE,
    BOB,
    CHECKOUT,
    IPVS,
    KEY,
    LEAD,
    LEASE,
    SRE,
    Cluster,
    Town,
    service,
    shop,
    slices,
)

BASKET, TILL = Ref("shop", "basket"), Ref("pay", "till")
APPROVE = "change:approve"


async def test_what_was_approved_is_patched_once_with_the_fresh_precondition() -> None:
    """One patch for good, one key wide, after a dry run, whatever else happened to the Service."""
    town = Town()
    change = await town.propose()
    town.cluster.annotate(CHECKOUT, "x", key="team.example/note")
    await town.click(BOB, APPROVE, change)
    *_, rehearsal, patch = town.cluster.patches
    assert (rehearsal.dry_run, patch.dry_run) == (True, False)
    assert patch.annotations == {KEY: "true"}
    assert patch.resource_version == "1002"
    assert len(town.cluster.landed) == 1
    assert town.now(change).phase is Phase.VERIFYING


async def test_rollouts_do_not_void_an_approval() -> None:
    """Endpoints that come and go are not in the digest."""
    town = Town()
    change = await town.propose()
    town.cluster.put(slices("checkout", "node-c"))
    await town.click(BOB, APPROVE, change)
    assert len(town.cluster.landed) == 1


async def test_a_conflict_means_read_again_three_times_at_most() -> None:
    """Two 409 are survived; three end the change, unpatched, with the sentence."""
    town = Town()
    change = await town.propose()
    for _ in range(2):
        town.cluster.fail("patch", Conflict("changed"))
    await town.click(BOB, APPROVE, change)
    assert town.now(change).phase is Phase.VERIFYING
    unlucky = Town()
    other = await unlucky.propose()
    for _ in range(3):
        unlucky.cluster.fail("patch", Conflict("changed"))
    await unlucky.click(BOB, APPROVE, other)
    assert unlucky.now(other).phase is Phase.NOT_APPLIED
    assert "changed 3 times while it was being patched" in unlucky.card(other).text
    assert unlucky.cluster.landed == []


@pytest.mark.parametrize(
    "error",
    [Forbidden("admission webhook denied: can't modify service elb"), Invalid("the request is not valid")],
)
async def test_a_refusal_of_the_api_server_ends_the_change_with_its_sentence(error: Exception) -> None:
    """The webhook's or RBAC's words are on the card and in the thread, and in the channel."""
    town = Town()
    change = await town.propose()
    assert isinstance(error, Forbidden | Invalid)
    town.cluster.fail("patch", error)
    await town.click(BOB, APPROVE, change)
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert str(error) in town.card(change).text
    (said,) = [p for p in town.messenger.posts if p.thread]
    assert said.broadcast
    assert town.cluster.landed == []
    assert town.incidents() == []


async def test_a_lost_answer_is_looked_up_and_not_sent_again() -> None:
    """The patch landed and the connection broke off: one patch, and the change goes on."""
    town = Town()
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, APPROVE, change)
    real = town.cluster.patch

    async def broken(*args: object, dry_run: bool, **kwargs: object) -> object:
        if not dry_run:
            town.cluster.lose_reply("patch")
        return await real(*args, dry_run=dry_run, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    town.cluster.patch = broken  # type: ignore[assignment, method-assign]  # only this once
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.APPLYING
    assert "trying again" in town.card(change).text
    await town.later(2)
    assert town.now(change).phase is Phase.VERIFYING
    assert len(town.cluster.landed) == 1


async def test_what_somebody_undid_while_the_answer_was_lost_is_not_patched_again() -> None:
    """Landed, not known, and removed by hand: superseded, and a new proposal asks people again."""
    town = Town()
    await town.order(LEAD, "pause", "")
    change = await town.approved()
    await town.store.pauses.resume("*")
    await die(town, patches=1)
    town.cluster.annotate(CHECKOUT, None)
    await town.pass_time(60)
    assert town.now(change).phase is Phase.SUPERSEDED
    assert "while it was not known whether the patch had arrived" in town.card(change).text
    assert KEY not in town.cluster.annotations(CHECKOUT)
    assert len(town.cluster.landed) == 1


async def test_what_never_arrived_is_sent_again_with_the_same_precondition() -> None:
    """Nobody wrote to the Service meanwhile: nothing of ours can be there."""
    town = Town()
    await town.order(LEAD, "pause", "")
    change = await town.approved()
    real = town.cluster.patch

    async def silent(*args: object, dry_run: bool, **kwargs: object) -> object:
        if dry_run:
            return await real(*args, dry_run=dry_run, **kwargs)  # type: ignore[arg-type]  # passed on as it came
        raise Unavailable("prod does not answer")

    town.cluster.patch = silent  # type: ignore[assignment, method-assign]  # until it answers again
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.APPLYING
    town.cluster.patch = real  # type: ignore[method-assign]  # as it was
    await town.pass_time(30)
    assert town.now(change).phase is Phase.VERIFYING
    assert len(town.cluster.landed) == 1


async def test_a_silent_cluster_is_asked_again() -> None:
    """Nothing is decided while it does not answer; the card says what is waited for."""
    town = Town()
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, APPROVE, change)
    for _ in range(3):
        town.cluster.fail("read", Unavailable("prod does not answer"))
    await town.order(LEAD, "resume", "")
    assert "prod does not answer; trying again" in town.card(change).text
    await town.pass_time(10)
    assert town.now(change).phase is Phase.VERIFYING
    assert town.now(change).progress == "waiting for another verification of this Service to end"


@pytest.mark.parametrize("why", ["value", "spec", "deleted", "made again"])
async def test_what_changed_after_the_approval_supersedes_it(why: str) -> None:
    """Before-value, spec or uid: approvals are void, nothing is patched, and a new proposal follows if it can."""
    town = Town()
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, APPROVE, change)
    alter(town.cluster, why)
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.SUPERSEDED
    assert town.cluster.landed == []
    assert len(town.changes()) == (1 if why == "deleted" else 2)
    if why != "deleted":
        new = town.changes()[1]
        assert new.phase is Phase.PROPOSED
        assert new.approvals == ()
        assert f"{new.label} takes its place" in town.card(change).text


def alter(cluster: Cluster, why: str) -> None:
    """Do to the Service what somebody else might do."""
    match why:
        case "value":
            cluster.annotate(CHECKOUT, "false")
        case "spec":
            cluster.change_spec(CHECKOUT, loadBalancerSourceRanges=["0.0.0.0/0"])
        case "deleted":
            cluster.remove(Service, CHECKOUT)
        case _:
            cluster.remove(Service, CHECKOUT)
            cluster.put({**service(), "metadata": {**service()["metadata"], "uid": "another"}})


async def test_who_lost_the_right_to_approve_applies_nothing() -> None:
    """Rights are asked for again just before the patch."""
    town = Town()
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, APPROVE, change)
    town.messenger.groups[SRE] = frozenset()
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert "may not approve changes here any more" in town.card(change).text
    assert town.cluster.landed == []


async def test_who_lost_the_right_to_propose_applies_nothing() -> None:
    """The requester's membership must hold, too."""
    town = Town()
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, APPROVE, change)
    town.messenger.people.pop(ALICE)
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert town.cluster.landed == []


@pytest.mark.parametrize("verb", ["person", "members"])
async def test_a_lookup_that_fails_before_the_patch_is_tried_again(verb: str) -> None:
    """Slack's bad minute neither applies nor ends an approved change."""
    town = Town()
    change = await town.propose()
    await town.order(LEAD, "pause", "")
    await town.click(BOB, APPROVE, change)
    await town.store.pauses.resume("*")
    for _ in range(3):
        town.messenger.fail(verb, Unavailable("Slack does not answer"))
    await town.later(5)
    assert town.now(change).phase is Phase.APPLYING
    assert town.cluster.landed == []
    await town.pass_time(20)
    assert town.now(change).phase is Phase.VERIFYING
    assert len(town.cluster.landed) == 1


async def test_a_pause_holds_every_write_until_it_is_over() -> None:
    """Approved changes wait, the card says so, and resuming lets them go on at once."""
    town = Town()
    await town.order(LEAD, "pause", "prod")
    change = await town.approved()
    assert change.phase is Phase.APPROVED
    assert "paused by <@U0LEAD>" in town.card(change).text
    await town.pass_time(60)
    assert town.cluster.landed == []
    await town.order(LEAD, "resume", "prod")
    assert town.now(change).phase is Phase.VERIFYING
    assert "paused" not in town.card(change).text


async def test_a_cluster_that_became_read_only_is_not_written() -> None:
    """Approved, and then configured read-only."""
    town = Town()
    await town.order(LEAD, "pause", "prod")
    change = await town.approved()
    town.cluster.read_only = True
    await town.order(LEAD, "resume", "prod")
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert "read-only" in town.card(change).text
    assert town.cluster.landed == []


async def test_the_kubernetes_event_names_requester_and_approvers() -> None:
    """By name and id, once for each Service."""
    town = Town(clusters=[pair()])
    await town.approved()
    told = {str(each.service): each.message for each in town.cluster.told.values()}
    assert set(told) == {"shop/basket", "shop/checkout"}
    assert told["shop/checkout"] == (
        f"CHG-1: {KEY}=true; requested by Alice (U0ALICE), approved by Bob (U0BOB)"
    )


async def test_several_services_are_patched_one_after_the_other() -> None:
    """Each step has its event; the one that was asked for is the last."""
    town = Town(clusters=[pair()])
    change = await town.approved()
    assert [str(ref) for ref, _ in town.cluster.landed] == ["shop/basket", "shop/checkout"]
    steps = [e for e in town.store.changes.log[change.id] if e.kind is EventKind.STEP_APPLIED]
    assert [event.detail["service"] for event in steps] == ["shop/basket", "shop/checkout"]


async def test_every_service_is_rehearsed_before_the_first_is_patched() -> None:
    """What the second rehearsal says costs no write of the first; each is rehearsed again before its own patch."""
    town = Town(clusters=[pair()])
    await town.order(LEAD, "pause", "")
    await town.approved()
    begun = len(town.cluster.patches)
    await town.order(LEAD, "resume", "")
    done = [(str(patch.service), patch.dry_run) for patch in town.cluster.patches[begun:]]
    assert done[:2] == [("shop/basket", True), ("shop/checkout", True)]
    assert done[2:] == [
        ("shop/basket", True),
        ("shop/basket", False),
        ("shop/checkout", True),
        ("shop/checkout", False),
    ]


@pytest.mark.parametrize("why", ["refused", "changed", "gone"])
async def test_what_the_second_rehearsal_tells_costs_no_write(why: str) -> None:
    """A right that was taken away between the approval and the patch, a spec that changed, a Service that went."""
    town = Town(clusters=[pair()])
    await town.order(LEAD, "pause", "")
    change = await town.approved()
    real = town.cluster.patch

    async def patch(ref: object, *args: object, **kwargs: object) -> object:
        if str(ref) == "shop/checkout":
            raise Forbidden("can't modify service elb")
        return await real(ref, *args, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    match why:
        case "refused":
            town.cluster.patch = patch  # type: ignore[assignment, method-assign]  # from here on
        case "changed":
            town.cluster.change_spec(CHECKOUT, sessionAffinity="ClientIP")
        case _:
            town.cluster.remove(Service, CHECKOUT)
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is (Phase.NOT_APPLIED if why == "refused" else Phase.SUPERSEDED)
    assert town.cluster.landed == []
    if why == "refused":
        assert (
            "The API server refused the patch of shop/checkout: can't modify service elb."
            in town.card(change).text
        )


async def test_what_cannot_be_completed_is_put_back_as_a_whole() -> None:
    """The second Service refuses: the first has its value from before, and the card says so."""
    town = Town(clusters=[pair()])
    await town.order(LEAD, "pause", "")
    change = await town.approved()
    refuse(town.cluster, CHECKOUT)
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert KEY not in town.cluster.annotations(BASKET)
    assert KEY not in town.cluster.annotations(CHECKOUT)
    assert "refused the patch of shop/checkout" in town.card(change).text
    assert "What was patched before was put back." in town.card(change).text


async def test_a_set_that_changed_under_way_is_put_back_and_proposed_anew() -> None:
    """The second Service is not what was approved: superseded, with the first put back."""
    town = Town(clusters=[pair()])
    await town.order(LEAD, "pause", "")
    change = await town.approved()
    town.cluster.change_spec(CHECKOUT, sessionAffinity="ClientIP")
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.SUPERSEDED
    assert KEY not in town.cluster.annotations(BASKET)
    assert town.changes()[1].phase is Phase.PROPOSED


async def test_what_somebody_else_made_of_a_patched_service_is_left_and_said() -> None:
    """The first was patched, then edited by hand, then the second refuses: nothing of theirs is overwritten."""
    town = Town(clusters=[pair()])
    await town.order(LEAD, "pause", "")
    change = await town.approved()
    real = town.cluster.patch

    async def patch(ref: object, *args: object, dry_run: bool, **kwargs: object) -> object:
        if str(ref) == "shop/checkout" and not dry_run:
            town.cluster.annotate(BASKET, "false")
            raise Forbidden("can't modify service elb")
        return await real(ref, *args, dry_run=dry_run, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    town.cluster.patch = patch  # type: ignore[assignment, method-assign]  # only here
    await town.order(LEAD, "resume", "")
    assert town.cluster.annotations(BASKET)[KEY] == "false"
    text = town.card(change).text
    assert f"kubectl-edit changed {KEY} on shop/basket meanwhile; that was left as it is." in text
    assert town.now(change).phase is Phase.SUPERSEDED
    assert town.changes()[1].phase is Phase.PROPOSED


async def test_a_service_that_is_deleted_half_way_leaves_nothing_half_applied() -> None:
    """The second is gone when its turn comes: the first is put back."""
    town = Town(clusters=[pair()])
    await town.order(LEAD, "pause", "")
    change = await town.approved()
    real = town.cluster.patch

    async def patch(ref: object, *args: object, dry_run: bool, **kwargs: object) -> object:
        live = await real(ref, *args, dry_run=dry_run, **kwargs)  # type: ignore[arg-type]  # passed on as it came
        if not dry_run and str(ref) == "shop/basket" and town.cluster.snapshot().service(CHECKOUT):
            town.cluster.remove(Service, CHECKOUT)
        return live

    town.cluster.patch = patch  # type: ignore[assignment, method-assign]  # only here
    await town.order(LEAD, "resume", "")
    assert KEY not in town.cluster.annotations(BASKET)
    assert town.now(change).phase is Phase.SUPERSEDED
    assert "shop/checkout was deleted since." in town.card(change).text
    assert "What was patched before was put back." in town.card(change).text


async def test_a_patched_service_that_is_deleted_needs_no_putting_back() -> None:
    """It is gone with its annotation; the other one is not touched."""
    town = Town(clusters=[pair()])
    await town.order(LEAD, "pause", "")
    change = await town.approved()
    refuse(town.cluster, CHECKOUT, then=lambda: town.cluster.remove(Service, BASKET))
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.SUPERSEDED
    assert KEY not in town.cluster.annotations(CHECKOUT)


async def test_a_half_applied_set_is_put_back_when_rights_are_lost() -> None:
    """An attempt died after the first step, and then the approver left: nothing stays half done."""
    town = Town(clusters=[pair()])
    await town.order(LEAD, "pause", "")
    change = await town.approved()
    await town.store.pauses.resume("*")
    await die(town, patches=1)
    town.messenger.groups[SRE] = frozenset()
    await town.pass_time(60)
    assert town.now(change).phase is Phase.NOT_APPLIED
    assert KEY not in town.cluster.annotations(BASKET)


async def test_what_was_patched_counts_although_rights_are_lost_before_it_is_recorded() -> None:
    """The only patch landed while it was allowed: it is recorded as applied."""
    town = Town()
    await town.order(LEAD, "pause", "")
    change = await town.approved()
    await town.store.pauses.resume("*")
    await die(town, patches=1)
    town.messenger.groups[SRE] = frozenset()
    await town.pass_time(60)
    assert town.now(change).phase is Phase.VERIFYING
    assert len(town.cluster.landed) == 1


async def test_a_key_that_somebody_else_removed_is_not_our_patch() -> None:
    """Switching off, and somebody did it first: superseded, not silently called applied."""
    town = Town(clusters=[shop(value="true")])
    await town.order(LEAD, "pause", "")
    change = await town.approved("disable")
    town.cluster.annotate(CHECKOUT, None)
    await town.order(LEAD, "resume", "")
    assert town.now(change).phase is Phase.SUPERSEDED
    assert "There is no new proposal: shop/checkout: pass-through is already off" in town.card(change).text


async def test_the_same_removal_after_a_crash_is_our_patch() -> None:
    """Switching off, killed between the patch and its record."""
    town = Town(clusters=[shop(value="true")])
    await town.order(LEAD, "pause", "")
    change = await town.approved("disable")
    await town.store.pauses.resume("*")
    await die(town, patches=1)
    await town.pass_time(60)
    assert town.now(change).phase is Phase.VERIFYING
    assert len(town.cluster.landed) == 1


def pair() -> Cluster:
    """A cluster in IPVS mode with two Services on one load balancer."""
    cluster = shop(given=IPVS)
    cluster.put(service("shop", "basket", port=8000))
    cluster.put(slices("basket", "node-a"))
    return cluster


def refuse(cluster: Cluster, ref: Ref, *, then: Callable[[], None] = lambda: None) -> None:
    """Let the webhook refuse one Service, although the rehearsal went well; `then` happens meanwhile."""
    real = cluster.patch

    async def patch(service: object, *args: object, **kwargs: object) -> object:
        if str(service) == str(ref) and not kwargs["dry_run"]:
            then()
            raise Forbidden("can't modify service elb")
        return await real(service, *args, **kwargs)  # type: ignore[arg-type]  # passed on as it came

    cluster.patch = patch  # type: ignore[assignment, method-assign]  # only here


async def die(town: Town, *, patches: int) -> None:
    """Let a replica apply, and kill it right after so many patches landed."""
    real = town.cluster.patch

    async def patch(*args: object, dry_run: bool, **kwargs: object) -> object:
        live = await real(*args, dry_run=dry_run, **kwargs)  # type: ignore[arg-type]  # passed on as it came
        if len(town.cluster.landed) >= patches and not dry_run:
            raise Death
        return live

    town.cluster.patch = patch  # type: ignore[assignment, method-assign]  # until it has died
    with pytest.raises(Death):
        await town.later(10)
    town.cluster.patch = real  # type: ignore[method-assign]  # as it was
    town.clock.now += timedelta(seconds=LEASE)


# --- killed at every point ---------------------------------------------------------------------------------


async def story(town: Town) -> Change:
    """Propose, approve, apply, verify; as far as the people are concerned."""
    await town.order(ALICE, "enable", reason="TLS")
    change = next(iter(town.changes()))
    await town.click(BOB, APPROVE, change)
    return await town.concluded(change)


async def told(town: Town) -> tuple[object, ...]:
    """What is to be seen in the end, apart from times."""
    (change,) = town.changes()
    keys = sorted(posted.key for posted in town.messenger.posts)
    kinds = [event.kind for event in town.store.changes.log[change.id]]
    return change.phase, keys, kinds, len(town.cluster.landed), sorted(town.cluster.told)


EFFECTS = 60
"""More than the story has effects."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_any_point_the_story_ends_the_same(after: bool) -> None:  # noqa: FBT001 - a column of the table
    """For every effect: the process dies just before, or just after it; another one goes on. One patch, one message of each."""
    undisturbed = Town()
    await story(undisturbed)
    expected = await told(undisturbed)
    deaths = 0
    for point in range(1, EFFECTS):
        town = Town()
        deaths += await killed_at(town, point, after=after)
        assert await told(town) == expected, f"killed {'after' if after else 'before'} effect {point}"
    assert deaths > 20


async def killed_at(town: Town, point: int, *, after: bool) -> int:
    """Play the story with a first process that dies at its n-th effect; return whether it did."""
    heart = Heart(point, after=after)
    town.runs.outcomes = defaultdict(lambda: Outcome.SUCCEEDED)
    doomed = town.replica(
        store=mortal(town.store, heart),
        messenger=mortal(town.messenger, heart),
        clusters=MemoryClusters(*[mortal(cluster, heart) for cluster in town.clusters]),
    )
    died = 0
    try:
        town.world = doomed
        await town.order(ALICE, "enable", reason="TLS")
        (change,) = town.changes()
        await town.click(BOB, APPROVE, change)
    except (Death, IndexError, ValueError):
        died = 1
    town.world = town.replica()
    await town.pass_time(3 * LEASE)
    (change,) = town.changes()
    if change.phase is Phase.PROPOSED:
        await town.click(BOB, APPROVE, change)
    await town.store.jobs.submit(advance_job(change.id))
    await town.pass_time(3 * LEASE)
    return died


async def test_a_set_killed_at_any_point_is_never_half_applied() -> None:
    """Two Services, the second of which refuses: in the end both are as before, wherever the process died."""
    for point in range(1, EFFECTS):
        for after in (False, True):
            town = Town(clusters=[pair()])
            refuse(town.cluster, CHECKOUT)
            await killed_at(town, point, after=after)
            (change,) = town.changes()
            assert change.phase is Phase.NOT_APPLIED, (point, after)
            assert KEY not in town.cluster.annotations(BASKET), (point, after)
            assert [str(ref) for ref, values in town.cluster.landed if values[KEY]] == ["shop/basket"]


async def test_the_log_alone_tells_what_was_patched() -> None:
    """An auditor has no card: each Service, its annotations before and after, and what the API server made of it."""
    town = Town()
    change = await town.approved()
    events = {event.kind: event.detail for event in town.store.changes.log[change.id]}
    assert json.loads(events[EventKind.PROPOSED]["patch"]) == {"shop/checkout": {KEY: [None, "true"]}}
    assert events[EventKind.PROPOSED]["verb"] == "enable"
    live = await town.cluster.read(change.service)
    assert events[EventKind.APPLIED]["resourceVersion"] == live.resource_version
    assert {detail["digest"] for detail in events.values()} == {change.digest}
