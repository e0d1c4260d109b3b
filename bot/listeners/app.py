"""The Bolt application: few listeners, each parses, calls the desk and acknowledges.

`process_before_response` because what must survive is stored before the acknowledgement, and because Bolt's
default runner polls for the acknowledgement every 10 ms, which people would wait for.
"""

import logging
import re
from collections.abc import Callable
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncBoltContext
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient

from bot.listeners.desk import Desk
from bot.listeners.payload import text
from bot.listeners.tasks import APOLOGY

log = logging.getLogger(__name__)

COMMAND = "/elb-passthrough"
SHORTCUT = "explain"
"""callback_id of the message shortcut."""
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

    app = AsyncApp(
        client=client,
        authorize=authorize,
        process_before_response=True,
        # The web server checks signatures before a request comes here, with a secret that may rotate.
        request_verification_enabled=False,
        ignoring_self_assistant_message_events_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    _listen(app, desk)
    return app


def _listen(app: AsyncApp, desk: Desk) -> None:
    @app.command(_ANY)
    async def command(ack: AsyncAck, body: dict[str, Any]) -> None:
        sentence = await desk.command(body)
        await (ack(text=sentence, response_type="ephemeral") if sentence else ack())

    @app.action(_ANY)
    async def action(ack: AsyncAck, body: dict[str, Any]) -> None:
        await desk.action(body)
        await ack()

    @app.view(_ANY)
    async def submission(ack: AsyncAck, body: dict[str, Any]) -> None:
        errors = await desk.submission(body)
        await (ack(response_action="errors", errors=errors) if errors else ack())

    @app.options(_ANY)
    async def options(ack: AsyncAck, body: dict[str, Any]) -> None:
        await ack(options=await desk.options(body))

    @app.shortcut(_ANY)
    async def shortcut(ack: AsyncAck, body: dict[str, Any]) -> None:
        await desk.shortcut(body)
        await ack()

    @app.event(re.compile("app_mention|app_home_opened"))
    async def event(ack: AsyncAck, body: dict[str, Any]) -> None:
        await (desk.mention(body) if text(body, "event", "type") == "app_mention" else desk.home(body))
        await ack()

    @app.error
    async def failed(error: Exception, body: dict[str, Any], context: AsyncBoltContext) -> None:
        """Log what went wrong, and say so: the one error handler at Slack's edge."""
        log.error("a request from Slack failed: %s", type(error).__name__, exc_info=error)
        if context.respond is not None and text(body, "response_url"):
            await context.respond(text=APOLOGY, response_type="ephemeral", replace_original=False)
