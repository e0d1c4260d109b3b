"""The Web API: each method, the scopes of which one is needed, and which token."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bot.demo.slack.api import chat, conversations, files, people, views
from bot.demo.slack.api.call import Call
from bot.demo.slack.problem import SlackProblem
from bot.demo.slack.state import State

Json = dict[str, Any]
_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")


@dataclass(frozen=True, slots=True, kw_only=True)
class Method:
    """How a method is answered; any one of `scopes` will do."""

    answer: Callable[[State, Call], Json]
    scopes: tuple[str, ...] = ()
    token: Literal["bot", "app", "none"] = "bot"


METHODS: Mapping[str, Method] = {
    "api.test": Method(answer=people.api_test, token="none"),
    "auth.test": Method(answer=people.auth_test),
    "apps.connections.open": Method(answer=people.connections_open, token="app"),
    "bots.info": Method(answer=people.bots_info, scopes=("users:read",)),
    "team.info": Method(answer=people.team_info, scopes=("team:read",)),
    "users.info": Method(answer=people.users_info, scopes=("users:read",)),
    "users.list": Method(answer=people.users_list, scopes=("users:read",)),
    "users.conversations": Method(answer=conversations.users_conversations, scopes=_READ),
    "usergroups.list": Method(answer=people.groups_list, scopes=("usergroups:read",)),
    "usergroups.users.list": Method(answer=people.group_users, scopes=("usergroups:read",)),
    "conversations.list": Method(answer=conversations.list_, scopes=_READ),
    "conversations.info": Method(answer=conversations.info, scopes=_READ),
    "conversations.members": Method(answer=conversations.members, scopes=_READ),
    "conversations.open": Method(answer=conversations.open_, scopes=("im:write", "mpim:write")),
    "conversations.join": Method(answer=conversations.join, scopes=("channels:join",)),
    "conversations.history": Method(answer=conversations.history, scopes=_HISTORY),
    "conversations.replies": Method(answer=conversations.replies, scopes=_HISTORY),
    "chat.postMessage": Method(answer=chat.post_message, scopes=("chat:write",)),
    "chat.postEphemeral": Method(answer=chat.post_ephemeral, scopes=("chat:write",)),
    "chat.update": Method(answer=chat.update, scopes=("chat:write",)),
    "chat.delete": Method(answer=chat.delete, scopes=("chat:write",)),
    "chat.getPermalink": Method(answer=chat.get_permalink),
    "blocks.validate": Method(answer=chat.validate_blocks),
    "reactions.add": Method(answer=chat.add_reaction, scopes=("reactions:write",)),
    "reactions.remove": Method(answer=chat.remove_reaction, scopes=("reactions:write",)),
    "views.open": Method(answer=views.open_),
    "views.push": Method(answer=views.push),
    "views.update": Method(answer=views.update),
    "views.publish": Method(answer=views.publish),
    "files.getUploadURLExternal": Method(answer=files.get_upload_url, scopes=("files:write",)),
    "files.completeUploadExternal": Method(answer=files.complete_upload, scopes=("files:write",)),
}
ALL_SCOPES = frozenset(scope for method in METHODS.values() for scope in method.scopes)


def granted(state: State) -> frozenset[str]:
    """Return the scopes of the bot token: every one that a method here asks for, unless others were given."""
    return state.scopes if state.scopes is not None else ALL_SCOPES


def answer(state: State, call: Call, token: str) -> Json:
    """Return the answer to a call.

    Raises:
        SlackProblem: Slack would refuse it.
    """
    method = METHODS.get(call.method)
    if method is None:
        raise SlackProblem("unknown_method", req_method=call.method)
    _authorise(state, method, token)
    state.rates.spend(call.method, call.text("channel"))
    return {"ok": True, **method.answer(state, call)}


def _authorise(state: State, method: Method, token: str) -> None:
    if method.token == "none":
        return
    if not token:
        raise SlackProblem("not_authed")
    if token not in {state.bot_token, state.app_token}:
        raise SlackProblem("invalid_auth")
    if token != (state.app_token if method.token == "app" else state.bot_token):
        raise SlackProblem("not_allowed_token_type")
    scopes = granted(state)
    if method.scopes and scopes.isdisjoint(method.scopes):
        raise SlackProblem("missing_scope", needed=method.scopes[0], provided=",".join(sorted(scopes)))
