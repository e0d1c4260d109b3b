"""Posting: how a body from a bot (API, response URL, answer to a command) becomes a message."""

from collections.abc import Mapping
from typing import Any

from bot.demo.slack import limits
from bot.demo.slack.message import Message
from bot.demo.slack.problem import SlackProblem, refused
from bot.demo.slack.state import State
from bot.demo.slack.view import named

Json = dict[str, Any]


def content(state: State, body: Mapping[str, Any]) -> dict[str, Any]:
    """Return text, blocks and attachments of `body`, held against Slack's limits.

    Raises:
        SlackProblem: it is empty, too long, or its blocks are not valid.
    """
    text = str(body.get("text") or "")
    blocks = body.get("blocks") or []
    attachments = body.get("attachments") or []
    if not text and not blocks and not attachments:
        raise SlackProblem("no_text")
    if len(text) > limits.MOST_TEXT:
        raise SlackProblem("msg_too_long")
    check_blocks(blocks)
    return {"text": text, "blocks": tuple(named(blocks, state.stamps)), "attachments": tuple(attachments)}


def check_blocks(blocks: Any) -> None:
    """Hold blocks against Slack's limits.

    Raises:
        SlackProblem: `invalid_blocks` with each fault's pointer, or `msg_blocks_too_long`.
    """
    if isinstance(blocks, list) and limits.too_long(blocks):
        raise SlackProblem("msg_blocks_too_long")
    faults = limits.of_blocks(blocks)
    if faults:
        raise refused("invalid_blocks", faults)


def from_bot(
    state: State,
    channel: str,
    body: Mapping[str, Any],
    *,
    only_for: str | None = None,
    thread: str | None = None,
    files: tuple[Json, ...] = (),
) -> Message:
    """Post what the bot says, as a message or only for one person, and return it."""
    parts = content(state, body) if not files else _with_files(state, body)
    message = Message(
        channel=channel,
        ts=state.stamps.ts(),
        user=state.bot_user,
        via=state.app.bot,
        app=state.app.id,
        team=state.team,
        thread_ts=thread,
        broadcast=bool(body.get("reply_broadcast")) and thread is not None,
        metadata=body.get("metadata"),
        only_for=only_for,
        files=files,
        username=body.get("username"),
        icon=body.get("icon_emoji"),
        **parts,
    )
    return state.board.post(message)


def _with_files(state: State, body: Mapping[str, Any]) -> dict[str, Any]:
    return content(state, body) if body.get("text") or body.get("blocks") else {"text": ""}
