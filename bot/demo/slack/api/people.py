"""The methods auth.*, api.*, bots.*, users.*, usergroups.*, team.* and apps.connections.open."""

from typing import Any

from bot.demo.slack.api.call import Call
from bot.demo.slack.api.conversations import after
from bot.demo.slack.problem import SlackProblem
from bot.demo.slack.state import State

Json = dict[str, Any]


def api_test(_state: State, call: Call) -> Json:
    """api.test: gives its arguments back."""
    if call.text("error"):
        raise SlackProblem(call.text("error"))
    return {"args": dict(call.args)}


def auth_test(state: State, _call: Call) -> Json:
    """auth.test: whose token it is."""
    return {
        "url": f"{state.base()}/",
        "team": state.domain,
        "team_id": state.team,
        "user": state.app.name,
        "user_id": state.bot_user,
        "bot_id": state.app.bot,
        "is_enterprise_install": False,
    }


def bots_info(state: State, call: Call) -> Json:
    """bots.info: the app's own bot."""
    if call.text("bot") not in {"", state.app.bot}:
        raise SlackProblem("bot_not_found")
    bot = {"id": state.app.bot, "app_id": state.app.id, "user_id": state.bot_user, "name": state.app.name}
    return {"bot": {**bot, "deleted": False, "updated": 0}}


def team_info(state: State, _call: Call) -> Json:
    """team.info."""
    return {
        "team": {"id": state.team, "name": state.domain, "domain": state.domain, "url": f"{state.base()}/"}
    }


def users_info(state: State, call: Call) -> Json:
    """users.info."""
    person = state.directory.people.get(call.need("user"))
    if person is None:
        raise SlackProblem("user_not_found")
    return {"user": person.wire(state.team)}


def users_list(state: State, call: Call) -> Json:
    """users.list: everybody, those who have left too."""
    found, cursor = call.page(list(state.directory.people.values()))
    return {"members": [p.wire(state.team) for p in found], "cache_ts": int(state.clock()), **after(cursor)}


def groups_list(state: State, call: Call) -> Json:
    """usergroups.list."""
    shown = [g for g in state.directory.groups.values() if call.flag("include_disabled") or not g.disabled]
    with_users = call.flag("include_users")
    return {"usergroups": [g.wire(state.team, with_users=with_users) for g in shown]}


def group_users(state: State, call: Call) -> Json:
    """usergroups.users.list."""
    group = state.directory.groups.get(call.need("usergroup"))
    if group is None:
        raise SlackProblem("no_such_subteam")
    if group.disabled and not call.flag("include_disabled"):
        raise SlackProblem("subteam_disabled")
    return {"users": list(group.users)}


def connections_open(state: State, _call: Call) -> Json:
    """apps.connections.open: a WebSocket address that opens once."""
    ticket = state.stamps.id("", 24).lower()
    state.tickets.add(ticket)
    return {"url": f"{state.base().replace('http', 'ws', 1)}/link?ticket={ticket}&app_id={state.app.id}"}
