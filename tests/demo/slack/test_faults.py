"""Faults on demand: what the next calls meet."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import Workspace
from tests.demo.slack.problems import error


def post(client: AsyncWebClient, text: str = "hi") -> Awaitable[Any]:
    """Post a message."""
    return client.chat_postMessage(channel="C01OPS", text=text)


async def test_so_many_calls_meet_the_fault_and_the_next_does_not(
    client: AsyncWebClient, workspace: Workspace
) -> None:
    """Two answers of 500, of one method alone."""
    workspace.faults.add("chat.postMessage", "500", count=2)
    for _ in range(2):
        with pytest.raises(SlackApiError) as caught:
            await post(client)
        assert caught.value.response.status_code == 500
        assert (await client.auth_test())["ok"]
    assert (await post(client))["ok"]


async def test_a_rate_limit_tells_how_long_to_wait(client: AsyncWebClient, workspace: Workspace) -> None:
    """Slack's own retry handler honours it."""
    workspace.faults.add("*", "429", seconds=1)
    client.retry_handlers = [AsyncRateLimitErrorRetryHandler(max_retry_count=1)]
    assert (await post(client))["ok"]
    assert [e.result for e in workspace.log(name="chat.postMessage")] == ["ratelimited", "ok"]


async def test_an_error_of_slacks_can_be_chosen(client: AsyncWebClient, workspace: Workspace) -> None:
    """Such as fatal_error."""
    workspace.faults.add("chat.postMessage", "error", error="fatal_error")
    assert await error(post(client)) == "fatal_error"


async def test_a_lost_answer_has_been_carried_out(client: AsyncWebClient, workspace: Workspace) -> None:
    """The connection drops, and the message is there."""
    workspace.faults.add("chat.postMessage", "lost")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await post(client)
    assert [m.text for m in workspace.messages("C01OPS")] == ["hi"]
    assert workspace.log(name="chat.postMessage")[0].status is None


async def test_a_timeout_drops_the_call_undone(client: AsyncWebClient, workspace: Workspace) -> None:
    """After the time that was asked for."""
    workspace.faults.add("chat.postMessage", "timeout", seconds=0.01)
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await post(client)
    assert workspace.messages("C01OPS") == []


async def test_a_call_that_hangs_is_let_go_when_the_faults_are_cleared(
    client: AsyncWebClient, workspace: Workspace
) -> None:
    """Until then there is no answer at all."""
    workspace.faults.add("chat.postMessage", "hang")
    hanging = asyncio.ensure_future(post(client))
    await workspace.wait_for(lambda: not workspace.faults.pending())
    workspace.faults.clear()
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await hanging
    assert workspace.messages("C01OPS") == []


async def test_slack_can_be_down_and_up_again(client: AsyncWebClient, workspace: Workspace) -> None:
    """Every connection drops in between, and nothing is done."""
    workspace.faults.down()
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await post(client)
    workspace.faults.up()
    assert (await post(client))["ok"]
    assert len(workspace.messages("C01OPS")) == 1


async def test_a_slow_answer_comes_all_the_same(client: AsyncWebClient, workspace: Workspace) -> None:
    """Late, and done once."""
    workspace.faults.add("chat.postMessage", "slow", seconds=0.02)
    assert (await post(client))["ok"]
    assert workspace.log(name="chat.postMessage")[0].ms >= 15
