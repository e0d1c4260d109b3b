"""One browser for every test of the page, and a workspace for each."""

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import Workspace
from bot.demo.slack.rate import NONE
from tests.demo.slack.browser import Watched, chromium, watched
from tests.demo.slack.sample import BOT_TOKEN, SECRET, over_http


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def chromium_process() -> AsyncIterator[Browser]:
    """One browser for a module's tests: it takes longer to start than most of them."""
    async with chromium() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def workspace() -> AsyncIterator[Workspace]:
    """A workspace with the real clock, with which Bolt compares a signature's time; in the browser's loop."""
    made = Workspace(bot_token=BOT_TOKEN, signing_secret=SECRET, rates=NONE, patience=60.0, retries=())
    await made.start()
    yield made
    await made.stop()


@pytest_asyncio.fixture(loop_scope="module")
async def browser(workspace: Workspace, chromium_process: Browser) -> AsyncIterator[Watched]:
    """The browser, watched, and the sample app behind HTTP."""
    async with over_http(workspace), watched(chromium_process, workspace.url) as found:
        yield found


@pytest.fixture
def client(workspace: Workspace) -> AsyncWebClient:
    """Slack's own client."""
    return AsyncWebClient(token=BOT_TOKEN, base_url=workspace.api_url)
