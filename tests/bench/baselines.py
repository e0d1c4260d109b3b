"""What `serve` is held against: the least that can be done, and Slack's framework as its documentation shows it.

`python -m tests.bench.baselines bare|commit|bolt|answering PORT SECRET ARGUMENT`; the argument is DATABASE_URL for
`commit`, the base URL of Slack's Web API for `bolt` and `answering`.
"""

import asyncio
import sqlite3
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import local
from typing import Any

import psycopg
from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

PATH = "/slack/events"


def bare(secret: str) -> web.Application:
    """A handler that checks the signature and says yes; it parses nothing and stores nothing."""
    verifier = SignatureVerifier(secret)

    async def events(request: web.Request) -> web.Response:
        body = await request.read()
        stamp = request.headers.get("X-Slack-Request-Timestamp", "")
        genuine = verifier.is_valid(body, stamp, request.headers.get("X-Slack-Signature", ""))
        return web.Response(status=200 if genuine else 401)

    app = web.Application()
    app.router.add_post(PATH, events)
    return app


def commit(secret: str, url: str) -> web.Application:
    """A handler that checks the signature and commits the body as one row, durably; it does nothing else."""
    verifier = SignatureVerifier(secret)
    sqlite = url.startswith("sqlite:")
    threads = ThreadPoolExecutor(1 if sqlite else 8)
    insert = _sqlite(url.removeprefix("sqlite:///")) if sqlite else _postgresql(url)

    async def events(request: web.Request) -> web.Response:
        body = await request.read()
        stamp = request.headers.get("X-Slack-Request-Timestamp", "")
        if not verifier.is_valid(body, stamp, request.headers.get("X-Slack-Signature", "")):
            return web.Response(status=401)
        await asyncio.get_running_loop().run_in_executor(threads, insert, body.decode())
        return web.Response()

    app = web.Application()
    app.router.add_post(PATH, events)
    return app


def _sqlite(path: str) -> Callable[[str], None]:
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE requests (body TEXT)")

    def insert(body: str) -> None:
        connection.execute("INSERT INTO requests VALUES (?)", (body,))

    return insert


def _postgresql(url: str) -> Callable[[str], None]:
    """One connection a thread; each statement commits by itself."""
    with psycopg.connect(url, autocommit=True) as first:
        first.execute("CREATE TABLE requests (body TEXT)")
    here = local()

    def insert(body: str) -> None:
        if not hasattr(here, "connection"):
            here.connection = psycopg.connect(url, autocommit=True)
        here.connection.execute("INSERT INTO requests VALUES (%s)", (body,))

    return insert


def bolt(secret: str, api: str) -> web.Application:
    """Slack's framework with its defaults; it acknowledges and does nothing else."""
    app = AsyncApp(signing_secret=secret, client=AsyncWebClient(token="xoxb-demo", base_url=api))

    @app.command("/elb-passthrough")
    async def command(ack: AsyncAck) -> None:
        await ack()

    application: Any = app.web_app(path=PATH)
    served: web.Application = application
    return served


def answering(secret: str, api: str) -> web.Application:
    """The same with an answer: it acknowledges, and says one fixed sentence through the response_url."""
    app = AsyncApp(signing_secret=secret, client=AsyncWebClient(token="xoxb-demo", base_url=api))

    @app.command("/elb-passthrough")
    async def command(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        await respond("a sentence")

    application: Any = app.web_app(path=PATH)
    served: web.Application = application
    return served


if __name__ == "__main__":
    _, kind, port, secret, argument = sys.argv
    apps = {
        "bare": lambda: bare(secret),
        "commit": lambda: commit(secret, argument),
        "bolt": lambda: bolt(secret, argument),
        "answering": lambda: answering(secret, argument),
    }
    web.run_app(apps[kind](), host="127.0.0.1", port=int(port), print=None, access_log=None)
