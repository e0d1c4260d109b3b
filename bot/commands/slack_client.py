"""The Web API's client, as `serve` uses it."""

from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.config.settings import SlackSettings

TIMEOUT = aiohttp.ClientTimeout(total=10)


def slack_session() -> aiohttp.ClientSession:
    """Return a session for calls to Slack, which the caller closes; proxies are taken from the environment.

    The timeout is the session's: with a session of one's own, the SDK's own timeout has no effect.
    """
    return aiohttp.ClientSession(timeout=TIMEOUT, trust_env=True)


class SlackClient(AsyncWebClient):
    """Nothing is sent again by itself: jobs do that, and look first. A token from a file follows the file."""

    def __init__(self, settings: SlackSettings, session: aiohttp.ClientSession) -> None:
        self._secret = settings.bot_token
        super().__init__(
            token=self._secret.reveal() if self._secret else None,
            base_url=settings.api_url,
            session=session,
            retry_handlers=[],
        )

    async def api_call(self, api_method: str, **arguments: Any) -> AsyncSlackResponse:
        """Call a method with the token as it is now."""
        if self._secret is not None:
            self.token = self._secret.reveal()
        return await super().api_call(api_method, **arguments)
