"""The same acts and sights as JSON over HTTP: for the page, and for drivers in another process."""

import json
import time
from collections.abc import AsyncIterator
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from bot.demo.slack import Workspace
from bot.demo.slack.feed import Change
from tests.demo.slack.sample import BOT_TOKEN, over_http


@pytest.fixture
def options() -> dict[str, Any]:
    """The real clock: Bolt compares the signature's time with it."""
    return {"clock": time.time}


@pytest.fixture
async def session(workspace: Workspace) -> AsyncIterator[aiohttp.ClientSession]:
    """A browser without a page, and the sample app behind HTTP."""
    async with over_http(workspace), aiohttp.ClientSession(workspace.url) as session:
        yield session


async def get(session: aiohttp.ClientSession, path: str, **query: str) -> dict[str, Any]:
    """Return a sight."""
    async with session.get(f"/world/{path}", params=query) as answer:
        body: dict[str, Any] = await answer.json()
        return body


async def post(session: aiohttp.ClientSession, path: str, **body: Any) -> dict[str, Any]:
    """Do something."""
    async with session.post(f"/world/{path}", json=body) as answer:
        found: dict[str, Any] = await answer.json()
        return found


async def test_a_story_can_be_driven_from_another_process(
    session: aiohttp.ClientSession, workspace: Workspace
) -> None:
    """A command, a click and a look at the thread, by JSON alone."""
    place = {"user": "U01ALICE", "channel": "C01OPS"}
    assert (await post(session, "say", **place, text="/elb-passthrough card"))["ack"]["ok"]
    await workspace.wait_for(lambda: workspace.messages("C01OPS"))
    (card,) = (await get(session, "messages", **place))["messages"]
    click = {"user": "U02BOB", "channel": "C01OPS", "ts": card["ts"], "action_id": "approve"}
    assert (await post(session, "click", **click))["ack"]["status"] == 200
    await workspace.wait_for(lambda: len(workspace.thread("C01OPS", card["ts"])) == 2)
    thread = (await get(session, "thread", **place, ts=card["ts"]))["messages"]
    assert [m["text"] for m in thread] == ["✅ approved by <@U02BOB>", "verifying :hourglass:"]
    assert (await get(session, "readable", **place, ts=card["ts"]))["text"] == "✅ approved by @Bob"
    names = [e["name"] for e in (await get(session, "log"))["entries"]]
    assert {"/elb-passthrough", "approve", "chat.update"} <= set(names)


async def test_a_modal_can_be_driven_from_another_process(
    session: aiohttp.ClientSession, workspace: Workspace
) -> None:
    """Type-ahead, submission, and closing."""
    await post(session, "command", user="U01ALICE", channel="C01OPS", text="")
    await workspace.wait_for(lambda: workspace.views("U01ALICE"))
    (view,) = (await get(session, "views", user="U01ALICE"))["stack"]
    asked = {"user": "U01ALICE", "view": view["id"], "action_id": "service", "typed": "web"}
    assert [o["value"] for o in (await post(session, "suggest", **asked))["options"]] == ["web/api"]
    entered = {"service": {"service": "web/api"}, "reason": {"text": "because"}}
    assert (await post(session, "submit", view=view["id"], entered=entered))["ack"]["ok"]
    assert (await get(session, "views", user="U01ALICE"))["stack"] == []
    assert (await post(session, "close", view=view["id"]))["ok"] is False


async def test_mentions_shortcuts_home_and_reading_are_there_too(
    session: aiohttp.ClientSession, workspace: Workspace
) -> None:
    """Everything that the page can do."""
    said = (await post(session, "mention", user="U01ALICE", channel="C01OPS", text="help"))["message"]
    assert (
        await post(session, "shortcut", user="U01ALICE", callback_id="ask", channel="C01OPS", ts=said["ts"])
    )["ack"]["ok"]
    assert (await post(session, "home", user="U02BOB"))["home"] is None
    await workspace.wait_for(lambda: workspace.home("U02BOB"))
    assert (await post(session, "home", user="U02BOB"))["home"]["type"] == "home"
    unread = {c["id"]: c["unread"] for c in (await get(session, "state", user="U02BOB"))["channels"]}
    assert unread["C01OPS"] == 1
    await post(session, "read", user="U02BOB", channel="C01OPS", ts=said["ts"])
    unread = {c["id"]: c["unread"] for c in (await get(session, "state", user="U02BOB"))["channels"]}
    assert unread["C01OPS"] == 0


async def test_nobody_sees_what_is_not_for_them(session: aiohttp.ClientSession) -> None:
    """Neither another person's ephemerals nor their direct messages."""
    await post(session, "command", user="U01ALICE", channel="C01OPS", text="body")
    assert len((await get(session, "messages", user="U01ALICE", channel="C01OPS"))["messages"]) == 1
    assert (await get(session, "messages", user="U02BOB", channel="C01OPS"))["messages"] == []
    assert len((await get(session, "ephemerals", user="U01ALICE"))["messages"]) == 1
    assert (await get(session, "messages", user="U02BOB", channel="D01ALICE"))["ok"] is False
    assert (await get(session, "thread", user="U02BOB", channel="D01ALICE", ts="1.0"))["ok"] is False


async def test_changes_are_streamed_to_those_who_may_see_them(
    session: aiohttp.ClientSession, workspace: Workspace
) -> None:
    """Bob hears of the channel, not of what only Alice sees, and the stream ends with the workspace."""
    async with session.get("/world/events", params={"user": "U02BOB"}) as stream:
        assert await stream.content.readline() == b"retry: 500\n"
        await post(session, "command", user="U01ALICE", channel="C01OPS", text="body")
        workspace.say("U01ALICE", "C01OPS", "for all")
        workspace.state.feed.close()
        lines = (await stream.content.read()).decode().splitlines()
    kinds = [line.removeprefix("event: ") for line in lines if line.startswith("event")]
    messages = [json.loads(data[6:]) for kind, data in pairwise(lines) if kind == "event: message"]
    assert [m["text"] for m in messages] == ["for all"]
    assert "log" in kinds


async def test_a_turned_knob_says_what_it_did(session: aiohttp.ClientSession, workspace: Workspace) -> None:
    """The world registers knobs; one that is not there is not found."""
    turned: list[str] = []

    async def lag(target: str) -> str:
        turned.append(target)
        return f"{target} lags"

    nodes = [("a", "node-a"), ("b", "node-b")]
    workspace.knobs.register("lag", "lags", lag, targets=nodes, on=turned.__contains__)
    workspace.knobs.register("quiet", "Quiet", lambda _target: None)
    assert [k["name"] for k in (await get(session, "knobs"))["knobs"]] == ["lag", "quiet"]
    assert (await post(session, "knobs/lag"))["text"] == "a lags"
    assert (await post(session, "knobs/lag", target="b"))["text"] == "b lags"
    assert turned == ["a", "b"]
    for path, body in (("none", {}), ("lag", {"target": "c"})):
        async with session.post(f"/world/knobs/{path}", json=body) as answer:
            assert answer.status == 404
    (switch, button) = (await get(session, "knobs"))["knobs"]
    assert [t["on"] for t in switch["targets"]] == [True, True]
    assert (switch["switch"], button["switch"]) == (True, False)
    workspace.knobs.remove("quiet")
    assert [k["name"] for k in (await get(session, "state", user="U01ALICE"))["knobs"]] == ["lag"]


async def test_faults_and_repeated_deliveries_can_be_asked_for(
    session: aiohttp.ClientSession, workspace: Workspace
) -> None:
    """By JSON as well; an unknown kind is refused by name."""
    await post(session, "faults", kind="500", method="chat.update", count=2)
    assert (await get(session, "faults"))["troubles"] == [{"method": "chat.update", "kind": "500", "left": 2}]
    assert (await post(session, "faults", kind="down"))["down"] is True
    assert (await post(session, "faults", kind="clear")) == {"ok": True, "down": False, "troubles": []}
    assert "kind: one of" in (await post(session, "faults", kind="dance"))["error"]
    await post(session, "next", copies=2)
    await post(session, "command", user="U01ALICE", channel="C01OPS", text="body")
    await post(session, "again", delivery=1)
    assert len(workspace.log(name="/elb-passthrough")) == 3


async def test_nothing_is_done_for_a_form_of_another_site(
    session: aiohttp.ClientSession, workspace: Workspace
) -> None:
    """A browser sends JSON to another host only after asking."""
    for path in ("say", "knobs/lag"):
        async with session.post(
            f"/world/{path}", data={"user": "U01ALICE", "channel": "C01OPS", "text": "hi"}
        ) as answer:
            assert answer.status == 415
    assert workspace.messages("C01OPS") == []


@pytest.mark.parametrize(
    "body", [{}, {"user": "U01ALICE"}, {"user": "U77", "channel": "C01OPS", "text": "x"}]
)
async def test_an_act_that_cannot_be_done_is_refused_with_a_sentence(
    session: aiohttp.ClientSession, body: dict[str, Any]
) -> None:
    """Missing fields and unknown people alike."""
    answer = await post(session, "say", **body)
    assert answer["ok"] is False
    assert answer["error"]


async def test_the_page_may_load_nothing_from_elsewhere(session: aiohttp.ClientSession) -> None:
    """Its files say so, hold no markup from text, and nothing outside its folder is served."""
    for path, kind in (
        ("/", "text/html"),
        ("/page/page.js", "text/javascript"),
        ("/page/page.css", "text/css"),
        ("/favicon.ico", "image/svg+xml"),
    ):
        async with session.get(path) as answer:
            assert (answer.status, answer.content_type) == (200, kind)
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
            assert "innerHTML" not in await answer.text()
    for path in ("/page/__init__.py", "/page/nothing.js", "/page/..%2fworkspace.py"):
        async with session.get(path) as answer:
            assert answer.status == 404


async def test_the_log_shows_no_token(session: aiohttp.ClientSession, workspace: Workspace) -> None:
    """Neither the bot's nor where answers may be posted."""
    await post(session, "command", user="U01ALICE", channel="C01OPS", text="status x")
    await workspace.wait_for(lambda: workspace.log(name="response_url"))
    shown = json.dumps(await get(session, "log"))
    assert BOT_TOKEN not in shown
    assert "/commands/T01TEAM/" not in shown


async def test_waiting_ends_when_it_comes_true_or_time_is_up(workspace: Workspace) -> None:
    """The condition is asked again after every change, and not in between."""
    asked: list[int] = []
    with pytest.raises(TimeoutError):
        await workspace.wait_for(lambda: asked.append(1), timeout=0.01)
    assert len(asked) == 1
    workspace.state.feed.publish(Change(kind="anything"))
    assert await workspace.wait_for(lambda: "yes", timeout=0.01) == "yes"
