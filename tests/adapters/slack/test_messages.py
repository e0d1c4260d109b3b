"""Posting, editing and looking, on the wire."""

import logging
import re
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackClientError

from bot.adapters.slack import SlackMessenger
from bot.adapters.slack.errors import silence
from bot.adapters.slack.ladder import PLAIN_LIMIT
from bot.demo.slack import Workspace
from bot.demo.slack.people import Channel
from bot.domain.change import Place
from bot.ports import Forbidden, Message, NotFound, Unavailable

OPS = "C01OPS"
HELLO = Message(text="hello", blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}])
BROKEN = Message(text="a sentence", blocks=[{"type": "no such block"}])


def texts(workspace: Workspace, channel: str = OPS) -> list[str]:
    """What stands in a channel."""
    return [message.text for message in workspace.messages(channel)]


async def test_a_message_is_posted_with_its_key_and_can_be_edited(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """Its place is where the workspace has it."""
    place = await messenger.post(OPS, HELLO, key="card:1")
    (posted,) = workspace.messages(OPS)
    assert (posted.channel, posted.ts) == (place.channel, place.ts)
    assert posted.wire(metadata=True)["metadata"]["event_payload"] == {"key": "card:1"}
    await messenger.edit(place, Message(text="changed", blocks=HELLO.blocks))
    assert texts(workspace) == ["changed"]


async def test_a_reply_stands_in_its_thread_and_shows_in_the_channel_only_when_broadcast(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """Bad news alone is broadcast."""
    card = await messenger.post(OPS, HELLO, key="card")
    await messenger.post(OPS, Message(text="quiet"), key="a", thread=card.ts)
    await messenger.post(OPS, Message(text="loud"), key="b", thread=card.ts, broadcast=True)
    assert [m.text for m in workspace.thread(OPS, card.ts)] == ["hello", "quiet", "loud"]
    assert texts(workspace) == ["hello", "loud"]


async def test_what_belongs_into_a_thread_that_is_gone_is_said_in_the_channel(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """Rather than nowhere."""
    await messenger.post(OPS, Message(text="verdict"), key="verdict", thread="1700000000.000100")
    assert texts(workspace) == ["verdict"]


async def test_a_message_whose_answer_was_lost_is_found_and_not_posted_again(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """By the key in its metadata."""
    workspace.faults.add("chat.postMessage", "lost")
    with pytest.raises(Unavailable):
        await messenger.post(OPS, HELLO, key="card:1")
    place = await messenger.post(OPS, HELLO, key="card:1", look=True)
    assert [m.ts for m in workspace.messages(OPS)] == [place.ts]


async def test_a_message_that_is_found_says_what_it_should_say_now(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """What it is about may have moved on since it was posted and its answer was lost."""
    workspace.faults.add("chat.postMessage", "lost")
    with pytest.raises(Unavailable):
        await messenger.post(OPS, Message(text="proposed"), key="card:1")
    await messenger.post(OPS, Message(text="rejected"), key="card:1", look=True)
    assert texts(workspace) == ["rejected"]


async def test_a_reply_whose_answer_was_lost_is_found_in_its_thread(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """Where channels do not show it."""
    card = await messenger.post(OPS, HELLO, key="card")
    workspace.faults.add("chat.postMessage", "lost")
    with pytest.raises(Unavailable):
        await messenger.post(OPS, Message(text="verdict"), key="verdict", thread=card.ts)
    place = await messenger.post(OPS, Message(text="verdict"), key="verdict", thread=card.ts, look=True)
    assert [m.ts for m in workspace.thread(OPS, card.ts)] == [card.ts, place.ts]


async def test_a_message_is_found_behind_hundreds_of_others(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """A page of history is not all of it."""
    first = await messenger.post(OPS, HELLO, key="card:1")
    for number in range(450):
        workspace.say("U01ALICE", OPS, f"chatter {number}")
    assert await messenger.post(OPS, HELLO, key="card:1", look=True) == first


async def test_a_second_copy_is_removed_when_the_first_is_found(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """At worst one duplicate, and not for long."""
    first = await messenger.post(OPS, HELLO, key="card:1")
    await messenger.post(OPS, HELLO, key="card:1")
    assert await messenger.post(OPS, HELLO, key="card:1", look=True) == first
    assert [m.ts for m in workspace.messages(OPS)] == [first.ts]


async def test_another_message_is_not_taken_for_ours(workspace: Workspace, messenger: SlackMessenger) -> None:
    """Neither one of another key nor one without metadata."""
    await messenger.post(OPS, HELLO, key="card:2")
    workspace.say("U01ALICE", OPS, "card:1")
    await messenger.post(OPS, Message(text="mine"), key="card:1", look=True)
    assert texts(workspace)[-1] == "mine"


@pytest.mark.parametrize("error", ["missing_scope", "unknown_method", "not_in_channel"])
async def test_where_looking_is_impossible_the_message_is_posted_anyway(
    workspace: Workspace, messenger: SlackMessenger, error: str
) -> None:
    """A right that is missing costs the look, not the message."""
    workspace.faults.add("conversations.history", "error", error=error)
    await messenger.post(OPS, HELLO, key="card:1", look=True)
    assert texts(workspace) == ["hello"]


async def test_while_slack_does_not_answer_the_look_nothing_is_posted(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """It may be there."""
    workspace.faults.add("conversations.history", "500", count=2)
    with pytest.raises(Unavailable):
        await messenger.post(OPS, HELLO, key="card:1", look=True)
    assert texts(workspace) == []


async def test_a_lacking_right_is_told_once_in_the_log(
    workspace: Workspace, messenger: SlackMessenger, caplog: pytest.LogCaptureFixture
) -> None:
    """With the method, the reason and the remedy."""
    workspace.faults.add("conversations.history", "error", error="missing_scope", count=3)
    for number in range(3):
        await messenger.post(OPS, HELLO, key=f"card:{number}", look=True)
    (line,) = [r.getMessage() for r in caplog.records if r.levelno == logging.ERROR]
    assert line.startswith("Slack refuses conversations.history (missing_scope)")
    assert "app-manifest.yml" in line


async def test_refused_blocks_become_plain_text(workspace: Workspace, messenger: SlackMessenger) -> None:
    """The sentence arrives, posted and edited."""
    place = await messenger.post(OPS, BROKEN, key="x")
    await messenger.edit(place, Message(text="another", blocks=BROKEN.blocks))
    (message,) = workspace.messages(OPS)
    assert (message.text, list(message.blocks)) == ("another", [])


async def test_a_text_that_is_too_long_is_cut(workspace: Workspace, messenger: SlackMessenger) -> None:
    """Where Slack refuses the message as a whole."""
    workspace.faults.add("chat.postMessage", "error", error="msg_too_long")
    await messenger.post(OPS, Message(text="x" * 50_000), key="x")
    assert texts(workspace) == ["x" * PLAIN_LIMIT]


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("500", {}),
        ("timeout", {"seconds": 0.1}),
        ("hang", {}),
        ("lost", {}),
        ("error", {"error": "fatal_error"}),
    ],
)
async def test_trouble_of_slacks_is_no_answer_and_posting_is_not_tried_again(
    workspace: Workspace, messenger: SlackMessenger, kind: Any, given: dict[str, Any]
) -> None:
    """One call, and the caller decides what next."""
    workspace.faults.add("chat.postMessage", kind, count=2, **given)
    with pytest.raises(Unavailable) as caught:
        await messenger.post(OPS, HELLO, key="x")
    assert [trouble.left for trouble in workspace.faults.pending()] == [1]
    assert "chat.postMessage" in str(caught.value)
    assert re.search(r"[a-z][A-Z]\w*", str(caught.value).replace("chat.postMessage", "")) is None


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "it took too long"),
        (aiohttp.ServerTimeoutError(), "it took too long"),
        (aiohttp.ServerDisconnectedError(), "the connection broke off"),
        (ConnectionResetError(), "the connection broke off"),
        (aiohttp.ClientPayloadError(), "its answer cannot be read"),
        (SlackClientError("Received a response in a non-JSON format"), "what came is no answer"),
    ],
)
def test_how_no_answer_came_is_said_in_words(error: Exception, words: str) -> None:
    """A class's name says nothing to people."""
    assert silence(error) == words


async def test_a_rate_limit_says_how_long_to_wait(workspace: Workspace, messenger: SlackMessenger) -> None:
    """From Retry-After."""
    workspace.faults.add("chat.postMessage", "429", seconds=7)
    with pytest.raises(Unavailable) as caught:
        await messenger.post(OPS, HELLO, key="x")
    assert caught.value.retry_after == 7.0


async def test_slack_that_is_down_is_no_answer(workspace: Workspace, messenger: SlackMessenger) -> None:
    """Whatever is asked of it; and up again it works."""
    workspace.faults.down()
    with pytest.raises(Unavailable):
        await messenger.post(OPS, HELLO, key="x")
    with pytest.raises(Unavailable):
        await messenger.person("U01ALICE")
    workspace.faults.up()
    await messenger.post(OPS, HELLO, key="x", look=True)
    assert texts(workspace) == ["hello"]


@pytest.mark.parametrize("channel", ["C04RANDOM", "C0NOSUCH", "C0ARCHIVED"])
async def test_a_channel_that_the_bot_cannot_post_to_is_not_found(
    workspace: Workspace, messenger: SlackMessenger, channel: str
) -> None:
    """Not a member, no such channel, archived."""
    workspace.state.directory.add(Channel(id="C0ARCHIVED", name="old", members=frozenset(), archived=True))
    with pytest.raises(NotFound):
        await messenger.post(channel, HELLO, key="x")


async def test_a_message_that_was_deleted_is_not_found(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """Nor is one that is somebody else's."""
    theirs = workspace.say("U01ALICE", OPS, "mine")
    for ts in ("1700000000.000100", theirs.ts):
        with pytest.raises(NotFound):
            await messenger.edit(Place(channel=OPS, ts=ts), HELLO)


@pytest.mark.parametrize("options", [{"scopes": frozenset({"users:read"})}])
async def test_posting_without_its_scope_is_forbidden(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """There is nothing to fall back to."""
    with pytest.raises(Forbidden):
        await messenger.post(OPS, HELLO, key="x")
    assert texts(workspace) == []


async def test_a_permalink_leads_to_the_message(workspace: Workspace, messenger: SlackMessenger) -> None:
    """And is empty where Slack gives none."""
    place = await messenger.post(OPS, HELLO, key="x")
    assert await messenger.permalink(place) == (
        f"{workspace.url}/archives/{OPS}/p{place.ts.replace('.', '')}"
    )
    assert await messenger.permalink(Place(channel=OPS, ts="1.000001")) == ""
    other = await messenger.post(OPS, HELLO, key="y")
    workspace.faults.down()
    assert await messenger.permalink(other) == ""


async def test_a_permalink_is_asked_for_once(workspace: Workspace, messenger: SlackMessenger) -> None:
    """It stays what it is; a Home tab asks for dozens each time."""
    place = await messenger.post(OPS, HELLO, key="x")
    links = {await messenger.permalink(place) for _ in range(3)}
    workspace.faults.down()
    links.add(await messenger.permalink(place))
    assert len(links) == 1
    assert len(workspace.log(name="chat.getPermalink")) == 1


@pytest.mark.parametrize("error", ["missing_scope", "unknown_method", "method_deprecated"])
async def test_where_nothing_can_be_edited_a_message_stays_as_it_is(
    workspace: Workspace, messenger: SlackMessenger, error: str
) -> None:
    """Asking again would not help, so nobody does; another refusal is told."""
    place = await messenger.post(OPS, Message(text="now"), key="k")
    workspace.faults.add("chat.update", "error", error=error)
    await messenger.edit(place, Message(text="later"))
    assert [message.text for message in workspace.messages(OPS)] == ["now"]
    workspace.faults.add("chat.update", "error", error="token_revoked")
    with pytest.raises(Forbidden):
        await messenger.edit(place, Message(text="later"))
