"""Questions under way: what one comes to is said, if not now then later."""

import asyncio
import logging

import pytest

from bot.listeners.tasks import AGAIN, Tasks
from bot.operations.refusal import Refused
from bot.ports import Forbidden, Unavailable, WorldError


class Slack:
    """Takes sentences, after some failures; `done` once it was asked often enough."""

    def __init__(self, *errors: WorldError, enough: int) -> None:
        self._errors = list(errors)
        self._enough = enough
        self.said: list[str] = []
        self.tries = 0
        self.done = asyncio.Event()

    async def tell(self, sentence: str) -> None:
        """Say it, or fail."""
        self.tries += 1
        if self.tries == self._enough:
            self.done.set()
        if self._errors:
            raise self._errors.pop(0)
        self.said.append(sentence)


async def refusing() -> None:
    """A question that comes to a sentence."""
    raise Refused("No.")


async def answered(slack: Slack, again: tuple[float, ...]) -> None:
    """Ask, and wait until there is nothing left to say."""
    tasks = Tasks(again)
    tasks.start("d1", refusing, slack.tell)
    async with asyncio.timeout(60):
        await slack.done.wait()
    await tasks.close()


async def test_what_cannot_be_said_while_slack_is_away_is_said_when_it_is_back() -> None:
    """Once."""
    slack = Slack(*[Unavailable("Slack does not answer")] * 7, enough=8)
    await answered(slack, (0.0,) * 20)
    assert slack.said == ["No."]
    assert slack.tries == 8


async def test_what_slack_refuses_is_not_said_again(caplog: pytest.LogCaptureFixture) -> None:
    """Trying would not help."""
    slack = Slack(Forbidden("no right"), enough=1)
    with caplog.at_level(logging.WARNING):
        await answered(slack, (0.0,) * 20)
    assert slack.tries == 1
    assert "could not be answered" in caplog.text


async def test_it_is_not_tried_for_ever(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody waits for an answer of yesterday's."""
    slack = Slack(*[Unavailable("Slack does not answer")] * 3, enough=3)
    with caplog.at_level(logging.WARNING):
        await answered(slack, (0.0, 0.0))
    assert slack.tries == 3
    assert "never answered" in caplog.text


def test_an_outage_of_ten_minutes_is_outlasted() -> None:
    """And a response_url's half hour is not."""
    assert 600 < sum(AGAIN) < 1800
