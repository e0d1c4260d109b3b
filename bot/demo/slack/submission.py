"""Submissions: what becomes of a modal once the app has answered."""

from typing import Any

from bot.demo.slack import limits
from bot.demo.slack.courier import Ack
from bot.demo.slack.problem import SlackProblem
from bot.demo.slack.state import State
from bot.demo.slack.view import View

Json = dict[str, Any]
TROUBLE = "We had some trouble connecting. Try again?"


def settle_submission(state: State, view: View, ack: Ack) -> None:
    """Close, correct, change or stack the modal, as the app's `response_action` says.

    An answer that Slack would not take, or none within three seconds, leaves the modal open with a complaint.
    """
    answer = ack.body or {}
    if not ack.ok or (not answer and ack.text.strip()):
        state.views.complain(view, {"": TROUBLE})
        return
    match answer.get("response_action"):
        case None:
            state.views.close(view)
        case "clear":
            state.views.close(view, everything=True)
        case "errors":
            _errors(state, view, answer.get("errors"))
        case "update" | "push" as action:
            _change(state, view, action, answer.get("view"))
        case _:
            state.views.complain(view, {"": TROUBLE})


def _errors(state: State, view: View, errors: Any) -> None:
    inputs = {b["block_id"] for b in view.body["blocks"] if b.get("type") == "input"}
    good = isinstance(errors, dict) and bool(errors) and set(errors) <= inputs
    state.views.complain(view, errors if good else {"": TROUBLE})


def _change(state: State, view: View, action: str, body: Any) -> None:
    if limits.of_view(body) or not isinstance(body, dict):
        state.views.complain(view, {"": TROUBLE})
        return
    try:
        if action == "update":
            state.views.update(view, body)
        else:
            state.views.push(view.user, body)
    except SlackProblem:
        state.views.complain(view, {"": TROUBLE})
