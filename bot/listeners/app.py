"""The Bolt application: few listeners, each parses, calls the desk and acknowledges.

`process_before_response` because what must survive is stored before the acknowledgement, and because Bolt's
default runner polls for the acknowledgement every 10 ms, which people would wait for.
"""

import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from traceback import walk_tb
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.error import BoltUnhandledRequestError
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from bot.listeners.desk import Desk
from bot.listeners.payload import text
from bot.listeners.tasks import APOLOGY

log = logging.getLogger(__name__)

EVENTS: Mapping[str, Callable[[Desk, dict[str, Any]], Awaitable[None]]] = {
    "app_mention": Desk.mention,
    "app_home_opened": Desk.home,
}
"""What is done about each event that the manifest subscribes to; any other is acknowledged and passed over."""
_ANY = re.compile(".*", re.DOTALL)


def build_app(desk: Desk, client: AsyncWebClient, *, identity: Callable[[], AuthorizeResult]) -> AsyncApp:
    """Build the application around a desk.

    Args:
        desk: takes what people do.
        client: reaches the Web API, already with its base URL and token.
        identity: who the bot is, as Slack said at the start.
    """

    async def authorize(**_: Any) -> AuthorizeResult:
        return identity()

    bolt = logging.getLogger("bot.listeners.bolt")
    # Bolt finds SLACK_BOT_TOKEN in the environment by itself, and warns twice that it does not use it.
    bolt.setLevel(logging.ERROR)
    app = AsyncApp(
        logger=bolt,
        client=client,
        authorize=authorize,
        process_before_response=True,
        # Bolt would explain in ten lines how to write a listener for whatever anybody sends.
        raise_error_for_unhandled_request=True,
        # The web server checks signatures before a request comes here, with a secret that may rotate.
        request_verification_enabled=False,
        ignoring_self_assistant_message_events_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    bolt.setLevel(logging.WARNING)
    _listen_to_messages(app, desk)
    _listen_to_forms(app, desk)
    _catch(app, desk)
    return app


def _listen_to_messages(app: AsyncApp, desk: Desk) -> None:
    @app.command(_ANY)
    async def command(ack: AsyncAck, body: dict[str, Any]) -> None:
        sentence = await desk.command(body)
        await (ack(text=sentence, response_type="ephemeral") if sentence else ack())

    @app.action(_ANY)
    async def action(ack: AsyncAck, body: dict[str, Any]) -> None:
        await desk.action(body)
        await ack()

    @app.event(_ANY)
    async def event(ack: AsyncAck, body: dict[str, Any]) -> None:
        take = EVENTS.get(text(body, "event", "type"))
        if take is not None:
            await take(desk, body)
        await ack()


def _listen_to_forms(app: AsyncApp, desk: Desk) -> None:
    @app.view(_ANY)
    async def submission(ack: AsyncAck, body: dict[str, Any]) -> None:
        errors = await desk.submission(body)
        await (ack(response_action="errors", errors=errors) if errors else ack())

    @app.view_closed(_ANY)
    async def closed(ack: AsyncAck) -> None:
        await ack()

    @app.options(_ANY)
    async def options(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack(options=await desk.options(body))

    @app.shortcut(_ANY)
    async def shortcut(ack: AsyncAck, body: dict[str, Any]) -> None:
        await desk.shortcut(body)
        await ack()


def _catch(app: AsyncApp, desk: Desk) -> None:
    @app.error
    async def failed(error: Exception, body: dict[str, Any]) -> BoltResponse:
        """Log what went wrong, and say so: the one error handler at Slack's edge."""
        if isinstance(error, BoltUnhandledRequestError):
            log.warning("a request of a kind that is not known here: %s", text(body, "type")[:50] or "none")
            return BoltResponse(status=404)
        if not _ours(error):
            log.warning("a request is none that Slack sends: %s", type(error).__name__)
            return BoltResponse(status=400)
        log.error("a request from Slack failed: %s", type(error).__name__, exc_info=error)
        if text(body, "event", "type"):
            # Slack sends an event again that was not taken.
            return BoltResponse(status=500)
        if text(body, "command"):
            return BoltResponse(status=200, body={"text": APOLOGY, "response_type": "ephemeral"})
        await desk.apologise(body)
        return BoltResponse(status=200)


def _ours(error: Exception) -> bool:
    """Whether something of ours raised it; else Bolt did, looking for a listener in a payload of another shape."""
    modules = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
    return any(name.startswith("bot.") for name in modules)
