"""The methods conversations.*."""

from typing import Any

from bot.demo.slack.api.call import Call
from bot.demo.slack.message import Message
from bot.demo.slack.people import Channel
from bot.demo.slack.problem import SlackProblem
from bot.demo.slack.state import State

Json = dict[str, Any]
_KINDS = "public_channel"


def list_(state: State, call: Call) -> Json:
    """conversations.list: by `types`, public channels where none is named."""
    found, cursor = call.page(_of_types(state, call))
    return {"channels": [c.wire(state.bot_user) for c in found], **after(cursor)}


def users_conversations(state: State, call: Call) -> Json:
    """users.conversations: those of one person, the bot's own where nobody is named."""
    user = call.text("user") or state.bot_user
    if user not in state.directory.people:
        raise SlackProblem("user_not_found")
    found, cursor = call.page([c for c in _of_types(state, call) if user in c.members])
    return {"channels": [c.wire(state.bot_user) for c in found], **after(cursor)}


def info(state: State, call: Call) -> Json:
    """conversations.info."""
    return {"channel": call.channel(state).wire(state.bot_user)}


def open_(state: State, call: Call) -> Json:
    """conversations.open: the direct messages with one person."""
    users = [u for u in call.text("users").split(",") if u]
    if call.text("channel"):
        channel = call.channel(state)
    elif len(users) == 1 and users[0] in state.directory.people:
        channel = state.directory.open_direct(users[0], state.stamps.id("D"))
    else:
        raise SlackProblem("user_not_found" if users else "users_list_not_supplied")
    return {"channel": {**channel.wire(state.bot_user), "id": channel.id}}


def join(state: State, call: Call) -> Json:
    """conversations.join: public channels only."""
    channel = call.channel(state)
    if channel.im or channel.private:
        raise SlackProblem("method_not_supported_for_channel_type")
    if channel.archived:
        raise SlackProblem("is_archived")
    return {"channel": state.directory.join(channel.id, state.bot_user).wire(state.bot_user)}


def members(state: State, call: Call) -> Json:
    """conversations.members."""
    found, cursor = call.page(sorted(call.channel(state).members))
    return {"members": found, **after(cursor)}


def history(state: State, call: Call) -> Json:
    """conversations.history: the newest first, replies only where they were broadcast."""
    channel = _readable(state, call)
    found = [m for m in reversed(state.board.history(channel.id)) if _within(m, call)]
    return _messages(state, call, found)


def replies(state: State, call: Call) -> Json:
    """conversations.replies: the parent, then its replies, the oldest first."""
    channel = _readable(state, call)
    parent = state.board.find(channel.id, call.need("ts"))
    if parent is None:
        raise SlackProblem("thread_not_found")
    root = parent.thread_ts or parent.ts
    first = state.board.find(channel.id, root)
    found = [m for m in state.board.replies(channel.id, root) if _within(m, call)]
    return _messages(state, call, ([first] if first else []) + found)


def after(cursor: str) -> Json:
    """Return the part of an answer that leads to the next page."""
    return {"response_metadata": {"next_cursor": cursor}}


def _messages(state: State, call: Call, found: list[Message]) -> Json:
    page, cursor = call.page(found)
    metadata = call.flag("include_all_metadata")
    shown = [state.board.wire(m, metadata=metadata) for m in page]
    return {"messages": shown, "has_more": bool(cursor), **after(cursor)}


def _within(message: Message, call: Call) -> bool:
    oldest, latest = call.text("oldest") or "0", call.text("latest") or "9" * 12
    at = float(message.ts)
    if call.flag("inclusive"):
        return float(oldest) <= at <= float(latest)
    return float(oldest) < at < float(latest)


def _readable(state: State, call: Call) -> Channel:
    channel = call.channel(state)
    if state.bot_user not in channel.members:
        raise SlackProblem("not_in_channel")
    return channel


def _of_types(state: State, call: Call) -> list[Channel]:
    types = frozenset((call.text("types") or _KINDS).split(","))
    archived = not call.flag("exclude_archived")
    return [
        c
        for c in state.directory.channels.values()
        if _type_of(c) in types and (archived or not c.archived) and _listed(state, c)
    ]


def _listed(state: State, channel: Channel) -> bool:
    return not (channel.private or channel.im) or state.bot_user in channel.members


def _type_of(channel: Channel) -> str:
    if channel.im:
        return "im"
    return "private_channel" if channel.private else "public_channel"
