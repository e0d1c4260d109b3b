"""What reaches an app: signed, in time, once more when asked, and what people see when it fails."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web
from slack_sdk.signature import Clock as SignatureClock
from slack_sdk.signature import SignatureVerifier

from bot.demo.slack import CannotError, Workspace
from tests.demo.slack.conftest import Clock
from tests.demo.slack.sample import SECRET, ask, plain


class Receiver:
    """An app of the plainest kind: it keeps what it gets, and answers what it is told to."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.answers: list[web.Response] = []
        self.silent = False
        self.released = asyncio.Event()

    async def receive(self, request: web.Request) -> web.Response:
        """Keep a request, and answer it."""
        self.bodies.append(await request.read())
        self.headers.append(dict(request.headers))
        if self.silent:
            await self.released.wait()
        return self.answers.pop(0) if self.answers else web.Response()

    def form(self) -> dict[str, str]:
        """Return the last body as a form."""
        return {key: values[0] for key, values in parse_qs(self.bodies[-1].decode()).items()}

    def payload(self) -> dict[str, Any]:
        """Return the last interactive payload."""
        body: dict[str, Any] = json.loads(self.form()["payload"])
        return body


@pytest.fixture
def options() -> dict[str, Any]:
    """Three retries at once."""
    return {"retries": (0, 0, 0)}


@pytest.fixture
async def app(workspace: Workspace) -> AsyncIterator[Receiver]:
    """The plainest app behind the request URL."""
    receiver = Receiver()
    application = web.Application()
    application.router.add_post("/slack/events", receiver.receive)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    workspace.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    yield receiver
    receiver.released.set()
    await runner.cleanup()


class FixedClock(SignatureClock):
    """The workspace's clock, for Slack's own verifier."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def now(self) -> float:
        """Return epoch seconds."""
        return self._clock()


async def test_every_kind_of_request_carries_a_valid_signature(
    workspace: Workspace, app: Receiver, clock: Clock
) -> None:
    """Slack's own verifier accepts commands, interactions and events, and nothing that was changed."""
    message = workspace.say("U01ALICE", "C01OPS", "hi")
    await workspace.command("U01ALICE", "C01OPS", "help ✓")
    await workspace.shortcut("U01ALICE", "ask", message)
    workspace.mention("U01ALICE", "C01OPS", "help")
    await workspace.deliveries.settle()
    verifier = SignatureVerifier(SECRET, FixedClock(clock))
    assert len(app.bodies) == 3
    for body, headers in zip(app.bodies, app.headers, strict=True):
        assert verifier.is_valid_request(body, headers)
        assert not verifier.is_valid_request(body + b"x", headers)


async def test_a_command_is_a_form_with_everything_that_slack_sends(
    workspace: Workspace, app: Receiver
) -> None:
    """Names, ids, trigger and response URL are there."""
    await workspace.command("U01ALICE", "C01OPS", "/elb-passthrough  status   shop/checkout ")
    form = app.form()
    assert form["command"] == "/elb-passthrough"
    assert form["text"] == "status   shop/checkout"
    assert (form["team_id"], form["channel_id"], form["channel_name"]) == ("T01TEAM", "C01OPS", "ops")
    assert (form["user_id"], form["api_app_id"]) == ("U01ALICE", "A0ELBPASS")
    assert form["response_url"].startswith(f"{workspace.url}/commands/T01TEAM/")
    assert workspace.response_host in form["response_url"]
    assert form["trigger_id"]


async def test_slack_has_no_commands_in_threads_and_no_unknown_ones(
    workspace: Workspace, app: Receiver
) -> None:
    """The person is told by Slack itself, and the app hears nothing."""
    first = workspace.say("U01ALICE", "C01OPS", "hi")
    assert (await workspace.command("U01ALICE", "C01OPS", "help", thread=first.ts)).error == "not_in_threads"
    assert (await workspace.command("U01ALICE", "C01OPS", "/unheard of")).error == "invalid_command"
    assert app.bodies == []
    assert [n.text for n in workspace.notices("U01ALICE")] == [
        "/elb-passthrough is not supported in threads. Sorry!",
        "/unheard is not a valid command.",
    ]


async def test_no_answer_in_time_is_an_operation_timeout(workspace: Workspace, app: Receiver) -> None:
    """The person who gave the command is told, nobody else."""
    app.silent, workspace.deliveries.limit = True, 0.05
    assert (await workspace.command("U01ALICE", "C01OPS", "help")).error == "operation_timeout"
    assert [n.text for n in workspace.notices("U01ALICE")] == [
        '/elb-passthrough failed with the error "operation_timeout"'
    ]
    assert workspace.notices("U02BOB") == []


@pytest.mark.parametrize("status", [404, 500])
async def test_another_status_is_a_failed_dispatch(workspace: Workspace, app: Receiver, status: int) -> None:
    """Slack does not tell people which."""
    app.answers = [web.Response(status=status)]
    ack = await workspace.command("U01ALICE", "C01OPS", "help")
    assert (ack.error, ack.status) == ("dispatch_failed", status)


async def test_an_app_that_is_not_there_is_a_failed_dispatch(workspace: Workspace) -> None:
    """Neither without a request URL nor with one that nobody serves."""
    assert (await workspace.command("U01ALICE", "C01OPS", "help")).error == "dispatch_failed"
    workspace.request_url = "http://127.0.0.1:9/slack/events"
    assert (await workspace.command("U01ALICE", "C01OPS", "help")).error == "dispatch_failed"


async def test_an_event_that_fails_comes_again_three_times(workspace: Workspace, app: Receiver) -> None:
    """Number and reason of the retry stand in the headers, the event id stays."""
    app.answers = [
        web.Response(status=500),
        web.Response(status=500),
        web.Response(status=500),
        web.Response(status=500),
    ]
    workspace.mention("U01ALICE", "C01OPS", "help")
    await workspace.deliveries.settle()
    assert [h.get("X-Slack-Retry-Num") for h in app.headers] == [None, "1", "2", "3"]
    assert {h.get("X-Slack-Retry-Reason") for h in app.headers[1:]} == {"http_error"}
    assert len({json.loads(b)["event_id"] for b in app.bodies}) == 1


async def test_an_event_that_is_taken_does_not_come_again(workspace: Workspace, app: Receiver) -> None:
    """Nor does one whose failure asks not to."""
    workspace.mention("U01ALICE", "C01OPS", "one")
    await workspace.deliveries.settle()
    app.answers = [web.Response(status=500, headers={"X-Slack-No-Retry": "1"})]
    workspace.mention("U01ALICE", "C01OPS", "two")
    await workspace.deliveries.settle()
    assert len(app.bodies) == 2


async def test_a_delivery_can_come_three_times(workspace: Workspace, app: Receiver) -> None:
    """The same payload, to the letter; and once more later on."""
    workspace.deliveries.next(copies=3)
    await workspace.command("U01ALICE", "C01OPS", "help")
    assert len(app.bodies) == 3
    await workspace.deliveries.again(workspace.deliveries.sent[-1].number)
    assert len(app.bodies) == 4
    assert len(set(app.bodies)) == 1


async def test_a_delivery_can_come_late(workspace: Workspace, app: Receiver) -> None:
    """It waits as long as it was told to."""
    workspace.deliveries.next(delay=0.05)
    loop = asyncio.get_running_loop()
    before = loop.time()
    await workspace.command("U01ALICE", "C01OPS", "help")
    assert loop.time() - before >= 0.045
    assert len(app.bodies) == 1


async def test_a_mention_where_the_bot_is_not_reaches_nobody(workspace: Workspace, app: Receiver) -> None:
    """Slack tells the person that the bot is not in the channel."""
    workspace.mention("U01ALICE", "C04RANDOM", "help")
    await workspace.deliveries.settle()
    assert app.bodies == []
    assert "not in this channel" in workspace.notices("U01ALICE")[0].text


async def test_a_click_carries_who_where_and_what(workspace: Workspace, app: Receiver, client: Any) -> None:
    """User, team, container, message, action and response URL, as Slack sends them."""
    blocks = [
        {
            "type": "actions",
            "block_id": "b",
            "elements": [{"type": "button", "action_id": "go", "value": "7", "text": plain("Go")}],
        }
    ]
    parent = await client.chat_postMessage(channel="C01OPS", text="parent")
    await client.chat_postMessage(channel="C01OPS", text="card", blocks=blocks, thread_ts=parent["ts"])
    reply = workspace.thread("C01OPS", parent["ts"])[1]
    await workspace.click("U02BOB", reply, "go")
    body = app.payload()
    assert body["type"] == "block_actions"
    assert body["user"] == {"id": "U02BOB", "username": "bob", "name": "bob", "team_id": "T01TEAM"}
    assert body["container"] == {
        "type": "message",
        "message_ts": reply.ts,
        "channel_id": "C01OPS",
        "is_ephemeral": False,
        "thread_ts": parent["ts"],
    }
    assert body["actions"][0] | {"action_ts": ""} == {
        "type": "button",
        "action_id": "go",
        "block_id": "b",
        "value": "7",
        "text": plain("Go"),
        "action_ts": "",
    }
    assert body["message"]["ts"] == reply.ts
    assert body["response_url"].startswith(f"{workspace.url}/actions/T01TEAM/")


async def test_a_click_that_is_not_acknowledged_is_told_to_who_clicked(
    workspace: Workspace, app: Receiver, client: Any
) -> None:
    """Like Slack's warning beside the button."""
    blocks = [{"type": "actions", "elements": [{"type": "button", "action_id": "go", "text": plain("Go")}]}]
    await client.chat_postMessage(channel="C01OPS", text="card", blocks=blocks)
    app.silent, workspace.deliveries.limit = True, 0.05
    await workspace.click("U02BOB", workspace.messages("C01OPS")[0], "go")
    assert [n.text for n in workspace.notices("U02BOB")] == [
        "elb-passthrough could not be reached. (operation_timeout)"
    ]


async def test_nobody_can_do_what_they_cannot_see(workspace: Workspace, client: Any) -> None:
    """Foreign channels, other people's ephemerals, views and elements that are not there."""
    whisper = await client.chat_postEphemeral(channel="C01OPS", user="U01ALICE", text="psst")
    posted = await client.chat_postMessage(channel="D01ALICE", text="hi")
    for target in (("C01OPS", whisper["message_ts"]), ("D01ALICE", posted["ts"]), ("C01OPS", "1.0")):
        with pytest.raises(CannotError):
            await workspace.click("U02BOB", target, "go")
    for person in ("U09GONE", "U77NONE"):
        with pytest.raises(CannotError):
            await workspace.command(person, "C01OPS", "help")


async def test_a_trigger_opens_one_view_within_three_seconds(
    workspace: Workspace, app: Receiver, client: Any, clock: Clock
) -> None:
    """Later it is expired, a second time it is exchanged, and made up it is invalid."""
    await workspace.command("U01ALICE", "C01OPS", "help")
    first = app.form()["trigger_id"]
    await workspace.command("U01ALICE", "C01OPS", "help")
    second = app.form()["trigger_id"]
    clock.advance(2.9)
    assert (await client.views_open(trigger_id=first, view=ask()))["ok"]
    clock.advance(0.2)
    for trigger, expected in (
        (first, "exchanged_trigger_id"),
        (second, "expired_trigger_id"),
        ("1.2.abc", "invalid_trigger_id"),
    ):
        with pytest.raises(Exception, match=expected):
            await client.views_open(trigger_id=trigger, view=ask())


async def test_a_stack_holds_three_views(workspace: Workspace, app: Receiver, client: Any) -> None:
    """A fourth is refused; a submission without more closes the topmost, clear closes all."""
    await workspace.command("U01ALICE", "C01OPS", "help")
    plain_view = {**ask(), "blocks": [{"type": "divider"}]}
    await client.views_open(trigger_id=app.form()["trigger_id"], view=plain_view)
    push = {"response_action": "push", "view": plain_view}
    for _ in range(3):
        app.answers = [web.json_response(push)]
        await workspace.submit(workspace.views("U01ALICE")[-1])
    assert len(workspace.views("U01ALICE")) == 3
    assert workspace.views("U01ALICE")[-1].errors == {"": "We had some trouble connecting. Try again?"}
    await workspace.submit(workspace.views("U01ALICE")[-1])
    assert len(workspace.views("U01ALICE")) == 2
    app.answers = [web.json_response({"response_action": "clear"})]
    await workspace.submit(workspace.views("U01ALICE")[-1])
    assert workspace.views("U01ALICE") == []


@pytest.mark.parametrize(
    "answer",
    [
        {"response_action": "errors", "errors": {"nothing": "x"}},
        {"response_action": "errors", "errors": {}},
        {"response_action": "update", "view": {"type": "modal"}},
        {"response_action": "dance"},
    ],
)
async def test_an_answer_that_slack_would_not_take_leaves_the_modal_open(
    workspace: Workspace, app: Receiver, client: Any, answer: dict[str, Any]
) -> None:
    """The person is asked to try again."""
    await workspace.command("U01ALICE", "C01OPS", "help")
    await client.views_open(
        trigger_id=app.form()["trigger_id"], view={**ask(), "blocks": [{"type": "divider"}]}
    )
    app.answers = [web.json_response(answer)]
    await workspace.submit(workspace.views("U01ALICE")[0])
    assert workspace.views("U01ALICE")[0].errors == {"": "We had some trouble connecting. Try again?"}


async def test_a_view_is_updated_under_its_hash_only(
    workspace: Workspace, app: Receiver, client: Any
) -> None:
    """Who saw an older state is refused."""
    await workspace.command("U01ALICE", "C01OPS", "help")
    opened = await client.views_open(
        trigger_id=app.form()["trigger_id"], view={**ask(), "external_id": "one"}
    )
    view = {**ask(), "title": plain("Changed")}
    await client.views_update(view_id=opened["view"]["id"], hash=opened["view"]["hash"], view=view)
    assert workspace.views("U01ALICE")[0].body["title"] == plain("Changed")
    with pytest.raises(Exception, match="hash_conflict"):
        await client.views_update(view_id=opened["view"]["id"], hash=opened["view"]["hash"], view=view)
    with pytest.raises(Exception, match="not_found"):
        await client.views_update(external_id="another", view=view)
