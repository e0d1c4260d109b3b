"""A workspace on a loopback port, its clock, and Slack's own client for it."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import Workspace
from bot.demo.slack.rate import NONE
from tests.demo.slack.sample import APP_TOKEN, BOT_TOKEN, SECRET


class Clock:
    """A clock that stands still until it is told."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        """Return epoch seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@pytest.fixture
def clock() -> Clock:
    """The workspace's clock."""
    return Clock()


@pytest.fixture
def options() -> dict[str, Any]:
    """What a test file changes about its workspace."""
    return {}


@pytest.fixture
async def workspace(clock: Clock, options: dict[str, Any]) -> AsyncIterator[Workspace]:
    """A workspace that listens, without Slack's speed limits."""
    settings: dict[str, Any] = {"rates": NONE, "clock": clock, "retries": ()}
    made = Workspace(bot_token=BOT_TOKEN, signing_secret=SECRET, **(settings | options))
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
async def client(workspace: Workspace) -> AsyncWebClient:
    """Slack's own client, without retries."""
    return AsyncWebClient(token=BOT_TOKEN, base_url=workspace.api_url, retry_handlers=[])


@pytest.fixture
async def app_client(workspace: Workspace) -> AsyncWebClient:
    """The client with the app-level token."""
    return AsyncWebClient(token=APP_TOKEN, base_url=workspace.api_url, retry_handlers=[])
