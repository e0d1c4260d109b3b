"""A real Bolt app in the workspace: the same stories over HTTP and over Socket Mode."""

import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import Workspace
from bot.demo.slack.message import Message
from tests.demo.slack.sample import APP_TOKEN, over_http, over_socket


class Stories:
    """What a person does, and what comes of it. Run once over each transport."""

    async def test_a_command_is_answered_only_to_who_gave_it(self, app: Workspace) -> None:
        """The answer comes by response URL, as an ephemeral message."""
        ack = await app.command("U01ALICE", "C01OPS", "status shop/checkout")
        (answer,) = await app.wait_for(lambda: app.ephemerals("U01ALICE"))
        assert ack.ok
        assert app.readable(answer, "U01ALICE") == "you said status shop/checkout\n[Share in channel]"
        assert app.ephemerals("U02BOB") == []

    async def test_an_ephemeral_message_is_shared_and_gone(self, app: Workspace) -> None:
        """A button in it deletes the original and posts for everybody."""
        await app.command("U01ALICE", "C01OPS", "status shop/checkout")
        (answer,) = await app.wait_for(lambda: app.ephemerals("U01ALICE"))
        await app.click("U01ALICE", answer, "share")
        await app.wait_for(lambda: app.messages("C01OPS"))
        assert app.messages("C01OPS")[0].text == "shared"
        assert app.ephemerals("U01ALICE") == []

    @pytest.mark.parametrize(
        ("text", "shown"), [("public", ["/elb-passthrough public", "for everybody"]), ("body", [])]
    )
    async def test_a_command_may_be_answered_in_the_body(
        self, app: Workspace, text: str, shown: list[str]
    ) -> None:
        """With response_type in_channel everybody sees command and answer, else only who asked."""
        await app.command("U01ALICE", "C01OPS", f"/elb-passthrough {text}")
        assert [app.readable(m) for m in app.messages("C01OPS")] == shown
        assert [m.text for m in app.ephemerals("U01ALICE")] == ([] if shown else ["only in the body"])

    async def test_an_approval_edits_the_card_and_answers_in_its_thread(self, app: Workspace) -> None:
        """A click with its confirm dialog, an update in place, a reply."""
        card = await _card(app)
        question = app.confirmation("U02BOB", card, "approve")
        assert question is not None
        assert question["text"]["text"].startswith("Patches *one* annotation")
        assert (await app.click("U02BOB", card, "approve", confirm=False)).error == "not_confirmed"
        assert (await app.click("U02BOB", card, "approve")).ok
        thread = await app.wait_for(
            lambda: (t := app.thread("C01OPS", card.ts)) if len(app.thread("C01OPS", card.ts)) == 2 else None
        )
        assert [app.readable(m) for m in thread] == ["✅ approved by @Bob", "verifying ⌛"]
        assert thread[0].ts == card.ts

    async def test_a_choice_in_a_menu_reaches_the_app(self, app: Workspace) -> None:
        """Static selects and overflow menus, by text; each is answered to who chose."""
        card = await _card(app)
        await app.select("U03MALLORY", card, "snooze", "1 day")
        await app.select("U03MALLORY", card, "menu", "Diagram")
        await app.wait_for(lambda: len(app.ephemerals("U03MALLORY")) == 2)
        assert [m.text for m in app.ephemerals("U03MALLORY")] == ["snooze: 1 day", "menu: Diagram"]

    async def test_a_type_ahead_offers_what_the_app_finds(self, app: Workspace) -> None:
        """What was offered can be chosen by its value."""
        card = await _card(app)
        offered = await app.suggest("U01ALICE", card, "service", "shop")
        await app.select("U01ALICE", card, "service", "shop/cart")
        (answer,) = await app.wait_for(lambda: app.ephemerals("U01ALICE"))
        assert [o["value"] for o in offered] == ["shop/checkout", "shop/cart"]
        assert answer.text == "service: shop/cart"

    async def test_a_modal_is_corrected_submitted_and_closed(self, app: Workspace) -> None:
        """Slack asks for what is required, the app for what is wrong; then it closes and something is posted."""
        await app.command("U01ALICE", "C01OPS", "")
        (view,) = await app.wait_for(lambda: app.views("U01ALICE"))
        await app.suggest("U01ALICE", view, "service", "shop")
        entered: dict[str, Any] = {"service": "shop/checkout", "parts": ["path"]}
        assert (await app.submit(view, entered)).error == "incomplete"
        assert app.views("U01ALICE")[0].errors == {"reason": "Please complete this required field."}
        await app.submit(view, {**entered, "reason": "no"})
        assert app.views("U01ALICE")[0].errors == {"reason": "Say why"}
        await app.submit(view, {**entered, "reason": "TLS errors"})
        assert app.views("U01ALICE") == []
        (message,) = await app.wait_for(lambda: app.messages("C01OPS"))
        assert app.readable(message) == "@Alice asks about shop/checkout: TLS errors"

    async def test_the_app_hears_that_a_modal_was_closed(self, app: Workspace) -> None:
        """It asked to be notified."""
        await app.command("U01ALICE", "C01OPS", "")
        (view,) = await app.wait_for(lambda: app.views("U01ALICE"))
        await app.close(view)
        (message,) = await app.wait_for(lambda: app.messages("D01ALICE"))
        assert (message.text, app.views("U01ALICE")) == ("closed", [])

    async def test_a_mention_in_a_thread_is_answered_there(self, app: Workspace) -> None:
        """Slack has no slash commands in threads; mentions do the same."""
        first = app.say("U01ALICE", "C02INC", "something is broken")
        app.say("U01ALICE", "C02INC", "@elb-passthrough status <b> & more", thread=first.ts)
        thread = await app.wait_for(lambda: t if len(t := app.thread("C02INC", first.ts)) == 3 else None)
        assert app.readable(thread[2]) == "heard: @elb-passthrough status <b> & more"

    async def test_the_home_tab_is_published_when_it_is_opened(self, app: Workspace) -> None:
        """And a button in it opens a modal."""
        app.open_home("U02BOB")
        home = await app.wait_for(lambda: app.home("U02BOB"))
        await app.click("U02BOB", home, "open")
        assert await app.wait_for(lambda: app.views("U02BOB"))
        assert "CHG-7 pass-through on for `shop/checkout`  [Open]" in app.readable(home)

    async def test_a_shortcut_in_a_messages_menu_opens_a_modal(self, app: Workspace) -> None:
        """It carries the message that it was taken from."""
        message = app.say("U01ALICE", "C01OPS", "look at this")
        assert (await app.shortcut("U01ALICE", "ask", message)).ok
        (view,) = await app.wait_for(lambda: app.views("U01ALICE"))
        (sent,) = [d for d in app.deliveries.sent if d.name == "shortcut ask"]
        assert view.body["callback_id"] == "ask"
        assert sent.payload["message"]["text"] == "look at this"


async def _card(app: Workspace) -> Message:
    await app.command("U01ALICE", "C01OPS", "card")
    (card,) = await app.wait_for(lambda: app.messages("C01OPS"))
    return card


class TestOverHttp(Stories):
    """Signed requests to a request URL."""

    @pytest.fixture
    async def app(self, workspace: Workspace) -> AsyncIterator[Workspace]:
        """The workspace with the sample app behind HTTP."""
        async with over_http(workspace):
            yield workspace

    @pytest.fixture
    def clock(self) -> Callable[[], float]:
        """The real clock, with which Bolt compares the signature's time."""
        return time.time


class TestOverSocketMode(Stories):
    """Envelopes through a WebSocket."""

    @pytest.fixture
    def options(self) -> dict[str, Any]:
        """The app has an app-level token."""
        return {"app_token": APP_TOKEN}

    @pytest.fixture
    async def app(self, workspace: Workspace) -> AsyncIterator[Workspace]:
        """The workspace with the sample app connected."""
        async with over_socket(workspace):
            yield workspace

    async def test_a_refreshed_connection_is_replaced_and_used(self, workspace: Workspace) -> None:
        """After Slack asks for a new connection, commands go through it."""
        async with over_socket(workspace) as handler:
            await workspace.wait_for(lambda: workspace.socket.connections == 1)
            before = await handler.client.session_id()
            await workspace.socket.refresh()
            await workspace.wait_for(lambda: len(workspace.log(name="apps.connections.open")) == 2)
            await workspace.wait_for(lambda: workspace.socket.connections == 1)
            assert (await workspace.command("U01ALICE", "C01OPS", "body")).ok
            assert await handler.client.session_id() != before

    async def test_a_ticket_opens_one_connection(self, app_client: AsyncWebClient) -> None:
        """A WebSocket address cannot be used twice."""
        url = (await app_client.apps_connections_open(app_token=APP_TOKEN))["url"]
        async with aiohttp.ClientSession() as session:
            async with session.ws_connect(url) as link:
                assert (await link.receive_json())["type"] == "hello"
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(url)

    async def test_nobody_connected_is_a_failed_dispatch(self, workspace: Workspace) -> None:
        """The person is told by Slack itself."""
        ack = await workspace.command("U01ALICE", "C01OPS", "help")
        assert ack.error == "dispatch_failed"
        assert [n.text for n in workspace.notices("U01ALICE")] == [
            '/elb-passthrough failed with the error "dispatch_failed"'
        ]
