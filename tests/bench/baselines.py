"""What `serve` is held against: the least that can be done, and Slack's framework as its documentation shows it.

`python -m tests.bench.baselines bare|bolt PORT SECRET SLACK_API_URL`
"""

import sys
from typing import Any

from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp
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


def bolt(secret: str, api: str) -> web.Application:
    """Slack's framework with its defaults; it acknowledges and does nothing else."""
    app = AsyncApp(signing_secret=secret, client=AsyncWebClient(token="xoxb-demo", base_url=api))

    @app.command("/elb-passthrough")
    async def command(ack: AsyncAck) -> None:
        await ack()

    application: Any = app.web_app(path=PATH)
    served: web.Application = application
    return served


if __name__ == "__main__":
    _, kind, port, secret, api = sys.argv
    web.run_app(
        bare(secret) if kind == "bare" else bolt(secret, api),
        host="127.0.0.1",
        port=int(port),
        print=None,
        access_log=None,
    )
