"""A day with the bot at a Slack of another maker: whatever it calls there is called once at least."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from tests.listeners.foreign import ALICE, BOB, CHANNEL, FEW, POLICY, TEAM, Abroad

Json = dict[str, Any]
TOLD: Mapping[str, Json] = {
    "auth.test": {"team_id": TEAM, "user_id": "U9BOT"},
    "users.info": {"user": {"id": ALICE, "team_id": TEAM, "name": "alice"}},
    "usergroups.users.list": {"users": [ALICE]},
    "conversations.info": {"channel": {"id": CHANNEL, "is_member": True}},
    "conversations.members": {"members": [ALICE]},
    "conversations.open": {"channel": {"id": "D9"}},
    "conversations.history": {},
    "conversations.replies": {},
    "chat.getPermalink": {"permalink": "https://x.test/p"},
    "chat.delete": {},
    "views.publish": {},
    "files.getUploadURLExternal": {},
    "files.completeUploadExternal": {},
}
EVERY = FEW | TOLD.keys()
"""Every method that the bot calls."""
GROUPED = replace(POLICY, approve=(BOB, "S9SRE"))
"""Of whom a user group may approve, so that Slack is asked who is in it."""


async def story(place: Abroad) -> None:
    """What people do in a day; each step waits for its answer."""
    await place.command("status shop/checkout")
    status = json.loads(await place.foreign.text("status:diagram"))
    await place.interact(click(status, "status:diagram"))
    await place.foreign.until(
        lambda: told(place, "in our direct messages") or told(place, "Traffic paths of")
    )
    await place.command("")
    await place.foreign.until(lambda: opened(place) or told(place, "Name a Service"))
    await place.event(
        {"type": "app_mention", "user": ALICE, "text": "<@U9BOT> list", "channel": CHANNEL, "ts": "17.1"}
    )
    await place.foreign.text("LoadBalancer Services")
    await place.command("enable shop/checkout TLS errors")
    card = await place.foreign.until(lambda: posted(place, "change:approve"))
    await place.foreign.until(lambda: asked(place, "conversations.members"))  # who has to be told directly
    await place.interact(click(card, "change:approve", BOB))
    await place.foreign.until(lambda: told(place, "Inconclusive"))
    await place.event({"type": "app_home_opened", "user": BOB, "channel": "D9", "tab": "home"})


def told(place: Abroad, words: str) -> bool:
    """Whether somebody was told something."""
    return any(words in json.dumps(each) for each in place.foreign.said())


def opened(place: Abroad) -> bool:
    """Whether a form was opened."""
    return any(method == "views.open" for method, _ in place.foreign.calls)


def asked(place: Abroad, wanted: str) -> bool:
    """Whether a method was called, answered or refused."""
    return wanted in place.foreign.refused or any(method == wanted for method, _ in place.foreign.calls)


def posted(place: Abroad, words: str) -> Json | None:
    """The first message in the channel that holds these words."""
    posts = [body for method, body in place.foreign.calls if method == "chat.postMessage"]
    return next((body for body in posts if words in json.dumps(body)), None)


def click(message: Json, action: str, user: str = ALICE) -> Json:
    """A click on a message's button."""
    elements = [element for block in message["blocks"] for element in block.get("elements", ())]
    button = next(each for each in elements if each.get("action_id") == action)
    return {
        "type": "block_actions",
        "user": {"id": user, "team_id": TEAM},
        "channel": {"id": CHANNEL},
        "actions": [{"type": "button", "action_ts": "1.1", **button}],
    }
