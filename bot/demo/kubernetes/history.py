"""Versions of objects: one global resourceVersion, a log of changes per resource, lists as of a version."""

import asyncio
import json
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from bot.demo.seam import EventType, Json, Listener

FIRST_VERSION = 1000  # older versions were compacted before anybody asked, as after a server's restart
KEPT_CHANGES = 20_000
KEPT_SNAPSHOTS = 8
MOST_PENDING = 50_000  # a watcher further behind is cut, as a real server does


def serialised(body: object) -> bytes:
    """Return compact JSON."""
    return json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode()


class Record:
    """One version of one object. `body` is shared by everyone and never changed."""

    __slots__ = ("_head", "_tail", "body", "key", "version")

    def __init__(self, key: str, body: Json, version: int) -> None:
        self.key = key
        self.body = body
        self.version = version
        self._head: bytes | None = None
        self._tail: bytes | None = None

    @property
    def item(self) -> bytes:
        """Return the object as an item of a list: without kind and apiVersion, as built-in types are listed."""
        if self._tail is None:
            kept = {name: value for name, value in self.body.items() if name not in ("kind", "apiVersion")}
            self._tail = serialised(kept)
        return self._tail

    @property
    def whole(self) -> bytes:
        """Return the object with kind and apiVersion."""
        if self._head is None:
            head = {"kind": self.body["kind"], "apiVersion": self.body["apiVersion"]}
            self._head = serialised(head)[:-1] + b","
        return self._head + self.item[1:]

    def copy(self) -> Json:
        """Return a copy that the caller may change."""
        copied: Json = json.loads(self.whole)
        return copied


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One step of one object; `before` is what it was, None for a creation."""

    version: int
    type: EventType
    record: Record
    before: Record | None


class ExpiredError(Exception):
    """The asked version lies before what is kept; `horizon` is the oldest version that can be answered."""

    def __init__(self, horizon: int) -> None:
        super().__init__(f"versions up to {horizon} are gone")
        self.horizon = horizon


class Feed:
    """The changes that one watcher has not taken yet."""

    def __init__(self, pending: list[Change], *, depart: Callable[["Feed"], None]) -> None:
        self._pending: deque[Change] = deque(pending)
        self._wake = asyncio.Event()
        self._depart = depart
        self.cut = False
        self.abort = False

    def push(self, change: Change) -> None:
        """Hand over a change; a watcher that is too slow is cut."""
        if len(self._pending) >= MOST_PENDING:
            self.end()
            return
        self._pending.append(change)
        self._wake.set()

    def take(self) -> list[Change]:
        """Return what came since the last call."""
        taken = list(self._pending)
        self._pending.clear()
        self._wake.clear()
        return taken

    async def wait(self) -> None:
        """Wait until there is something to take, or the feed is cut."""
        if not self._pending and not self.cut:
            await self._wake.wait()

    def end(self, *, abort: bool = False) -> None:
        """Close the connection that reads this feed, or abort it in the middle of the stream."""
        self.cut = True
        self.abort = abort
        self._wake.set()

    def close(self) -> None:
        """Leave the watched resource."""
        self._depart(self)


class Shelf:
    """The objects of one resource, and what happened to them."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.log: deque[Change] = deque()
        self.horizon = FIRST_VERSION
        self.feeds: dict[Feed, None] = {}  # a dict, for its order
        self.listeners: list[Listener] = []
        self._snapshots: dict[int, Sequence[Record]] = {}
        self._keys: list[str] = []  # sorted, as etcd orders them

    def note(self, change: Change) -> None:
        """Store a change and remember it."""
        key = change.record.key
        if change.type == "DELETED":
            del self.records[key]
            del self._keys[bisect_left(self._keys, key)]
        else:
            if key not in self.records:
                insort(self._keys, key)
            self.records[key] = change.record
        self.log.append(change)
        if len(self.log) > KEPT_CHANGES:
            self.horizon = self.log.popleft().version

    def since(self, version: int) -> list[Change]:
        """Return the changes after a version, oldest first."""
        if version < self.horizon:
            raise ExpiredError(self.horizon)
        return list(self._newest_first(version))[::-1]

    def _newest_first(self, version: int) -> Iterator[Change]:
        for change in reversed(self.log):
            if change.version <= version:
                return
            yield change

    def now(self) -> list[Record]:
        """Return all objects by their key."""
        return [self.records[key] for key in self._keys]

    def within(self, namespace: str) -> list[Record]:
        """Return the objects of one namespace by their key."""
        start, end = bisect_left(self._keys, namespace + "/"), bisect_left(self._keys, namespace + "0")
        return [self.records[key] for key in self._keys[start:end]]

    def at(self, version: int, *, now: int) -> Sequence[Record]:
        """Return all objects as they were at a version, by undoing what came later."""
        if version in self._snapshots:
            return self._snapshots[version]
        if version == now:
            return self.now()
        undone = self.since(version)
        past = dict(self.records)
        for change in reversed(undone):
            past.pop(change.record.key, None)
            if change.before is not None:
                past[change.record.key] = change.before
        return [past[key] for key in sorted(past)]

    def hold(self, version: int, records: Sequence[Record]) -> None:
        """Keep a snapshot for the pages to come."""
        self._snapshots[version] = records
        while len(self._snapshots) > KEPT_SNAPSHOTS:
            del self._snapshots[next(iter(self._snapshots))]

    def compact(self, version: int) -> None:
        """Forget everything before a version."""
        self.log.clear()
        self._snapshots.clear()
        self.horizon = version


class History:
    """Every resource's shelf under one counter."""

    def __init__(self) -> None:
        self.version = FIRST_VERSION
        self._shelves: dict[str, Shelf] = {}

    def shelf(self, resource: str) -> Shelf:
        """Return a resource's shelf; an empty one for a resource that has no objects."""
        return self._shelves.setdefault(resource, Shelf())

    def find(self, resource: str, key: str) -> Record | None:
        """Return the current version of an object."""
        return self.shelf(resource).records.get(key)

    def commit(self, resource: str, key: str, body: Json, *, deleted: bool = False) -> Record:
        """Store the next version of an object and tell everyone; the body belongs to the history from here."""
        shelf = self.shelf(resource)
        before = shelf.records.get(key)
        self.version += 1
        body["metadata"]["resourceVersion"] = str(self.version)
        record = Record(key, body, self.version)
        event: EventType = "DELETED" if deleted else "MODIFIED" if before else "ADDED"
        change = Change(version=self.version, type=event, record=record, before=before)
        shelf.note(change)
        for feed in list(shelf.feeds):
            feed.push(change)
        for listener in list(shelf.listeners):
            listener(event, body)
        return record

    def follow(self, resource: str, version: int) -> Feed:
        """Return a feed that begins after a version; raises `ExpiredError`."""
        shelf = self.shelf(resource)

        def depart(gone: Feed) -> None:
            shelf.feeds.pop(gone, None)

        feed = Feed(shelf.since(version), depart=depart)
        shelf.feeds[feed] = None
        return feed

    def compact(self) -> None:
        """Forget every version but the current one, as etcd does every five minutes."""
        for shelf in self._shelves.values():
            shelf.compact(self.version)

    def cut(self, resource: str | None = None, *, abort: bool = False) -> None:
        """End every open watch, or those of one resource."""
        for name, shelf in self._shelves.items():
            if resource in (None, name):
                for feed in list(shelf.feeds):
                    feed.end(abort=abort)


def after(records: Sequence[Record], key: str) -> Sequence[Record]:
    """Return the records behind a key."""
    return records[bisect_right(records, key, key=lambda record: record.key) :]
