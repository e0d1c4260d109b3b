"""What each thing that people do in Slack leads to: an answer, or a stored job and an acknowledgement."""

import asyncio
import logging
from functools import partial
from typing import Any, Protocol

from bot.listeners import payload
from bot.listeners.grammar import ORDERS, Intent, Mistake, parse
from bot.listeners.payload import text
from bot.listeners.questions import Questions
from bot.listeners.tasks import APOLOGY, Question, Tasks
from bot.listeners.typeahead import UID, options
from bot.listeners.views import REASONED, ask_view, reason_view
from bot.operations import ask
from bot.operations.answer import say
from bot.operations.caller import Caller
from bot.operations.decide import ACTIONS, REJECT, askable
from bot.operations.diagram import diagram
from bot.operations.form import must_say_why, reason_missing
from bot.operations.home import open_home
from bot.operations.incident_click import CLICKS as INCIDENT_CLICKS
from bot.operations.jobs import click_job, order_job
from bot.operations.refusal import Refused
from bot.operations.rights import rights_of
from bot.operations.world import World
from bot.ports import Job, Unavailable, WorldError

log = logging.getLogger(__name__)

BREAK_GLASS = "change:breakglass"
STORED = frozenset({*ACTIONS, "verification:stop", *INCIDENT_CLICKS}) - {BREAK_GLASS}
"""Buttons whose click is stored as it is."""
ORDERED = {"status:propose": "enable", "status:verify": "verify"}
"""Buttons that do what a command does."""
MENTION = "@elb-passthrough"
"""How somebody calls who cannot give a slash command: in a thread."""
SHARE = "status:share"
DIAGRAM = "status:diagram"
PAGES = frozenset({"list:previous", "list:next"})
NOT_STORED = "The database does not answer, so nothing was started or decided. Try again in a minute."
NOT_KNOWN = "The database answers too slowly: whether this was taken is not known. Look in a minute before you try again."
OLD_BUTTON = "This button is older than I am and does nothing any more. Ask for status once more."
OLD_FORM = "This form is older than I am and does nothing any more. Give the command once more."
NO_FORM = "The form did not open. Press the button once more."
NO_SERVICE = "Name a Service: NAMESPACE/SERVICE, or CLUSTER/NAMESPACE/SERVICE."
STORED_WITHIN = 2.5
"""Seconds that an acknowledgement waits for the database; Slack waits three."""
DECIDED_WITHIN = 1.5
"""Seconds that a form waits to learn whether its person may; a trigger lives three."""
OFFERED_WITHIN = 2.0
"""Seconds that a type-ahead waits for Slack to say who is asking."""


class Views(Protocol):
    """The messenger's modals, which only listeners open."""

    async def open_view(self, trigger: str, view: dict[str, Any]) -> None:
        """Open a modal; the trigger lives three seconds."""
        ...


class Desk:
    """Takes what comes in; nothing here waits for the world before the acknowledgement, but the database."""

    def __init__(self, world: World, views: Views, *, command: str = "/elb-passthrough") -> None:
        self._world = world
        self._views = views
        self._command = command
        self._questions = Questions(world)
        self.tasks = Tasks()

    async def command(self, body: dict[str, Any]) -> str:
        """Take a slash command; return what the acknowledgement itself says, mostly nothing."""
        trigger = text(body, "trigger_id")
        return await self._take(
            payload.command_text(body), payload.command_caller(body), payload.delivery(body), trigger
        )

    async def mention(self, body: dict[str, Any]) -> None:
        """Take a mention; Slack sends it again until it is acknowledged, so the event's id is its delivery."""
        if text(body, "event", "bot_id"):
            # Two bots that answer each other never stop.
            return
        caller = payload.mention_caller(body)
        delivery = payload.delivery(body, text(body, "event_id"))
        said = payload.mention_text(body) or "help"
        sentence = await self._take(said, caller, delivery, "", command=MENTION)
        if sentence:
            self._tell(delivery, caller, sentence)

    async def _take(
        self, said: str, caller: Caller, delivery: str, trigger: str, *, command: str = ""
    ) -> str:
        """Do what somebody said; return the sentence that is the answer already, if there is one."""
        match parse(said, command or self._command):
            case Mistake(sentence=sentence):
                return sentence
            case Intent(verb="ask", target=verb) if trigger:
                self._ask_for_service(delivery, caller, trigger, verb)
            case Intent(verb="ask"):
                return NO_SERVICE
            case Intent(verb=verb, target=target, reason=why) if verb in ORDERS:
                return await self._order(delivery, verb, target, why, caller)
            case Intent(verb=verb, target=target):
                self._start(delivery, caller, partial(self._questions.answer, verb, target, caller, delivery))
        return ""

    async def action(self, body: dict[str, Any]) -> None:
        """Take a click; every one gets an answer, that of a button from before the last deployment too."""
        caller = payload.action_caller(body)
        action, value = text(body, "actions", 0, "action_id"), payload.action_value(body)
        delivery = payload.delivery(body)
        if action in STORED:
            sentence = await self._store(click_job(delivery, action, value, "", caller))
            self._tell(delivery, caller, sentence)
            if action == REJECT and not sentence:
                # The no is taken; why may be said, or not.
                self._ask_why(delivery, caller, text(body, "trigger_id"), value, action)
        elif action in ORDERED:
            self._tell(delivery, caller, await self._pressed(delivery, ORDERED[action], value, caller))
        elif action == BREAK_GLASS:
            self._ask_why(delivery, caller, text(body, "trigger_id"), value, action)
        elif action == SHARE:
            self._start(delivery, caller, partial(self._questions.share, value, caller, delivery))
        elif action == DIAGRAM:
            self._start(delivery, caller, partial(diagram, self._world, caller, value))
        elif action in PAGES:
            self._start(delivery, caller, partial(self._questions.page, value, caller))
        elif not action.startswith("ask:") and not text(body, "actions", 0, "url"):
            self._tell(delivery, caller, OLD_BUTTON)

    async def _pressed(self, delivery: str, verb: str, value: str, caller: Caller) -> str:
        try:
            ref, _ = ask.by_button(self._world, value)
        except Refused as refused:
            return str(refused)
        verb = "disable" if verb == "enable" and value.endswith(ask.OFF) else verb
        return await self._order(delivery, verb, f"{ref.cluster}/{ref}", "", caller)

    async def submission(self, body: dict[str, Any]) -> dict[str, str] | None:
        """Take a submitted modal; return errors to show in it, by field, or nothing."""
        caller = payload.submission_caller(body)
        delivery = payload.delivery(body)
        match text(body, "view", "callback_id"):
            case "ask":
                return await self._asked(body, caller, delivery)
            case "reason":
                return await self._reasoned(body, caller, delivery)
            case _:
                self._tell(delivery, caller, OLD_FORM)
                return None

    async def _asked(self, body: dict[str, Any], caller: Caller, delivery: str) -> dict[str, str] | None:
        target = payload.chosen(body, "service")
        if not target:
            return {"service": "Choose a Service."}
        if target.startswith(UID):
            try:
                ref, _ = ask.by_button(self._world, target.removeprefix(UID))
            except Refused as refused:
                return {"service": str(refused)}
            target = f"{ref.cluster}/{ref}"
        verb = str(payload.metadata(body).get("verb", "status"))
        if verb not in ORDERS:
            self._start(delivery, caller, partial(self._questions.answer, "status", target, caller, delivery))
            return None
        why = text(body, "view", "state", "values", "reason", "ask:reason", "value")
        if verb in REASONED and await self._unexplained(caller, verb, target, why):
            return {"reason": "Say why: the policy of this Service asks for a reason."}
        sentence = await self._order(delivery, verb, target, why, caller)
        return {"service": sentence} if sentence else None

    def _ask_why(self, delivery: str, caller: Caller, trigger: str, change: str, action: str) -> None:
        """Open the form for a reason, unless it is known already that the answer is no."""
        view = reason_view(self._world, caller, change, action)

        async def asked() -> None:
            try:
                async with asyncio.timeout(DECIDED_WITHIN):
                    await askable(self._world, change, action, caller)
            except Refused:
                if action == REJECT:
                    # The click itself is stored, and told so.
                    return
                raise
            except (TimeoutError, WorldError) as error:
                log.info("asking for a reason without knowing whether it counts: %s", error)
            await self._opened(trigger, view, instead="" if action == REJECT else NO_FORM)

        self._start(delivery, caller, asked)

    async def _reasoned(self, body: dict[str, Any], caller: Caller, delivery: str) -> dict[str, str] | None:
        why = payload.reason(text(body, "view", "state", "values", "reason", "reason", "value"))
        remembered = payload.metadata(body)
        # A form from before the last deployment remembers no action: it was for breaking the glass.
        action = REJECT if remembered.get("action") == REJECT else BREAK_GLASS
        if not why:
            return None if action == REJECT else {"reason": "Say why it cannot wait."}
        change = str(remembered.get("change", ""))
        sentence = await self._store(click_job(delivery, action, change, why, caller))
        return {"reason": sentence} if sentence else None

    async def options(self, body: dict[str, Any]) -> list[dict[str, Any]]:
        """Answer a type-ahead field; nothing is offered to somebody who cannot be looked up in time."""
        try:
            async with asyncio.timeout(OFFERED_WITHIN):
                rights = await rights_of(self._world, payload.action_caller(body))
        except TimeoutError:
            return []
        return options(self._world, rights, body)

    async def shortcut(self, body: dict[str, Any]) -> None:
        """Open the modal; its answer goes to the message's thread."""
        caller, trigger = payload.shortcut_caller(body), text(body, "trigger_id")
        delivery = payload.delivery(body)
        self._ask_for_service(delivery, caller, trigger, "status")

    async def home(self, body: dict[str, Any]) -> None:
        """Show the Home tab."""
        if text(body, "event", "tab") == "messages":
            return
        caller = Caller(user=text(body, "event", "user"), team=text(body, "team_id"), channel="")
        delivery = payload.delivery(body, text(body, "event_id"))
        self._start(delivery, caller, partial(self._open_home, caller))

    async def _open_home(self, caller: Caller) -> None:
        try:
            await open_home(self._world, caller)
        except WorldError as error:
            # Nobody has asked for anything; who looks again is shown it again.
            log.warning("a Home tab was not shown: %s", error)

    async def apologise(self, body: dict[str, Any]) -> None:
        """Answer what failed in a way that nobody has thought of."""
        caller = payload.action_caller(body) if "user" in body else payload.command_caller(body)
        self._tell(payload.delivery(body) + ":failed", caller, APOLOGY)

    # --- what all of them come to ---

    async def _order(self, delivery: str, verb: str, target: str, why: str, caller: Caller) -> str:
        return await self._store(order_job(delivery, verb, target, payload.reason(why), caller))

    async def _store(self, job: Job) -> str:
        """Commit a job; return the sentence that says that it could not be."""
        try:
            async with asyncio.timeout(STORED_WITHIN):
                await self._world.store.jobs.submit(job)
        except Unavailable:
            return NOT_STORED
        except TimeoutError:
            # What was handed to the database may be committed when it wakes up.
            return NOT_KNOWN
        return ""

    def _ask_for_service(self, delivery: str, caller: Caller, trigger: str, verb: str) -> None:
        """Open the form for a Service, to somebody who may do anywhere what it is for."""

        async def asked() -> None:
            needed = False
            try:
                async with asyncio.timeout(DECIDED_WITHIN):
                    needed = await must_say_why(self._world, caller, verb)
            except (TimeoutError, WorldError) as error:
                log.info("asking for a Service without knowing who may: %s", error)
            view = ask_view(self._world, caller, verb, must_say_why=needed)
            await self._opened(trigger, view, instead=NO_SERVICE)

        self._start(delivery, caller, asked)

    async def _unexplained(self, caller: Caller, verb: str, target: str, why: str) -> bool:
        """Whether a proposal would come to nothing for want of a reason, as far as that is known in time."""
        try:
            async with asyncio.timeout(DECIDED_WITHIN):
                return await reason_missing(self._world, caller, verb, target, payload.reason(why))
        except (TimeoutError, WorldError, Refused) as error:
            log.info("a form is taken without knowing whether it needs a reason: %s", error)
            return False

    async def _opened(self, trigger: str, view: dict[str, Any], *, instead: str) -> None:
        try:
            await self._views.open_view(trigger, view)
        except WorldError as error:
            log.warning("a form was not opened: %s", error)
            if instead:
                raise Refused(instead) from error

    def _tell(self, delivery: str, caller: Caller, sentence: str) -> None:
        if sentence:
            self._start(delivery, caller, partial(say, self._world, caller, sentence))

    def _start(self, delivery: str, caller: Caller, question: Question) -> None:
        self.tasks.start(delivery, question, partial(say, self._world, caller))
