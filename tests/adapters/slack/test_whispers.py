"""What one person is told: in the channel, directly, or through a response_url."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
from aiohttp import web

from bot.adapters.slack import SlackMessenger
from bot.demo.slack import Workspace
from bot.demo.slack.hook import USES
from bot.ports import Forbidden, Message, NotFound, Unavailable
from tests.adapters.slack.conftest import Make

OPS, RANDOM = "C01OPS", "C04RANDOM"
ALICE = "U01ALICE"
HELLO = Message(text="hello", blocks=[{"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}])
BROKEN = Message(text="a sentence", blocks=[{"type": "no such block"}])


def hook(workspace: Workspace) -> str:
    """A new response_url of Alice's in #ops."""
    path = workspace.state.hooks.issue("commands", "T01TEAM", channel=OPS, user=ALICE)
    return workspace.url + path


def seen(workspace: Workspace) -> list[str]:
    """What Alice alone sees."""
    return [message.text for message in workspace.ephemerals(ALICE)]


async def test_a_whisper_is_seen_by_its_person_alone(workspace: Workspace, messenger: SlackMessenger) -> None:
    """In the channel, or in a thread of it."""
    card = await messenger.post(OPS, HELLO, key="card")
    await messenger.whisper(OPS, ALICE, HELLO)
    await messenger.whisper(OPS, ALICE, Message(text="in the thread"), thread=card.ts)
    assert seen(workspace) == ["hello", "in the thread"]
    assert [m.thread_ts for m in workspace.ephemerals(ALICE)] == [None, card.ts]
    assert [m.text for m in workspace.messages(OPS)] == ["hello"]


@pytest.mark.parametrize("channel", [RANDOM, "C0NOSUCH", ALICE])
async def test_where_a_person_cannot_be_told_in_the_channel_they_are_told_directly(
    workspace: Workspace, messenger: SlackMessenger, channel: str
) -> None:
    """The bot is not in it, there is none, or none was named."""
    await messenger.whisper(channel, ALICE, HELLO)
    assert [m.text for m in workspace.messages("D01ALICE")] == ["hello"]
    assert seen(workspace) == []


@pytest.mark.parametrize("error", ["missing_scope", "unknown_method"])
async def test_without_the_right_to_open_or_to_whisper_the_person_is_told_directly(
    workspace: Workspace, messenger: SlackMessenger, error: str
) -> None:
    """A lacking method costs its comfort, not the answer."""
    workspace.faults.add("chat.postEphemeral", "error", error=error)
    workspace.faults.add("conversations.open", "error", error=error)
    await messenger.whisper(OPS, ALICE, HELLO)
    assert [m.text for m in workspace.messages("D01ALICE")] == ["hello"]


async def test_what_is_posted_to_a_person_stands_in_their_direct_messages(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """Its place is there, too: that is where it can be edited."""
    place = await messenger.post(ALICE, HELLO, key="invitation")
    assert place.channel == "D01ALICE"
    await messenger.edit(place, Message(text="changed"))
    assert [m.text for m in workspace.messages("D01ALICE")] == ["changed"]


async def test_an_answer_goes_through_the_response_url(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """To its person, or to the channel."""
    url = hook(workspace)
    await messenger.answer(url, HELLO)
    await messenger.answer(url, Message(text="for all"), in_channel=True)
    assert seen(workspace) == ["hello"]
    assert [m.text for m in workspace.messages(OPS)] == ["for all"]


async def test_an_answer_with_refused_blocks_becomes_its_sentence(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """Rather than nothing."""
    await messenger.answer(hook(workspace), BROKEN)
    assert seen(workspace) == ["a sentence"]


async def test_a_response_url_that_is_used_up_is_not_found(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """After five uses; and one that never was."""
    url = hook(workspace)
    for _ in range(USES):
        await messenger.answer(url, HELLO)
    for spent in (url, f"{workspace.url}/commands/T01TEAM/never/was"):
        with pytest.raises(NotFound):
            await messenger.answer(spent, HELLO)
    assert len(seen(workspace)) == USES


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/commands/T/1/2",
        "https://hooks.slack.com.evil.example/commands/T/1/2",
        "https://hooks.slack.com@evil.example/commands/T/1/2",
        "https://evil.example@hooks.slack.com/commands/T/1/2",
        "http://127.0.0.1:1/commands/T/1/2",
        "ftp://hooks.slack.com/commands",
        "file:///etc/passwd",
        "//hooks.slack.com/commands",
        "hooks.slack.com/commands",
        "http://[::1/commands",
        "",
    ],
)
async def test_a_response_url_of_a_foreign_host_is_refused(make: Make, url: str) -> None:
    """Before anything is sent."""
    with pytest.raises(Forbidden):
        await make(response_hosts={"hooks.slack.com"}).answer(url, HELLO)


async def test_slack_that_is_down_is_no_answer_to_a_response_url(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """And says nothing about the URL."""
    url = hook(workspace)
    workspace.faults.down()
    with pytest.raises(Unavailable) as caught:
        await messenger.answer(url, HELLO)
    assert workspace.url not in str(caught.value)
    assert "Error" not in str(caught.value)


class Host:
    """A host that answers a response_url in ways of its own."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.url = ""

    async def answer(self, request: web.Request) -> web.Response:
        """Answer as the path says."""
        self.paths.append(request.path)
        if request.path == "/redirect":
            raise web.HTTPFound("/elsewhere")
        if request.path == "/limited":
            return web.Response(status=429, headers={"Retry-After": "9"})
        if request.path == "/broken":
            return web.Response(status=503)
        return web.json_response({"ok": False, "error": "expired_url"})


@pytest.fixture
async def host() -> AsyncIterator[Host]:
    """A host on loopback."""
    made = Host()
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", made.answer)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made.url = f"127.0.0.1:{runner.addresses[0][1]}"
    yield made
    await runner.cleanup()


@pytest.mark.parametrize(
    ("path", "error", "wait"),
    [
        ("redirect", "Invalid", None),
        ("limited", "Unavailable", 9.0),
        ("broken", "Unavailable", None),
        ("spent", "NotFound", None),
    ],
)
async def test_what_a_host_answers_is_judged_and_no_redirect_followed(
    host: Host, make: Make, path: str, error: str, wait: float | None
) -> None:
    """An answer may tell secrets of the cluster: it goes where it was meant to go, or nowhere."""
    with pytest.raises(Exception, match="response_url") as caught:
        await make(response_hosts={host.url}).answer(f"http://{host.url}/{path}", HELLO)
    assert type(caught.value).__name__ == error
    assert getattr(caught.value, "retry_after", None) == wait
    assert host.paths == [f"/{path}"]


async def test_a_host_may_be_allowed_with_any_port(
    workspace: Workspace, session: aiohttp.ClientSession, make: Make
) -> None:
    """HOST means all of its ports, HOST:PORT one."""
    await make(response_hosts={"127.0.0.1"}).answer(hook(workspace), HELLO)
    assert seen(workspace) == ["hello"]
    with pytest.raises(Forbidden):
        await make(response_hosts={"127.0.0.1:1"}).answer(hook(workspace), HELLO)
    assert not session.closed


async def test_a_home_tab_is_published_and_a_spent_trigger_is_refused(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """Modals need a trigger that is three seconds old at most."""
    blocks = [{"type": "divider"}]
    await messenger.publish_home(ALICE, {"type": "home", "blocks": blocks})
    assert workspace.home(ALICE) is not None
    title = {"type": "plain_text", "text": "x"}
    with pytest.raises(Forbidden, match="trigger"):
        await messenger.open_view("1.2.abc", {"type": "modal", "title": title, "blocks": blocks})
