"""A workspace on a loopback port, and the messenger that the bot uses for it."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack import SlackMessenger
from bot.demo.slack import Workspace
from bot.demo.slack.rate import NONE

TOKEN = "xoxb-messenger"

Make = Callable[..., SlackMessenger]


@pytest.fixture
def options() -> dict[str, Any]:
    """What a test changes about its workspace."""
    return {}


@pytest.fixture
async def workspace(options: dict[str, Any]) -> AsyncIterator[Workspace]:
    """A workspace that listens, without Slack's speed limits."""
    made = Workspace(bot_token=TOKEN, signing_secret="secret", **({"rates": NONE} | options))
    await made.start()
    yield made
    await made.stop()
    assert [trouble for trouble in made.faults.pending() if not trouble.met] == []


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """The bot's session; half a second is patience enough on loopback."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2.0)) as opened:
        yield opened


@pytest.fixture
def make(workspace: Workspace, session: aiohttp.ClientSession) -> Make:
    """Makes messengers; keywords override what the bot gives them."""

    def messenger(**given: Any) -> SlackMessenger:
        client = AsyncWebClient(token=TOKEN, base_url=workspace.api_url, session=session, retry_handlers=[])
        settings: dict[str, Any] = {
            "session": session,
            "team": "T01TEAM",
            "response_hosts": {workspace.response_host},
            "gap": 0.0,
        }
        return SlackMessenger(client, **(settings | given))

    return messenger


@pytest.fixture
def messenger(make: Make) -> SlackMessenger:
    """One messenger."""
    return make()
