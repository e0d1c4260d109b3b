"""Against a Slack that is not Slack's and not ours: what it does not know costs a feature, never the answer."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.listeners.foreign import ALICE, BOB, CHANNEL, FEW, TEAM, Abroad, Refuse, abroad, refusing
from tests.listeners.foreign_day import EVERY, GROUPED, TOLD, story

Json = dict[str, Any]
ME: Json = {"team_id": TEAM, "user_id": "U9BOT"}
PERSON: Json = {"ok": True, "user": {"id": ALICE, "team_id": TEAM, "name": "alice"}}


@pytest.fixture(params=["http", "socket"])
def socket_mode(request: pytest.FixtureRequest) -> bool:
    """Both ways in."""
    return bool(request.param == "socket")


@pytest.fixture
async def place(tmp_path: Path, socket_mode: bool) -> AsyncIterator[Abroad]:  # noqa: FBT001  a parameter of the test
    """The bot at a server that knows how to post, to edit and to open a form, and nothing else."""
    async with abroad(tmp_path, socket_mode=socket_mode) as opened:
        yield opened


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("help", "What you can do with"),
        ("status shop/checkout", "shop/checkout"),
        ("STATUS  “shop/checkout” ", "shop/checkout"),
        ("list", "LoadBalancer Services"),
        ("history", "No change of"),
        ("enable shop/checkout TLS errors", "CHG-1"),
        ("disable shop/checkout", "already off"),
        ("verify shop/checkout", "shop/checkout"),
        ("pause", "paused"),
        ("status shop/chekout", "Did you mean shop/checkout?"),
    ],
)
async def test_every_command_is_answered(place: Abroad, said: str, told: str) -> None:
    """By the answer itself, not by what the server lacks."""
    await place.command(said)
    text = await place.foreign.text(told)
    assert "unknown_method" not in text
    assert "Traceback" not in text


async def test_commands_of_one_trigger_are_each_answered(place: Abroad) -> None:
    """Slack gives every command a trigger_id of its own; another server may not."""
    for said, told in (
        ("status shop/checkout", "bypass"),
        ("list", "LoadBalancer Services"),
        ("pause", "paused"),
    ):
        await place.command(said, trigger_id="1.2.3", response_url=f"{place.foreign.url}/reply/1")
        assert await place.foreign.text(told)


async def test_a_mistake_is_answered_at_once(place: Abroad) -> None:
    """In the acknowledgement, which needs no method at all."""
    assert "There is no subcommand" in (await place.command("dance"))["text"]


async def test_a_form_opens_and_is_answered(place: Abroad) -> None:
    """And its fields offer what there is."""
    await place.command("")
    opened = await place.foreign.until(
        lambda: [body["view"] for method, body in place.foreign.calls if method == "views.open"]
    )
    view = opened[0] if isinstance(opened[0], dict) else json.loads(opened[0])
    typed: Json = {"type": "block_suggestion", "action_id": "ask:service", "value": "check", "view": view}
    offered = await place.interact(typed | {"user": {"id": ALICE, "team_id": TEAM}})
    assert [option["value"] for option in offered["options"]] == ["shop/checkout"]
    chosen = {"service": {"ask:service": {"selected_option": {"value": "shop/checkout"}}}}
    submitted = {"id": "V1", **view, "state": {"values": chosen}}
    await place.interact(
        {"type": "view_submission", "user": {"id": ALICE, "team_id": TEAM}, "view": submitted}
    )
    await place.foreign.text("bypass")


async def test_a_mention_is_answered_in_its_thread(place: Abroad) -> None:
    """As far as the server says which."""
    await place.event(
        {"type": "app_mention", "user": ALICE, "text": "<@U9BOT> list", "channel": CHANNEL, "ts": "17.1"}
    )
    await place.foreign.text("LoadBalancer Services")
    assert place.foreign.said()[-1]["thread_ts"] == "17.1"


async def test_a_change_goes_all_the_way(place: Abroad) -> None:
    """Proposed, approved, applied and measured, in one card that is edited in place."""
    await place.command("enable shop/checkout TLS errors")
    await place.foreign.text("Approve")
    card = next(body for method, body in place.foreign.calls if method == "chat.postMessage")
    buttons = next(block for block in card["blocks"] if block["type"] == "actions")["elements"]
    approve = next(button for button in buttons if button["action_id"] == "change:approve")
    await place.interact(
        {
            "type": "block_actions",
            "user": {"id": BOB, "team_id": TEAM},
            "channel": {"id": CHANNEL},
            "actions": [{"type": "button", "action_ts": "1.1", **approve}],
        }
    )
    await place.foreign.text("Inconclusive")
    posted = [body for method, body in place.foreign.calls if method == "chat.postMessage"]
    cards = [body for body in posted if "thread_ts" not in body and body["channel"] == CHANNEL]
    assert len(cards) == 1
    assert any(method == "chat.update" for method, _ in place.foreign.calls)


class Heard(logging.Handler):
    """Waits for a line of the log."""

    def __init__(self, words: str) -> None:
        super().__init__()
        self._words = words
        self.there = asyncio.Event()

    def emit(self, record: logging.LogRecord) -> None:
        """Look at one line."""
        if self._words in record.getMessage():
            self.there.set()


async def test_a_home_tab_that_cannot_be_shown_bothers_nobody(place: Abroad) -> None:
    """A line in the log, and no message at each visit."""
    heard = Heard("a Home tab was not shown")
    logger = logging.getLogger("bot.listeners.desk")
    logger.addHandler(heard)
    try:
        await place.event({"type": "app_home_opened", "user": ALICE, "tab": "home"})
        async with asyncio.timeout(60):
            await heard.there.wait()
    finally:
        logger.removeHandler(heard)
    assert place.foreign.said() == []


async def test_the_log_says_once_what_is_lacking(place: Abroad, caplog: pytest.LogCaptureFixture) -> None:
    """And what would help."""
    for _ in range(3):
        await place.command("status shop/checkout")
        await place.foreign.text("bypass")
    lines = [r.getMessage() for r in caplog.records if "users.info (unknown_method)" in r.getMessage()]
    assert len(lines) == 1
    assert any("auth.test" in record.getMessage() for record in caplog.get_records("setup"))
    assert not any(record.exc_info for record in caplog.records)


@pytest.mark.parametrize("code", ["missing_scope", "not_allowed_token_type", "method_deprecated"])
async def test_a_right_that_is_missing_costs_what_it_is_for(tmp_path: Path, code: str) -> None:
    """People can be looked up here; nothing else that only reads is allowed."""
    known = FEW | {"auth.test", "users.info"}
    told: dict[str, Json] = {"auth.test": ME, "users.info": PERSON}
    async with abroad(tmp_path, known=known, refuse=refusing(code), told=told) as place:
        await place.command("enable shop/checkout TLS errors")
        await place.foreign.text("CHG-1")
        await place.command("status shop/checkout")
        assert code not in await place.foreign.text("bypass")


async def test_where_the_app_may_not_look_people_up_nobody_has_rights(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A guest could not be told from a member; the answer says what is missing, and so does the log."""
    known = FEW | {"auth.test"}
    async with abroad(tmp_path, known=known, refuse=refusing("missing_scope")) as place:
        await place.command("status shop/checkout")
        assert "users:read" in await place.foreign.text("looked up")
        assert "users.info (missing_scope)" in caplog.text


async def test_somebody_of_another_workspace_has_no_rights_there_either(place: Abroad) -> None:
    """Which the signed request tells."""
    await place.command("status shop/checkout", team_id="T8OTHER")
    await place.foreign.text("no rights here")


@pytest.mark.parametrize(
    "refuse",
    [
        lambda _: web.Response(status=404, text="404 page not found\n"),
        lambda _: web.Response(status=405),
        lambda _: web.json_response({"error": "unknown_method"}),
        lambda _: web.json_response({"ok": False}, status=501),
    ],
    ids=["404 in words", "405 and nothing", "not even ok", "501"],
)
async def test_a_method_that_is_not_there_may_be_refused_in_any_way(tmp_path: Path, refuse: Refuse) -> None:
    """By the status alone, say; the one who asks is answered."""
    told: dict[str, Json] = {"auth.test": ME, "users.info": PERSON}
    async with abroad(tmp_path, known=FEW | {"auth.test", "users.info"}, refuse=refuse, told=told) as place:
        await place.command("status shop/checkout")
        await place.foreign.text("bypass")
        await place.command("enable shop/checkout TLS errors")
        await place.foreign.text("CHG-1")


NOBODY = "lists where objects are"
ODD: dict[str, Json] = {
    "a number for a time stamp": {"chat.postMessage": {"ts": 1700000001.1}},
    "no time stamp": {"chat.postMessage": {"ts": None}},
    "no channel": {"chat.postMessage": {"channel": None}},
    "a channel as an object": {"chat.postMessage": {"channel": {"id": CHANNEL}}},
    NOBODY: {"users.info": {"user": [1]}},
    "a person without a profile": {"users.info": PERSON},
    "a profile that is a text": {"users.info": {"user": {**PERSON["user"], "profile": "x"}}},
    "numbers as texts": {"conversations.info": {"channel": {"id": CHANNEL, "is_member": "true"}}},
    "a channel of nothing": {"conversations.info": {"channel": None}},
    "no members": {"usergroups.users.list": {"users": None}},
    "no enterprise and no team": {"auth.test": {"team_id": None, "enterprise_id": None}},
    "a link that is none": {"chat.getPermalink": {"permalink": None}},
    "a conversation without an id": {"conversations.open": {"channel": {}}},
    "warnings of another shape": {"chat.postMessage": {"warning": ["x"], "response_metadata": "none"}},
}


@pytest.mark.parametrize("name", ODD)
async def test_an_answer_of_an_odd_shape_costs_no_answer(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is read as far as it can be."""
    told = {**TOLD, "users.info": PERSON, **ODD[name]}
    async with abroad(
        tmp_path, known=frozenset(EVERY), told=told, policies=(GROUPED,), forgetful=True
    ) as place:
        if name == NOBODY:
            await place.command("list")
            await place.foreign.text("no rights")
        else:
            await story(place)
        (method,) = ODD[name]
        await place.foreign.until(lambda: method in {called for called, _ in place.foreign.calls})
        assert "Traceback" not in caplog.text
        assert not any(r.exc_info and r.levelno >= logging.ERROR for r in caplog.records)


async def test_a_workspace_that_nobody_names_is_asked_for(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither Slack nor the configuration says which it is: then nobody is known to belong to it."""
    async with abroad(tmp_path, team=None) as place:
        await place.command("status shop/checkout")
        await place.foreign.text("which workspace")
        assert "team:" in caplog.text
