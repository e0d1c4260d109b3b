"""The simulated API server: an HTTP server on a loopback port."""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence

from aiohttp import web

from bot.demo.kubernetes import discovery, reviews
from bot.demo.kubernetes.access import ADMINISTRATOR, Access, Question, Rule, User
from bot.demo.kubernetes.allocation import NODE_PORTS
from bot.demo.kubernetes.control import Control
from bot.demo.kubernetes.faults import Fault, Faults
from bot.demo.kubernetes.history import serialised
from bot.demo.kubernetes.listening import Listening
from bot.demo.kubernetes.reading import Reader
from bot.demo.kubernetes.requests import Requests, Seen
from bot.demo.kubernetes.status import ApiError, forbidden, method_not_allowed, unauthorized
from bot.demo.kubernetes.storage import Storage
from bot.demo.kubernetes.streams import Run, Streams, not_there
from bot.demo.kubernetes.target import Target, parsed
from bot.demo.kubernetes.watching import Watcher
from bot.demo.kubernetes.writing import Writer, answer, body_of, flag
from bot.demo.seam import Json

HEALTH = frozenset({"/healthz", "/livez", "/readyz"})
LARGEST_BODY = 3 * 1024 * 1024
ADMIN_TOKEN = "admin-token"


class BrokenConnectionError(Exception):
    """The connection is to be broken instead of answered."""


class ApiServer:
    """A Kubernetes API without a cluster behind it.

    `version` is the git version of /version. `tokens` maps bearer tokens to users, `rules` says what they may;
    the group system:masters may everything, and without `tokens` "admin-token" belongs to it.
    `objects` is for the simulated world's own use, `faults` for what shall go wrong, `requests` for what was
    asked. `run` answers pods/exec. The same seed gives the same uids, names and ports.
    """

    def __init__(
        self,
        *,
        version: str = "v1.29.2-r5",
        rules: Sequence[Rule] = (),
        tokens: Mapping[str, User] | None = None,
        seed: int = 0,
        run: Run = not_there,
        node_ports: range = NODE_PORTS,
        bookmarks: float = 60.0,
    ) -> None:
        self.version = version
        self.access = Access(rules=rules, tokens={ADMIN_TOKEN: ADMINISTRATOR} if tokens is None else tokens)
        self.objects = Storage(seed=seed, node_ports=node_ports)
        self.faults = Faults(self.objects.history)
        self.requests = Requests()
        self.streams = Streams(self.objects, run)
        self._reader = Reader(self.objects)
        self._writer = Writer(self.objects, self._reader)
        self.watcher = Watcher(self.objects, self._reader, bookmarks=bookmarks, seed=seed)
        self._released = asyncio.Event()
        self.faults.on_clear(self._release)
        self._listening = Listening(self._application())
        self._control = Listening(Control(faults=self.faults, requests=self.requests).application())

    @property
    def url(self) -> str:
        """Return where the server listens."""
        return self._listening.url

    async def start(self, port: int = 0) -> str:
        """Listen on a loopback port (0: any free one) and return the URL."""
        return await self._listening.start(port)

    async def start_control(self, port: int = 0) -> str:
        """Listen for the control of faults, on a port of its own, and return the URL."""
        return await self._control.start(port)

    async def stop(self) -> None:
        """End every watch and hanging request, and close the ports."""
        self.faults.cut_watches(abort=True)
        self._release()
        await self._listening.stop()
        await self._control.stop()

    def kubeconfig(
        self, token: str = ADMIN_TOKEN, *, context: str = "demo", namespace: str = "default"
    ) -> Json:
        """Return a kubeconfig for a token's user; the server must be listening."""
        named = {"cluster": context, "user": context, "namespace": namespace}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": context, "cluster": {"server": self.url}}],
            "users": [{"name": context, "user": {"token": token}}],
            "contexts": [{"name": context, "context": named}],
            "current-context": context,
            "preferences": {},
        }

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=LARGEST_BODY)
        application.router.add_route("*", "/{path:.*}", self._serve)
        return application

    def _release(self) -> None:
        self._released.set()
        self._released = asyncio.Event()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        target = parsed(request.path)
        seen = self.requests.note(_seen(request, target))
        try:
            response = await self._faulty(request, target, seen)
        except ApiError as error:
            response = answer(serialised(error.body), status=error.code)
            response.headers.update(error.headers)
        except BrokenConnectionError:
            seen.status = 0
            if request.transport:
                request.transport.abort()
            return web.Response()
        seen.status = response.status
        return response

    async def _faulty(self, request: web.Request, target: Target | None, seen: Seen) -> web.StreamResponse:
        """Answer a request with what is planned to go wrong."""
        if self.faults.refusing:
            raise BrokenConnectionError
        if self.faults.latency:
            await asyncio.sleep(self.faults.latency)
        fault = self.faults.take(seen.verb, seen.resource)
        match fault:
            case Fault(effect="status"):
                raise fault.error
            case Fault(effect="hang"):
                await self._released.wait()
                raise BrokenConnectionError
        response = await self._answer(request, target, seen)
        if fault is not None:
            raise BrokenConnectionError
        return response

    async def _answer(self, request: web.Request, target: Target | None, seen: Seen) -> web.StreamResponse:
        user = self.access.user(request.headers.get("Authorization"))
        if user is None:
            raise unauthorized()
        user = self._acting(request, user)
        seen.user = user.name
        if review := reviews.REVIEWS.get(request.path):
            if request.method != "POST":
                raise method_not_allowed(review)
            body = body_of(request.content_type, await request.read())
            return answer(serialised(reviews.answered(review, body, user, self.access)), status=201)
        if target is None:
            return self._path(request.path, user)
        self._authorize(request, target, user)
        return await self._resource(request, target, user)

    def _acting(self, request: web.Request, user: User) -> User:
        name = request.headers.get("Impersonate-User")
        acting = self.access.acting(user, name, request.headers.getall("Impersonate-Group", []))
        if acting is None:
            why = (
                f'User "{user.name}" cannot impersonate resource "users" in API group "" at the cluster scope'
            )
            details = {"name": name, "kind": "users"}
            raise ApiError(403, "Forbidden", f'users "{name}" is forbidden: {why}', details)
        return acting

    def _path(self, path: str, user: User) -> web.Response:
        """Answer a path that is no resource: health, version, discovery."""
        if not self.access.allows_path(user, path):
            message = f'forbidden: User "{user.name}" cannot get path "{path}"'
            raise ApiError(403, "Forbidden", message, {})
        if path.rstrip("/") in HEALTH:
            return web.Response(text="ok")
        if path.rstrip("/") == "/version":
            return answer(serialised(discovery.version(self.version)))
        body = discovery.document(path)
        if body is None:
            return web.Response(text="404 page not found\n", status=404)
        return answer(serialised(body))

    def _authorize(self, request: web.Request, target: Target, user: User) -> None:
        question = Question(
            verb=target.verb(request.method, watching=flag(request.query.get("watch", ""))),
            group=target.resource.group,
            plural=target.resource.plural,
            subresource=target.subresource,
            namespace=target.namespace or "",
            name=target.name or "",
        )
        if not self.access.allows(user, question):
            raise forbidden(target.resource, target.name, question.refusal(user))

    async def _resource(self, request: web.Request, target: Target, user: User) -> web.StreamResponse:
        if target.subresource == "exec" and target.resource.kind == "Pod":
            return await self.streams.execute(request, target)
        if target.subresource == "log" and target.resource.kind == "Pod" and request.method == "GET":
            return await self.streams.log(target)
        if request.method != "GET":
            return await self._writer.serve(request, target, user)
        if flag(request.query.get("watch", "")) and not target.subresource:
            return await self._watch(request, target)
        if target.name is None:
            return answer(self._reader.list(target, request.query))
        return answer(self._reader.get(target, request.query))

    async def _watch(self, request: web.Request, target: Target) -> web.StreamResponse:
        response: web.StreamResponse | None = None
        with contextlib.suppress(ConnectionError):  # the client has left
            response = await self.watcher.serve(request, target)
        if response is None:
            raise BrokenConnectionError
        return response


def _seen(request: web.Request, target: Target | None) -> Seen:
    verb, resource = request.method.lower(), ""
    if target is not None:
        verb = target.verb(request.method, watching=flag(request.query.get("watch", "")))
        resource = target.resource.plural + (f"/{target.subresource}" if target.subresource else "")
    elif review := reviews.REVIEWS.get(request.path):
        verb, resource = "create", review.plural
    return Seen(
        method=request.method,
        path=request.path,
        query=request.query_string,
        user="",
        agent=request.headers.get("User-Agent", ""),
        verb=verb,
        resource=resource,
    )
