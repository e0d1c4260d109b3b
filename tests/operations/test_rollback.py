from dataclasses import replace

import pytest

from bot.config.settings import Clients, OnFailure, VerificationSettings
from bot.domain.change import Change, Phase, Verb
from bot.domain.freeze import Window
from bot.domain.objects import Service
from bot.domain.policy import Policy
from bot.domain.verification import Outcome
from bot.operations.jobs import click_job
from bot.ports import Forbidden, Unavailable
from tests.fakes.dying import Death, Heart, mortal
from tests.fakes.messenger import buttons
from tests.fakes.world import (
    ALICE,
    BOB,
    CAROL,
    CHECKOUT,
    IPVS,
    KEY,
    LEAD,
    LEASE,
    MALLORY,
    PLATFORM,
    SRE,
    Town,
    caller,
    service,
    shop,
    slices,
)

ROLLBACK, APPROVE, REJECT = "change:rollback", "change:approve", "change:reject"
AUTOMATIC = VerificationSettings(clients=Clients.NONE, on_failure=OnFailure.ROLLBACK)
WITH_ROLLBACK = Policy(propose=(PLATFORM,), approve=(SRE,), rollback=(BOB,))


def second(town: Town) -> Change:
    """The change that undoes the first."""
    (change,) = [change for change in town.changes() if change.verb is Verb.ROLLBACK]
    return change


async def test_who_may_roll_back_undoes_alone_and_at_once() -> None:
    """A change of its own, linked, patched with the value from before, and verified."""
    town = Town()
    first = await town.done(Outcome.FAILED)
    assert ROLLBACK in buttons(town.card(first).message)
    said = await town.click(BOB, ROLLBACK, first)
    assert said.startswith("CHG-2 undoes CHG-1.")
    assert KEY not in town.cluster.annotations(CHECKOUT)
    assert second(town).rolls_back == first.id
    assert second(town).phase is Phase.VERIFYING
    assert "CHG-2> undid it" in town.card(first).text
    assert buttons(town.card(first).message) == {}
    undone = await town.concluded(second(town))
    assert undone.phase is Phase.SUCCEEDED
    assert buttons(town.card(undone).message) == {}


async def test_who_may_only_propose_needs_an_approval_to_undo() -> None:
    """The requester may ask for it; somebody who may roll back says yes."""
    town = Town(policies=(WITH_ROLLBACK,))
    first = await town.done(Outcome.FAILED)
    assert "It waits for approval" in await town.click(ALICE, ROLLBACK, first)
    assert town.cluster.annotations(CHECKOUT)[KEY] == "true"
    await town.click(BOB, APPROVE, second(town))
    assert KEY not in town.cluster.annotations(CHECKOUT)


async def test_who_may_neither_is_told_who_may() -> None:
    """A stranger to the policy undoes nothing."""
    town = Town()
    first = await town.done()
    said = await town.click(MALLORY, ROLLBACK, first)
    assert "You may not roll changes back here. <!subteam^S0SRE> or <!subteam^S0PLATFORM> may." in said
    assert len(town.changes()) == 1


@pytest.mark.parametrize("before", [None, "false", ""])
async def test_the_value_from_before_comes_back_exactly(before: str | None) -> None:
    """Absent is not empty, and neither is false."""
    town = Town(clusters=[shop(value=before)])
    first = await town.done()
    await town.click(BOB, ROLLBACK, first)
    assert town.cluster.annotations(CHECKOUT).get(KEY) == before
    assert (KEY in town.cluster.annotations(CHECKOUT)) is (before is not None)


async def test_a_disabled_service_gets_its_own_value_back() -> None:
    """What CCE wrote before is what comes back."""
    town = Town(clusters=[shop(value="onlyLocal")])
    first = await town.done(verb="disable")
    assert KEY not in town.cluster.annotations(CHECKOUT)
    await town.click(BOB, ROLLBACK, first)
    assert town.cluster.annotations(CHECKOUT)[KEY] == "onlyLocal"


async def test_what_a_third_party_changed_since_is_not_overwritten() -> None:
    """The sentence names them; nothing is stored."""
    town = Town()
    first = await town.done()
    town.cluster.annotate(CHECKOUT, "onlyLocal", by="cce-controller")
    said = await town.click(BOB, ROLLBACK, first)
    assert f"cce-controller changed {KEY} on shop/checkout since" in said
    assert len(town.changes()) == 1


async def test_a_service_made_again_has_nothing_to_undo() -> None:
    """Another uid is another Service."""
    town = Town()
    first = await town.done()
    town.cluster.remove(Service, CHECKOUT)
    raw = service(value="true")
    town.cluster.put({**raw, "metadata": {**raw["metadata"], "uid": "another"}})
    assert "made again since" in await town.click(BOB, ROLLBACK, first)


async def test_what_was_not_applied_cannot_be_undone() -> None:
    """A rejected change has nothing to roll back."""
    town = Town()
    first = await town.propose()
    await town.click(BOB, REJECT, first)
    assert "there is nothing to roll back" in await town.click(BOB, ROLLBACK, first)


async def test_a_change_is_undone_once() -> None:
    """The second click is told by which change and by whom, whoever makes it; that of a race too."""
    town = Town()
    first = await town.done(Outcome.FAILED)
    await town.order(LEAD, "pause", "")
    await town.click(BOB, ROLLBACK, first)
    told = "|CHG-2> undoes CHG-1 already: <@U0BOB> asked for it at 14:00 UTC, and it is about to be applied."
    assert told in await town.click(CAROL, ROLLBACK, first)
    assert told in await town.click(BOB, ROLLBACK, first)
    town.store.changes.rows[first.id] = replace(town.now(first), rolled_back_by="")
    assert told in await town.click(CAROL, ROLLBACK, first)
    assert len(town.changes()) == 2


async def test_a_rollback_that_is_not_posted_yet_is_waited_for() -> None:
    """The loser of a race gets a link to the winner's card, although Slack is slow to take it."""
    town = Town()
    first = await town.done(Outcome.FAILED)
    town.messenger.fail("post", Unavailable("Slack does not answer"))
    for delivery, user in (("one", BOB), ("two", CAROL)):
        await town.store.jobs.submit(click_job(delivery, ROLLBACK, first.id, "", caller(user)))
    await town.pass_time(5)
    assert "|CHG-2> undoes CHG-1 already: <@U0BOB> asked for it" in town.messenger.said_to(CAROL)[-1]


async def test_a_rollback_that_comes_to_nothing_gives_the_button_back() -> None:
    """Rejected: the first change can be undone after all."""
    town = Town(policies=(WITH_ROLLBACK,))
    first = await town.done(Outcome.FAILED)
    await town.click(ALICE, ROLLBACK, first)
    await town.click(BOB, REJECT, second(town))
    assert ROLLBACK in buttons(town.card(first).message)
    assert "undoes CHG-1" in await town.click(BOB, ROLLBACK, first)


async def test_a_silent_cluster_rolls_nothing_back() -> None:
    """The person is told, and clicks again later."""
    town = Town()
    first = await town.done()
    town.cluster.fail("read", Unavailable("prod does not answer"))
    assert "does not answer" in await town.click(BOB, ROLLBACK, first)
    assert len(town.changes()) == 1
    assert "CHG-2 undoes CHG-1" in await town.click(BOB, ROLLBACK, first)


async def test_a_freeze_does_not_stop_undoing() -> None:
    """Undoing is no new risk."""
    town = Town()
    first = await town.done(Outcome.FAILED)
    town.policies = (Policy(propose=(PLATFORM,), approve=(SRE,), freeze=(Window(start=0, end=1440),)),)
    town.world = town.replica()
    await town.click(BOB, ROLLBACK, first)
    assert KEY not in town.cluster.annotations(CHECKOUT)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_any_point_a_rollback_is_still_taken(after: bool) -> None:  # noqa: FBT001 - a column
    """Between its proposal, its link and its approval, and anywhere else: undone once."""
    deaths = 0
    for point in range(1, 40):
        town = Town()
        first = await town.done(Outcome.FAILED)
        heart = Heart(point, after=after)
        town.world = town.replica(store=mortal(town.store, heart), messenger=mortal(town.messenger, heart))
        try:
            await town.click(BOB, ROLLBACK, first)
        except (Death, IndexError):
            deaths += 1
        town.world = town.replica()
        await town.pass_time(3 * LEASE)
        if len(town.changes()) > 1:
            assert second(town).phase is Phase.VERIFYING, point
            assert len(town.cluster.landed) == 2, point
            assert town.now(first).rolled_back_by == "CHG-2", point
    assert deaths > 10


async def test_a_failed_change_is_rolled_back_by_itself_where_that_is_configured() -> None:
    """`onFailure: rollback`: a change of the bot's own, applied at once, told, and verified."""
    town = Town(verification=AUTOMATIC)
    first = await town.done(Outcome.FAILED)
    assert second(town).requested_by == "bot"
    assert KEY not in town.cluster.annotations(CHECKOUT)
    assert any("onFailure: rollback" in text and "CHG-2 undoes CHG-1" in text for text in town.thread(first))
    assert "Asked by elb-passthrough: “rolls back CHG-1”" in town.card(second(town)).text
    undone = await town.concluded(second(town), Outcome.FAILED)
    assert undone.phase is Phase.FAILED
    assert len(town.changes()) == 2, "a rollback that fails is not rolled back"


@pytest.mark.parametrize("outcome", [Outcome.SUCCEEDED, Outcome.INCONCLUSIVE])
async def test_only_a_failure_is_rolled_back_by_itself(outcome: Outcome) -> None:
    """Inconclusive is not failed."""
    town = Town(verification=AUTOMATIC)
    await town.done(outcome)
    assert len(town.changes()) == 1


async def test_a_rollback_by_itself_that_cannot_be_says_so() -> None:
    """A third party changed the key: nothing is overwritten, and the thread says it in the channel too."""
    town = Town(verification=AUTOMATIC)
    change = await town.approved()
    town.cluster.annotate(CHECKOUT, "onlyLocal", by="cce-controller")
    first = await town.concluded(change, Outcome.FAILED)
    assert len(town.changes()) == 1
    assert "It was not rolled back by itself: cce-controller changed" in town.card(first).text
    assert any("It was not rolled back by itself" in p.text and p.broadcast for p in town.messenger.posts)
    assert ROLLBACK in buttons(town.card(first).message)


async def test_a_rollback_by_itself_waits_for_a_silent_cluster() -> None:
    """It is tried again until the cluster answers."""
    town = Town(verification=AUTOMATIC)
    change = await town.approved()
    for _ in range(2):
        town.cluster.fail("read", Unavailable("prod does not answer"))
    await town.concluded(change, Outcome.FAILED)
    assert len(town.changes()) == 1
    await town.pass_time(60)
    assert second(town).phase is Phase.VERIFYING


async def test_a_refused_rehearsal_leaves_the_first_change_as_it_was() -> None:
    """The webhook refuses: told to the person, and the button stays."""
    town = Town()
    first = await town.done()
    town.cluster.fail("patch", Forbidden("can't modify service elb"))
    assert "can't modify service elb" in await town.click(BOB, ROLLBACK, first)
    assert town.now(first).rolled_back_by == ""


async def test_a_set_is_rolled_back_as_a_whole() -> None:
    """In the reverse order, every Service with its own value from before."""
    cluster = shop(given=IPVS)
    cluster.put(service("shop", "basket", port=8000, value="false"))
    cluster.put(slices("basket", "node-a"))
    town = Town(clusters=[cluster])
    first = await town.done(Outcome.FAILED)
    await town.click(BOB, ROLLBACK, first)
    landed = [(ref.name, values[KEY]) for ref, values in cluster.landed]
    assert landed == [("basket", "true"), ("checkout", "true"), ("checkout", None), ("basket", "false")]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_killed_at_any_point_a_superseded_proposal_has_one_successor(after: bool) -> None:  # noqa: FBT001 - a column
    """Between the old one's end and the new one's card: exactly one new proposal, linked."""
    deaths = 0
    for point in range(1, 25):
        town = Town()
        old = await town.propose()
        town.cluster.annotate(CHECKOUT, "false")
        heart = Heart(point, after=after)
        town.world = town.replica(store=mortal(town.store, heart), messenger=mortal(town.messenger, heart))
        try:
            await town.pass_time(31)
        except Death:
            deaths += 1
        town.world = town.replica()
        await town.pass_time(3 * LEASE)
        _, new = town.changes()
        assert town.now(old).phase is Phase.SUPERSEDED
        assert town.now(old).superseded_by == new.label
        assert len(town.messenger.keyed(f"say:{old.id}:superseded")) == 1
        assert "It replaces CHG-1" in town.card(new).text
    assert deaths > 5


async def test_a_rollback_by_itself_that_is_superseded_waits_for_a_person() -> None:
    """It is not what was configured for any more: a new card, linked, with no approval, and applied after one."""
    town = Town(verification=AUTOMATIC)
    change = await town.approved()
    real = town.cluster.patch

    async def restless(*args: object, **kwargs: object) -> object:
        live = await real(*args, **kwargs)  # type: ignore[arg-type]  # passed on as it came
        town.cluster.patch = real  # type: ignore[method-assign]  # only once
        town.cluster.change_spec(CHECKOUT, sessionAffinity="ClientIP")
        return live

    town.cluster.patch = restless  # type: ignore[assignment, method-assign]  # as the rollback is rehearsed
    first = await town.concluded(change, Outcome.FAILED)
    await town.pass_time(5)
    _, old, new = town.changes()
    assert old.phase is Phase.SUPERSEDED
    assert (new.phase, new.requested_by, new.approvals) == (Phase.PROPOSED, "bot", ())
    assert town.now(first).rolled_back_by == new.label
    assert f"|{new.label}> takes its place" in town.card(old).text
    assert "It replaces CHG-2" in town.card(new).text
    assert "needs 1 of <!subteam^S0SRE>" in town.card(new).text
    await town.click(BOB, APPROVE, new)
    assert KEY not in town.cluster.annotations(CHECKOUT)


async def test_the_old_notice_loses_its_button_once_it_was_used() -> None:
    """The incident channel's Roll back goes when the rollback is proposed, and comes back if it comes to nothing."""
    town = Town(policies=(WITH_ROLLBACK,))
    first = await town.done(Outcome.FAILED)
    notice = town.incidents()[0]
    assert ROLLBACK in buttons(notice.message)
    await town.click(ALICE, ROLLBACK, first)
    notice = town.incidents()[0]
    assert buttons(notice.message) == {}
    assert "CHG-2 would undo it" in notice.text
    await town.click(BOB, REJECT, second(town))
    assert ROLLBACK in buttons(town.incidents()[0].message)


async def test_a_proposal_that_is_superseded_again_and_again_is_not_made_anew_for_ever() -> None:
    """A Service that never rests fills no channel with cards."""
    town = Town()
    await town.propose()
    for number in range(20):
        town.cluster.change_spec(CHECKOUT, sessionAffinity="ClientIP" if number % 2 else "None")
        await town.pass_time(31)
    assert len(town.changes()) == 6
    last = town.changes()[-1]
    assert "There is no new proposal: it was superseded 6 times in a row." in town.card(last).text
    assert (await town.propose()).renewals == 0


async def test_a_read_only_cluster_is_rolled_back_by_hand() -> None:
    """Configured so since: the card has the commands, and nobody is told that anything is being applied."""
    town = Town()
    first = await town.done()
    town.cluster.read_only = True
    said = await town.click(CAROL, "change:rollback", first)
    second = town.changes()[1]
    assert said == "CHG-2 would undo CHG-1. prod is read-only here; its card shows how to do it by hand."
    assert second.phase is Phase.PROPOSED
    assert "kubectl" in town.card(second).text
    assert len(town.cluster.landed) == 1
