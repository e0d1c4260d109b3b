"""A gate: what stands between one replica and the API server and Slack, sees each request, and holds some."""

import json
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web

from tests.torture import ambush
from tests.torture.ambush import AFTER, BEFORE, Ambush
from tests.torture.subject import KEY
from tests.torture.witness import Witness

_DROPPED = frozenset(
    {"host", "content-length", "transfer-encoding", "connection", "content-encoding", "date", "server"}
)
_REFUSAL = {
    "kind": "Status",
    "apiVersion": "v1",
    "status": "Failure",
    "reason": "Forbidden",
    "code": 403,
    "message": 'admission webhook "cce.webhook" denied the request: forbidden: can\'t modify service elb',
}
_BY_KEY = {"card": ambush.CARD, "say": ambush.THREAD}
_LOOK_UPS = frozenset({"users.info", "usergroups.users.list"})


class Gate:
    """Two doors of one replica.

    The witness is told of each patch that the API server accepted, and says how far a change has come.
    """

    def __init__(self, replica: int, *, ambush: Ambush, witness: Witness) -> None:
        self._replica = replica
        self._ambush = ambush
        self._witness = witness
        self._session: aiohttp.ClientSession | None = None
        self._runners: list[web.AppRunner] = []
        self.api_url = ""
        self.slack_url = ""

    async def start(self, *, api: str, slack: str) -> None:
        """Listen on loopback; both URLs without a slash at their end."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=None), auto_decompress=False
        )
        self.api_url = await self._listen(api, self._kubernetes)
        self.slack_url = await self._listen(slack, _slack)

    async def stop(self) -> None:
        """Stop listening."""
        for runner in self._runners:
            await runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _listen(self, target: str, what: Callable[[web.Request, bytes], str]) -> str:
        async def through(request: web.Request) -> web.StreamResponse:
            return await self._through(request, target, what)

        app = web.Application(client_max_size=2**24)
        app.router.add_route("*", "/{path:.*}", through)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._runners.append(runner)
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    async def _through(
        self, request: web.Request, target: str, what: Callable[[web.Request, bytes], str]
    ) -> web.StreamResponse:
        body = await request.read()
        passing = what(request, body)
        if passing and self._ambush.falls(self._replica, BEFORE, passing):
            return _hang_up(request)
        change = _change(request, body)
        if change is not None and "dryRun" not in request.query and self._refused(*change):
            return web.json_response(_REFUSAL, status=403)
        assert self._session is not None
        headers = {name: text for name, text in request.headers.items() if name.lower() not in _DROPPED}
        url = f"{target}{request.rel_url}"
        try:
            async with self._session.request(
                request.method, url, data=body or None, headers=headers
            ) as answer:
                if "watch" in request.query:
                    return await _stream(request, answer)
                said, status, kept = await answer.read(), answer.status, _kept(answer)
        except aiohttp.ClientError:
            # The fault that hangs up does so after the patch has landed, and at no other time.
            self._note(change, passing)
            return _hang_up(request)
        if status < 300:
            self._note(change, passing)
            if passing and self._ambush.falls(self._replica, AFTER, passing):
                return _hang_up(request)
        return web.Response(body=said, status=status, headers=kept)

    def _note(self, change: tuple[str, str | None] | None, passing: str) -> None:
        if change is not None and passing not in {ambush.PROPOSAL, ambush.REHEARSAL}:
            self._witness.patched(*change)

    def _kubernetes(self, request: web.Request, body: bytes) -> str:
        """Name the point that a request to the API server is at."""
        if request.method == "POST" and request.path.endswith("/events"):
            return ambush.EVENT
        change = _change(request, body)
        if change is None:
            return ""
        each = self._witness.subject_of(change[0])
        if "dryRun" in request.query:
            return ambush.REHEARSAL if self._witness.approvers(each.number) else ambush.PROPOSAL
        if change[1] is None:
            return ambush.PUT_BACK
        if not each.group:
            return ambush.PATCH
        return ambush.NEXT if self._witness.landed(each) else ambush.FIRST

    def _refused(self, service: str, value: str | None) -> bool:
        """Whether the simulated webhook refuses this patch; a rehearsal it lets pass, as a real one may."""
        each = self._witness.subject_of(service)
        return each.refused and service == each.named and value is not None


def _slack(request: web.Request, body: bytes) -> str:
    """Name the point that a call of Slack's is at."""
    if request.path.startswith(("/commands/", "/actions/")):
        return ambush.ANSWER
    method = request.path.rpartition("/")[2]
    if method in _LOOK_UPS:
        return ambush.LOOK_UP
    if method == "chat.update":
        return ambush.EDIT
    if method != "chat.postMessage":
        return ""
    key = str(((_json(body).get("metadata") or {}).get("event_payload") or {}).get("key", ""))
    return _BY_KEY.get(key.partition(":")[0], "")


def _change(request: web.Request, body: bytes) -> tuple[str, str | None] | None:
    """Return the Service and the value of a patch of our annotation."""
    parts = request.path.split("/")
    if request.method != "PATCH" or "services" not in parts:
        return None
    annotations = (_json(body).get("metadata") or {}).get("annotations") or {}
    if KEY not in annotations:
        return None
    place = parts.index("services")
    return f"{parts[place - 1]}/{parts[place + 1]}", annotations[KEY]


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _kept(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name: text for name, text in answer.headers.items() if name.lower() not in _DROPPED}


async def _stream(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=_kept(answer))
    await response.prepare(request)
    try:
        async for chunk in answer.content.iter_any():
            await response.write(chunk)
    except (ConnectionError, aiohttp.ClientError):
        return _hang_up(request)
    return response


def _hang_up(request: web.Request) -> web.Response:
    """Break the connection: whoever asked will never know."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
