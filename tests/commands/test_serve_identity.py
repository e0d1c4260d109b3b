"""Who the bot is: asked until Slack answers; a refused token ends the start."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from bot.commands.identity import learn
from bot.commands.slack_client import SlackClient, slack_session
from bot.config import ConfigurationError, Secret
from bot.config.settings import SlackSettings
from bot.demo.slack import Workspace
from bot.demo.slack.rate import NONE
from tests.commands.serving import BOT_TOKEN, SECRET


@pytest.fixture
async def slack() -> AsyncIterator[Workspace]:
    """A workspace that listens."""
    made = Workspace(bot_token=BOT_TOKEN, signing_secret=SECRET, rates=NONE, patience=60.0)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """The session for calls to Slack."""
    async with slack_session() as opened:
        yield opened


def settings(slack: Workspace, token: Secret) -> SlackSettings:
    """How Slack is reached."""
    return SlackSettings(bot_token=token, api_url=slack.api_url)


async def test_slack_says_who_the_bot_is(slack: Workspace, session: aiohttp.ClientSession) -> None:
    """Its team, and its user, by which it knows its own messages."""
    client = SlackClient(settings(slack, Secret("SLACK_BOT_TOKEN", BOT_TOKEN)), session)
    who = await learn(client)
    assert (who.team_id, who.bot_user_id, who.bot_token) == ("T01TEAM", "U00ELBBOT", BOT_TOKEN)


@pytest.mark.parametrize("kind", ["500", "429", "lost"])
async def test_trouble_of_slacks_is_waited_out(
    slack: Workspace, session: aiohttp.ClientSession, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    """With a line in the log for each time."""
    slack.faults.add("auth.test", kind)  # type: ignore[arg-type] # held against the fault's own kinds by the parameters above
    client = SlackClient(settings(slack, Secret("SLACK_BOT_TOKEN", BOT_TOKEN)), session)
    assert (await learn(client)).team_id == "T01TEAM"
    assert "asking again" in caplog.text
    assert BOT_TOKEN not in caplog.text


@pytest.mark.parametrize("error", ["invalid_auth", "token_revoked", "account_inactive", "not_authed"])
async def test_a_refused_token_is_a_wrong_configuration(
    slack: Workspace, session: aiohttp.ClientSession, error: str
) -> None:
    """Named by its variable and Slack's word for it, without its value."""
    slack.faults.add("auth.test", "error", error=error)
    client = SlackClient(settings(slack, Secret("SLACK_BOT_TOKEN", BOT_TOKEN)), session)
    with pytest.raises(ConfigurationError) as caught:
        await learn(client)
    assert caught.value.problems == (f"SLACK_BOT_TOKEN is refused by Slack ({error})",)


@pytest.mark.parametrize("error", ["missing_scope", "method_deprecated", "unknown_method"])
async def test_a_method_that_is_not_there_says_nothing_about_the_token(
    slack: Workspace, session: aiohttp.ClientSession, error: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The bot starts, and the log says what tells it the workspace instead."""
    slack.faults.add("auth.test", "error", error=error)
    client = SlackClient(settings(slack, Secret("SLACK_BOT_TOKEN", BOT_TOKEN)), session)
    assert (await learn(client)).team_id is None
    assert f"(auth.test: {error}): `team:` in the configuration" in caplog.text
