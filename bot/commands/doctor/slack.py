"""Slack, checked: token and workspace, scopes, the way in, channels, and the clock."""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.errors import silence
from bot.commands.doctor.check import Check, fail, ok, warn
from bot.config import Secret, Settings

SCOPES: Mapping[str, str] = {
    "app_mentions:read": "answers where it is mentioned",
    "channels:history": "finds its own messages again after a crash",
    "channels:read": "knows whether it is in a channel",
    "chat:write": "writes",
    "commands": "is asked by /elb-passthrough and shortcuts",
    "files:write": "shows pictures",
    "groups:history": "finds its own messages again in private channels",
    "groups:read": "knows whether it is in a private channel",
    "im:write": "tells a person directly what it cannot tell in a channel",
    "usergroups:read": "knows who is in a user group that a policy names",
    "users:read": "tells members from guests and bots",
}
"""Bot scopes → what the bot cannot do without each; the same as in app-manifest.yml."""

_TIMEOUT = 10
_SKEW_WARN = 30.0
_SKEW_FAIL = 240.0
"""Slack's requests are refused when they are older than five minutes; four leave room for the way."""
_TROUBLE = (SlackClientError, aiohttp.ClientError, TimeoutError, OSError)


async def checks(settings: Settings) -> list[Check]:
    """Ask Slack who we are and what we may, and whether its events can come in."""
    token = settings.slack.bot_token
    if token is None:
        return [
            fail(
                "Slack token", "SLACK_BOT_TOKEN is not set", "install the app and set its bot token (xoxb-…)"
            )
        ]
    client = _client(settings, token)
    try:
        answer = await client.auth_test()
    except _TROUBLE as error:
        return [_unusable(error), *await _way_in(settings)]
    return [
        _identity(settings, answer.data),
        _scopes(answer.headers),
        *await _way_in(settings),
        *await _channels(settings, client),
        _clock(answer.headers),
    ]


def _client(settings: Settings, token: Secret) -> AsyncWebClient:
    return AsyncWebClient(
        token=token.reveal(), base_url=settings.slack.api_url, timeout=_TIMEOUT, trust_env_in_session=True
    )


def _why(error: BaseException) -> str:
    if isinstance(error, SlackApiError):
        return str(error.response.get("error", "an error without a name"))
    return silence(error)


def _unusable(error: BaseException) -> Check:
    remedy = (
        "reinstall the app and set the new token"
        if isinstance(error, SlackApiError)
        else "check the network, the proxy variables and SLACK_API_URL"
    )
    return fail("Slack token", _why(error), remedy)


def _identity(settings: Settings, answer: Any) -> Check:
    told = f"@{answer.get('user')} in {answer.get('team')} ({answer.get('team_id')})"
    if not answer.get("bot_id"):
        return fail("Slack token", f"{told} is no bot", "set the bot token (xoxb-…), not a user's")
    if settings.team and settings.team != answer.get("team_id"):
        return fail(
            "Slack token", told, f"the configuration says team: {settings.team}; one of them is wrong"
        )
    return ok("Slack token", told)


def _scopes(headers: Mapping[str, Any]) -> Check:
    given = next((str(v) for k, v in headers.items() if k.lower() == "x-oauth-scopes"), "")
    if not given:
        return warn("Slack scopes", "Slack does not say which the token has")
    lacking = sorted(SCOPES.keys() - {scope.strip() for scope in given.split(",")})
    if not lacking:
        return ok("Slack scopes", "all that are needed")
    told = "; ".join(f"no {scope}, by which it {SCOPES[scope]}" for scope in lacking)
    return fail("Slack scopes", told, "update the app from app-manifest.yml and reinstall it")


async def _way_in(settings: Settings) -> list[Check]:
    """How commands and clicks reach the bot."""
    if settings.slack.app_token:
        return [await _socket_mode(settings, settings.slack.app_token)]
    if settings.slack.signing_secret is None:
        remedy = "set SLACK_SIGNING_SECRET, or SLACK_APP_TOKEN for Socket Mode"
        return [fail("Slack requests", "they could not be checked", remedy)]
    told = f"come over HTTP, to port {settings.port} of {settings.host}"
    return [ok("Slack requests", f"{told}; the app's request URLs must lead to /slack/events there")]


async def _socket_mode(settings: Settings, token: Secret) -> Check:
    try:
        await _client(settings, token).apps_connections_open(app_token=token.reveal())
    except _TROUBLE as error:
        remedy = "switch Socket Mode on and set an app-level token (xapp-…) with connections:write"
        return fail("Socket Mode", _why(error), remedy)
    return ok("Socket Mode", "a connection may be opened")


async def _channels(settings: Settings, client: AsyncWebClient) -> list[Check]:
    configured = (
        settings.change_channel,
        settings.incident_channel,
        *(cluster.incident_channel for cluster in settings.clusters.values()),
    )
    return [await _channel(client, channel) for channel in dict.fromkeys(configured) if channel]


async def _channel(client: AsyncWebClient, channel: str) -> Check:
    try:
        found: dict[str, Any] = (await client.conversations_info(channel=channel)).get("channel") or {}
    except _TROUBLE as error:
        return fail(
            f"channel {channel}", _why(error), "correct the id, or invite the bot if the channel is private"
        )
    if found.get("is_member"):
        return ok(f"channel {channel}", f"#{found.get('name')}")
    return fail(f"channel {channel}", f"the bot is not in #{found.get('name')}", "invite it there")


def _clock(headers: Mapping[str, Any]) -> Check:
    date = next((str(v) for k, v in headers.items() if k.lower() == "date"), "")
    try:
        ahead = (datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds()
    except (ValueError, TypeError):
        return warn("clock", "Slack's answer has no date to compare with")
    return clock_check(ahead, "Slack's")


def clock_check(ahead: float, whose: str) -> Check:
    """Judge by how many seconds our clock is ahead of another's; HTTP dates are whole seconds."""
    if abs(ahead) <= _SKEW_WARN:
        return ok("clock", f"agrees with {whose}")
    told = f"{abs(ahead):.0f} s {'ahead of' if ahead > 0 else 'behind'} {whose}"
    judge = fail if abs(ahead) > _SKEW_FAIL else warn
    return judge("clock", told, "synchronise it: signatures and access tokens depend on it")
