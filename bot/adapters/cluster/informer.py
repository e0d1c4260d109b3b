"""One kind of object, listed once and watched from then on.

LIST in pages at one resourceVersion, WATCH with bookmarks from there, resume after every end, LIST again with a
diff when the server has forgotten (410) or contradicts itself. The cache never holds half a list.
"""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any, NamedTuple, Protocol

from bot.adapters.cluster.calls import Calls
from bot.adapters.cluster.failure import DisorderError, ExpiredError, Unauthorized
from bot.adapters.cluster.kind import Kind
from bot.adapters.cluster.listing import Page
from bot.adapters.cluster.pace import Pace, Slices, Timing, keep_changes_for_good, keep_for_good
from bot.adapters.objects import ShapeError
from bot.domain.objects import Ref, Value
from bot.ports import Forbidden, NotFound, Unavailable, WorldError

log = logging.getLogger(__name__)

PAGE = 500
"""Objects in one page of a LIST."""


class State(StrEnum):
    """Where an informer stands."""

    NEW = "new"
    """Not listed yet."""
    LIVE = "live"
    """Listed, and the last watch was opened without trouble."""
    FAILING = "failing"
    """The API server does not answer; what is cached is getting old."""
    DENIED = "denied"
    """The API server refuses, or does not serve the kind: nothing is known of it."""


class Sink(Protocol):
    """Where an informer puts what it learns."""

    def put(self, kind: Kind, value: Value) -> None:
        """Take an object, new or changed."""
        ...

    def remove(self, kind: Kind, ref: Ref) -> None:
        """Forget an object; one that is not there is no error."""
        ...

    def moved(self) -> None:
        """An informer's state or position changed, after the objects that it stands for."""
        ...


class _Found(NamedTuple):
    version: str
    value: Value | None


@dataclass(slots=True, eq=False)
class Informer:
    """Keeps one kind, in one namespace or all, up to date in a sink."""

    calls: Calls
    kind: Kind
    sink: Sink
    timing: Timing = field(default_factory=Timing)
    namespace: str | None = None
    fallback: Callable[[], str | None] = lambda: None
    """A namespace to which it narrows itself where the whole cluster may not be listed."""
    clock: Callable[[], float] = time.monotonic
    state: State = State.NEW
    since: float = 0.0
    """When the state was entered, by the clock."""
    why: str = ""
    """One sentence, while failing or denied."""
    narrowed: str = ""
    """Why only one namespace is seen, if that is so."""
    version: str = ""
    """The resourceVersion up to which the sink is current; empty: it must be listed."""
    lists: int = 0
    """How often it was listed in full."""
    unreadable: int = 0
    """Objects that were passed over because a field was not what Kubernetes allows."""
    _held: dict[Ref, str] = field(default_factory=dict)
    """Name → resourceVersion of what the sink was given."""
    _kicked: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        """List and watch until cancelled."""
        pace = Pace(self.timing)
        while True:
            started = self.clock()
            await self._once()
            rest = self.timing.denied if self.state is State.DENIED else pace.after(self.clock() - started)
            await asyncio.sleep(rest)

    def kick(self) -> None:
        """Leave the present watch, which may be dead without knowing, and resume with a new one."""
        self._kicked.set()

    def knows(self) -> bool:
        """Whether what the sink was given is all there is, or was until a moment ago."""
        if self.state is State.FAILING:
            return self.lists > 0 and self.clock() - self.since < self.timing.stale
        return self.lists > 0 and self.state is State.LIVE

    def forget(self) -> None:
        """Take back everything, so that it is listed again."""
        for ref in list(self._held):
            self._drop(ref)
        self.version = ""

    async def _once(self) -> None:
        try:
            if not self.version:
                await self.list()
            await self._watch_until_kicked()
        except (ExpiredError, DisorderError) as reason:
            log.info("%s: %s are listed again: %s", self.calls.name, self.kind.named, reason)
            self.version = ""
        except Unauthorized as error:
            self._turn(State.FAILING, str(error))
        except (Forbidden, NotFound) as error:
            self._deny(error)
        except WorldError as error:
            self._turn(State.FAILING, str(error))

    # -- list

    async def list(self) -> None:
        """List everything and bring the sink to it.

        Raises:
            WorldError: The list could not be read in full; the sink is as it was.
        """
        version, found = await self._pages()
        slices = Slices()
        for ref in [ref for ref in self._held if ref not in found]:
            self._drop(ref)
            await slices.breathe()
        for ref, (at, value) in found.items():
            if self._held.get(ref) != at:
                self._keep(ref, at, value)
                await slices.breathe()
        self.version, self.lists = version, self.lists + 1
        self._turn(State.LIVE)

    async def _pages(self) -> tuple[str, dict[Ref, _Found]]:
        found: dict[Ref, _Found] = {}
        version, more = "", ""
        while True:
            page = await self._page(more, found)
            if version and page.version != version:
                raise DisorderError("two pages of one list are of different resourceVersions")
            version, more = page.version, page.more
            if not more:
                return version, found

    async def _page(self, more: str, found: dict[Ref, _Found]) -> Page:
        query = [("limit", str(PAGE)), *([("continue", more)] if more else [])]
        page = Page(await self.calls.text(self.kind.path(self.namespace), query))
        slices = Slices()
        try:
            for raw in page.items():
                ref, at = _identity(raw)
                found[ref] = _Found(at, None if self._held.get(ref) == at else self._read(raw))
                await slices.breathe()
        except ValueError as error:
            raise Unavailable(f"{self._what()} cannot be read as a list") from error
        if len(found) >= PAGE:
            keep_for_good()
        if not page.version:
            raise Unavailable(f"{self._what()} came without resourceVersion")
        return page

    # -- watch

    async def _watch_until_kicked(self) -> None:
        self._kicked.clear()
        watch = asyncio.ensure_future(self._watch())
        kicked = asyncio.ensure_future(self._kicked.wait())
        try:
            await asyncio.wait((watch, kicked), return_when=asyncio.FIRST_COMPLETED)
            if watch.done():
                watch.result()
        finally:
            watch.cancel()
            kicked.cancel()
            await asyncio.gather(watch, kicked, return_exceptions=True)

    async def _watch(self) -> None:
        query = [
            ("watch", "true"),
            ("allowWatchBookmarks", "true"),
            ("resourceVersion", self.version),
            ("timeoutSeconds", str(max(1, round(self.timing.watch)))),
        ]
        path, slices = self.kind.path(self.namespace), Slices()
        try:
            async with self.calls.lines(path, query, silent=self.timing.silence) as lines:
                self._turn(State.LIVE)
                async for line in lines:
                    self._take(line)
                    await slices.breathe()
        except TimeoutError:
            log.info("%s: the watch of %s was silent for too long", self.calls.name, self.kind.named)

    def _take(self, line: bytes) -> None:
        try:
            event = json.loads(line)
            type_, body = event["type"], event["object"]
            if type_ == "BOOKMARK":
                self._advance(str(body["metadata"]["resourceVersion"]))
            elif type_ == "ERROR":
                raise self._error(body)
            else:
                self._apply(type_, body)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DisorderError(f"an event cannot be read ({type(error).__name__})") from error

    def _apply(self, type_: str, body: object) -> None:
        """Take one change. Every event of a watch is younger than the one before, or something is wrong."""
        ref, at = _identity(body)
        held = self._held.get(ref)
        gone = type_ == "DELETED"
        if held == (None if gone else at):
            return
        if held != at and _not_after(at, self.version):
            raise DisorderError(f"{ref} came out of order")
        if gone:
            self._drop(ref)
        else:
            self._keep(ref, at, self._read(body))
            keep_changes_for_good()
        self._advance(at)

    def _error(self, body: Any) -> WorldError:
        code = body.get("code") if isinstance(body, dict) else None
        if code == HTTPStatus.GONE:
            return ExpiredError("the API server has forgotten where the watch stood")
        return Unavailable(f"{self.calls.name} ended the watch of {self.kind.named}")

    def _advance(self, at: str) -> None:
        if not _not_after(at, self.version):
            self.version = at
        self.sink.moved()

    # -- what is held

    def _read(self, raw: object) -> Value | None:
        try:
            return self.kind.read(raw)
        except ShapeError as error:
            self.unreadable += 1
            log.warning("%s: passed over: %s", self.calls.name, error)
            return None

    def _keep(self, ref: Ref, at: str, value: Value | None) -> None:
        self._held[ref] = at
        if value is None:
            self.sink.remove(self.kind, ref)
        else:
            self.sink.put(self.kind, value)

    def _drop(self, ref: Ref) -> None:
        self._held.pop(ref, None)
        self.sink.remove(self.kind, ref)

    # -- state

    def _turn(self, state: State, why: str = "") -> None:
        if (state, why) != (self.state, self.why):
            if why:
                log.warning("%s: %s: %s", self.calls.name, self.kind.named, why)
            if state is not self.state:
                self.since = self.clock()
            self.state, self.why = state, why
        self.sink.moved()

    def _deny(self, error: Forbidden | NotFound) -> None:
        if self.namespace is None and self.kind.namespaced and (narrower := self.fallback()):
            log.warning("%s: only %s of namespace %s: %s", self.calls.name, self.kind.named, narrower, error)
            self.namespace, self.narrowed = narrower, str(error)
            return
        if self.narrowed:  # neither: the next try is for the whole cluster again
            self.namespace, self.narrowed = None, ""
        self.forget()
        self._turn(State.DENIED, str(error))

    def _what(self) -> str:
        return f"what {self.calls.name} sent of {self.kind.named}"


def _identity(raw: Any) -> tuple[Ref, str]:
    try:
        metadata = raw["metadata"]
        ref = Ref(str(metadata.get("namespace") or ""), str(metadata["name"]))
        return ref, str(metadata["resourceVersion"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError("an object without name or resourceVersion") from error


def _not_after(at: str, version: str) -> bool:
    """Order resourceVersions: numbers that grow, https://kep.k8s.io/5504. Others cannot be ordered: False."""
    return at.isdecimal() and version.isdecimal() and int(at) <= int(version)
