"""The control endpoint: faults and the request log over HTTP, for a demo in another process."""

from dataclasses import asdict
from typing import Any

from aiohttp import web

from bot.demo.kubernetes.faults import Fault, Faults
from bot.demo.kubernetes.requests import Requests

FIELDS = frozenset({"effect", "count", "verb", "resource", "code", "message", "retry_after"})


class Control:
    """POST /faults plans one, DELETE /faults clears all; /latency, /refuse, /watches/cut, /expire; GET /requests."""

    def __init__(self, *, faults: Faults, requests: Requests) -> None:
        self._faults = faults
        self._requests = requests

    def application(self) -> web.Application:
        """Return the routes."""
        application = web.Application()
        application.router.add_post("/faults", self._plan)
        application.router.add_delete("/faults", self._clear)
        application.router.add_post("/latency", self._latency)
        application.router.add_post("/refuse", self._refuse)
        application.router.add_post("/watches/cut", self._cut)
        application.router.add_post("/expire", self._expire)
        application.router.add_get("/requests", self._list)
        return application

    async def _body(self, request: web.Request) -> dict[str, Any]:
        body = await request.json() if request.can_read_body else {}
        if not isinstance(body, dict):
            raise web.HTTPBadRequest(text="the body must be an object")
        return body

    async def _plan(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        if body.get("effect") not in {"status", "hang", "drop"} or not body.keys() <= FIELDS:
            raise web.HTTPBadRequest(text=f"effect is status, hang or drop; fields are {sorted(FIELDS)}")
        self._faults.plan(Fault(**body))
        return web.json_response({})

    async def _clear(self, _request: web.Request) -> web.Response:
        self._faults.clear()
        return web.json_response({})

    async def _latency(self, request: web.Request) -> web.Response:
        self._faults.latency = float((await self._body(request)).get("seconds", 0))
        return web.json_response({})

    async def _refuse(self, request: web.Request) -> web.Response:
        self._faults.refusing = bool((await self._body(request)).get("refusing", True))
        return web.json_response({})

    async def _cut(self, request: web.Request) -> web.Response:
        body = await self._body(request)
        self._faults.cut_watches(body.get("resource"), abort=bool(body.get("abort")))
        return web.json_response({})

    async def _expire(self, _request: web.Request) -> web.Response:
        self._faults.expire()
        return web.json_response({})

    async def _list(self, _request: web.Request) -> web.Response:
        return web.json_response([asdict(each) for each in self._requests])
