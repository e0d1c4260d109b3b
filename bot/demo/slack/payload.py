"""The payloads that Slack sends to an app, built from what a person did."""

from typing import Any

from bot.demo.slack.message import Message
from bot.demo.slack.people import Channel
from bot.demo.slack.state import State
from bot.demo.slack.view import View

Json = dict[str, Any]
_TOKEN = "verification-token"


def command(state: State, user: str, channel: Channel, name: str, text: str) -> Json:
    """Return the form of a slash command."""
    path = state.hooks.issue("commands", state.team, channel=channel.id, user=user)
    return {
        "token": _TOKEN,
        "team_id": state.directory.people[user].team,
        "team_domain": state.domain,
        "channel_id": channel.id,
        "channel_name": channel.shown,
        "user_id": user,
        "user_name": state.directory.people[user].name,
        "command": name,
        "text": text,
        "api_app_id": state.app.id,
        "is_enterprise_install": "false",
        "response_url": state.base() + path,
        "trigger_id": state.triggers.issue(user),
    }


def message_actions(state: State, user: str, message: Message, action: Json, values: Json) -> Json:
    """Return the block_actions of a click in a message."""
    path = _actions_hook(state, user, message)
    body = _common(state, "block_actions", user, message_container(message)) | {
        "trigger_id": state.triggers.issue(user),
        "channel": _channel(state, message.channel),
        "state": {"values": values},
        "response_url": state.base() + path,
        "actions": [action],
    }
    if message.only_for is None:
        body["message"] = state.board.wire(message)
    return body


def view_actions(state: State, view: View, action: Json) -> Json:
    """Return the block_actions of a click in a modal or a Home tab."""
    return _common(state, "block_actions", view.user, view_container(view)) | {
        "trigger_id": state.triggers.issue(view.user, view.id),
        "view": view.wire(state.app, state.team),
        "actions": [action],
    }


def suggestion(
    state: State, user: str, target: Message | View, *, typed: str, action_id: str, block_id: str
) -> Json:
    """Return the block_suggestion of what a person typed into an external select."""
    container = view_container(target) if isinstance(target, View) else message_container(target)
    body = _common(state, "block_suggestion", user, container)
    body |= {"action_id": action_id, "block_id": block_id, "value": typed}
    if isinstance(target, View):
        return body | {"view": target.wire(state.app, state.team)}
    return body | {"channel": _channel(state, target.channel), "message": state.board.wire(target)}


def view_submission(state: State, view: View) -> Json:
    """Return the view_submission of a modal."""
    return _common(state, "view_submission", view.user, None) | {
        "trigger_id": state.triggers.issue(view.user, view.id),
        "view": view.wire(state.app, state.team),
        "response_urls": [],
    }


def view_closed(state: State, view: View, *, cleared: bool) -> Json:
    """Return the view_closed of a modal that asked for it."""
    return _common(state, "view_closed", view.user, None) | {
        "view": view.wire(state.app, state.team),
        "is_cleared": cleared,
    }


def shortcut(state: State, user: str, callback_id: str, message: Message | None) -> Json:
    """Return a message shortcut, or a global one where no message is named."""
    kind = "shortcut" if message is None else "message_action"
    body = _common(state, kind, user, None)
    body |= {
        "callback_id": callback_id,
        "trigger_id": state.triggers.issue(user),
        "action_ts": state.stamps.ts(),
    }
    if message is None:
        return body
    return body | {
        "channel": _channel(state, message.channel),
        "message_ts": message.ts,
        "message": state.board.wire(message),
        "response_url": state.base() + _actions_hook(state, user, message),
    }


def event(state: State, body: Json, team: str) -> Json:
    """Return the envelope of an event."""
    bot = {"enterprise_id": None, "team_id": state.team, "user_id": state.bot_user, "is_bot": True}
    return {
        "token": _TOKEN,
        "team_id": team,
        "api_app_id": state.app.id,
        "type": "event_callback",
        "event": body,
        "event_id": state.stamps.id("Ev"),
        "event_time": int(state.clock()),
        "authorizations": [{**bot, "is_enterprise_install": False}],
        "is_ext_shared_channel": False,
    }


def message_container(message: Message) -> Json:
    """Return where in a channel something was done."""
    body: Json = {
        "type": "message",
        "message_ts": message.ts,
        "channel_id": message.channel,
        "is_ephemeral": message.only_for is not None,
    }
    return body | ({"thread_ts": message.thread_ts} if message.thread_ts else {})


def view_container(view: View) -> Json:
    """Return in which view something was done."""
    return {"type": "view", "view_id": view.id}


def _actions_hook(state: State, user: str, message: Message) -> str:
    thread = message.thread_ts if message.is_reply else None
    return state.hooks.issue(
        "actions", state.team, channel=message.channel, user=user, source=message.ts, thread=thread
    )


def _channel(state: State, channel: str) -> Json:
    return {"id": channel, "name": state.directory.channels[channel].shown}


def _common(state: State, kind: str, user: str, container: Json | None) -> Json:
    person = state.directory.people[user]
    body: Json = {
        "type": kind,
        "user": {
            "id": user,
            "username": person.name.lower(),
            "name": person.name.lower(),
            "team_id": person.team,
        },
        "api_app_id": state.app.id,
        "token": _TOKEN,
        "team": {"id": state.team, "domain": state.domain},
        "enterprise": None,
        "is_enterprise_install": False,
    }
    return body | ({"container": container} if container is not None else {})
