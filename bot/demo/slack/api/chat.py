"""The methods chat.* and reactions.add."""

import re
from dataclasses import replace
from typing import Any

from bot.demo.slack.api.call import Call
from bot.demo.slack.message import Message
from bot.demo.slack.people import Channel
from bot.demo.slack.post import check_blocks, content, from_bot
from bot.demo.slack.problem import SlackProblem
from bot.demo.slack.state import State

Json = dict[str, Any]
_EMOJI = re.compile(r"[a-z0-9_+'\-]{1,100}(::skin-tone-[2-6])?")


def post_message(state: State, call: Call) -> Json:
    """chat.postMessage: to a channel's id or name, or to a person's direct messages."""
    channel = _destination(state, call)
    thread = _thread(state, call, channel)
    body = {**call.args, "reply_broadcast": call.flag("reply_broadcast"), "metadata": _metadata(call)}
    message = from_bot(state, channel.id, body, thread=thread)
    return {"channel": channel.id, "ts": message.ts, "message": message.wire(metadata=True)}


def post_ephemeral(state: State, call: Call) -> Json:
    """chat.postEphemeral: only `user` sees it, if they are in the channel."""
    channel = _destination(state, call)
    user = call.need("user")
    if user not in state.directory.people:
        raise SlackProblem("user_not_found")
    if user not in channel.members:
        raise SlackProblem("user_not_in_channel")
    thread = call.text("thread_ts") or None
    message = from_bot(state, channel.id, call.args, only_for=user, thread=thread)
    return {"message_ts": message.ts}


def update(state: State, call: Call) -> Json:
    """chat.update: a text without blocks takes the blocks away; the `ts` stays."""
    channel = call.channel(state)
    message = _own(state, channel, call.need("ts"), "cant_update_message")
    edited = replace(message, **_changes(state, call, message), edited=state.stamps.ts())
    state.board.edit(edited)
    return {
        "channel": channel.id,
        "ts": edited.ts,
        "text": edited.text,
        "message": edited.wire(metadata=True),
    }


def _changes(state: State, call: Call, old: Message) -> dict[str, Any]:
    if "blocks" not in call.args and not call.text("text") and call.args.get("attachments"):
        return {"attachments": tuple(call.args["attachments"])}
    body = call.args
    if call.args.get("blocks") and "text" not in call.args:
        body = {**call.args, "text": old.text}
    changes = content(state, body)
    if "attachments" not in call.args:
        del changes["attachments"]
    return changes | ({"metadata": _metadata(call)} if "metadata" in call.args else {})


def delete(state: State, call: Call) -> Json:
    """chat.delete: the bot's own messages only."""
    channel = call.channel(state)
    message = _own(state, channel, call.need("ts"), "cant_delete_message")
    state.board.delete(message)
    return {"channel": channel.id, "ts": message.ts}


def get_permalink(state: State, call: Call) -> Json:
    """chat.getPermalink: a link that the page opens too."""
    channel = call.channel(state)
    message = state.board.find(channel.id, call.need("message_ts"))
    if message is None:
        raise SlackProblem("message_not_found")
    link = f"{state.base()}/archives/{channel.id}/p{message.ts.replace('.', '')}"
    if message.is_reply:
        link += f"?thread_ts={message.thread_ts}&cid={channel.id}"
    return {"channel": channel.id, "permalink": link}


def add_reaction(state: State, call: Call) -> Json:
    """reactions.add: one of each kind for one user."""
    channel = call.channel(state)
    name = call.need("name").strip(":")
    if not _EMOJI.fullmatch(name):
        raise SlackProblem("invalid_name")
    message = state.board.find(channel.id, call.need("timestamp"))
    if message is None:
        raise SlackProblem("message_not_found")
    if state.bot_user in dict(message.reactions).get(name, ()):
        raise SlackProblem("already_reacted")
    state.board.edit(message.reacted(name, state.bot_user))
    return {}


def remove_reaction(state: State, call: Call) -> Json:
    """reactions.remove: the bot's own."""
    channel = call.channel(state)
    name = call.need("name").strip(":")
    message = state.board.find(channel.id, call.need("timestamp"))
    if message is None:
        raise SlackProblem("message_not_found")
    users = dict(message.reactions)
    if state.bot_user not in users.get(name, ()):
        raise SlackProblem("no_reaction")
    users[name] = tuple(u for u in users[name] if u != state.bot_user)
    kept = tuple((n, u) for n, u in users.items() if u)
    state.board.edit(replace(message, reactions=kept))
    return {}


def validate_blocks(_state: State, call: Call) -> Json:
    """blocks.validate: what posting would refuse, without posting."""
    blocks = call.args.get("blocks")
    check_blocks(blocks if blocks is not None else [])
    return {}


def _destination(state: State, call: Call) -> Channel:
    name = call.need("channel")
    person = state.directory.people.get(name)
    if person is not None:
        if not person.active:
            raise SlackProblem("channel_not_found")
        return state.directory.open_direct(person.id, state.stamps.id("D"))
    channel = call.channel(state, by_name=True)
    if channel.archived:
        raise SlackProblem("is_archived")
    public = state.scopes is not None and "chat:write.public" in state.scopes and not channel.private
    if state.bot_user not in channel.members and not (public and call.method == "chat.postMessage"):
        raise SlackProblem("not_in_channel")
    return channel


def _thread(state: State, call: Call, channel: Channel) -> str | None:
    ts = call.text("thread_ts")
    if not ts:
        return None
    parent = state.board.find(channel.id, ts)
    if parent is None:
        raise SlackProblem("thread_not_found")
    return parent.thread_ts or parent.ts


def _own(state: State, channel: Channel, ts: str, refusal: str) -> Message:
    message = state.board.find(channel.id, ts)
    if message is None:
        raise SlackProblem("message_not_found")
    if message.via != state.app.bot:
        raise SlackProblem(refusal)
    return message


def _metadata(call: Call) -> Json | None:
    value = call.args.get("metadata")
    if not value:
        return None
    payload = value.get("event_payload") if isinstance(value, dict) else None
    if not isinstance(payload, dict) or not isinstance(value.get("event_type"), str):
        raise SlackProblem("invalid_metadata_format")
    return {"event_type": value["event_type"], "event_payload": payload}
