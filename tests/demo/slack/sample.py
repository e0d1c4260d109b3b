"""A small Slack app on the real Bolt, that knows nothing of the workspace it runs in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from slack_bolt.adapter.aiohttp import to_aiohttp_response, to_bolt_request
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import Workspace

Json = dict[str, Any]
BOT_TOKEN = "xoxb-sample"
APP_TOKEN = "xapp-sample"
SECRET = "shh, a secret"
SERVICES = ("shop/checkout", "shop/cart", "web/api", "default/nginx")


def plain(text: str) -> Json:
    """Return a plain_text object."""
    return {"type": "plain_text", "text": text}


def option(text: str) -> Json:
    """Return an option whose value is its text."""
    return {"text": plain(text), "value": text}


def button(action_id: str, text: str, **more: Any) -> Json:
    """Return a button."""
    return {"type": "button", "action_id": action_id, "text": plain(text), **more}


def cell(text: str) -> Json:
    """Return a table's cell."""
    return {"type": "raw_text", "text": text}


CONFIRM = {
    "title": plain("Approve CHG-7?"),
    "text": {
        "type": "mrkdwn",
        "text": "Patches *one* annotation on `shop/checkout`. 52 clients change their path.",
    },
    "confirm": plain("Approve"),
    "deny": plain("Not yet"),
}


def card() -> list[Json]:
    """Return a change's card, with every kind of block that such a bot uses."""
    return [
        {"type": "header", "text": plain("🟡 Proposed: pass-through on for shop/checkout")},
        {
            "type": "section",
            "text": {
                "type": "mrkdwn",
                "text": "Asked by <@U01ALICE>: “TLS errors” · needs 1 of <!subteam^S0SRE> · until <!date^1790000000^{date_short_pretty} {time}|later>",
            },
            "accessory": {
                "type": "overflow",
                "action_id": "menu",
                "options": [option("History"), option("Diagram")],
            },
        },
        {
            "type": "rich_text",
            "elements": [
                {
                    "type": "rich_text_preformatted",
                    "elements": [
                        {"type": "text", "text": 'kubernetes.io/elb.pass-through   (absent)  →  "true"'}
                    ],
                },
                {
                    "type": "rich_text_list",
                    "style": "bullet",
                    "elements": [
                        {
                            "type": "rich_text_section",
                            "elements": [
                                {"type": "text", "text": "52 of 52 ", "style": {"bold": True}},
                                {"type": "text", "text": "clients change their path"},
                            ],
                        },
                        {
                            "type": "rich_text_section",
                            "elements": [{"type": "text", "text": "nobody loses access"}],
                        },
                    ],
                },
            ],
        },
        {
            "type": "table",
            "column_settings": [{"is_wrapped": True}, {"align": "right"}],
            "rows": [
                [cell("Client"), cell("Count"), cell("Through the ELB")],
                [cell("pods, node with a backend"), cell("31"), cell("✅ yes")],
                [cell("pods, node without one"), cell("14"), cell("❌ no")],
            ],
        },
        {
            "type": "section",
            "fields": [
                {"type": "mrkdwn", "text": "*Mind*\nopen connections keep the old path"},
                {"type": "mrkdwn", "text": "*Afterwards*\n3 client classes × 120"},
            ],
        },
        {
            "type": "context",
            "elements": [{"type": "mrkdwn", "text": "digest `3f9a 1c22` · resourceVersion 48211"}],
        },
        {"type": "divider"},
        {
            "type": "actions",
            "elements": [
                button("approve", "Approve…", style="primary", value="7", confirm=CONFIRM),
                button("reject", "Reject…", style="danger", value="7"),
                {
                    "type": "static_select",
                    "action_id": "snooze",
                    "placeholder": plain("Snooze"),
                    "options": [option("1 hour"), option("1 day")],
                },
                {
                    "type": "external_select",
                    "action_id": "service",
                    "placeholder": plain("Service"),
                    "min_query_length": 0,
                },
            ],
        },
    ]


def ask() -> Json:
    """Return a modal with inputs of several kinds."""
    return {
        "type": "modal",
        "callback_id": "ask",
        "title": plain("Ask about a Service"),
        "submit": plain("Ask"),
        "close": plain("Cancel"),
        "notify_on_close": True,
        "blocks": [
            {
                "type": "input",
                "block_id": "service",
                "label": plain("Service"),
                "element": {
                    "type": "external_select",
                    "action_id": "service",
                    "placeholder": plain("Type a name"),
                    "min_query_length": 1,
                },
            },
            {
                "type": "input",
                "block_id": "how",
                "label": plain("How"),
                "element": {
                    "type": "radio_buttons",
                    "action_id": "how",
                    "initial_option": option("now"),
                    "options": [option("now"), option("later")],
                },
            },
            {
                "type": "input",
                "block_id": "parts",
                "optional": True,
                "label": plain("Parts"),
                "element": {
                    "type": "checkboxes",
                    "action_id": "parts",
                    "options": [option("path"), option("findings")],
                },
            },
            {
                "type": "input",
                "block_id": "reason",
                "label": plain("Reason"),
                "hint": plain("One sentence"),
                "element": {
                    "type": "plain_text_input",
                    "action_id": "text",
                    "multiline": True,
                    "max_length": 200,
                },
            },
        ],
    }


HOME: Json = {
    "type": "home",
    "blocks": [
        {"type": "header", "text": plain("Waiting for you")},
        {
            "type": "section",
            "text": {"type": "mrkdwn", "text": "*CHG-7* pass-through on for `shop/checkout`"},
            "accessory": button("open", "Open"),
        },
    ],
}


def build(client: AsyncWebClient, secret: str | None) -> AsyncApp:  # noqa: C901 - one small listener after the other
    """Return the app; listeners are registered as any Bolt app does it."""
    app = AsyncApp(client=client, signing_secret=secret)

    @app.command("/elb-passthrough")
    async def command(ack: Any, command: Json, client: AsyncWebClient, respond: Any) -> None:
        match command.get("text", "").split():
            case ["public"]:
                await ack(response_type="in_channel", text="for *everybody*")
            case ["body"]:
                await ack("only in the body")
            case ["card"]:
                await ack()
                await client.chat_postMessage(
                    channel=command["channel_id"], text="CHG-7 proposed", blocks=card()
                )
            case []:
                await ack()
                await client.views_open(trigger_id=command["trigger_id"], view=ask())
            case words:
                await ack()
                await respond(
                    text=f"you said {' '.join(words)}",
                    blocks=[
                        {
                            "type": "section",
                            "text": {"type": "mrkdwn", "text": f"you said *{' '.join(words)}*"},
                        },
                        {"type": "actions", "elements": [button("share", "Share in channel")]},
                    ],
                )

    @app.action("share")
    async def share(ack: Any, respond: Any) -> None:
        await ack()
        await respond(delete_original=True)
        await respond(response_type="in_channel", text="shared")

    @app.action("approve")
    async def approve(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        channel, ts = body["channel"]["id"], body["message"]["ts"]
        await client.chat_update(
            channel=channel,
            ts=ts,
            text=f"✅ approved by <@{body['user']['id']}>",
            blocks=[
                {
                    "type": "section",
                    "text": {"type": "mrkdwn", "text": f"✅ approved by <@{body['user']['id']}>"},
                }
            ],
        )
        await client.chat_postMessage(channel=channel, thread_ts=ts, text="verifying :hourglass:")

    @app.action("reject")
    async def reject(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.chat_postEphemeral(
            channel=body["channel"]["id"],
            user=body["user"]["id"],
            text="You may not reject. <!subteam^S0SRE> may.",
        )

    @app.action("snooze")
    @app.action("menu")
    @app.action("service")
    async def chosen(ack: Any, action: Json, respond: Any) -> None:
        await ack()
        await respond(text=f"{action['action_id']}: {action['selected_option']['value']}")

    @app.action("open")
    async def opened(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=ask())

    @app.options("service")
    async def options(ack: Any, payload: Json) -> None:
        await ack(options=[option(name) for name in SERVICES if payload["value"] in name])

    @app.view("ask")
    async def submitted(ack: Any, view: Json, body: Json, client: AsyncWebClient) -> None:
        values = view["state"]["values"]
        if values["reason"]["text"]["value"] == "no":
            await ack(response_action="errors", errors={"reason": "Say why"})
            return
        await ack()
        name = values["service"]["service"]["selected_option"]["value"]
        text = f"<@{body['user']['id']}> asks about {name}: {values['reason']['text']['value']}"
        await client.chat_postMessage(channel="C01OPS", text=text)

    @app.view_closed("ask")
    async def closed(ack: Any, body: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.chat_postMessage(channel=body["user"]["id"], text="closed")

    @app.shortcut("ask")
    async def shortcut(ack: Any, shortcut: Json, client: AsyncWebClient) -> None:
        await ack()
        await client.views_open(trigger_id=shortcut["trigger_id"], view=ask())

    @app.event("app_mention")
    async def mentioned(event: Json, say: Any) -> None:
        await say(text=f"heard: {event['text']}", thread_ts=event.get("thread_ts") or event["ts"])

    @app.event("app_home_opened")
    async def home(event: Json, client: AsyncWebClient) -> None:
        await client.views_publish(user_id=event["user"], view=HOME)

    return app


@asynccontextmanager
async def over_http(workspace: Workspace) -> AsyncIterator[AsyncApp]:
    """Run the app behind a request URL, and tell the workspace where it is."""
    app = build(AsyncWebClient(token=BOT_TOKEN, base_url=workspace.api_url), SECRET)

    async def events(request: web.Request) -> web.Response:
        return await to_aiohttp_response(await app.async_dispatch(await to_bolt_request(request)))

    application = web.Application()
    application.router.add_post("/slack/events", events)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    workspace.request_url = f"http://127.0.0.1:{runner.addresses[0][1]}/slack/events"
    try:
        yield app
    finally:
        await runner.cleanup()


@asynccontextmanager
async def over_socket(workspace: Workspace) -> AsyncIterator[AsyncSocketModeHandler]:
    """Run the app in Socket Mode, connected."""
    app = build(AsyncWebClient(token=BOT_TOKEN, base_url=workspace.api_url), None)
    handler = AsyncSocketModeHandler(
        app,
        APP_TOKEN,
        web_client=AsyncWebClient(token=APP_TOKEN, base_url=workspace.api_url),
        ping_interval=1,
    )
    await handler.connect_async()  # type: ignore[no-untyped-call] # Bolt leaves it untyped
    await workspace.wait_for(lambda: workspace.socket.connections)
    try:
        yield handler
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call] # Bolt leaves it untyped
