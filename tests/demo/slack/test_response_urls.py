"""Response URLs: five uses in thirty minutes, and what each may do."""

from typing import Any

import pytest
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.demo.slack import Workspace
from tests.demo.slack.conftest import Clock
from tests.demo.slack.sample import plain

GO = {"type": "actions", "elements": [{"type": "button", "action_id": "go", "text": plain("Go")}]}


async def command_url(workspace: Workspace) -> AsyncWebhookClient:
    """Return the response URL of a command; the app itself is not there."""
    await workspace.command("U01ALICE", "C01OPS", "help")
    return AsyncWebhookClient(workspace.deliveries.sent[-1].payload["response_url"])


async def click_url(
    workspace: Workspace, client: Any, *, only_for: str | None = None, **place: str
) -> AsyncWebhookClient:
    """Return the response URL of a click by Alice on a message of the bot."""
    if only_for is not None:
        await client.chat_postEphemeral(channel="C01OPS", user=only_for, text="card", blocks=[GO], **place)
        message = workspace.ephemerals(only_for)[-1]
    else:
        posted = await client.chat_postMessage(channel="C01OPS", text="card", blocks=[GO], **place)
        found = workspace.message("C01OPS", posted["ts"])
        assert found is not None
        message = found
    await workspace.click("U01ALICE", message, "go")
    return AsyncWebhookClient(workspace.deliveries.sent[-1].payload["response_url"])


async def test_the_sixth_use_is_refused(workspace: Workspace) -> None:
    """Five answers arrive, the sixth does not."""
    url = await command_url(workspace)
    statuses = [(await url.send(text=str(n))).status_code for n in range(6)]
    assert statuses == [200] * 5 + [404]
    assert [m.text for m in workspace.ephemerals("U01ALICE")] == ["0", "1", "2", "3", "4"]


async def test_after_half_an_hour_it_is_too_late(workspace: Workspace, clock: Clock) -> None:
    """One second before it still works."""
    url = await command_url(workspace)
    clock.advance(1799)
    assert (await url.send(text="in time")).status_code == 200
    clock.advance(2)
    late = await url.send(text="late")
    assert (late.status_code, "expired_url" in late.body) == (404, True)


async def test_a_made_up_url_is_refused(workspace: Workspace) -> None:
    """Nobody can answer what was not asked."""
    url = AsyncWebhookClient(f"{workspace.url}/commands/T01TEAM/1/2")
    assert (await url.send(text="hi")).status_code == 404


async def test_an_answer_is_for_one_unless_it_says_otherwise(workspace: Workspace) -> None:
    """Ephemeral by default, in_channel on demand, where the bot is not a member too."""
    await workspace.command("U01ALICE", "C04RANDOM", "help")
    url = AsyncWebhookClient(workspace.deliveries.sent[-1].payload["response_url"])
    await url.send(text="only you")
    await url.send(text="everybody", response_type="in_channel")
    assert [m.text for m in workspace.ephemerals("U01ALICE", "C04RANDOM")] == ["only you"]
    assert [m.text for m in workspace.messages("C04RANDOM")] == ["everybody"]


async def test_an_ephemeral_message_is_replaced_and_deleted_by_its_response_url(
    workspace: Workspace, client: Any
) -> None:
    """chat.update cannot do it, this can."""
    url = await click_url(workspace, client, only_for="U01ALICE")
    await url.send(text="replaced", replace_original=True)
    assert [m.text for m in workspace.ephemerals("U01ALICE")] == ["replaced"]
    await url.send(delete_original=True)
    assert workspace.ephemerals("U01ALICE") == []


async def test_a_posted_message_is_replaced_in_place(workspace: Workspace, client: Any) -> None:
    """Everybody sees the new text under the old ts."""
    url = await click_url(workspace, client)
    before = workspace.messages("C01OPS")[0].ts
    await url.send(text="replaced", replace_original=True)
    assert [(m.ts, m.text) for m in workspace.messages("C01OPS")] == [(before, "replaced")]


async def test_an_answer_to_a_click_in_a_thread_stays_there(workspace: Workspace, client: Any) -> None:
    """Ephemeral answers too."""
    parent = await client.chat_postMessage(channel="C01OPS", text="parent")
    url = await click_url(workspace, client, thread_ts=parent["ts"])
    await url.send(text="only you")
    await url.send(text="all", response_type="in_channel")
    assert workspace.ephemerals("U01ALICE")[0].thread_ts == parent["ts"]
    assert workspace.thread("C01OPS", parent["ts"])[-1].text == "all"


@pytest.mark.parametrize(
    ("body", "expected"), [({"blocks": [{"type": "hero"}]}, "invalid_blocks"), ({"text": ""}, "no_text")]
)
async def test_an_invalid_answer_is_refused_by_name(
    workspace: Workspace, body: dict[str, Any], expected: str
) -> None:
    """With a status that is not 200."""
    url = await command_url(workspace)
    answer = await url.send_dict(body)
    assert (answer.status_code, expected in answer.body) == (400, True)
