"""A Slack-compatible server of another maker: it knows a handful of methods, and answers in a way of its own.

It shares no line with the simulated workspace of the demo: what works with both does not lean on either.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from time import time
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from slack_sdk.signature import SignatureVerifier

from bot.adapters.store import migrate, open_store
from bot.commands.house import House, Parts
from bot.commands.slack_client import SlackClient, slack_session
from bot.config import Secret
from bot.config.settings import Clients, ClusterSettings, Settings, SlackSettings, VerificationSettings
from bot.domain.policy import Policy
from tests.fakes.world import Cluster
from tests.listeners.office import Fleet, two_services

Json = dict[str, Any]
SECRET = "foreign-secret"
TEAM, ALICE, BOB, CHANNEL = "T9", "U9ALICE", "U9BOB", "C9OPS"
POLICY = Policy(propose=(ALICE,), approve=(BOB,), verify=(ALICE,), rollback=(BOB,))
FEW = frozenset({"chat.postMessage", "chat.postEphemeral", "chat.update", "views.open"})
"""Every method that it knows unless a test says otherwise."""
Refuse = Callable[[str], web.Response]


def unknown(method: str) -> web.Response:
    """How it answers what it does not know."""
    return web.json_response({"ok": False, "error": "unknown_method", "req_method": method, "hint": None})


def refusing(code: str) -> Refuse:
    """How a server answers for which the app lacks a right."""
    return lambda method: web.json_response({"ok": False, "error": code, "method": method, "needed": "x"})


class Foreign:
    """The server, and what the bot has told it; `said` and `answers` are in the order of arrival.

    A `forgetful` one takes each message, and loses its answer the first time.
    """

    def __init__(
        self, *, known: frozenset[str], refuse: Refuse, told: Mapping[str, Json], forgetful: bool = False
    ) -> None:
        self.known = known
        self.refuse = refuse
        self.told = told
        self._lost: set[str] | None = set() if forgetful else None
        """The keys of the messages whose answer was lost already; None: none ever is."""
        """Answers of a method, laid over those that it gives by itself."""
        self.calls: list[tuple[str, Json]] = []
        self.refused: list[str] = []
        """The methods that it was asked for and does not know."""
        self.answers: list[Json] = []
        self.url = ""
        self.socket: web.WebSocketResponse | None = None
        self.acknowledged: dict[str, Any] = {}
        self._stamps = count(1)
        self._changed = asyncio.Condition()

    def application(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/compat/v1/{method}", self._method),
                web.post("/reply/{number}", self._reply),
                web.post("/upload", self._upload),
                web.get("/stream", self._stream),
            ]
        )
        return app

    async def _method(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        body = await request.json() if request.content_type == "application/json" else await request.post()
        if method not in self.known:
            await self._note(lambda: self.refused.append(method))
            return self.refuse(method)
        own: Json = {"ok": True, "server": "not Slack", "ts": f"17{next(self._stamps):08}.1"}
        if method == "apps.connections.open":
            own["url"] = self.url.replace("http:", "ws:") + "/stream"
        if method in {"conversations.history", "conversations.replies"}:
            own["messages"] = self._kept(str(body["channel"]), body.get("ts"))
        if method == "files.getUploadURLExternal":
            own |= {"upload_url": f"{self.url}/upload", "file_id": "F1"}
        own.update(self.told.get(method, {}))
        await self._note(lambda: self.calls.append((method, dict(body))))
        if method == "chat.postMessage" and self._loses(body):
            assert request.transport is not None
            request.transport.close()
        return web.json_response({key: value for key, value in own.items() if value is not None})

    def _loses(self, body: Mapping[str, Any]) -> bool:
        key = str(body.get("metadata"))
        if self._lost is None or key in self._lost:
            return False
        self._lost.add(key)
        return True

    def _kept(self, channel: str, thread: object) -> list[Json]:
        """What was posted there: each message twice, as if it had come twice."""
        posts = [body for method, body in self.calls if method == "chat.postMessage"]
        there = [each for each in posts if each["channel"] == channel and each.get("thread_ts") == thread]
        return [
            {"ts": f"16{n:08}.{copy}", "metadata": each.get("metadata")}
            for n, each in enumerate(there)
            for copy in (1, 2)
        ]

    async def _upload(self, request: web.Request) -> web.Response:
        await request.read()
        return web.Response(text="OK")

    async def _reply(self, request: web.Request) -> web.Response:
        body = await request.json()
        await self._note(lambda: self.answers.append(body))
        # Slack says "ok" in plain text; this server does not.
        return web.Response(status=204)

    async def _stream(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        # No hello: the connection is there when it is there.
        await self._note(lambda: setattr(self, "socket", socket))
        async for message in socket:
            if message.type is aiohttp.WSMsgType.TEXT:
                body = json.loads(message.data)
                await self._note(lambda: self.acknowledged.update({body["envelope_id"]: body}))  # noqa: B023  done at once
        return socket

    async def _note(self, change: Callable[[], object]) -> None:
        async with self._changed:
            change()
            self._changed.notify_all()

    async def until(self, holds: Callable[[], Any]) -> Any:
        """Wait until something holds; return it."""
        async with asyncio.timeout(60), self._changed:
            await self._changed.wait_for(holds)
            return holds()

    def said(self) -> list[Json]:
        """Everything that somebody was told, in whichever way."""
        return self.answers + [body for method, body in self.calls if method.startswith("chat.")]

    async def text(self, words: str) -> str:
        """Wait until somebody was told something; return it."""
        found = await self.until(lambda: [each for each in map(json.dumps, self.said()) if words in each])
        return str(found[-1])


class Abroad:
    """The bot, as `serve` runs it, with that server for its Slack."""

    def __init__(self, foreign: Foreign, house: House, cluster: Cluster) -> None:
        self.foreign = foreign
        self.cluster = cluster
        self._house = house
        self._numbers = count(1)

    async def command(self, text: str, **changed: Any) -> Json:
        """Give a slash command; return what its acknowledgement says."""
        number = next(self._numbers)
        form = {
            "command": "/elb-passthrough",
            "text": text,
            "user_id": ALICE,
            "team_id": TEAM,
            "channel_id": CHANNEL,
            "response_url": f"{self.foreign.url}/reply/{number}",
            "trigger_id": f"trigger-{number}",
        } | changed
        return await self._send("slash_commands", {k: v for k, v in form.items() if v is not None})

    async def interact(self, payload: Json) -> Json:
        """Click, submit or type; return what the acknowledgement says."""
        return await self._send("interactive", payload)

    async def event(self, event: Json) -> Json:
        """Let something happen in the workspace."""
        number = next(self._numbers)
        body = {"type": "event_callback", "team_id": TEAM, "event_id": f"Ev{number}", "event": event}
        return await self._send("events_api", body)

    async def _send(self, kind: str, payload: Json) -> Json:
        if self.foreign.socket is not None:
            return await self._through_socket(kind, payload)
        return await self._over_http(kind, payload)

    async def _through_socket(self, kind: str, payload: Json) -> Json:
        assert self.foreign.socket is not None
        envelope = f"e{next(self._numbers)}"
        await self.foreign.socket.send_json({"envelope_id": envelope, "type": kind, "payload": payload})
        answer = await self.foreign.until(lambda: self.foreign.acknowledged.get(envelope))
        found: Json = answer.get("payload") or {}
        return found

    async def _over_http(self, kind: str, payload: Json) -> Json:
        if kind == "events_api":
            body, shape = json.dumps(payload), "application/json"
        else:
            fields = payload if kind == "slash_commands" else {"payload": json.dumps(payload)}
            body, shape = urlencode(fields), "application/x-www-form-urlencoded"
        stamp = str(int(time()))
        signed = SignatureVerifier(SECRET).generate_signature(timestamp=stamp, body=body) or ""
        headers = {"Content-Type": shape, "X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": signed}
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{self._house.url}/slack/events", data=body, headers=headers) as response,
        ):
            assert response.status == 200, await response.text()
            said = await response.text()
            found: Json = json.loads(said) if said.startswith("{") else {"text": said} if said else {}
            return found


@asynccontextmanager
async def abroad(
    directory: Path,
    *,
    known: frozenset[str] = FEW,
    refuse: Refuse = unknown,
    told: Mapping[str, Json] | None = None,
    socket_mode: bool = False,
    team: str | None = TEAM,
    policies: tuple[Policy, ...] = (POLICY,),
    forgetful: bool = False,
) -> AsyncIterator[Abroad]:
    """Start the server and the bot, and stop them again."""
    known |= {"apps.connections.open"} if socket_mode else set()
    foreign = Foreign(known=known, refuse=refuse, told=told or {}, forgetful=forgetful)
    cluster = two_services()
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(foreign.application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        foreign.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        settings = _settings(
            directory, foreign, cluster, socket_mode=socket_mode, team=team, policies=policies
        )
        house = await _house(settings, cluster, stack)
        living = asyncio.create_task(house.live())
        try:
            async with asyncio.timeout(60):
                await house.serving.wait()
            if socket_mode:
                await foreign.until(lambda: foreign.socket)
            yield Abroad(foreign, house, cluster)
        finally:
            living.cancel()
            await asyncio.gather(living, return_exceptions=True)


async def _house(settings: Settings, cluster: Cluster, stack: AsyncExitStack) -> House:
    session = await stack.enter_async_context(slack_session())
    url = settings.database_url.reveal()
    store = open_store(url)
    stack.push_async_callback(store.close)
    parts = Parts(
        client=SlackClient(settings.slack, session),
        session=session,
        store=store,
        migrate=lambda: migrate(url),
        clusters=Fleet(cluster),
        clouds={},
        gap=0.0,
    )
    return House(settings, parts)


def _settings(
    directory: Path,
    foreign: Foreign,
    cluster: Cluster,
    *,
    socket_mode: bool,
    team: str | None,
    policies: tuple[Policy, ...],
) -> Settings:
    verification = VerificationSettings(clients=Clients.NONE, baseline=0.1, window=0.1, period=0.1)
    return Settings(
        slack=SlackSettings(
            bot_token=Secret("SLACK_BOT_TOKEN", "xoxb-foreign"),
            signing_secret=Secret("SLACK_SIGNING_SECRET", SECRET),
            app_token=Secret("SLACK_APP_TOKEN", "xapp-foreign") if socket_mode else None,
            api_url=f"{foreign.url}/compat/v1/",
            response_hosts=frozenset({foreign.url.removeprefix("http://")}),
        ),
        database_url=Secret("DATABASE_URL", f"sqlite:///{directory / 'abroad.sqlite3'}"),
        clusters={cluster.name: ClusterSettings(name=cluster.name, verification=verification)},
        port=0,
        team=team,
        operators=(ALICE,),
        policies=policies,
    )
