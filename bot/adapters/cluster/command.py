"""One command in a container, over a websocket: the exec subresource's channels, v5 and v4 (channel.k8s.io).

Each binary frame begins with its channel: 1 standard output, 2 standard error, 3 the Status that ends the command. The
connection is also the command's standard input: the command learns from its end that nobody listens any more.
https://kubernetes.io/docs/reference/using-api/api-concepts/ and k8s.io/kubelet/pkg/cri/streaming/remotecommand.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aiohttp

from bot.adapters.cluster.connection import Connection
from bot.adapters.cluster.failure import TRANSPORT, Unauthorized, refusal, silence
from bot.ports import Unavailable

Query = Sequence[tuple[str, str]]
PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_INPUT, _OUTPUT, _ERROR, _STATUS = 0, 1, 2, 3
_LARGEST = 64 * 2**10
"""Bytes that are listened to, on each channel and in one frame."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What a command left behind."""

    output: bytes
    error: bytes
    status: Mapping[str, Any]
    """Kubernetes' Status object; empty where the stream ended without one."""
    at: datetime


async def command(connection: Connection, path: str, query: Query, *, typed: bytes, seconds: float) -> Heard:
    """Run a command until it ends; `typed` is the beginning of its standard input.

    Raises:
        WorldError: As `failure.refusal` and `failure.silence` say.
    """
    try:
        async with asyncio.timeout(seconds):
            try:
                return await _once(connection, path, query, typed)
            except Unauthorized:
                if not await connection.renew(await connection.client()):
                    raise
            return await _once(connection, path, query, typed)
    except TRANSPORT as error:
        raise silence(error, cluster=connection.name, seconds=seconds) from error


async def _once(connection: Connection, path: str, query: Query, typed: bytes) -> Heard:
    client = await connection.client()
    asked = [*query, ("stdin", "true"), ("stdout", "true"), ("stderr", "true")]
    _, url, headers, *_ = await client.param_serialize(
        "GET", path, query_params=asked, header_params={}, auth_settings=["BearerToken"]
    )
    rest = client.rest_client
    if rest.pool_manager is None:
        rest.pool_manager = rest._create_pool_manager()  # noqa: SLF001 - the client makes it so at its first call
    session: aiohttp.ClientSession = rest.pool_manager
    try:
        opened = session.ws_connect(
            url.replace("http", "ws", 1),
            headers=headers,
            protocols=PROTOCOLS,
            max_msg_size=_LARGEST,
            timeout=aiohttp.ClientWSTimeout(ws_close=1.0),
            proxy=rest.proxy,
            proxy_headers=rest.proxy_headers,
        )
        async with opened as socket:
            await socket.send_bytes(bytes([_INPUT]) + typed)
            return await _listen(socket, connection.name)
    except aiohttp.WSServerHandshakeError as error:
        raise refusal(error.status, _body(error), cluster=connection.name) from error


def _body(error: aiohttp.WSServerHandshakeError) -> bytes:
    """What a refused upgrade is about; the answer's own body is lost on the way."""
    told = {401: "the credentials are not accepted", 403: "the bot may not exec into Pods there (pods/exec)"}
    return json.dumps(
        {"message": told.get(error.status, f"exec was answered with status {error.status}")}
    ).encode()


async def _listen(socket: aiohttp.ClientWebSocketResponse, name: str) -> Heard:
    heard = {_OUTPUT: bytearray(), _ERROR: bytearray(), _STATUS: bytearray()}
    async for message in socket:
        if message.type is not aiohttp.WSMsgType.BINARY or not message.data:
            continue
        channel = heard.get(message.data[0])
        if channel is not None and len(channel) < _LARGEST:
            channel += message.data[1:]
        if channel is heard[_STATUS]:
            break
    status = _status(bytes(heard[_STATUS]), name) if heard[_STATUS] else {}
    return Heard(
        output=bytes(heard[_OUTPUT]), error=bytes(heard[_ERROR]), status=status, at=datetime.now(UTC)
    )


def _status(body: bytes, name: str) -> Mapping[str, Any]:
    try:
        status = json.loads(body)
    except ValueError as error:
        raise Unavailable(f"{name} ended a command with something that is not JSON") from error
    if not isinstance(status, dict):
        raise Unavailable(f"{name} ended a command with something that is no object")
    return status
