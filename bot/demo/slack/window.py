"""The window: the driver's acts and the workspace's sights as JSON over HTTP, for the page and for other processes."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.demo.slack.acts import CannotError, Target
from bot.demo.slack.courier import Ack
from bot.demo.slack.emoji import EMOJI
from bot.demo.slack.fault import KINDS
from bot.demo.slack.feed import Change

if TYPE_CHECKING:
    from bot.demo.slack.workspace import Workspace

Json = dict[str, Any]
Act = Callable[[Json], Awaitable[Json]]
_HEARTBEAT = 15.0


class Window:
    """Answers everything under /world/. Bodies are JSON objects; so no other site can send one unasked."""

    def __init__(self, workspace: "Workspace") -> None:
        self._workspace = workspace
        self._state = workspace.state

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        seen = {
            "state": self._overview,
            "messages": self._messages,
            "thread": self._thread,
            "ephemerals": self._ephemerals,
            "views": self._views,
            "log": self._log,
            "readable": self._readable,
            "knobs": self._knobs,
            "faults": self._troubles,
        }
        told: dict[str, Act] = {
            "say": self._say,
            "command": self._command,
            "mention": self._mention,
            "click": self._click,
            "suggest": self._suggest,
            "submit": self._submit,
            "close": self._close,
            "shortcut": self._shortcut,
            "home": self._home,
            "again": self._again,
        }
        done: dict[str, Act] = {"read": self._read, "faults": self._fault, "next": self._next}
        done |= {name: self._once_there(act) for name, act in told.items()}
        return [
            web.get("/world/events", self.events),
            web.post("/world/knobs/{name}", self._turn),
            *(web.get(f"/world/{name}", _seeing(answer)) for name, answer in seen.items()),
            *(web.post(f"/world/{name}", _doing(answer)) for name, answer in done.items()),
        ]

    def _once_there(self, act: Act) -> Act:
        """Let what the app is told of wait while the app is starting."""

        async def waiting(body: Json) -> Json:
            await self._state.presence.settled()
            return await act(body)

        return waiting

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Stream every change that the person may see, as server-sent events."""
        user = request.query.get("user", "")
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        )
        await response.prepare(request)
        async with self._state.feed.subscribed() as changes:
            with suppress(ConnectionError):
                await response.write(b"retry: 500\n\n")
                async for change in _with_heartbeats(changes):
                    await response.write(self._event(change, user))
        return response

    def _event(self, change: Change | None, user: str) -> bytes:
        if change is None:
            return b": still here\n\n"
        hidden = change.to not in {None, user} or (
            change.channel is not None and not self._state.directory.sees(user, change.channel)
        )
        return b"" if hidden else f"event: {change.kind}\ndata: {json.dumps(change.data)}\n\n".encode()

    # what there is to see

    def _overview(self, query: Json) -> Json:
        user, directory = query.get("user", ""), self._state.directory
        mine = [
            c.wire(self._state.bot_user)
            | {"unread": self._state.board.unread(user, c.id), "bot_in": self._state.bot_in(c.id)}
            for c in directory.of(user)
        ]
        return {
            "team": {"id": self._state.team, "domain": self._state.domain},
            "app": {"id": self._state.app.id, "name": self._state.app.name, "user": self._state.bot_user},
            "me": user,
            "people": [p.wire(self._state.team) | {"human": p.human} for p in directory.people.values()],
            "groups": [
                {"id": g.id, "handle": g.handle, "name": g.name, "users": list(g.users)}
                for g in directory.groups.values()
            ],
            "channels": mine,
            "all_channels": [{"id": c.id, "name": c.name} for c in directory.channels.values() if c.name],
            "commands": [
                {"name": c.name, "description": c.description, "hint": c.hint}
                for c in self._state.app.commands
            ],
            "shortcuts": [
                {"callback_id": s.callback_id, "name": s.name, "kind": s.kind}
                for s in self._state.app.shortcuts
            ],
            "knobs": self._workspace.knobs.list(),
            "samples": list(self._state.app.samples),
            "trials": [{"says": t.says, "command": t.command} for t in self._state.app.trials],
            "presence": self._state.presence.wire(),
            "emoji": dict(EMOJI),
        }

    def _messages(self, query: Json) -> Json:
        channel, user = query["channel"], query.get("user", "")
        if user and not self._state.directory.sees(user, channel):
            raise CannotError(f"not in channel {channel}")
        board = self._state.board
        shown = board.history(channel) + [m for m in board.ephemerals(user, channel) if not m.is_reply]
        told = [n.wire() for n in board.notices if n.user == user and n.channel == channel]
        return {"messages": sorted([*map(board.shown, shown), *told], key=lambda m: str(m["ts"]))}

    def _thread(self, query: Json) -> Json:
        channel, ts, user = query["channel"], query["ts"], query.get("user", "")
        if user and not self._state.directory.sees(user, channel):
            raise CannotError(f"not in channel {channel}")
        board = self._state.board
        only = [m for m in board.ephemerals(user, channel) if m.is_reply and m.thread_ts == ts]
        found = self._workspace.thread(channel, ts)
        return {
            "messages": [board.shown(m) for m in [*found[:1], *sorted(found[1:] + only, key=lambda m: m.ts)]]
        }

    def _ephemerals(self, query: Json) -> Json:
        return {"messages": [self._state.board.shown(m) for m in self._state.board.ephemerals(query["user"])]}

    def _views(self, query: Json) -> Json:
        views, home = self._state.views, self._state.views.home(query["user"])
        return {
            "stack": [views.shown(v) for v in views.stack(query["user"])],
            "home": views.shown(home) if home else None,
        }

    def _log(self, query: Json) -> Json:
        entries = self._workspace.log(name=query.get("name"), after=int(query.get("after", 0)))
        return {"entries": [e.wire() for e in entries[-int(query.get("limit", 200)) :]]}

    def _readable(self, query: Json) -> Json:
        user = query.get("user", "")
        message = self._state.board.find_for(user, query["channel"], query["ts"])
        if message is None:
            raise CannotError(f"no such message: {query['ts']}")
        return {"text": self._workspace.readable(message, user)}

    def _knobs(self, _query: Json) -> Json:
        return {"knobs": self._workspace.knobs.list()}

    def _troubles(self, _query: Json) -> Json:
        pending = self._state.faults.pending()
        shown = [{"method": t.method, "kind": t.kind, "left": t.left} for t in pending]
        return {"down": self._state.faults.is_down, "troubles": shown}

    # what there is to do

    async def _say(self, body: Json) -> Json:
        if str(body["text"]).lstrip().startswith("/"):
            return await self._command(body)
        message = self._workspace.say(body["user"], body["channel"], body["text"], thread=body.get("thread"))
        return {"message": self._state.board.shown(message)}

    async def _command(self, body: Json) -> Json:
        thread = body.get("thread")
        return _ack(await self._workspace.command(body["user"], body["channel"], body["text"], thread=thread))

    async def _mention(self, body: Json) -> Json:
        message = self._workspace.mention(
            body["user"], body["channel"], body["text"], thread=body.get("thread")
        )
        return {"message": self._state.board.shown(message)}

    async def _click(self, body: Json) -> Json:
        ack = await self._workspace.click(
            body["user"],
            _target(body),
            body["action_id"],
            value=body.get("value"),
            block_id=body.get("block_id"),
            chosen=body.get("chosen"),
            confirm=body.get("confirm", True),
            entered=body.get("entered"),
        )
        return _ack(ack)

    async def _suggest(self, body: Json) -> Json:
        typed, block = str(body.get("typed", "")), body.get("block_id")
        options = await self._workspace.suggest(
            body["user"], _target(body), body["action_id"], typed, block_id=block
        )
        return {"options": options}

    async def _submit(self, body: Json) -> Json:
        return _ack(await self._workspace.submit(body["view"], body.get("entered")))

    async def _close(self, body: Json) -> Json:
        await self._workspace.close(body["view"], everything=bool(body.get("everything")))
        return {}

    async def _shortcut(self, body: Json) -> Json:
        ref = (body["channel"], body["ts"]) if body.get("ts") else None
        return _ack(await self._workspace.shortcut(body["user"], body["callback_id"], ref))

    async def _home(self, body: Json) -> Json:
        home = self._workspace.open_home(body["user"])
        return {"home": self._state.views.shown(home) if home else None}

    async def _read(self, body: Json) -> Json:
        self._state.board.read(body["user"], body["channel"], body["ts"])
        return {}

    async def _fault(self, body: Json) -> Json:
        faults = self._state.faults
        match body.get("kind"):
            case "down":
                faults.down()
            case "up":
                faults.up()
            case "clear":
                faults.clear()
            case str(kind) if kind in KINDS:
                faults.add(
                    body.get("method", "*"),
                    kind,  # type: ignore[arg-type] # held against KINDS one line above
                    count=int(body.get("count", 1)),
                    seconds=float(body.get("seconds", 1)),
                    error=body.get("error", "internal_error"),
                )
            case _:
                raise CannotError("kind: one of down, up, clear, " + ", ".join(sorted(KINDS)))
        return self._troubles({})

    async def _next(self, body: Json) -> Json:
        self._workspace.deliveries.next(copies=int(body.get("copies", 1)), delay=float(body.get("delay", 0)))
        return {}

    async def _again(self, body: Json) -> Json:
        number = int(body["delivery"])
        return _ack(await self._workspace.deliveries.again(number, copies=int(body.get("copies", 1))))

    async def _turn(self, request: web.Request) -> web.Response:
        _json_only(request)
        target = (await request.json()).get("target")
        try:
            said = await self._workspace.knobs.turn(request.match_info["name"], target)
        except KeyError as error:
            raise web.HTTPNotFound from error
        return web.json_response({"ok": True, "text": said})


async def _with_heartbeats(changes: AsyncIterator[Change]) -> AsyncIterator[Change | None]:
    """Give the changes, and None whenever none came for a while, so that a dead connection is noticed."""
    following = asyncio.ensure_future(anext(changes, None))
    try:
        while True:
            done, _ = await asyncio.wait({following}, timeout=_HEARTBEAT)
            if not done:
                yield None
                continue
            change = following.result()
            if change is None:
                return
            following = asyncio.ensure_future(anext(changes, None))
            yield change
    finally:
        following.cancel()


def _seeing(answer: Callable[[Json], Json]) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        try:
            return web.json_response({"ok": True, **answer(dict(request.query))})
        except (LookupError, ValueError) as error:
            return _cannot(error)

    return handle


def _doing(act: Act) -> Callable[[web.Request], Awaitable[web.Response]]:
    async def handle(request: web.Request) -> web.Response:
        _json_only(request)
        try:
            body = await request.json()
            return web.json_response({"ok": True, **await act(body)})
        except (LookupError, ValueError, TypeError) as error:
            return _cannot(error)

    return handle


def _cannot(error: Exception) -> web.Response:
    return web.json_response({"ok": False, "error": str(error)}, status=400)


def _json_only(request: web.Request) -> None:
    if request.content_type != "application/json":
        raise web.HTTPUnsupportedMediaType


def _target(body: Json) -> Target:
    return str(body["view"]) if body.get("view") else (str(body["channel"]), str(body["ts"]))


def _ack(ack: Ack) -> Json:
    return {
        "ack": {
            "ok": ack.ok,
            "status": ack.status,
            "error": ack.error,
            "body": ack.body,
            "text": ack.text,
            "ms": round(ack.ms, 1),
        }
    }
