"""API servers that are no use, each in its own way, and as fast as they can."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.adapters.cluster.conftest import kubeconfig

Json = dict[str, Any]
Answer = Callable[[web.Request], Coroutine[Any, Any, web.StreamResponse]]
_JUNK = b"x" * 65_536


def _line(version: int) -> bytes:
    metadata = {"namespace": "shop", "name": "liar", "uid": "u", "resourceVersion": str(version)}
    return json.dumps({"type": "MODIFIED", "object": {"metadata": metadata}}).encode() + b"\n"


async def hang(_: web.Request) -> web.StreamResponse:
    """Accept, and never answer."""
    await asyncio.Event().wait()
    raise AssertionError


async def lie(request: web.Request) -> web.StreamResponse:
    """List nothing, then tell of changes that are older than that, without end."""
    if not request.query.get("watch"):
        return web.json_response({"metadata": {"resourceVersion": "1000"}, "items": []})
    response = web.StreamResponse()
    await response.prepare(request)
    for version in range(1001, 1201):
        await response.write(_line(version))
    await response.write(_line(7))
    return response


async def babble(request: web.Request) -> web.StreamResponse:
    """Send bytes that never become a line, or a list."""
    response = web.StreamResponse()
    await response.prepare(request)
    while request.transport is not None and not request.transport.is_closing():
        await response.write(_JUNK)
        await asyncio.sleep(0)
    return response


async def slam(request: web.Request) -> web.StreamResponse:
    """End every watch at once, cleanly."""
    if not request.query.get("watch"):
        return web.json_response({"metadata": {"resourceVersion": "1000"}, "items": []})
    return web.StreamResponse()


WAYS: Mapping[str, Answer] = {"hangs": hang, "lies": lie, "babbles": babble, "slams": slam}


@asynccontextmanager
async def serving(answer: Answer, asked: Counter[str]) -> AsyncIterator[str]:
    """Serve one way of being ill; counts what is asked for, gives the server's URL."""

    async def serve(request: web.Request) -> web.StreamResponse:
        asked["watch" if request.query.get("watch") else "list"] += 1
        return await answer(request)

    application = web.Application()
    application.router.add_get("/{path:.*}", serve)
    async with TestServer(application, shutdown_timeout=0.1) as server:
        yield str(server.make_url(""))


def reaching(path: Path, url: str) -> Path:
    """Write a kubeconfig for a server."""
    body = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
    }
    return kubeconfig(path, body)
