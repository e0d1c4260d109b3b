"""Each method of Slack's that the bot calls, refused by itself: it costs what it is for, and never the answer."""

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.listeners.foreign import (
    ALICE,
    BOB,
    CHANNEL,
    FEW,
    TEAM,
    Abroad,
    Refuse,
    abroad,
    refusing,
    unknown,
)

Json = dict[str, Any]
Words = Callable[[Abroad], Any]
TOLD: Mapping[str, Json] = {
    "auth.test": {"team_id": TEAM, "user_id": "U9BOT"},
    "users.info": {"user": {"id": ALICE, "team_id": TEAM, "name": "alice"}},
    "usergroups.users.list": {"users": [ALICE]},
    "conversations.info": {"channel": {"id": CHANNEL, "is_member": True}},
    "conversations.open": {"channel": {"id": "D9"}},
    "conversations.history": {"messages": []},
    "conversations.replies": {"messages": []},
    "chat.getPermalink": {"permalink": "https://x.test/p"},
    "chat.delete": {},
    "views.publish": {},
    "files.getUploadURLExternal": {"upload_url": "http://127.0.0.1:9/nowhere", "file_id": "F1"},
    "files.completeUploadExternal": {},
}
EVERY = FEW | TOLD.keys()
"""Every method that the bot calls."""
REFUSALS: Mapping[str, Refuse] = {
    "unknown_method": unknown,
    "missing_scope": refusing("missing_scope"),
}


def without(directory: Path, method: str, code: str) -> Any:
    """A server that knows every method but one."""
    return abroad(directory, known=frozenset(EVERY - {method}), refuse=REFUSALS[code], told=TOLD)


def called() -> set[str]:
    """The methods that the adapter names."""
    sources = (Path(__file__).parents[2] / "bot").glob("adapters/slack/*.py")
    text = "\n".join(source.read_text(encoding="utf-8") for source in sources)
    return {method for method in EVERY | {"chat.scheduleMessage"} if f'"{method}"' in text}


def test_every_method_that_is_called_is_refused_here() -> None:
    """`auth.test` is the start's."""
    assert called() == EVERY - {"auth.test"}


@pytest.mark.parametrize("code", REFUSALS)
@pytest.mark.parametrize("method", sorted(EVERY - {"chat.postMessage", "users.info"}))
async def test_without_one_method_everything_is_answered(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, method: str, code: str
) -> None:
    """Questions, a form or what to do instead of it, and a change to its end; no traceback."""
    async with without(tmp_path, method, code) as place:
        await place.command("status shop/checkout")
        await place.foreign.text("bypass")
        await place.command("")
        await place.foreign.until(lambda: opened(place) or told(place, "Name a Service"))
        await place.event(
            {"type": "app_mention", "user": ALICE, "text": "<@U9BOT> list", "channel": CHANNEL, "ts": "17.1"}
        )
        await place.foreign.text("LoadBalancer Services")
        await place.command("enable shop/checkout TLS errors")
        card = await place.foreign.until(lambda: posted(place, "change:approve"))
        await place.interact(approval(card))
        await place.foreign.until(lambda: told(place, "Inconclusive"))
    assert not any(record.exc_info and record.levelno >= logging.ERROR for record in caplog.records)
    lacking = [r.getMessage() for r in caplog.records if f"Slack refuses {method} ({code})" in r.getMessage()]
    assert len(lacking) <= 1


def told(place: Abroad, words: str) -> bool:
    """Whether somebody was told something."""
    return any(words in json.dumps(each) for each in place.foreign.said())


def opened(place: Abroad) -> bool:
    """Whether a form was opened."""
    return any(method == "views.open" for method, _ in place.foreign.calls)


def posted(place: Abroad, words: str) -> Json | None:
    """The first message in the channel that holds these words."""
    posts = [body for method, body in place.foreign.calls if method == "chat.postMessage"]
    return next((body for body in posts if words in json.dumps(body)), None)


def approval(card: Json) -> Json:
    """Bob's click on a card's button."""
    buttons = [element for block in card["blocks"] for element in block.get("elements", ())]
    approve = next(button for button in buttons if button.get("action_id") == "change:approve")
    return {
        "type": "block_actions",
        "user": {"id": BOB, "team_id": TEAM},
        "channel": {"id": CHANNEL},
        "actions": [{"type": "button", "action_ts": "1.1", **approve}],
    }


@pytest.mark.parametrize("code", REFUSALS)
async def test_where_nothing_may_be_posted_who_asked_is_told_so(tmp_path: Path, code: str) -> None:
    """Questions are answered all the same; what was asked for is stored."""
    async with without(tmp_path, "chat.postMessage", code) as place:
        await place.command("status shop/checkout")
        await place.foreign.text("bypass")
        await place.command("enable shop/checkout TLS errors")
        assert code in await place.foreign.text("I cannot post here what you asked for")
        await place.command("history")
        await place.foreign.text("CHG-1")


async def test_a_button_for_the_diagram_is_answered_in_words_where_no_picture_may_be_shown(
    tmp_path: Path,
) -> None:
    """Whichever of the two methods it is."""
    async with without(tmp_path, "files.getUploadURLExternal", "missing_scope") as place:
        await place.command("status shop/checkout")
        status = json.loads(await place.foreign.text("status:diagram"))
        button = next(
            element
            for block in status["blocks"]
            for element in block.get("elements", ())
            if element.get("action_id") == "status:diagram"
        )
        click = approval({"blocks": [{"elements": [{**button, "action_id": "change:approve"}]}]})
        click["actions"][0]["action_id"] = "status:diagram"
        await place.interact(click)
        await place.foreign.text("Traffic paths of shop/checkout")
