"""The messenger: posts, edits and answers, and looks people up."""

import logging
from collections.abc import Callable, Collection
from time import monotonic
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.calls import Calls, Json
from bot.adapters.slack.errors import ThreadGone
from bot.adapters.slack.pace import Pace
from bot.adapters.slack.people import person_of
from bot.adapters.slack.remembered import Remembered
from bot.adapters.slack.response_url import ResponseUrls
from bot.adapters.slack.traces import METADATA, Traces
from bot.domain.change import Place
from bot.ports import Forbidden, Invalid, Message, NotFound, Person, Unavailable, WorldError

log = logging.getLogger(__name__)

PLAIN_LIMIT = 3000
"""Characters that are left of a text when Slack has refused the message as it was."""


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
        self._calls = Calls(client)
        self._answers = ResponseUrls(session, response_hosts)
        self._traces = Traces(self._calls)
        self._team = team
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
        """Post a message under a key of ours; see the port. Where its thread is gone, in the channel."""
        if look and (there := await self._traces.find(channel, thread, key)):
            return there
        await self._pace.turn(channel)
        told: Json = {
            "channel": channel,
            "unfurl_links": False,
            "unfurl_media": False,
            "metadata": {"event_type": METADATA, "event_payload": {"key": key}},
        }
        try:
            answer = await self._send(
                "chat.postMessage",
                message,
                **told,
                thread_ts=thread,
                reply_broadcast=True if broadcast and thread else None,
            )
        except ThreadGone:
            answer = await self._send("chat.postMessage", message, **told)
        return Place(channel=str(answer.get("channel") or channel), ts=str(answer.get("ts", "")))

    async def edit(self, place: Place, message: Message) -> None:
        """Replace a message's content; see the port."""
        await self._send("chat.update", message, channel=place.channel, ts=place.ts)

    async def whisper(self, channel: str, user: str, message: Message, *, thread: str | None = None) -> None:
        """Show a message to one person; directly where it cannot be shown in the channel."""
        if channel != user:
            try:
                await self._send("chat.postEphemeral", message, channel=channel, user=user, thread_ts=thread)
            except (NotFound, Forbidden) as error:
                log.info("telling a person directly: %s", error)
            else:
                return
        await self._send("chat.postMessage", message, channel=await self._direct(user))

    async def _direct(self, user: str) -> str:
        """The direct messages with a person; Slack takes the person's own id too, where it opens none for us."""
        try:
            opened = await self._calls.write("conversations.open", users=user)
        except (NotFound, Forbidden, Invalid):
            return user
        channel = opened.get("channel")
        return str(channel.get("id") or user) if isinstance(channel, dict) else user

    async def answer(
        self, response_url: str, message: Message, *, replace: bool = False, in_channel: bool = False
    ) -> None:
        """Answer through a response_url, if its host is one of those allowed; see the port."""
        await self._answers.answer(response_url, message, replace=replace, in_channel=in_channel)

    async def permalink(self, place: Place) -> str:
        """Return a link to a message; empty where Slack gives none."""
        try:
            answer = await self._calls.read("chat.getPermalink", channel=place.channel, message_ts=place.ts)
        except WorldError as error:
            log.info("no permalink: %s", error)
            return ""
        return str(answer.get("permalink", ""))

    async def open_view(self, trigger: str, view: dict[str, Any]) -> None:
        """Open a modal; the trigger lives three seconds."""
        await self._calls.write("views.open", trigger_id=trigger, view=view)

    async def publish_home(self, user: str, view: dict[str, Any]) -> None:
        """Show a person's Home tab."""
        await self._calls.write("views.publish", user_id=user, view=view)

    async def _send(self, method: str, message: Message, **arguments: Any) -> Json:
        """Send content; if Slack refuses it, send the sentence alone rather than nothing."""
        try:
            return await self._calls.write(
                method, text=message.text, blocks=list(message.blocks), **arguments
            )
        except Invalid as error:
            log.warning("%s; sending the text alone", error)
            return await self._calls.write(method, text=message.text[:PLAIN_LIMIT], blocks=[], **arguments)

    async def _person(self, user: str) -> Person:
        answer = await self._calls.read("users.info", user=user)
        return person_of(user, answer.get("user"), home=self._team)

    async def _members(self, group: str) -> frozenset[str]:
        users = (await self._calls.read("usergroups.users.list", usergroup=group)).get("users")
        if not isinstance(users, list):
            raise Unavailable(f"Slack does not say who is in {group}")
        return frozenset(map(str, users))

    async def _member_of(self, channel: str) -> bool:
        if channel.startswith("D"):
            return False
        try:
            found = (await self._calls.read("conversations.info", channel=channel)).get("channel")
        except NotFound:
            return False
        except Forbidden as error:
            # Whether it may post there shows when it does.
            log.info("taking the bot for a member of %s: %s", channel, error)
            return True
        return isinstance(found, dict) and found.get("is_member") is not False
