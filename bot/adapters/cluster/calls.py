"""Raw JSON calls to one API server, with every failure in the words of `bot.ports`.

Typed models would hold the event loop for seconds while a large cluster is listed; nothing here builds one.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from typing import Any, NamedTuple

import aiohttp

from bot.adapters.cluster.connection import Connection
from bot.adapters.cluster.failure import TRANSPORT, Unauthorized, refusal, silence
from bot.ports import Unavailable

Json = dict[str, Any]
Query = Sequence[tuple[str, str]]

MERGE_PATCH = "application/merge-patch+json"
_PLAIN = "application/json"
_REFUSED = 400
_CONNECT = 3.0
"""Seconds for a connection to come about; an address that swallows packets is found out sooner than by `total`."""
_LONGEST_BODY = 32 * 2**20
"""Bytes of one answer, a page of a list at most: 500 objects, of which few are large."""
_USUAL = 4 * 2**20
"""Bytes after which an answer, or an event, is read with rests: a server that babbles must not keep the loop busy."""
_REST = 0.02
_LONGEST_LINE = 16 * 2**20
"""Bytes of one watch event. etcd holds objects of at most 1.5 MB."""


class _Request(NamedTuple):
    method: str
    path: str
    query: Query
    body: Mapping[str, Any] | None
    seconds: float
    """Until the answer begins."""
    timeout: aiohttp.ClientTimeout


class Calls:
    """Calls to one cluster's API server."""

    def __init__(
        self, connection: Connection, *, seconds: float = 10.0, heard: Callable[[], None] = lambda: None
    ) -> None:
        self.name = connection.name
        self._connection = connection
        self._seconds = seconds
        self._heard = heard
        """Called whenever the API server gave any answer."""

    async def get(self, path: str, query: Query = (), *, seconds: float | None = None) -> Json:
        """Read one object.

        Raises:
            WorldError: As `failure.refusal` and `failure.silence` say; likewise below.
        """
        return _table(await self._body("GET", path, query, None, seconds or self._seconds), self.name)

    async def text(self, path: str, query: Query = ()) -> str:
        """Read a body that the caller decodes piece by piece."""
        return (await self._body("GET", path, query, None, self._seconds)).decode(errors="replace")

    async def post(self, path: str, body: Mapping[str, Any], query: Query = ()) -> Json:
        """Create an object, or ask a review."""
        return _table(await self._body("POST", path, query, body, self._seconds), self.name)

    async def merge(self, path: str, body: Mapping[str, Any], query: Query = ()) -> Json:
        """Send a JSON merge patch; null removes a key."""
        return _table(await self._body("PATCH", path, query, body, self._seconds), self.name)

    async def delete(self, path: str, body: Mapping[str, Any] | None = None) -> None:
        """Delete an object."""
        await self._body("DELETE", path, (), body, self._seconds)

    @asynccontextmanager
    async def lines(self, path: str, query: Query, *, silent: float) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a stream of lines that may be silent for so many seconds.

        Raises:
            TimeoutError: From the iterator: the stream was silent for longer.
            WorldError: It could not be opened, or broke off.
        """
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=_CONNECT, sock_read=silent)
        response = await self._send(_Request("GET", path, query, None, self._seconds, timeout))
        try:
            async with aclosing(self._split(response)) as lines:
                yield lines
        finally:
            response.close()

    async def _body(
        self, method: str, path: str, query: Query, body: Mapping[str, Any] | None, seconds: float
    ) -> bytes:
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=min(_CONNECT, seconds))
        response = await self._send(_Request(method, path, query, body, seconds, timeout))
        with self._translated(seconds):
            return await self._whole(response)

    async def _whole(self, response: aiohttp.ClientResponse) -> bytes:
        found = bytearray()
        try:
            async for chunk in response.content.iter_any():
                found += chunk
                await self._bounded(len(found), _LONGEST_BODY)
        except BaseException:
            response.close()
            raise
        return bytes(found)

    async def _bounded(self, size: int, most: int) -> None:
        if size > most:
            raise Unavailable(f"{self.name} sent more than {most} bytes at once")
        if size > _USUAL:
            await asyncio.sleep(_REST)

    async def _send(self, request: _Request) -> aiohttp.ClientResponse:
        """Send a request; once more with fresh credentials if these are refused, or the server's no longer trusted."""
        with self._translated(request.seconds):
            async with asyncio.timeout(request.seconds):
                client = await self._connection.client()
                try:
                    return await self._once(client, request)
                except (Unauthorized, aiohttp.ClientSSLError):
                    if not await self._connection.renew(client):
                        raise
                return await self._once(await self._connection.client(), request)

    async def _once(self, client: Any, request: _Request) -> aiohttp.ClientResponse:
        prepared = await client.param_serialize(
            request.method,
            request.path,
            query_params=list(request.query),
            header_params={
                "Accept": _PLAIN,
                "Content-Type": MERGE_PATCH if request.method == "PATCH" else _PLAIN,
            },
            body=request.body,
            auth_settings=["BearerToken"],
        )
        reply = await client.call_api(*prepared, _request_timeout=request.timeout)
        response: aiohttp.ClientResponse = reply.response
        self._heard()
        if response.status >= _REFUSED:
            raise refusal(response.status, await self._whole(response), cluster=self.name)
        return response

    @contextmanager
    def _translated(self, seconds: float) -> Iterator[None]:
        try:
            yield
        except TRANSPORT as error:
            raise silence(error, cluster=self.name, seconds=seconds) from error

    async def _split(self, response: aiohttp.ClientResponse) -> AsyncGenerator[bytes]:
        rest = bytearray()
        try:
            async for chunk in response.content.iter_any():
                self._heard()
                rest += chunk
                await self._bounded(len(rest), _LONGEST_LINE)
                if b"\n" not in chunk:
                    continue
                *whole, last = bytes(rest).split(b"\n")
                rest = bytearray(last)
                for line in whole:
                    if line.strip():
                        yield line
        except TimeoutError:
            raise
        except TRANSPORT as error:
            raise silence(error, cluster=self.name, seconds=self._seconds) from error


def _table(body: bytes, name: str) -> Json:
    try:
        value = json.loads(body)
    except ValueError as error:
        raise Unavailable(f"{name} answered with something that is not JSON") from error
    if not isinstance(value, dict):
        raise Unavailable(f"{name} answered with something that is no object")
    return value
