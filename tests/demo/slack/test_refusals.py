"""What Slack refuses, method by method, in its own words."""

from typing import Any

import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import Channel, Workspace
from tests.demo.slack.problems import error
from tests.demo.slack.sample import HOME, ask

Json = dict[str, Any]
OPS = {"channel": "C01OPS"}

REFUSALS: list[tuple[str, Json, str]] = [
    ("api.test", {"error": "made_up"}, "made_up"),
    ("bots.info", {"bot": "B99"}, "bot_not_found"),
    ("chat.postMessage", {"text": "x"}, "invalid_arguments"),
    ("chat.postMessage", {**OPS, "blocks": "[not json"}, "invalid_blocks_format"),
    ("chat.postMessage", {**OPS, "text": "x", "metadata": {"event_type": 7}}, "invalid_metadata_format"),
    ("chat.postMessage", {**OPS, "text": "x", "metadata": "{not json"}, "invalid_arguments"),
    (
        "chat.postMessage",
        {**OPS, "blocks": [{"type": "markdown", "text": "x" * 7000}] * 2},
        "msg_blocks_too_long",
    ),
    ("chat.postMessage", {"channel": "C05OLD", "text": "x"}, "is_archived"),
    ("chat.getPermalink", {**OPS, "message_ts": "1.0"}, "message_not_found"),
    ("blocks.validate", {"blocks": [{"type": "hero"}]}, "invalid_blocks"),
    ("reactions.add", {**OPS, "timestamp": "1.0", "name": "eyes"}, "message_not_found"),
    ("reactions.add", {**OPS, "timestamp": "1.0", "name": "Not An Emoji"}, "invalid_name"),
    ("reactions.remove", {**OPS, "timestamp": "1.0", "name": "eyes"}, "message_not_found"),
    ("conversations.open", {"users": "U77NONE"}, "user_not_found"),
    ("conversations.open", {}, "users_list_not_supplied"),
    ("conversations.join", {"channel": "D01ALICE"}, "method_not_supported_for_channel_type"),
    ("conversations.join", {"channel": "C05OLD"}, "is_archived"),
    ("conversations.history", {**OPS, "cursor": "?"}, "invalid_cursor"),
    ("conversations.history", {**OPS, "limit": "many"}, "invalid_arguments"),
    ("conversations.replies", {**OPS, "ts": "1.0"}, "thread_not_found"),
    ("users.conversations", {"user": "U77NONE"}, "user_not_found"),
    ("users.info", {}, "invalid_arguments"),
    ("views.open", {"trigger_id": "1", "view": HOME}, "invalid_arguments"),
    (
        "views.open",
        {"trigger_id": "1", "view": {**ask(), "private_metadata": "x" * 3001}},
        "invalid_arguments",
    ),
    ("views.publish", {"user_id": "U01ALICE", "view": ask()}, "invalid_arguments"),
    ("views.publish", {"user_id": "U77NONE", "view": HOME}, "user_not_found"),
    ("views.publish", {"user_id": "U09GONE", "view": HOME}, "not_enabled"),
    ("views.update", {"view_id": "V0", "view": ask()}, "not_found"),
    ("files.getUploadURLExternal", {"filename": "a.png"}, "invalid_arguments"),
    ("files.completeUploadExternal", {}, "invalid_arguments"),
    ("files.completeUploadExternal", {"files": [{"id": "F0"}]}, "file_not_found"),
]


@pytest.mark.parametrize(("method", "arguments", "expected"), REFUSALS)
async def test_what_slack_refuses_is_refused_in_its_words(
    client: AsyncWebClient, workspace: Workspace, method: str, arguments: Json, expected: str
) -> None:
    """One row, one refusal; and the log has it."""
    workspace.state.directory.add(
        Channel(id="C05OLD", name="old", archived=True, members=frozenset({"U00ELBBOT"}))
    )
    assert await error(client.api_call(method, json=arguments)) == expected
    assert workspace.log(name=method)[-1].result == expected


async def test_what_is_asked_for_without_need_is_answered_all_the_same(client: AsyncWebClient) -> None:
    """The plain questions: team, bot, members, conversations by id, a test."""
    assert (await client.api_test(foo="bar"))["args"]["foo"] == "bar"
    assert (await client.team_info())["team"]["id"] == "T01TEAM"
    assert (await client.bots_info(bot="B00ELBBOT"))["bot"]["user_id"] == "U00ELBBOT"
    assert "U01ALICE" in (await client.conversations_members(channel="C01OPS"))["members"]
    assert (await client.conversations_info(channel="D01ALICE"))["channel"]["user"] == "U01ALICE"
    assert (await client.conversations_open(users="U04GUEST"))["channel"]["id"].startswith("D")
    assert (await client.conversations_open(channel="D01ALICE"))["channel"]["id"] == "D01ALICE"
    assert [c["id"] for c in (await client.conversations_list(types="im"))["channels"]][:1] == ["D01ALICE"]
    assert (await client.api_call("blocks.validate", json={"blocks": [{"type": "divider"}]}))["ok"]


async def test_a_reaction_can_be_taken_back_once(client: AsyncWebClient, workspace: Workspace) -> None:
    """The second time there is none."""
    posted = await client.chat_postMessage(channel="C01OPS", text="hi")
    place: Json = {"channel": "C01OPS", "timestamp": posted["ts"], "name": "eyes"}
    await client.reactions_add(**place)
    await client.reactions_remove(**place)
    assert workspace.messages("C01OPS")[0].reactions == ()
    assert await error(client.reactions_remove(**place)) == "no_reaction"


async def test_history_can_be_cut_at_both_ends(client: AsyncWebClient) -> None:
    """Bounds are exclusive unless asked otherwise."""
    stamps = [(await client.chat_postMessage(channel="C01OPS", text=str(n)))["ts"] for n in range(3)]
    bounds: Json = {"channel": "C01OPS", "oldest": stamps[0], "latest": stamps[2]}
    assert [m["text"] for m in (await client.conversations_history(**bounds))["messages"]] == ["1"]
    answer = await client.conversations_history(**bounds, inclusive=True)
    assert [m["text"] for m in answer["messages"]] == ["2", "1", "0"]


async def test_an_update_may_change_the_blocks_alone(client: AsyncWebClient, workspace: Workspace) -> None:
    """The text stays for notifications."""
    posted = await client.chat_postMessage(channel="C01OPS", text="a sentence")
    blocks = [{"type": "divider"}]
    body = {"channel": "C01OPS", "ts": posted["ts"], "blocks": blocks}
    await client.api_call("chat.update", json=body)
    (message,) = workspace.messages("C01OPS")
    assert (message.text, message.blocks[0]["type"]) == ("a sentence", "divider")


class TestPublicWriting:
    """A bot that may post where it is not a member."""

    @pytest.fixture
    def options(self) -> Json:
        """The scope for it."""
        return {"scopes": frozenset({"chat:write", "chat:write.public"})}

    async def test_it_posts_and_does_not_whisper_there(self, client: AsyncWebClient) -> None:
        """chat:write.public is for messages alone."""
        assert (await client.chat_postMessage(channel="C04RANDOM", text="hi"))["ok"]
        whisper = client.chat_postEphemeral(channel="C04RANDOM", user="U01ALICE", text="hi")
        assert await error(whisper) == "not_in_channel"
