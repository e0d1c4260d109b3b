"""What each thing that people do in Slack leads to: an answer, or a stored job and an acknowledgement."""

from typing import Any, Protocol

from bot.listeners.grammar import ORDERS, Intent, Mistake, parse, without_mention
from bot.listeners.payload import action_caller, command_caller, mention_caller, reason, shortcut_caller, text
from bot.listeners.tasks import Tasks
from bot.listeners.views import ask_view, chosen, metadata, options, reason_view
from bot.operations import ask
from bot.operations.answer import answer, reply, say
from bot.operations.caller import Caller
from bot.operations.decide import ACTIONS
from bot.operations.home import home_view
from bot.operations.jobs import click_job, order_job
from bot.operations.rights import rights_of
from bot.operations.world import World
from bot.ports import Job, Unavailable

STORED = frozenset({*ACTIONS, "verification:stop"}) - {"change:breakglass"}
NOT_STORED = "The database does not answer, so nothing was started or decided. Try again in a minute."
OLD_BUTTON = "This button is older than I am and does nothing any more. Ask for status once more."


class Views(Protocol):
    """The messenger's views, which only listeners open."""

    async def open_view(self, trigger: str, view: dict[str, Any]) -> None:
        """Open a modal; the trigger lives three seconds."""
        ...

    async def publish_home(self, user: str, view: dict[str, Any]) -> None:
        """Show a person's Home tab."""
        ...


class Desk:
    """Takes what comes in; nothing here waits for the world before the acknowledgement, but the database."""

    def __init__(self, world: World, views: Views, *, command: str = "/elb-passthrough") -> None:
        self._world = world
        self._views = views
        self._command = command
        self.tasks = Tasks()

    async def command(self, body: dict[str, Any]) -> str:
        """Take a slash command; return what the acknowledgement itself says, mostly nothing."""
        delivery = text(body, "trigger_id") or text(body, "response_url")
        caller = command_caller(body)
        return await self._take(text(body, "text"), caller, delivery, text(body, "trigger_id"))

    async def mention(self, body: dict[str, Any]) -> None:
        """Take a mention; Slack sends it again until it is acknowledged, so the event's id is its delivery."""
        caller = mention_caller(body)
        said = without_mention(text(body, "event", "text"))
        sentence = await self._take(said or "help", caller, text(body, "event_id"), "")
        if sentence:
            self._tell(caller, sentence)

    async def _take(self, said: str, caller: Caller, delivery: str, trigger: str) -> str:
        match parse(said, self._command):
            case Mistake(sentence=sentence):
                return sentence
            case Intent(verb="ask", target=verb) if trigger:
                self._start(self._open(trigger, ask_view(self._world, caller, verb or "status")), caller)
            case Intent(verb="ask"):
                return "Name a Service: NAMESPACE/SERVICE, or CLUSTER/NAMESPACE/SERVICE."
            case Intent(verb=verb, target=target, reason=why) if verb in ORDERS:
                return await self._store(order_job(delivery, verb, target, reason(why), caller))
            case Intent(verb=verb, target=target):
                self._start(self._answer(verb, target, caller), caller)
        return ""

    async def action(self, body: dict[str, Any]) -> None:
        """Take a click; every one gets an answer, that of a button from before the last deployment too."""
        caller = action_caller(body)
        action, value = text(body, "actions", 0, "action_id"), text(body, "actions", 0, "value")
        delivery = f"{text(body, 'actions', 0, 'action_ts')}:{caller.user}:{action}:{value}"
        if action in STORED:
            refusal = await self._store(click_job(delivery, action, value, "", caller))
            if refusal:
                self._tell(caller, refusal)
        elif action == "change:breakglass":
            self._start(self._open(text(body, "trigger_id"), reason_view(self._world, caller, value)), caller)
        elif action in _STATUS:
            self._start(self._status_button(action, value, caller, delivery), caller)
        elif text(body, "actions", 0, "type") == "button" and not text(body, "actions", 0, "url"):
            self._tell(caller, OLD_BUTTON)

    async def submission(self, body: dict[str, Any]) -> dict[str, Any] | None:
        """Take a submitted modal; return errors to show in it, or nothing."""
        remembered = metadata(body)
        # Who submits is who Slack says, never what the modal remembers.
        stored = Caller.from_json(remembered.get("caller") or {})
        caller = Caller(
            user=text(body, "user", "id"),
            team=text(body, "user", "team_id"),
            channel=stored.channel,
            thread=stored.thread,
            response_url=stored.response_url,
        )
        if text(body, "view", "callback_id") == "reason":
            return await self._reason(body, remembered, caller)
        service = chosen(body, "service")
        if not service:
            return {"service": "Choose a Service."}
        said = f"{remembered.get('verb') or 'status'} {service}"
        sentence = await self._take(said, caller, f"view:{text(body, 'view', 'id')}", "")
        return {"service": sentence} if sentence else None

    async def _reason(
        self, body: dict[str, Any], remembered: dict[str, Any], caller: Caller
    ) -> dict[str, Any] | None:
        why = reason(text(body, "view", "state", "values", "reason", "reason", "value"))
        if not why:
            return {"reason": "Say why it cannot wait."}
        delivery = f"view:{text(body, 'view', 'id')}:{caller.user}"
        refusal = await self._store(
            click_job(delivery, "change:breakglass", str(remembered.get("change", "")), why, caller)
        )
        return {"reason": refusal} if refusal else None

    async def options(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Answer a type-ahead field."""
        rights = await rights_of(self._world, action_caller(body))
        return options(self._world, rights, body)

    async def shortcut(self, body: dict[str, Any]) -> None:
        """Open the modal; its answer goes to the message's thread."""
        caller = shortcut_caller(body)
        self._start(self._open(text(body, "trigger_id"), ask_view(self._world, caller, "status")), caller)

    async def home(self, body: dict[str, Any]) -> None:
        """Show the Home tab."""
        caller = Caller(user=text(body, "event", "user"), team=text(body, "team_id"), channel="")
        self._start(self._publish(caller), caller)

    async def _publish(self, caller: Caller) -> None:
        await self._views.publish_home(caller.user, await home_view(self._world, caller))

    async def _open(self, trigger: str, view: dict[str, Any]) -> None:
        await self._views.open_view(trigger, view)

    async def _store(self, job: Job) -> str:
        try:
            await self._world.store.jobs.submit(job)
        except Unavailable:
            return NOT_STORED
        return ""

    async def _answer(self, verb: str, target: str, caller: Caller) -> None:
        match verb:
            case "status":
                message = await ask.status(self._world, caller, target)
            case "list":
                message = await ask.listing(self._world, caller, target)
            case "history":
                message = await ask.history(self._world, caller, target)
            case _:
                await answer(self._world, caller, await ask.help_for(self._world, caller))
                return
        await reply(self._world, caller, message)

    async def _status_button(self, action: str, value: str, caller: Caller, delivery: str) -> None:
        if action == "status:share":
            await answer(self._world, caller, await ask.share(self._world, caller, value), in_channel=True)
            return
        ref, _ = ask.by_button(self._world, value)
        refusal = await self._store(order_job(delivery, _STATUS[action], f"{ref.cluster}/{ref}", "", caller))
        if refusal:
            await say(self._world, caller, refusal)

    def _start(self, question: Any, caller: Caller) -> None:
        async def tell(sentence: str) -> None:
            await say(self._world, caller, sentence)

        self.tasks.start(question, tell)

    def _tell(self, caller: Caller, sentence: str) -> None:
        self._start(say(self._world, caller, sentence), caller)


_STATUS = {"status:share": "share", "status:propose": "enable", "status:verify": "verify"}
