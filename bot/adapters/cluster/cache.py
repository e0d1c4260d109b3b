"""What is known of a cluster: the inventory that its informers fill, and who wants to hear of changes."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.adapters.cluster.kind import Kind
from bot.domain.objects import EndpointSlice, Ingress, NetworkPolicy, Node, Pod, Ref, Service, Value
from bot.domain.population import Blocks
from bot.domain.snapshot import Inventory


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """One object of the cache is not what it was; None before: new, None after: gone."""

    ref: Ref
    before: Value | None
    after: Value | None


Subscriber = Callable[[Changed], None]
"""Called inside the event loop, at once; it must be quick and must not raise."""


class Cache:
    """An informer's sink. One for each cluster."""

    def __init__(self) -> None:
        self.inventory = Inventory(live=True)
        # Sorted as objects arrive: the first question would hold everybody up while it sorts a whole cluster.
        self.inventory.partition(Blocks())
        self._tables: dict[type, Mapping[Any, Value]] = {
            Service: self.inventory.services,
            EndpointSlice: self.inventory.slices,
            Node: self.inventory.nodes,
            Pod: self.inventory.pods,
            Ingress: self.inventory.ingresses,
            NetworkPolicy: self.inventory.policies,
        }
        self._subscribers: list[Subscriber] = []
        self._waiting: set[asyncio.Event] = set()

    def put(self, kind: Kind, value: Value) -> None:
        """Take an object."""
        ref = Ref("", value.name) if isinstance(value, Node) else value.ref
        before = self._look(kind, ref)
        self.inventory.put(value)
        if before != value:
            self._tell(Changed(ref=ref, before=before, after=value))

    def remove(self, kind: Kind, ref: Ref) -> None:
        """Forget an object."""
        before = self._look(kind, ref)
        if before is not None:
            self.inventory.remove(kind.type, ref)
            self._tell(Changed(ref=ref, before=before, after=None))

    def moved(self) -> None:
        """Wake whoever waits for the cache to get somewhere."""
        for event in self._waiting:
            event.set()

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Tell every later change; the returned function ends it."""
        self._subscribers.append(subscriber)
        return lambda: self._subscribers.remove(subscriber)

    async def until(self, reached: Callable[[], bool]) -> None:
        """Wait until `reached` holds; it is asked again whenever anything moved."""
        event = asyncio.Event()
        self._waiting.add(event)
        try:
            while not reached():
                event.clear()
                await event.wait()
        finally:
            self._waiting.discard(event)

    def _look(self, kind: Kind, ref: Ref) -> Value | None:
        return self._tables[kind.type].get(ref.name if kind.type is Node else ref)

    def _tell(self, changed: Changed) -> None:
        for subscriber in tuple(self._subscribers):
            subscriber(changed)
