"""Answers to actions: by response URL, and in the body that acknowledges a command."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.demo.slack.hook import Hook
from bot.demo.slack.message import Message
from bot.demo.slack.post import content, from_bot
from bot.demo.slack.problem import SlackProblem
from bot.demo.slack.state import State

Json = dict[str, Any]


def respond(state: State, name: str, body: Mapping[str, Any]) -> None:
    """Do what an answer to the response URL `name` asks for, and count its use.

    Raises:
        SlackProblem: the URL is spent, or the answer breaks a limit.
    """
    hook = state.hooks.use(name)
    source = state.board.find_for(hook.user, hook.channel, hook.source) if hook.source else None
    if body.get("delete_original"):
        _delete(state, source)
    elif body.get("replace_original") and source is not None:
        _replace(state, source, body)
    else:
        publish(state, hook, body)


def publish(state: State, hook: Hook, body: Mapping[str, Any]) -> Message:
    """Post an answer: for everybody with `response_type` in_channel, else for the person who acted."""
    public = body.get("response_type") == "in_channel"
    thread = body.get("thread_ts") or hook.thread
    only_for = None if public else hook.user
    return from_bot(state, hook.channel, body, only_for=only_for, thread=thread)


def _delete(state: State, source: Message | None) -> None:
    if source is None:
        raise SlackProblem("message_not_found", status=404)
    state.board.delete(source)


def _replace(state: State, source: Message, body: Mapping[str, Any]) -> None:
    if source.via != state.app.bot:
        raise SlackProblem("cant_update_message", status=403)
    parts = content(state, body)
    state.board.edit(replace(source, **parts, edited=state.stamps.ts()))
