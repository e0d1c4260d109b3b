"""Deliveries: what was sent to the bot, how often, and how it answered."""

import asyncio
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from bot.demo.slack.courier import Ack, Courier, Parcel, ParcelKind
from bot.demo.slack.state import State

Json = dict[str, Any]
RETRIES: tuple[float, ...] = (0.0, 60.0, 300.0)
_KEPT = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One payload that was sent, under a number by which it can be sent again."""

    number: int
    kind: ParcelKind
    name: str
    payload: Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """How a delivery goes: `copies` of the same payload at once, after `delay` seconds."""

    copies: int = 1
    delay: float = 0.0


class Deliveries:
    """Sends payloads by the courier, and writes each into the journal.

    `limit` is how many seconds the bot has; `retries` the waits before an event is tried again.
    """

    def __init__(
        self, *, state: State, courier: Courier, limit: float, retries: Sequence[float] = RETRIES
    ) -> None:
        self._state = state
        self._courier = courier
        self.limit = limit
        self._retries = tuple(retries)
        self._planned: deque[Handling] = deque()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._count = 0
        self.sent: deque[Delivery] = deque(maxlen=_KEPT)

    def next(self, *, copies: int = 1, delay: float = 0.0) -> None:
        """Plan how the next delivery goes that has no plan yet."""
        self._planned.append(Handling(copies=copies, delay=delay))

    async def send(self, kind: ParcelKind, name: str, payload: Json) -> Ack:
        """Send a payload, and return the first copy's acknowledgement."""
        return await self._handle(self._record(kind, name, payload), self._plan())

    async def again(self, number: int, *, copies: int = 1, delay: float = 0.0) -> Ack:
        """Send the very payload of an earlier delivery again.

        Raises:
            KeyError: there is no such delivery, or it is too long ago.
        """
        found = next((d for d in self.sent if d.number == number), None)
        if found is None:
            raise KeyError(number)
        return await self._handle(found, Handling(copies=copies, delay=delay))

    def send_event(self, name: str, payload: Json) -> None:
        """Send an event in the background, and again when the bot does not take it."""
        delivery = self._record("events_api", name, payload)
        self.background(self._persist(delivery, self._plan()))

    def background(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let something run until the workspace stops."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settle(self) -> None:
        """Wait until nothing is being sent in the background."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def stop(self) -> None:
        """Give up what is being sent in the background."""
        for task in set(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _plan(self) -> Handling:
        return self._planned.popleft() if self._planned else Handling()

    def _record(self, kind: ParcelKind, name: str, payload: Json) -> Delivery:
        self._count += 1
        delivery = Delivery(number=self._count, kind=kind, name=name, payload=payload)
        self.sent.append(delivery)
        return delivery

    async def _handle(self, delivery: Delivery, handling: Handling) -> Ack:
        if handling.delay:
            await asyncio.sleep(handling.delay)
        copies = [self._carry(delivery, None) for _ in range(handling.copies)]
        return (await asyncio.gather(*copies))[0]

    async def _persist(self, delivery: Delivery, handling: Handling) -> None:
        ack = await self._handle(delivery, handling)
        for number, wait in enumerate(self._retries, start=1):
            if ack.ok or ack.no_retry:
                return
            await asyncio.sleep(wait)
            reason = "http_timeout" if ack.error == "operation_timeout" else "http_error"
            ack = await self._carry(delivery, (number, reason))

    async def _carry(self, delivery: Delivery, retry: tuple[int, str] | None) -> Ack:
        parcel = Parcel(kind=delivery.kind, payload=delivery.payload, retry=retry)
        ack = await self._courier.carry(parcel, self.limit)
        args: Json = {"delivery": delivery.number, "payload": _shown(delivery.payload)}
        if retry is not None:
            args["retry"] = retry[0]
        self._state.journal.write(
            "delivery", delivery.name, args, status=ack.status, result=ack.error or "ok", ms=ack.ms
        )
        return ack


def _shown(payload: Json) -> Json:
    """Return a payload without its secrets: the verification token, and where answers may be posted."""
    return {key: value for key, value in payload.items() if key not in {"token", "response_url"}}
