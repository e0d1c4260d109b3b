"""Acts: what a person does in the workspace, each as Slack would tell it to the app."""

from collections.abc import Mapping
from typing import Any

from bot.demo.slack import form, limits, mrkdwn, payload
from bot.demo.slack.courier import Ack
from bot.demo.slack.delivery import Deliveries
from bot.demo.slack.hook import Hook
from bot.demo.slack.message import Message, Notice
from bot.demo.slack.people import Channel, Command
from bot.demo.slack.problem import SlackProblem
from bot.demo.slack.response import publish
from bot.demo.slack.state import State
from bot.demo.slack.submission import settle_submission
from bot.demo.slack.view import View

Json = dict[str, Any]
Target = Message | View | tuple[str, str] | str


class CannotError(LookupError):
    """A person cannot do that: the channel, message, button or option is not there for them."""


class Acts:
    """The hands of everybody in the workspace."""

    def __init__(self, state: State, deliveries: Deliveries) -> None:
        self.state = state
        self.deliveries = deliveries
        self._offered: dict[str, dict[str, Json]] = {}

    # what people write

    async def command(self, user: str, channel: str, text: str, *, thread: str | None = None) -> Ack:
        """Type a slash command: `/name …`, or only the text behind the app's first command.

        Slack has no slash commands in threads; the person is told so and nothing is sent.
        """
        place = self._place(user, channel)
        name, rest = self._split(text)
        known = next((c for c in self.state.app.commands if c.name == name), None)
        if known is None:
            return self._told(user, channel, f"{name} is not a valid command.", "invalid_command")
        if thread is not None:
            return self._told(user, channel, f"{name} is not supported in threads. Sorry!", "not_in_threads")
        body = payload.command(self.state, user, place, name, rest)
        ack = await self.deliveries.send("slash_commands", name, body)
        if not ack.ok:
            self._notice(user, channel, f'{name} failed with the error "{ack.error}"')
        else:
            self._answer_command(user, place, known, rest, ack)
        return ack

    def _answer_command(self, user: str, place: Channel, command: Command, text: str, ack: Ack) -> None:
        body = ack.body if ack.body is not None else ({"text": ack.text} if ack.text else {})
        if not body.get("text") and not body.get("blocks"):
            return
        if body.get("response_type") == "in_channel":
            self._post(user, place, f"{command.name} {text}".strip(), None)
        hook = Hook(name="", channel=place.id, user=user, at=self.state.clock())
        try:
            publish(self.state, hook, body)
        except SlackProblem as problem:
            self._notice(user, place.id, f'{command.name} failed with the error "{problem.error}"')

    def say(self, user: str, channel: str, text: str, *, thread: str | None = None) -> Message:
        """Write a message; the app hears of it if it is mentioned, or is written to directly."""
        place = self._place(user, channel)
        message = self._post(user, place, mrkdwn.encoded(text, self.state.directory), thread)
        mentioned = f"<@{self.state.bot_user}>" in message.text
        here = self.state.bot_in(channel)
        if mentioned and here and not place.im:
            self._event("app_mention", self._heard(message, "app_mention"), user)
        elif mentioned and not here:
            self._notice(
                user, channel, f"You mentioned @{self.state.app.name}, but they're not in this channel."
            )
        kind = "message.im" if place.im else ("message.groups" if place.private else "message.channels")
        if here and kind in self.state.app.events:
            heard = self._heard(message, "message") | {"channel_type": "im" if place.im else "channel"}
            self._event(kind, heard, user)
        return message

    def mention(self, user: str, channel: str, text: str, *, thread: str | None = None) -> Message:
        """Mention the app at the beginning of a message."""
        return self.say(user, channel, f"<@{self.state.bot_user}> {text}", thread=thread)

    def _heard(self, message: Message, kind: str) -> Json:
        body = message.wire() | {"type": kind, "channel": message.channel, "event_ts": message.ts}
        return body | {"client_msg_id": self.state.stamps.id("", 16).lower()}

    # what people press

    async def click(
        self,
        user: str,
        target: Target,
        action_id: str,
        *,
        value: str | None = None,
        block_id: str | None = None,
        chosen: Any = None,
        confirm: bool = True,
        entered: Mapping[str, Any] | None = None,
    ) -> Ack:
        """Press a button, or choose `chosen` in another element, and answer its confirm dialog.

        `value` picks among elements with the same action id; `entered` is what stands in the other inputs.

        Raises:
            CannotError: the person sees no such message, view or element.
        """
        found = self._target(user, target)
        block, element = self._element(found, action_id, value, block_id)
        if element.get("confirm") and not confirm:
            return Ack(error="not_confirmed")
        action = self._action(found, block, element, chosen)
        entered = entered or {}
        offered = self._offered_in(found)
        if isinstance(found, View):
            state = form.values(found.body["blocks"], entered, offered, found.values)
            view = self.state.views.remember(found, self._merged(state, block, element, action))
            body = payload.view_actions(self.state, view, action)
        else:
            state = form.values(found.blocks, entered, offered)
            body = payload.message_actions(
                self.state, user, found, action, self._merged(state, block, element, action)
            )
        return await self._interact(user, found, element["action_id"], body)

    async def select(
        self, user: str, target: Target, action_id: str, option: Any, *, block_id: str | None = None
    ) -> Ack:
        """Choose an option, by its value or its text, in a select, an overflow menu or radio buttons."""
        return await self.click(user, target, action_id, chosen=option, block_id=block_id)

    def confirmation(
        self, user: str, target: Target, action_id: str, *, value: str | None = None
    ) -> Json | None:
        """Return the confirm dialog that an element shows first, if it has one."""
        confirm = self._element(self._target(user, target), action_id, value, None)[1].get("confirm")
        return confirm if isinstance(confirm, dict) else None

    async def suggest(
        self, user: str, target: Target, action_id: str, typed: str, *, block_id: str | None = None
    ) -> list[Json]:
        """Type into an external select, and return the options that the app offers.

        None are offered where the app does not answer in time, or with something that Slack would refuse.
        """
        found = self._target(user, target)
        block, element = self._element(found, action_id, None, block_id)
        if len(typed) < int(element.get("min_query_length", 3)):
            return []
        body = payload.suggestion(
            self.state, user, found, typed=typed, action_id=element["action_id"], block_id=block["block_id"]
        )
        ack = await self.deliveries.send("interactive", f"options {action_id}", body)
        answer = ack.body or {}
        if not ack.ok or limits.of_options(answer):
            return []
        groups = [answer, *answer.get("option_groups", [])]
        options: list[Json] = [option for group in groups for option in group.get("options", [])]
        self._offered.setdefault(_name_of(found), {}).update({o["value"]: o for o in options})
        return options

    async def submit(self, view: View | str, entered: Mapping[str, Any] | None = None) -> Ack:
        """Fill a modal's inputs, by block id or action id, and submit it.

        Where a required input is empty, Slack asks for it and the app hears nothing.
        """
        found = self._view(view)
        values = form.values(found.body["blocks"], entered or {}, self._offered_in(found), found.values)
        found = self.state.views.remember(found, values)
        mistakes = form.mistakes(found.body["blocks"], values)
        if mistakes:
            self.state.views.complain(found, mistakes)
            return Ack(error="incomplete", body={"errors": mistakes})
        body = payload.view_submission(self.state, found)
        ack = await self.deliveries.send("interactive", f"submit {found.body.get('callback_id', '')}", body)
        settle_submission(self.state, found, ack)
        return ack

    async def close(self, view: View | str, *, everything: bool = False) -> None:
        """Close a modal, by its cross with the whole stack; the app hears of it where it asked to."""
        found = self._view(view)
        gone = self.state.views.stack(found.user) if everything else [found]
        self.state.views.close(found, everything=everything)
        for each in gone:
            if each.body.get("notify_on_close"):
                body = payload.view_closed(self.state, each, cleared=everything)
                await self.deliveries.send("interactive", f"closed {each.body.get('callback_id', '')}", body)

    async def shortcut(
        self, user: str, callback_id: str, message: Message | tuple[str, str] | None = None
    ) -> Ack:
        """Take a shortcut from a message's menu, or a global one."""
        found = self._target(user, message) if message is not None else None
        assert not isinstance(found, View)
        known = {(s.callback_id, s.kind) for s in self.state.app.shortcuts}
        if (callback_id, "shortcut" if found is None else "message_action") not in known:
            raise CannotError(f"no such shortcut: {callback_id}")
        body = payload.shortcut(self.state, user, callback_id, found)
        ack = await self.deliveries.send("interactive", f"shortcut {callback_id}", body)
        if not ack.ok:
            self._notice(user, found.channel if found else None, _did_not_answer(self.state, ack))
        return ack

    def open_home(self, user: str, tab: str = "home") -> View | None:
        """Open the app's Home tab; the app hears of it, and what it published before is shown at once."""
        self._person(user)
        channel = self.state.directory.open_direct(user, self.state.stamps.id("D"))
        home = self.state.views.home(user)
        body: Json = {"type": "app_home_opened", "user": user, "channel": channel.id, "tab": tab}
        body["event_ts"] = self.state.stamps.ts()
        if home is not None:
            body["view"] = home.wire(self.state.app, self.state.team)
        self._event("app_home_opened", body, user)
        return home

    # what all of it stands on

    async def _interact(self, user: str, target: Message | View, name: str, body: Json) -> Ack:
        ack = await self.deliveries.send("interactive", name, body)
        if not ack.ok:
            channel = None if isinstance(target, View) else target.channel
            self._notice(user, channel, _did_not_answer(self.state, ack))
        return ack

    def _action(self, target: Message | View, block: Json, element: Json, chosen: Any) -> Json:
        action: Json = {
            "action_id": element["action_id"],
            "block_id": block["block_id"],
            "action_ts": self.state.stamps.ts(),
        }
        if element["type"] == "button":
            kept: Json = {
                key: element[key] for key in ("text", "value", "style", "url", "confirm") if key in element
            }
            return {"type": "button", **kept, **action}
        try:
            return {**form.selection(element, chosen, self._offered_in(target)), **action}
        except LookupError as error:
            raise CannotError(str(error)) from error

    @staticmethod
    def _merged(values: Json, block: Json, element: Json, action: Json) -> Json:
        if element["type"] in {"button", "overflow"}:
            return values
        entry = {k: v for k, v in action.items() if k not in {"action_id", "block_id", "action_ts"}}
        inner = {**values.get(block["block_id"], {}), element["action_id"]: entry}
        return {**values, block["block_id"]: inner}

    def _element(
        self, target: Message | View, action_id: str, value: str | None, block_id: str | None
    ) -> tuple[Json, Json]:
        blocks = target.body["blocks"] if isinstance(target, View) else target.blocks
        for block, element in form.elements(blocks):
            same = element["action_id"] == action_id and block_id in {None, block["block_id"]}
            if same and value in {None, element.get("value")}:
                return block, element
        raise CannotError(f"no such element: {action_id}")

    def _target(self, user: str, target: Target) -> Message | View:
        self._person(user)
        if isinstance(target, (View, str)):
            view = self._view(target)
            if view.user != user:
                raise CannotError("it is somebody else's view")
            return view
        channel, ts = (target.channel, target.ts) if isinstance(target, Message) else target
        if not self.state.directory.sees(user, channel):
            raise CannotError(f"not in channel {channel}")
        message = self.state.board.find_for(user, channel, ts)
        if message is None:
            raise CannotError(f"no such message: {ts}")
        return message

    def _view(self, view: View | str) -> View:
        name = view.id if isinstance(view, View) else view
        found = self.state.views.find(name)
        if found is None:
            raise CannotError(f"no such view: {name}")
        return found

    def _offered_in(self, target: Message | View) -> dict[str, Json]:
        return self._offered.get(_name_of(target), {})

    def _place(self, user: str, channel: str) -> Channel:
        self._person(user)
        found = self.state.directory.channels.get(channel)
        if found is None or user not in found.members:
            raise CannotError(f"not in channel {channel}")
        return found

    def _person(self, user: str) -> None:
        person = self.state.directory.people.get(user)
        if person is None or not person.active:
            raise CannotError(f"no such person: {user}")

    def _split(self, text: str) -> tuple[str, str]:
        text = text.strip()
        if not text.startswith("/"):
            return self.state.app.commands[0].name, text
        name, _, rest = text.partition(" ")
        return name, rest.strip()

    def _post(self, user: str, place: Channel, text: str, thread: str | None) -> Message:
        if thread is not None and self.state.board.find(place.id, thread) is None:
            raise CannotError(f"no such message: {thread}")
        team = self.state.directory.people[user].team
        ts = self.state.stamps.ts()
        return self.state.board.post(
            Message(channel=place.id, ts=ts, user=user, text=text, team=team, thread_ts=thread)
        )

    def _event(self, kind: str, body: Json, user: str) -> None:
        if kind in self.state.app.events:
            team = self.state.directory.people[user].team
            self.deliveries.send_event(f"event {kind}", payload.event(self.state, body, team))

    def _told(self, user: str, channel: str, text: str, error: str) -> Ack:
        self._notice(user, channel, text)
        return Ack(error=error)

    def _notice(self, user: str, channel: str | None, text: str) -> None:
        self.state.board.notice(Notice(user=user, text=text, channel=channel, at=self.state.stamps.ts()))


def _name_of(target: Message | View) -> str:
    return target.id if isinstance(target, View) else f"{target.channel}/{target.ts}"


def _did_not_answer(state: State, ack: Ack) -> str:
    return f"{state.app.name} could not be reached. ({ack.error})"
