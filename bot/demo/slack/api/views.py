"""The methods views.*."""

from typing import Any

from bot.demo.slack import limits
from bot.demo.slack.api.call import Call
from bot.demo.slack.problem import SlackProblem, refused
from bot.demo.slack.state import State
from bot.demo.slack.view import View

Json = dict[str, Any]


def open_(state: State, call: Call) -> Json:
    """views.open: within three seconds of what the person did."""
    body = checked(call.args.get("view"), "modal")
    trigger = state.triggers.take(call.need("trigger_id"))
    return _answer(state, state.views.open(trigger.user, body))


def push(state: State, call: Call) -> Json:
    """views.push: on top of the modal that the trigger came from."""
    body = checked(call.args.get("view"), "modal")
    trigger = state.triggers.take(call.need("trigger_id"))
    return _answer(state, state.views.push(trigger.user, body))


def update(state: State, call: Call) -> Json:
    """views.update: by view id or external id, guarded by `hash` where given."""
    body = checked(call.args.get("view"), None)
    name = call.text("view_id") or call.text("external_id")
    view = state.views.find(name)
    if view is None:
        raise SlackProblem("not_found")
    return _answer(state, state.views.update(view, body, hash_=call.text("hash") or None))


def publish(state: State, call: Call) -> Json:
    """views.publish: one person's Home tab."""
    user = call.need("user_id")
    body = checked(call.args.get("view"), "home")
    person = state.directory.people.get(user)
    if person is None:
        raise SlackProblem("user_not_found")
    if not person.active:
        raise SlackProblem("not_enabled")
    return _answer(state, state.views.publish(user, body, hash_=call.text("hash") or None))


def checked(view: Any, kind: str | None) -> Json:
    """Return a view that Slack would take.

    Raises:
        SlackProblem: it breaks a limit, or is of another type than `kind`.
    """
    faults = limits.of_view(view)
    if faults or not isinstance(view, dict):
        raise refused("invalid_arguments", faults)
    if kind is not None and view.get("type") != kind:
        raise SlackProblem("invalid_arguments", messages=[f"must be a {kind} view [json-pointer:/view/type]"])
    if limits.view_too_large(view):
        raise SlackProblem("view_too_large")
    return view


def _answer(state: State, view: View) -> Json:
    return {"view": view.wire(state.app, state.team)}
