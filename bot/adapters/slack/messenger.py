"""The messenger: posts, edits and answers, and looks people up."""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from time import monotonic, time
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.errors import REFUSED_CONTENT, code_of, translated
from bot.adapters.slack.pace import Pace
from bot.adapters.slack.remembered import Remembered
from bot.domain.change import Place
from bot.ports import Forbidden, Invalid, Message, NotFound, Person, Unavailable

log = logging.getLogger(__name__)

METADATA = "elb_passthrough"
"""`event_type` of our messages' metadata; its payload holds the message's key and nothing else."""
LOOK_BACK = 3 * 3600
"""Seconds of a channel's history in which a message is looked for before it is posted again."""
ANSWER_TIMEOUT = aiohttp.ClientTimeout(total=10)


class SlackMessenger:
    """Slack through its Web API; holds no state that matters."""

    def __init__(
        self,
        client: AsyncWebClient,
        *,
        session: aiohttp.ClientSession,
        team: str,
        response_hosts: Collection[str] = ("hooks.slack.com",),
        gap: float = 1.0,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._client = client
        self._session = session
        self._team = team
        self._hosts = frozenset(response_hosts)
        self._pace = Pace(gap)
        self.person = Remembered(self._person, clock=clock)
        self.members = Remembered(self._members, clock=clock)
        self.member_of = Remembered(self._member_of, clock=clock)

    async def post(
        self,
        channel: str,
        message: Message,
        *,
        key: str,
        thread: str | None = None,
        broadcast: bool = False,
        look: bool = False,
    ) -> Place:
        """Post a message under a key of ours; see the port."""
        if look and (there := await self._look(channel, thread, key)):
            return there
        await self._pace.turn(channel)
        extra: dict[str, Any] = {"reply_broadcast": True} if broadcast and thread else {}
        answer = await self._send(
            "chat.postMessage",
            message,
            channel=channel,
            thread_ts=thread,
            unfurl_links=False,
            unfurl_media=False,
            metadata={"event_type": METADATA, "event_payload": {"key": key}},
            **extra,
        )
        return Place(channel=str(answer.get("channel", channel)), ts=str(answer["ts"]))

    async def edit(self, place: Place, message: Message) -> None:
        """Replace a message's content; see the port."""
        await self._send("chat.update", message, channel=place.channel, ts=place.ts)

    async def whisper(self, channel: str, user: str, message: Message, *, thread: str | None = None) -> None:
        """Show a message to one person; in a direct message where the bot is not in the channel."""
        try:
            await self._send("chat.postEphemeral", message, channel=channel, user=user, thread_ts=thread)
        except NotFound:
            direct = await self._call("conversations.open", users=user)
            await self._send("chat.postMessage", message, channel=direct["channel"]["id"])

    async def answer(
        self, response_url: str, message: Message, *, replace: bool = False, in_channel: bool = False
    ) -> None:
        """Answer through a response_url, if its host is one of those allowed; see the port."""
        parts = urlsplit(response_url)
        if parts.netloc not in self._hosts and parts.hostname not in self._hosts:
            raise Forbidden("the response_url names a host that SLACK_RESPONSE_HOSTS does not list")
        body = {
            "text": message.text,
            "blocks": list(message.blocks),
            "response_type": "in_channel" if in_channel else "ephemeral",
            "replace_original": replace,
        }
        status, text = await self._respond(response_url, body)
        if status == 400 and any(code in text for code in REFUSED_CONTENT):  # noqa: PLR2004 - HTTP's own number
            log.warning("Slack refused the blocks of an answer; sending its text alone")
            status, text = await self._respond(response_url, {**body, "blocks": []})
        _judge_answer(status)

    async def permalink(self, place: Place) -> str:
        """Return a link to a message; empty where Slack gives none."""
        try:
            answer = await self._call("chat.getPermalink", channel=place.channel, message_ts=place.ts)
        except (NotFound, Forbidden, Invalid, Unavailable) as error:
            log.info("no permalink: %s", error)
            return ""
        return str(answer.get("permalink", ""))

    async def open_view(self, trigger: str, view: dict[str, Any]) -> None:
        """Open a modal; the trigger lives three seconds."""
        await self._call("views.open", trigger_id=trigger, view=view)

    async def publish_home(self, user: str, view: dict[str, Any]) -> None:
        """Show a person's Home tab."""
        await self._call("views.publish", user_id=user, view=view)

    async def _respond(self, url: str, body: dict[str, Any]) -> tuple[int, str]:
        try:
            async with self._session.post(
                url, json=body, timeout=ANSWER_TIMEOUT, allow_redirects=False
            ) as response:
                return response.status, (await response.text())[:200]
        except (TimeoutError, aiohttp.ClientError) as error:
            raise Unavailable(f"Slack's response_url does not answer: {type(error).__name__}") from error

    async def _send(self, method: str, message: Message, **arguments: Any) -> dict[str, Any]:
        """Send content; if Slack refuses the blocks, send the sentence alone rather than nothing."""
        try:
            return await self._call(method, text=message.text, blocks=list(message.blocks), **arguments)
        except Invalid as error:
            log.warning("%s; sending the text alone", error)
            return await self._call(method, text=message.text, blocks=[], **arguments)

    async def _call(self, method: str, **arguments: Any) -> dict[str, Any]:
        given = {name: value for name, value in arguments.items() if value is not None}
        try:
            answer = await self._client.api_call(method, json=given)
        except SlackApiError as error:
            if code_of(error) == "missing_scope":
                log.error("%s needs a scope that the app does not have; see app-manifest.yml", method)  # noqa: TRY400 - the trace adds nothing
            raise translated(error, method) from error
        except (
            TimeoutError,
            aiohttp.ClientError,
            SlackClientError,
            asyncio.IncompleteReadError,
            OSError,
        ) as error:
            raise Unavailable(f"Slack does not answer {method}: {type(error).__name__}") from error
        data = answer.data
        return data if isinstance(data, dict) else {}

    async def _get(self, method: str, **arguments: Any) -> dict[str, Any]:
        """Call a reading method, which takes a form and no JSON body."""
        try:
            answer = await self._client.api_call(method, params=arguments)
        except SlackApiError as error:
            raise translated(error, method) from error
        except (TimeoutError, aiohttp.ClientError, SlackClientError, OSError) as error:
            raise Unavailable(f"Slack does not answer {method}: {type(error).__name__}") from error
        data = answer.data
        return data if isinstance(data, dict) else {}

    async def _look(self, channel: str, thread: str | None, key: str) -> Place | None:
        """Look for a message that an earlier attempt may have posted."""
        where: dict[str, Any] = {"channel": channel, "include_all_metadata": "true", "limit": 200}
        method = "conversations.replies" if thread else "conversations.history"
        where |= {"ts": thread} if thread else {"oldest": f"{time() - LOOK_BACK:.6f}"}
        try:
            answer = await self._get(method, **where)
        except (Forbidden, Invalid, NotFound) as error:
            log.warning("cannot look whether a message is there already: %s", error)
            return None
        return next((Place(channel=channel, ts=str(m["ts"])) for m in _ours(answer) if _key(m) == key), None)

    async def _person(self, user: str) -> Person:
        found = (await self._get("users.info", user=user)).get("user") or {}
        outside = any(
            found.get(flag)
            for flag in ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
        )
        profile = found.get("profile") or {}
        return Person(
            id=user,
            team=str(found.get("team_id", "")),
            name=str(profile.get("display_name") or found.get("real_name") or found.get("name") or user),
            full_member=bool(found) and not outside and self._team in _teams(found),
            zone=str(found.get("tz") or "UTC"),
        )

    async def _members(self, group: str) -> frozenset[str]:
        return frozenset(
            map(str, (await self._get("usergroups.users.list", usergroup=group)).get("users") or ())
        )

    async def _member_of(self, channel: str) -> bool:
        if channel.startswith("D"):
            return False
        try:
            found = (await self._get("conversations.info", channel=channel)).get("channel") or {}
        except NotFound:
            return False
        return bool(found.get("is_member"))


def _teams(user: dict[str, Any]) -> set[str]:
    enterprise = user.get("enterprise_user") or {}
    return {str(user.get("team_id", "")), *map(str, enterprise.get("teams") or ())}


def _ours(answer: dict[str, Any]) -> Sequence[dict[str, Any]]:
    return [message for message in answer.get("messages") or () if isinstance(message, dict)]


def _key(message: dict[str, Any]) -> str:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return str(payload.get("key", "")) if metadata.get("event_type") == METADATA else ""


def _judge_answer(status: int) -> None:
    if status in (404, 410):
        raise NotFound("the response_url is used up or too old")
    if status == 429 or status >= 500:  # noqa: PLR2004 - HTTP's own numbers
        raise Unavailable(f"Slack's response_url answered {status}")
    if status >= 400:  # noqa: PLR2004 - HTTP's own number
        raise Invalid(f"Slack's response_url answered {status}")
