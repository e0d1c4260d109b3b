"""Who is told of a proposal: those in the channel by a mention, approvers elsewhere directly, once."""

import pytest

from bot.domain.change import Change
from bot.domain.freeze import Window
from bot.domain.policy import Policy
from bot.operations.invitation import LOOK_AGAIN, MOST
from bot.operations.jobs import INVITATION, INVITE
from bot.ports import Forbidden, Unavailable
from tests.fakes.world import ALICE, BOB, CAROL, PLATFORM, SRE, Town, shop


def told(town: Town, *users: str) -> list[int]:
    """How often each was told directly."""
    return [len(town.messenger.direct(user)) for user in users or (ALICE, BOB, CAROL)]


def scattered(*elsewhere: str, policy: Policy | None = None) -> Town:
    """A town some of whose people are in no channel."""
    town = Town(policies=(policy,)) if policy else Town()
    town.messenger.elsewhere.update(elsewhere)
    return town


async def test_the_notification_names_who_may_approve() -> None:
    """What a telephone shows, and a screen reader reads."""
    town = Town()
    change = await town.propose()
    text = town.card(change).message.text
    assert (
        text == f"CHG-1 proposed: pass-through on for shop/checkout on prod. It waits for <!subteam^{SRE}>."
    )
    await town.click(BOB, "change:approve", change)
    assert SRE not in town.card(change).message.text


async def test_an_approver_who_is_not_in_the_channel_is_told_directly() -> None:
    """Where the card is; those who are in the channel are mentioned there, and nobody else is told."""
    town = scattered(ALICE, BOB)
    change = await town.propose()
    assert told(town) == [0, 1, 0]
    (message,) = town.messenger.direct(BOB)
    link = await town.messenger.permalink(town.card(change).place)
    assert f"<{link}|CHG-1>" in message.text
    assert f"<#{change.channel}>" in message.text


async def test_nobody_is_told_directly_where_all_of_them_are_in_the_channel() -> None:
    """The mention is enough."""
    town = Town()
    await town.propose()
    assert told(town) == [0, 0, 0]


async def test_everybody_is_told_once_whatever_is_performed_again() -> None:
    """By another replica, after a restart, by the same job once more."""
    town = scattered(BOB, CAROL)
    change = await town.propose()
    town.world = town.replica()
    again = [
        job for job in (row.job for row in town.store.jobs.rows.values()) if job.kind in (INVITE, INVITATION)
    ]
    assert {job.key for job in again} == {
        f"invite:{change.id}:proposed",
        *(f"invitation:{change.id}:proposed:{user}" for user in (BOB, CAROL)),
    }
    await town.store.jobs.submit(*again)
    await town.pass_time(3600)
    assert told(town) == [0, 1, 1]


async def test_they_are_reminded_as_the_channel_is() -> None:
    """Once more, while it still waits."""
    policy = Policy(propose=(PLATFORM,), approve=(SRE,), expires_after=60, reminder=30)
    town = scattered(BOB, policy=policy)
    await town.propose()
    await town.pass_time(40)
    first, second = (posted.text for posted in town.messenger.direct(BOB))
    assert "waits for your approval" in first
    assert "still waits for your approval" in second


async def test_who_asked_or_may_not_is_not_told() -> None:
    """Neither one's own proposal, nor a deactivated approver, nor one on the deny list."""
    policy = Policy(propose=(PLATFORM,), approve=(SRE, PLATFORM, "U0GONE"), deny=(CAROL,))
    town = scattered(ALICE, BOB, CAROL, "U0GONE", policy=policy)
    town.messenger.add("GONE", full=False)
    await town.propose()
    assert told(town, ALICE, BOB, CAROL, "U0GONE") == [0, 1, 0, 0]


async def test_of_what_nobody_can_approve_nobody_is_told() -> None:
    """A read-only cluster."""
    town = Town(clusters=[shop(read_only=True)])
    town.messenger.elsewhere.add(BOB)
    await town.propose()
    assert told(town) == [0, 0, 0]


async def _held_up(*elsewhere: str) -> tuple[Town, Change]:
    """A proposal whose approvers are told in a second, for Slack does not answer before."""
    town = scattered(*elsewhere)
    town.messenger.fail("inside", Unavailable("Slack does not answer"))
    change = await town.propose()
    assert told(town) == [0, 0, 0]
    return town, change


async def test_what_is_decided_meanwhile_is_not_told() -> None:
    """While Slack was away."""
    town, change = await _held_up(BOB, CAROL)
    await town.click(CAROL, "change:approve", change)
    await town.pass_time(60)
    assert told(town) == [0, 0, 0]


async def test_a_direct_message_that_slack_refuses_holds_nobody_up(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the others are told."""
    town, _ = await _held_up(BOB, CAROL)
    town.messenger.fail("post", Forbidden("Slack answered chat.postMessage with user_is_restricted"))
    await town.pass_time(5)
    assert sorted(told(town)) == [0, 0, 1]
    assert "could not be told directly of CHG-1" in caplog.text
    assert town.store.jobs.waiting(INVITATION) == []


async def test_a_great_many_approvers_are_not_all_told() -> None:
    """Some of them are enough."""
    people = [f"P{number}" for number in range(MOST + 5)]
    town = Town()
    town.messenger.add(*people)
    users = [f"U0{name}" for name in people]
    town.messenger.groups[SRE] = frozenset(users)
    town.messenger.elsewhere.update(users)
    await town.propose()
    assert sum(told(town, *users)) == MOST


async def test_a_group_that_cannot_be_looked_up_is_looked_up_again() -> None:
    """Slack may answer in half a minute."""
    town, _ = await _held_up(BOB)
    town.messenger.fail("members", Unavailable("Slack does not answer"))
    await town.pass_time(5)
    assert told(town) == [0, 0, 0]
    await town.pass_time(LOOK_AGAIN)
    assert told(town) == [0, 1, 0]


async def test_where_slack_does_not_say_who_is_in_the_channel_all_of_them_are_told() -> None:
    """Better twice than not at all."""
    town = Town()
    town.messenger.fail("inside", Forbidden("Slack answered conversations.members with missing_scope"))
    await town.propose()
    assert told(town) == [0, 1, 1]


async def test_in_a_freeze_they_are_told_when_it_is_over() -> None:
    """Nobody can approve it before, and the notification does not say that somebody could."""
    until_four = Window(start=0, end=16 * 60)
    policy = Policy(propose=(PLATFORM,), approve=(SRE,), freeze=(until_four,), reminder=23.5 * 3600)
    town = scattered(BOB, policy=policy)
    change = await town.propose()
    assert SRE not in town.card(change).message.text
    await town.pass_time(3600)
    assert told(town) == [0, 0, 0]
    await town.pass_time(3600 + 3 * LOOK_AGAIN)
    assert told(town) == [0, 1, 0]
    assert SRE in town.card(change).message.text
