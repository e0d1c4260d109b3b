"""The gateway: what the bot reaches over HTTP, from the Web API to response URLs and files."""

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from aiohttp import web

from bot.demo.slack import api
from bot.demo.slack.api.call import parsed
from bot.demo.slack.fault import Trouble
from bot.demo.slack.journal import Direction
from bot.demo.slack.problem import SlackProblem
from bot.demo.slack.response import respond
from bot.demo.slack.state import State

Json = dict[str, Any]
_SAFE_FILE = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'; style-src 'unsafe-inline'",
}


class Gateway:
    """Answers the bot's requests, with whatever trouble was asked for."""

    def __init__(self, state: State) -> None:
        self._state = state

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.route("*", "/api/{method}", self.api),
            web.post(r"/{kind:commands|actions}/{team}/{name:[^/]+/[^/]+}", self.response_url),
            web.post("/upload/{id}", self.upload),
            web.get("/files/{id}", self.file),
            web.get("/archives/{channel}/{stamp}", self.permalink),
        ]

    async def api(self, request: web.Request) -> web.StreamResponse:
        """Answer one call of the Web API."""
        start = time.perf_counter()
        method = request.match_info["method"]
        fields = await _fields(request)
        token = _token(request, fields)
        fields.pop("token", None)
        trouble = self._state.faults.take(method)
        if self._state.faults.is_down or (trouble is not None and trouble.kind in {"timeout", "hang"}):
            return await self._drop(request, method, fields, trouble, start)
        if trouble is not None and trouble.kind == "slow":
            await asyncio.sleep(trouble.seconds)
        body, status, headers = self._answer(method, fields, token, trouble)
        lost = trouble is not None and trouble.kind == "lost"
        result = "ok" if body.get("ok") else str(body.get("error"))
        self._note(
            "call",
            method,
            fields,
            status=None if lost else status,
            result=f"{result}, answer lost" if lost else result,
            start=start,
        )
        if lost:
            return _abort(request)
        headers["X-OAuth-Scopes"] = ",".join(sorted(api.granted(self._state)))
        return web.json_response(body, status=status, headers=headers)

    def _answer(
        self, method: str, fields: Json, token: str, trouble: Trouble | None
    ) -> tuple[Json, int, dict[str, str]]:
        kind = trouble.kind if trouble is not None else None
        if kind == "500":
            return {"ok": False, "error": "internal_error"}, 500, {}
        try:
            _refuse(trouble)
            return api.answer(self._state, parsed(method, fields), token), 200, {}
        except SlackProblem as problem:
            headers = {"Retry-After": str(problem.retry_after)} if problem.retry_after is not None else {}
            return problem.body(), problem.status, headers

    async def _drop(
        self, request: web.Request, method: str, fields: Json, trouble: Trouble | None, start: float
    ) -> web.StreamResponse:
        result = "down"
        if not self._state.faults.is_down and trouble is not None:
            result = trouble.kind
            over = self._state.faults.over
            seconds = trouble.seconds if trouble.kind == "timeout" else None
            try:
                async with asyncio.timeout(seconds):
                    await over.wait()
            except TimeoutError:
                result = "timeout"
        self._note("call", method, fields, status=None, result=result, start=start)
        return _abort(request)

    async def response_url(self, request: web.Request) -> web.StreamResponse:
        """Answer a late reply to an action."""
        start = time.perf_counter()
        body = await _fields(request)
        if self._state.faults.is_down:
            return await self._drop(request, "response_url", body, None, start)
        try:
            respond(self._state, request.match_info["name"], parsed("response_url", body).args)
        except SlackProblem as problem:
            self._note(
                "response_url", "response_url", body, status=problem.status, result=problem.error, start=start
            )
            return web.json_response(problem.body(), status=max(problem.status, HTTPStatus.BAD_REQUEST))
        self._note("response_url", "response_url", body, status=200, result="ok", start=start)
        return web.Response(text="ok")

    async def upload(self, request: web.Request) -> web.Response:
        """Take the bytes of a file, as they are or as a form's first file."""
        upload = self._state.uploads.get(request.match_info["id"])
        if upload is None:
            raise web.HTTPNotFound
        body = await _upload_body(request)
        self._state.uploads[upload.id] = replace(upload, body=body)
        return web.Response(text=f"OK - {len(body)}")

    async def file(self, request: web.Request) -> web.Response:
        """Give a file back, with nothing in it that a browser would run."""
        upload = self._state.uploads.get(request.match_info["id"])
        if upload is None:
            raise web.HTTPNotFound
        kinds = {
            "png": "image/png",
            "jpg": "image/jpeg",
            "jpeg": "image/jpeg",
            "gif": "image/gif",
            "svg": "image/svg+xml",
        }
        kind = kinds.get(upload.name.rsplit(".", 1)[-1].lower(), "text/plain")
        return web.Response(body=upload.body, content_type=kind, headers=_SAFE_FILE)

    async def permalink(self, request: web.Request) -> web.Response:
        """Lead a permalink to the message on the page."""
        digits = request.match_info["stamp"].removeprefix("p")
        ts = f"{digits[:-6]}.{digits[-6:]}"
        raise web.HTTPFound(f"/?channel={request.match_info['channel']}&ts={ts}")

    def _note(
        self,
        direction: Direction,
        name: str,
        args: Mapping[str, Any],
        *,
        status: int | None,
        result: str,
        start: float,
    ) -> None:
        ms = (time.perf_counter() - start) * 1000
        self._state.journal.write(direction, name, dict(args), status=status, result=result, ms=ms)


def _refuse(trouble: Trouble | None) -> None:
    if trouble is not None and trouble.kind == "429":
        raise SlackProblem("ratelimited", status=429, retry_after=max(1, round(trouble.seconds)))
    if trouble is not None and trouble.kind == "error":
        raise SlackProblem(trouble.error)


def _abort(request: web.Request) -> web.Response:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _token(request: web.Request, fields: Mapping[str, Any]) -> str:
    header = request.headers.get("Authorization", "")
    return header.removeprefix("Bearer ").strip() if header else str(fields.get("token", ""))


async def _fields(request: web.Request) -> Json:
    """Return the arguments, from the query and a body of any type that Slack takes."""
    fields: Json = dict(request.query)
    if request.content_type == "application/json":
        try:
            body = json.loads(await request.text() or "{}")
        except ValueError:
            body = {}
        return fields | (body if isinstance(body, dict) else {})
    form = await request.post()
    return fields | {key: value for key, value in form.items() if isinstance(value, str)}


async def _upload_body(request: web.Request) -> bytes:
    if request.content_type != "multipart/form-data":
        return await request.read()
    form = await request.post()
    for part in form.values():
        if isinstance(part, web.FileField):
            return part.file.read()
    return b""
