"""An API server that answers a list or watch exactly as a test says, right or wrong."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.adapters.cluster.cache import Cache
from bot.adapters.cluster.calls import Calls
from bot.adapters.cluster.connection import Connection
from bot.adapters.cluster.informer import Informer
from bot.adapters.cluster.kind import SERVICES
from bot.adapters.cluster.pace import Timing
from bot.config.settings import ClusterSettings
from tests.adapters.cluster.conftest import QUICK, kubeconfig

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


def named(name: str, version: int, **spec: Any) -> dict[str, Any]:
    """Make a Service as a list or an event holds it."""
    return {
        "metadata": {"namespace": "shop", "name": name, "resourceVersion": str(version), "uid": f"u-{name}"},
        "spec": spec,
    }


def page(version: int, *items: Any, more: str = "") -> Answer:
    """Answer a list with one page."""
    body = {
        "kind": "ServiceList",
        "metadata": {"resourceVersion": str(version), "continue": more},
        "items": items,
    }

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.json_response(body)

    return answer


def text(body: str, *, status: int = 200) -> Answer:
    """Answer with any text."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=body, status=status, content_type="application/json")

    return answer


def stream(*events: tuple[str, Any], end: str = "close") -> Answer:
    """Answer a watch with events; then close it, abort it, or leave it open."""

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for type_, body in events:
            await response.write(json.dumps({"type": type_, "object": body}).encode() + b"\n")
        if end == "abort" and request.transport is not None:
            request.transport.abort()
        if end == "open":
            await asyncio.Event().wait()
        return response

    return answer


def bookmark(version: int) -> tuple[str, Any]:
    """Make a bookmark."""
    return "BOOKMARK", {"metadata": {"resourceVersion": str(version)}}


class Script:
    """Answers in order; lists and watches each have their own."""

    def __init__(self, *, lists: list[Answer], watches: list[Answer]) -> None:
        self.lists = deque(lists)
        self.watches = deque(watches)
        self.queries: list[dict[str, str]] = []
        """What was asked."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer the next one; a watch beyond the script stays open."""
        self.queries.append(dict(request.query))
        answers = self.watches if request.query.get("watch") else self.lists
        answer = answers.popleft() if answers else stream(end="open")
        return await answer(request)

    @property
    def watched_from(self) -> list[str]:
        """The resourceVersions from which watches were asked."""
        return [query["resourceVersion"] for query in self.queries if query.get("watch")]


@asynccontextmanager
async def informed(
    script: Script, tmp_path: Path, *, timing: Timing = QUICK
) -> AsyncIterator[tuple[Informer, Cache]]:
    """Run an informer of Services against a script."""
    application = web.Application()
    application.router.add_get("/{path:.*}", script.serve)
    async with TestServer(application, shutdown_timeout=0.1) as server:
        body = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": str(server.make_url(""))}}],
            "users": [{"name": "u", "user": {"token": "t"}}],
        }
        settings = ClusterSettings(name="prod", kubeconfig=kubeconfig(tmp_path / "scripted", body))
        connection = Connection(settings, environment={})
        cache = Cache()
        informer = Informer(
            calls=Calls(connection, seconds=timing.call), kind=SERVICES, sink=cache, timing=timing
        )
        task = asyncio.create_task(informer.run())
        try:
            yield informer, cache
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await connection.close()
