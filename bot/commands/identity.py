"""Who the bot is, as Slack says at the start; a token that is refused ends the start, silence does not."""

import asyncio
import logging

from slack_bolt.authorization import AuthorizeResult
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.errors import UNKNOWN, code_of, translated
from bot.config import ConfigurationError
from bot.ports import Forbidden

log = logging.getLogger(__name__)

LONGEST_REST = 10.0
_NOT_SAID = frozenset({UNKNOWN, "missing_scope", "method_deprecated"})
"""Answers that say nothing about the token: this server, or this app, does not have the method."""


async def learn(client: AsyncWebClient) -> AuthorizeResult:
    """Ask Slack who the token belongs to, until Slack answers.

    Raises:
        ConfigurationError: the token is refused.
    """
    rest = 0.5
    while True:
        try:
            answer = await client.auth_test()
        except SlackApiError as error:
            if code_of(error) in _NOT_SAID:
                log.warning(
                    "Slack does not say who the bot is (auth.test: %s): `team:` in the configuration says which "
                    "workspace this is",
                    code_of(error),
                )
                return AuthorizeResult(enterprise_id=None, team_id=None, bot_token=client.token)
            if isinstance(translated(error, "auth.test"), Forbidden):
                raise ConfigurationError(
                    [f"SLACK_BOT_TOKEN is refused by Slack ({code_of(error)})"]
                ) from error
            log.warning("Slack answers auth.test with %s; asking again", code_of(error))
        except Exception as error:  # noqa: BLE001 - whatever the network raises, the next try is the answer
            log.warning("Slack does not answer auth.test (%s); asking again", type(error).__name__)
        else:
            return AuthorizeResult.from_auth_test_response(auth_test_response=answer, bot_token=client.token)
        await asyncio.sleep(rest)
        rest = min(LONGEST_REST, rest * 2)
