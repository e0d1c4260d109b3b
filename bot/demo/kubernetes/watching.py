"""Watching a resource: a stream of events from a version on."""

import asyncio
import random
from collections.abc import Iterator, Mapping

from aiohttp import web

from bot.demo.kubernetes.history import Change, ExpiredError, Feed, serialised
from bot.demo.kubernetes.reading import Reader, check_match, shown, version_of
from bot.demo.kubernetes.resources import Resource
from bot.demo.kubernetes.selectors import Predicate, selecting
from bot.demo.kubernetes.status import bad_request, expired
from bot.demo.kubernetes.storage import Storage
from bot.demo.kubernetes.target import Target
from bot.demo.seam import Json

SHORTEST_TIMEOUT = 1800.0  # seconds; a real server picks between this and twice as long


def line(kind: str, body: bytes) -> bytes:
    """Return one event as a line of the stream."""
    return b'{"type":"' + kind.encode() + b'","object":' + body + b"}\n"


class Watcher:
    """Answers watches. Bookmarks come every `bookmarks` seconds where a client allows them."""

    def __init__(self, storage: Storage, reader: Reader, *, bookmarks: float = 60.0, seed: int = 0) -> None:
        self.bookmarks = bookmarks
        self._storage = storage
        self._reader = reader
        self._random = random.Random(seed)

    async def serve(self, request: web.Request, target: Target) -> web.StreamResponse:
        """Stream events until the time is up, the client leaves, or the watch is cut."""
        query = request.query
        check_match(query, watching=True)
        wants = selecting(query.get("labelSelector", ""), _fields(target, query), target.resource)
        seconds = self._timeout(query)
        version = version_of(query.get("resourceVersion", "") or "0")
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        try:
            first, feed = self._open(target, version, wants)
        except ExpiredError as error:
            await response.write(line("ERROR", _too_old(version, error.horizon)))
            return response
        stream = _Stream(response=response, resource=target.resource, wants=wants, namespace=target.namespace)
        try:
            await response.write(first)
            async with asyncio.timeout(seconds):
                await self._pump(stream, feed, bookmarks=query.get("allowWatchBookmarks") in {"true", "1"})
        except TimeoutError:
            if query.get("allowWatchBookmarks") in {"true", "1"}:
                await response.write(_bookmark(target.resource, self._storage.version))
        finally:
            feed.close()
        if feed.abort and request.transport:
            request.transport.abort()
        return response

    def _timeout(self, query: Mapping[str, str]) -> float:
        text = query.get("timeoutSeconds", "") or "0"
        if not text.isdigit():
            raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
        return float(text) or SHORTEST_TIMEOUT * (1 + self._random.random())

    def _open(self, target: Target, version: int, wants: Predicate | None) -> tuple[bytes, Feed]:
        """Return what the stream begins with, and the feed of what follows."""
        if version:
            return b"", self._storage.history.follow(target.resource.storage, version)
        feed = self._storage.history.follow(target.resource.storage, self._storage.version)
        present = self._reader.page(target, {}).records
        chosen = [record for record in present if wants is None or wants(record.body)]
        return b"".join(line("ADDED", shown(target.resource, record)) for record in chosen), feed

    async def _pump(self, stream: "_Stream", feed: Feed, *, bookmarks: bool) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self.bookmarks
        while not feed.cut:
            try:
                async with asyncio.timeout_at(due if bookmarks else None):
                    await feed.wait()
            except TimeoutError:
                due = loop.time() + self.bookmarks
                await stream.response.write(_bookmark(stream.resource, self._storage.version))
            if taken := feed.take():
                await stream.send(taken)


class _Stream:
    """What one watcher sees of the changes."""

    def __init__(
        self,
        *,
        response: web.StreamResponse,
        resource: Resource,
        wants: Predicate | None,
        namespace: str | None,
    ) -> None:
        self.response = response
        self.resource = resource
        self._wants = wants
        self._prefix = f"{namespace}/" if namespace is not None else ""

    async def send(self, changes: list[Change]) -> None:
        """Write what concerns this watcher."""
        lines = b"".join(self._lines(changes))
        if lines:
            await self.response.write(lines)

    def _lines(self, changes: list[Change]) -> Iterator[bytes]:
        for change in changes:
            if change.record.key.startswith(self._prefix) and (kind := self._kind(change)):
                yield line(kind, shown(self.resource, change.record))

    def _kind(self, change: Change) -> str | None:
        """Return the event as a selector sees it: entering it is ADDED, leaving it DELETED."""
        if self._wants is None:
            return change.type
        was = change.before is not None and self._wants(change.before.body)
        now = change.type != "DELETED" and self._wants(change.record.body)
        return {(False, True): "ADDED", (True, True): "MODIFIED", (True, False): "DELETED"}.get((was, now))


def _fields(target: Target, query: Mapping[str, str]) -> str:
    """Return the field selector; a watch of one name is a selector too."""
    parts = [query.get("fieldSelector", "")] + ([f"metadata.name={target.name}"] if target.name else [])
    return ",".join(part for part in parts if part)


def _too_old(version: int, horizon: int) -> bytes:
    return serialised(expired(f"too old resource version: {version} ({horizon})").body)


def _bookmark(resource: Resource, version: int) -> bytes:
    metadata: Json = {"resourceVersion": str(version), "creationTimestamp": None}
    body = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": metadata}
    return line("BOOKMARK", serialised(body))
