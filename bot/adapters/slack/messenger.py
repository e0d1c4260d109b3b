"""The messenger: posts, edits and answers, and looks people up."""

import logging
from collections.abc import Callable, Collection, Mapping
from time import monotonic
from typing import Any

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack.calls import Calls, Json
from bot.adapters.slack.errors import Lacking, ThreadGone, UnknownMethod
from bot.adapters.slack.ladder import ladder
from bot.adapters.slack.pace import Pace
from bot.adapters.slack.people import person_of
from bot.adapters.slack.pictures import Pictures
from bot.adapters.slack.remembered import Remembered
from bot.adapters.slack.response_url import ResponseUrls
from bot.adapters.slack.traces import METADATA, MOST_PAGES, Traces, stamp_of
from bot.domain.change import Place
from bot.ports import Forbidden, Invalid, Message, NotFound, Person, Picture, Unavailable, WorldError

log = logging.getLogger(__name__)

PEOPLE = 1000
"""Members of a channel that are asked for at once; Slack takes no more."""


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
        self._pictures = Pictures(self._calls, session, api=client.base_url)
        self._team = team
        self._pace = Pace(gap)
        # A link stays what it is; a Home tab asks for dozens each time.
        self._link = Remembered(self._permalink, ttl=86_400.0, clock=clock)
        self.person = Remembered(self._person, clock=clock)
        self.members = Remembered(self._members, clock=clock)
        self.member_of = Remembered(self._member_of, clock=clock)
        self.inside = Remembered(self._inside, clock=clock)

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
            # It was posted by an attempt that is over; what it is about may have moved on since.
            await self.edit(there, message)
            return there
        channel = await self._direct(channel) if channel.startswith(("U", "W")) else channel
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
        return await self._placed(answer, channel, thread, key)

    async def _placed(self, answer: Json, channel: str, thread: str | None, key: str) -> Place:
        """Where a message is, as Slack says; where it does not say, it is looked for."""
        named = answer.get("channel")
        place = Place(channel=named if isinstance(named, str) and named else channel, ts=stamp_of(answer))
        if place.ts:
            return place
        found = await self._traces.find(place.channel, thread, key)
        if found is None:
            log.error(
                "Slack does not say where a message is (chat.postMessage without ts): it cannot be edited"
            )
        return found or place

    async def edit(self, place: Place, message: Message) -> None:
        """Replace a message's content, where Slack lets us; see the port."""
        if not place.ts:
            log.info("a message stays as it is: Slack has not said where it is")
            return
        try:
            await self._send("chat.update", message, channel=place.channel, ts=place.ts)
        except Lacking as error:
            # Asking again would not help; what is to be known is said in threads too.
            log.info("a message stays as it is: %s", error)

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

    async def show(
        self, channel: str, picture: Picture, *, comment: str = "", thread: str | None = None
    ) -> None:
        """Share a picture; see the port."""
        where = await self._direct(channel) if channel.startswith(("U", "W")) else channel
        await self._pace.turn(where)
        await self._pictures.share(where, picture, comment=comment, thread=thread)

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
            return await self._link(f"{place.channel} {place.ts}")
        except WorldError as error:
            log.info("no permalink: %s", error)
            return ""

    async def _permalink(self, where: str) -> str:
        channel, _, ts = where.partition(" ")
        try:
            answer = await self._calls.read("chat.getPermalink", channel=channel, message_ts=ts)
        except UnknownMethod:
            return ""
        return str(answer.get("permalink") or "")

    async def open_view(self, trigger: str, view: dict[str, Any]) -> None:
        """Open a modal; the trigger lives three seconds."""
        await self._calls.write("views.open", trigger_id=trigger, view=view)

    async def publish_home(self, user: str, view: Mapping[str, Any]) -> None:
        """Show a person's Home tab."""
        await self._calls.write("views.publish", user_id=user, view=view)

    async def _send(self, method: str, message: Message, **arguments: Any) -> Json:
        """Send content; while Slack refuses it, send it plainer, and the sentence alone rather than nothing."""
        *richer, last = ladder(message)
        for form in richer:
            try:
                return await self._calls.write(method, text=form.text, blocks=list(form.blocks), **arguments)
            except Invalid as error:
                log.warning("%s; sending it in a plainer form", error)
                await self._pace.turn(arguments["channel"])
        return await self._calls.write(method, text=last.text, blocks=list(last.blocks), **arguments)

    async def _person(self, user: str) -> Person:
        try:
            answer = await self._calls.read("users.info", user=user)
        except UnknownMethod:
            # Not Slack: who is a guest there is not known, and the workspace is the one that signed the request.
            return Person(id=user, team=self._team, name=user, full_member=bool(self._team))
        return person_of(user, answer.get("user"), home=self._team)

    async def _members(self, group: str) -> frozenset[str]:
        users = (await self._calls.read("usergroups.users.list", usergroup=group)).get("users")
        if not isinstance(users, list):
            raise Unavailable(f"Slack does not say who is in {group}")
        return frozenset(map(str, users))

    async def _inside(self, channel: str) -> frozenset[str]:
        """The members of a channel; of a very large one those of the first pages."""
        asked: Json = {"channel": channel, "limit": str(PEOPLE)}
        found: set[str] = set()
        for _ in range(MOST_PAGES):
            answer = await self._calls.read("conversations.members", **asked)
            members = answer.get("members")
            if not isinstance(members, list):
                raise Unavailable(f"Slack does not say who is in {channel}")
            found.update(map(str, members))
            more = answer.get("response_metadata")
            asked["cursor"] = more.get("next_cursor") if isinstance(more, dict) else None
            if not asked["cursor"]:
                break
        return frozenset(found)

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
        if not isinstance(found, dict):
            return True
        return found.get("is_member") is not False and found.get("is_archived") is not True
