"""A Pod's exec and log subresources."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from aiohttp import WSMsgType, web

from bot.demo.kubernetes.resources import BY_NAME
from bot.demo.kubernetes.status import bad_request
from bot.demo.kubernetes.storage import Storage
from bot.demo.kubernetes.target import Target
from bot.demo.seam import Json

PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
STDIN, STDOUT, STDERR, ERROR = 0, 1, 2, 3
FRAME = 16_384


class Output(NamedTuple):
    """What a command left behind."""

    stdout: bytes
    stderr: bytes
    exit_code: int


Run = Callable[[Json, str, Sequence[str], asyncio.StreamReader], Awaitable[Output]]
"""Pod, container, arguments, standard input."""


async def not_there(_pod: Json, _container: str, argv: Sequence[str], _stdin: asyncio.StreamReader) -> Output:
    """Answer for containers in which nothing is installed."""
    return Output(b"", f'exec: "{argv[0]}": executable file not found in $PATH\n'.encode(), 126)


class Streams:
    """Answers pods/exec through an injected `run`, and pods/log from `logs` by namespace/name."""

    def __init__(self, storage: Storage, run: Run) -> None:
        self.run = run
        self.logs: dict[str, bytes] = {}
        self._storage = storage

    async def execute(self, request: web.Request, target: Target) -> web.StreamResponse:
        """Run a command in a container over a websocket, as v4 and v5.channel.k8s.io have it."""
        pod = self._storage.require(BY_NAME["pods"], target.namespace, target.name or "").copy()
        container = _container(pod, request.query.get("container", ""))
        argv = request.query.getall("command", [])
        if not argv:
            raise bad_request("you must specify at least 1 command for the container")
        if not pod["spec"].get("nodeName"):
            raise bad_request(f"pod {target.name} does not have a host assigned")
        socket = web.WebSocketResponse(protocols=PROTOCOLS)
        if not socket.can_prepare(request):
            raise bad_request("Upgrade request required")
        await socket.prepare(request)
        output = await self._output(socket, pod, container, argv)
        if output is not None:
            await _send(socket, STDOUT, output.stdout if _wanted(request, "stdout") else b"")
            await _send(socket, STDERR, output.stderr if _wanted(request, "stderr") else b"")
            await socket.send_bytes(bytes([ERROR]) + json.dumps(_outcome(output.exit_code)).encode())
            await socket.close()
        return socket

    async def _output(
        self, socket: web.WebSocketResponse, pod: Json, container: str, argv: Sequence[str]
    ) -> Output | None:
        """Run a command until it ends, or nobody listens any more."""
        stdin = asyncio.StreamReader()
        running = asyncio.ensure_future(self.run(pod, container, argv, stdin))
        listening = asyncio.create_task(_fed(socket, stdin))
        try:
            await asyncio.wait({running, listening}, return_when=asyncio.FIRST_COMPLETED)
            return running.result() if running.done() else None
        finally:
            running.cancel()
            listening.cancel()

    async def log(self, target: Target) -> web.Response:
        """Return what a container wrote."""
        self._storage.require(BY_NAME["pods"], target.namespace, target.name or "")
        await asyncio.sleep(0)
        return web.Response(
            body=self.logs.get(f"{target.namespace}/{target.name}", b""), content_type="text/plain"
        )


async def _fed(socket: web.WebSocketResponse, stdin: asyncio.StreamReader) -> None:
    """Hand on what comes for the command's standard input, until the other side closes."""
    async for message in socket:
        if message.type is WSMsgType.BINARY and message.data[:1] == bytes([STDIN]):
            stdin.feed_data(message.data[1:])
    stdin.feed_eof()


def _wanted(request: web.Request, name: str) -> bool:
    return request.query.get(name, "").lower() in {"1", "true"}


def _container(pod: Json, asked: str) -> str:
    names = [container["name"] for container in pod["spec"]["containers"]]
    if asked and asked not in names:
        raise bad_request(f"container {asked} is not valid for pod {pod['metadata']['name']}")
    return asked or str(names[0])


async def _send(socket: web.WebSocketResponse, channel: int, data: bytes) -> None:
    for start in range(0, len(data), FRAME):
        await socket.send_bytes(bytes([channel]) + data[start : start + FRAME])


def _outcome(exit_code: int) -> Json:
    """Return the Status that ends a command, which carries its exit code."""
    if exit_code == 0:
        return {"metadata": {}, "status": "Success"}
    return {
        "metadata": {},
        "status": "Failure",
        "message": f"command terminated with non-zero exit code: exit status {exit_code}",
        "reason": "NonZeroExitCode",
        "details": {"causes": [{"reason": "ExitCode", "message": str(exit_code)}]},
    }
