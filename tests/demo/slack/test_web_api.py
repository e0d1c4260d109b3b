"""The Web API, through Slack's own client."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import Channel, Person, UserGroup, Workspace
from bot.demo.slack.rate import REALISTIC
from tests.demo.slack.conftest import Clock
from tests.demo.slack.problems import error, refusal
from tests.demo.slack.sample import APP_TOKEN, BOT_TOKEN, button, plain

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "*hi*"}}


async def test_the_token_is_told_whose_it_is(client: AsyncWebClient, workspace: Workspace) -> None:
    """auth.test names team, bot user and bot, and the scopes stand in a header."""
    answer = await client.auth_test()
    assert (answer["team_id"], answer["user_id"], answer["bot_id"]) == ("T01TEAM", "U00ELBBOT", "B00ELBBOT")
    assert answer["url"] == f"{workspace.url}/"
    assert "chat:write" in answer.headers["X-OAuth-Scopes"]


class TestTokens:
    """A workspace whose app has an app-level token as well."""

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """Both tokens are known."""
        return {"app_token": APP_TOKEN}

    @pytest.mark.parametrize(
        ("token", "expected"), [("xoxb-wrong", "invalid_auth"), (APP_TOKEN, "not_allowed_token_type")]
    )
    async def test_a_wrong_token_is_refused(self, client: AsyncWebClient, token: str, expected: str) -> None:
        """Neither a foreign token nor the app's own may do what the bot's may."""
        client.token = token
        assert await error(client.chat_postMessage(channel="C01OPS", text="hi")) == expected


async def test_no_token_at_all_is_not_authed(workspace: Workspace) -> None:
    """A call without any token has Slack's own name for it."""
    async with aiohttp.ClientSession() as session, session.post(f"{workspace.api_url}auth.test") as answer:
        assert (await answer.json())["error"] == "not_authed"


async def test_the_token_may_stand_in_a_form(workspace: Workspace) -> None:
    """Slack takes the token as a form's field too, and the log does not show it."""
    form = {"token": BOT_TOKEN, "channel": "C01OPS", "text": "hi"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{workspace.api_url}chat.postMessage", data=form) as answer,
    ):
        assert (await answer.json())["ok"] is True
    assert BOT_TOKEN not in str([entry.wire() for entry in workspace.log()])


async def test_an_unknown_method_says_so(client: AsyncWebClient) -> None:
    """A method that this server does not know is refused by name."""
    assert (await refusal(client.api_call("made.up")))["req_method"] == "made.up"


class TestScopes:
    """A token with few scopes."""

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """Only posting is allowed."""
        return {"scopes": frozenset({"chat:write"})}

    async def test_a_missing_scope_is_named(self, client: AsyncWebClient) -> None:
        """The answer says what is needed and what was provided."""
        body = await refusal(client.usergroups_list())
        assert (body["error"], body["needed"], body["provided"]) == (
            "missing_scope",
            "usergroups:read",
            "chat:write",
        )


async def test_a_message_is_posted_and_its_metadata_kept(
    client: AsyncWebClient, workspace: Workspace
) -> None:
    """Metadata comes back where it is asked for, and only there."""
    metadata = {"event_type": "change", "event_payload": {"id": "CHG-7"}}
    posted = await client.chat_postMessage(channel="#ops", text="hi", blocks=[SECTION], metadata=metadata)
    assert posted["channel"] == "C01OPS"
    with_it = await client.conversations_history(channel="C01OPS", include_all_metadata=True)
    without = await client.conversations_history(channel="C01OPS")
    assert with_it["messages"][0]["metadata"] == metadata
    assert "metadata" not in without["messages"][0]
    assert workspace.messages("C01OPS")[0].blocks[0]["block_id"]


async def test_timestamps_are_unique_and_increase(client: AsyncWebClient) -> None:
    """Even while the clock stands still, every message has its own ts."""
    stamps = [(await client.chat_postMessage(channel="C01OPS", text=str(n)))["ts"] for n in range(5)]
    assert stamps == sorted(set(stamps))


@pytest.mark.parametrize(
    ("channel", "expected"),
    [
        ("C99NONE", "channel_not_found"),
        ("C04RANDOM", "not_in_channel"),
        ("U09GONE", "channel_not_found"),
        ("D01ALICE", None),
        ("U01ALICE", None),
    ],
)
async def test_messages_go_where_the_bot_may_post(
    client: AsyncWebClient, channel: str, expected: str | None
) -> None:
    """Channels without the bot refuse it, people's direct messages take it."""
    call = client.chat_postMessage(channel=channel, text="hi")
    assert (await error(call) if expected else (await call)["channel"]) == (expected or "D01ALICE")


async def test_joining_a_channel_lets_the_bot_post(client: AsyncWebClient) -> None:
    """conversations.join makes the bot a member."""
    await client.conversations_join(channel="C04RANDOM")
    assert (await client.chat_postMessage(channel="C04RANDOM", text="hi"))["ok"]


async def test_an_empty_message_is_refused(client: AsyncWebClient) -> None:
    """Neither text nor blocks: no_text."""
    assert (
        await error(client.api_call("chat.postMessage", json={"channel": "C01OPS", "text": ""})) == "no_text"
    )


async def test_a_message_of_more_than_forty_thousand_characters_is_refused(client: AsyncWebClient) -> None:
    """The longest text passes, one character more does not."""
    assert (await client.chat_postMessage(channel="C01OPS", text="x" * 40_000))["ok"]
    assert await error(client.chat_postMessage(channel="C01OPS", text="x" * 40_001)) == "msg_too_long"


async def test_invalid_blocks_are_refused_with_a_pointer_to_each(client: AsyncWebClient) -> None:
    """The answer names every fault by its JSON pointer, as Slack does."""
    blocks: list[dict[str, Any]] = [
        {"type": "header", "text": plain("x" * 151)},
        {"type": "actions", "elements": [button("a", "x" * 76)]},
    ]
    body = await refusal(client.chat_postMessage(channel="C01OPS", text="hi", blocks=blocks))
    assert body["error"] == "invalid_blocks"
    assert body["response_metadata"]["messages"] == [
        "[ERROR] must be less than 151 characters [json-pointer:/blocks/0/text/text]",
        "[ERROR] must be less than 76 characters [json-pointer:/blocks/1/elements/0/text/text]",
    ]


async def test_an_update_keeps_the_ts_and_marks_the_edit(
    client: AsyncWebClient, workspace: Workspace
) -> None:
    """A text without blocks takes the blocks away; the metadata stays."""
    metadata = {"event_type": "change", "event_payload": {}}
    posted = await client.chat_postMessage(channel="C01OPS", text="hi", blocks=[SECTION], metadata=metadata)
    await client.chat_update(channel="C01OPS", ts=posted["ts"], text="changed")
    (message,) = workspace.messages("C01OPS")
    assert (message.ts, message.text, message.blocks, message.metadata) == (
        posted["ts"],
        "changed",
        (),
        metadata,
    )
    assert message.edited is not None


async def test_only_the_bots_own_messages_can_be_updated_or_deleted(
    client: AsyncWebClient, workspace: Workspace
) -> None:
    """What Alice wrote, what is not there and what only one person saw are out of reach."""
    hers = workspace.say("U01ALICE", "C01OPS", "hello")
    whisper = await client.chat_postEphemeral(channel="C01OPS", user="U01ALICE", text="psst")
    assert await error(client.chat_update(channel="C01OPS", ts=hers.ts, text="x")) == "cant_update_message"
    assert await error(client.chat_delete(channel="C01OPS", ts=hers.ts)) == "cant_delete_message"
    assert await error(client.chat_update(channel="C01OPS", ts="1.0", text="x")) == "message_not_found"
    assert (
        await error(client.chat_update(channel="C01OPS", ts=whisper["message_ts"], text="x"))
        == "message_not_found"
    )


async def test_an_update_needs_the_channels_id(client: AsyncWebClient) -> None:
    """A name is good enough to post, and not to update."""
    posted = await client.chat_postMessage(channel="#ops", text="hi")
    assert await error(client.chat_update(channel="#ops", ts=posted["ts"], text="x")) == "channel_not_found"


async def test_a_deleted_message_is_gone(client: AsyncWebClient, workspace: Workspace) -> None:
    """chat.delete takes it away."""
    posted = await client.chat_postMessage(channel="C01OPS", text="hi")
    await client.chat_delete(channel="C01OPS", ts=posted["ts"])
    assert workspace.messages("C01OPS") == []


async def test_replies_stand_in_the_thread_and_broadcasts_in_the_channel_too(client: AsyncWebClient) -> None:
    """conversations.history shows the parent with its figures and the broadcast, replies all three."""
    parent = (await client.chat_postMessage(channel="C01OPS", text="parent"))["ts"]
    await client.chat_postMessage(channel="C01OPS", text="quiet", thread_ts=parent)
    await client.chat_postMessage(channel="C01OPS", text="loud", thread_ts=parent, reply_broadcast=True)
    history = (await client.conversations_history(channel="C01OPS"))["messages"]
    replies = (await client.conversations_replies(channel="C01OPS", ts=parent))["messages"]
    assert [m["text"] for m in history] == ["loud", "parent"]
    assert history[0]["subtype"] == "thread_broadcast"
    assert history[1]["reply_count"] == 2
    assert [m["text"] for m in replies] == ["parent", "quiet", "loud"]


async def test_a_reply_to_nothing_is_refused(client: AsyncWebClient) -> None:
    """There is no thread without a message."""
    assert (
        await error(client.chat_postMessage(channel="C01OPS", text="x", thread_ts="1.0"))
        == "thread_not_found"
    )


async def test_history_is_paged_by_cursors(client: AsyncWebClient) -> None:
    """Every message comes exactly once, the newest first."""
    for number in range(5):
        await client.chat_postMessage(channel="C01OPS", text=str(number))
    seen: list[str] = []
    async for page in await client.conversations_history(channel="C01OPS", limit=2):
        seen += [m["text"] for m in page["messages"]]
    assert seen == ["4", "3", "2", "1", "0"]


async def test_history_is_for_members(client: AsyncWebClient) -> None:
    """The bot reads only where it is."""
    assert await error(client.conversations_history(channel="C04RANDOM")) == "not_in_channel"


async def test_an_ephemeral_message_is_seen_by_its_addressee_alone(
    client: AsyncWebClient, workspace: Workspace
) -> None:
    """It is in nobody else's list and not in the channel."""
    await client.chat_postEphemeral(channel="C01OPS", user="U02BOB", text="only you")
    assert [m.text for m in workspace.ephemerals("U02BOB")] == ["only you"]
    assert workspace.ephemerals("U01ALICE") == []
    assert workspace.messages("C01OPS") == []


@pytest.mark.parametrize(
    ("user", "expected"), [("U05PAGER", "user_not_in_channel"), ("U77NONE", "user_not_found")]
)
async def test_an_ephemeral_message_needs_a_member(client: AsyncWebClient, user: str, expected: str) -> None:
    """Who is not in the channel cannot be whispered to."""
    assert await error(client.chat_postEphemeral(channel="C01OPS", user=user, text="x")) == expected


async def test_people_are_what_they_are(client: AsyncWebClient, workspace: Workspace) -> None:
    """Members, guests, bots, the departed and strangers can be told apart."""
    workspace.state.directory.add(Person(id="W0STRANGER", name="eve", real_name="Eve", team="T99OTHER"))
    found = {p["id"]: p for p in (await client.users_list())["members"]}
    assert found["U04GUEST"]["is_restricted"]
    assert found["U09GONE"]["deleted"]
    assert found["U05PAGER"]["is_bot"]
    assert found["W0STRANGER"]["is_stranger"]
    assert found["W0STRANGER"]["team_id"] == "T99OTHER"
    assert await error(client.users_info(user="U77NONE")) == "user_not_found"


async def test_user_groups_list_their_members(client: AsyncWebClient, workspace: Workspace) -> None:
    """A disabled group and one that is not there are refused by name."""
    workspace.state.directory.add(UserGroup(id="S0OLD", handle="old", name="Old", disabled=True))
    assert (await client.usergroups_users_list(usergroup="S0SRE"))["users"] == ["U02BOB"]
    assert [g["handle"] for g in (await client.usergroups_list())["usergroups"]] == ["sre", "platform"]
    assert await error(client.usergroups_users_list(usergroup="S0OLD")) == "subteam_disabled"
    assert await error(client.usergroups_users_list(usergroup="S0NONE")) == "no_such_subteam"


async def test_channels_are_listed_with_the_bots_membership(
    client: AsyncWebClient, workspace: Workspace
) -> None:
    """Private channels without the bot stay hidden."""
    workspace.state.directory.add(
        Channel(id="G01SECRET", name="secret", private=True, members=frozenset({"U01ALICE"}))
    )
    answer = await client.conversations_list(types="public_channel,private_channel")
    assert {c["name"]: c["is_member"] for c in answer["channels"]} == {
        "ops": True,
        "incidents": True,
        "random": False,
    }
    mine = await client.users_conversations(types="public_channel")
    assert [c["name"] for c in mine["channels"]] == ["ops", "incidents"]
    assert await error(client.conversations_info(channel="G01SECRET")) == "channel_not_found"


async def test_a_permalink_names_channel_and_message(client: AsyncWebClient, workspace: Workspace) -> None:
    """It leads to the page."""
    posted = await client.chat_postMessage(channel="C01OPS", text="hi")
    link = (await client.chat_getPermalink(channel="C01OPS", message_ts=posted["ts"]))["permalink"]
    assert link == f"{workspace.url}/archives/C01OPS/p{posted['ts'].replace('.', '')}"
    async with aiohttp.ClientSession() as session, session.get(link, allow_redirects=False) as answer:
        assert answer.headers["Location"] == f"/?channel=C01OPS&ts={posted['ts']}"


async def test_a_reaction_counts_once(client: AsyncWebClient, workspace: Workspace) -> None:
    """The second of the same kind is refused."""
    posted = await client.chat_postMessage(channel="C01OPS", text="hi")
    await client.reactions_add(channel="C01OPS", timestamp=posted["ts"], name="white_check_mark")
    assert workspace.messages("C01OPS")[0].reactions == (("white_check_mark", ("U00ELBBOT",)),)
    again = client.reactions_add(channel="C01OPS", timestamp=posted["ts"], name="white_check_mark")
    assert await error(again) == "already_reacted"


async def test_a_file_is_uploaded_and_shared(client: AsyncWebClient, workspace: Workspace) -> None:
    """The three steps of an upload end in a message whose file can be read, and not run."""
    await client.files_upload_v2(channel="C01OPS", filename="path.svg", content="<svg/>", title="The path")
    (message,) = workspace.messages("C01OPS")
    assert message.files[0]["title"] == "The path"
    async with aiohttp.ClientSession() as session, session.get(message.files[0]["url_private"]) as answer:
        assert await answer.text() == "<svg/>"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox")


class TestRates:
    """Slack's speed limits."""

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """As the real ones."""
        return {"rates": REALISTIC}

    async def test_more_than_a_burst_in_one_channel_has_to_wait(
        self, client: AsyncWebClient, clock: Clock
    ) -> None:
        """The eleventh message at once is refused with Retry-After; a second later it passes, elsewhere at once."""
        for number in range(10):
            await client.chat_postMessage(channel="C01OPS", text=str(number))
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel="C01OPS", text="one too many")
        assert (caught.value.response.status_code, caught.value.response.headers["Retry-After"]) == (429, "1")
        assert (await client.chat_postMessage(channel="C02INC", text="elsewhere"))["ok"]
        clock.advance(1)
        assert (await client.chat_postMessage(channel="C01OPS", text="later"))["ok"]
