"""Slack away for a while: what was asked and decided meanwhile is there when it is back."""

from bot.operations.jobs import click_job
from bot.operations.order import ANSWER_TRIES
from bot.worker import backoff
from tests.fakes.world import ALICE, BOB, Town, caller


async def test_a_decision_while_slack_is_away_is_shown_and_answered_when_it_is_back() -> None:
    """Once each: a card as it is by then, and what became of the click."""
    town = Town()
    change = await town.propose()
    town.messenger.down = True
    await town.store.jobs.submit(click_job("d-away", "change:approve", change.id, "", caller(BOB)))
    await town.pass_time(60)
    assert town.messenger.said_to(BOB) == []
    town.messenger.down = False
    await town.pass_time(60)
    told = town.messenger.said_to(BOB)
    assert len(told) == 1
    assert len(town.messenger.keyed(f"card:{change.id}")) == 1


async def test_a_command_while_slack_is_away_is_answered_when_it_is_back() -> None:
    """By its card, or by what could not be looked up meanwhile."""
    town = Town()
    town.messenger.down = True
    await town.order(ALICE, "enable")
    await town.pass_time(60)
    assert town.messenger.posts == []
    town.messenger.down = False
    await town.pass_time(60)
    assert town.messenger.posts or town.messenger.said_to(ALICE)


def test_an_answer_is_tried_for_longer_than_ten_minutes() -> None:
    """However the waits are spread."""
    assert sum(backoff(attempt, share=0.0) for attempt in range(1, ANSWER_TRIES)) > 900
