"""The witness: writes down what Slack and the API server see, while it happens."""

import asyncio
import re
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

from bot.demo.slack import Workspace
from bot.demo.world import World
from tests.torture.count import APPROVE
from tests.torture.ledger import Clicked, Ledger, Patched, Shown, Told
from tests.torture.subject import KEY, Subject

_CARD = re.compile(r"(CHG-\d+) ([a-z ]+): .*? for (\S+)")
OVER = frozenset(
    {
        "succeeded",
        "failed",
        "inconclusive",
        "not applied",
        "rejected",
        "superseded",
        "withdrawn",
        "reverted",
        "half applied",
    }
)


class CardSeen:
    """One card: where it is, and what it said last."""

    def __init__(self, channel: str, ts: str, label: str, state: str, key: str) -> None:
        self.channel = channel
        self.ts = ts
        self.label = label
        self.state = state
        self.key = key


class Witness:
    """Keeps the ledger; `cards` are by the number of the change."""

    def __init__(self, world: World, slack: Workspace, subjects: Sequence[Subject]) -> None:
        self.ledger = Ledger()
        self.cards: dict[int, dict[str, CardSeen]] = {each.number: {} for each in subjects}
        self._services = {name: each for each in subjects for name in each.services}
        self._slack = slack
        self._values: dict[str, str | None] = {}
        self._approvers: dict[int, set[str]] = {}
        self._ready = asyncio.Event()
        self._news = asyncio.Event()
        world.objects.subscribe("services", self._turned)

    async def watch(self) -> None:
        """Read Slack's feed until cancelled."""
        async with self._slack.state.feed.subscribed() as changes:
            self._ready.set()
            async for change in changes:
                if change.kind in {"message", "edit"}:
                    self._said(change.data)
                    self._news.set()
                    self._news = asyncio.Event()

    async def ready(self) -> None:
        """Wait until nothing is missed any more."""
        await self._ready.wait()

    async def sees(self, what: Callable[[], bool], seconds: float) -> bool:
        """Wait until something is so, for so long at most; return whether it is."""
        try:
            async with asyncio.timeout(seconds):
                while not what():
                    await self._news.wait()
        except TimeoutError:
            return what()
        return True

    def subject_of(self, service: str) -> Subject:
        """Return the change that a Service belongs to."""
        return self._services[service]

    def approvers(self, number: int) -> set[str]:
        """Who has pressed Approve so far."""
        return self._approvers.setdefault(number, set())

    def landed(self, each: Subject) -> bool:
        """Whether one of its Services has been patched already."""
        return any(self._values.get(name) == "true" for name in each.services)

    def clicking(self, number: int, who: str, action: str) -> float:
        """Note that somebody is about to press a button; return the moment."""
        if action == APPROVE:
            self.approvers(number).add(who)
        return monotonic()

    def clicked(self, at: float, number: int, who: str, action: str, *, acknowledged: bool) -> None:
        """Note that somebody pressed a button."""
        click = Clicked(at=at, number=number, who=who, action=action, acknowledged=acknowledged)
        self.ledger.clicked.append(click)

    def patched(self, service: str, value: str | None) -> None:
        """Note that the API server accepted a patch."""
        self.ledger.patched.append(Patched(at=monotonic(), service=service, value=value))

    def card(self, number: int) -> CardSeen | None:
        """The newest card of a change."""
        found = list(self.cards[number].values())
        return found[-1] if found else None

    def values(self) -> dict[str, str | None]:
        """The annotation of each Service now."""
        return {name: self._values.get(name) for name in self._services}

    def _turned(self, _event: str, body: dict[str, Any]) -> None:
        meta = body["metadata"]
        name, value = f"{meta['namespace']}/{meta['name']}", meta.get("annotations", {}).get(KEY)
        if value != self._values.get(name):
            self._values[name] = value
            if value is not None:
                self.ledger.turned[name] = self.ledger.turned.get(name, 0) + 1

    def _said(self, message: dict[str, Any]) -> None:
        if message.get("only_for"):
            who, channel, text = message["only_for"], message["channel"], message["text"]
            self.ledger.told.append(Told(at=monotonic(), who=who, channel=channel, text=text))
            return
        key = str(((message.get("metadata") or {}).get("event_payload") or {}).get("key", ""))
        found = _CARD.match(message["text"])
        if found is None or not key.startswith("card:") or found[3] not in self._services:
            return
        label, state = found[1], found[2]
        self.ledger.shown.append(Shown(label=label, state=state))
        cards = self.cards[self._services[found[3]].number]
        cards[label] = CardSeen(message["channel"], message["ts"], label, state, key)
