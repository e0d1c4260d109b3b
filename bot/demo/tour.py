"""The main job, played by itself over the same wires, with every message as a person would read it.

Two stories, each in a world of its own and both at the same time, told one after the other: one that succeeds,
and one in which a node never follows the patch, so that the verification fails and the change is rolled back.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic
from typing import TypeVar

from bot.demo.bot_process import BotNotReadyError
from bot.demo.slack import Message
from bot.demo.stage import Stage

ALICE, BOB, MALLORY = "U01ALICE", "U02BOB", "U03MALLORY"
OPS, INCIDENTS = "C01OPS", "C02INC"
KEY = "kubernetes.io/elb.pass-through"
MEASURED_WITHIN = 120.0
ANSWERED_WITHIN = 30.0
T = TypeVar("T")


class StoryError(Exception):
    """The story did not go on as it should."""


@dataclass(slots=True)
class Teller:
    """Writes the transcript of one story; `live` prints each line at once."""

    stage: Stage
    live: bool
    lines: list[str] = field(default_factory=list)
    began: float = field(default_factory=monotonic)

    def write(self, text: str = "") -> None:
        """Add a paragraph."""
        self.lines.append(text)
        if self.live:
            print(text, flush=True)

    def act(self, who: str, what: str) -> None:
        """Say what somebody does, and when."""
        self.write(f"\n[{monotonic() - self.began:5.1f} s] {who} {what}")

    def show(self, where: str, message: Message, viewer: str) -> str:
        """Show a message as its reader sees it, and return that."""
        text = self.stage.slack.readable(message, viewer)
        self.write(f"  {where}:")
        for line in text.splitlines():
            self.write(f"  │ {line}")
        return text

    def flush(self) -> None:
        """Print what was kept back."""
        if not self.live:
            print("\n".join(self.lines), flush=True)
            self.live = True


class Story:
    """What people do, and what they must see then."""

    def __init__(self, teller: Teller) -> None:
        self.tell = teller
        self.stage = teller.stage
        self.slack = teller.stage.slack
        self._seen: dict[str, int] = {}

    async def command(self, who: str, name: str, text: str) -> None:
        """Give a slash command in #ops."""
        self.tell.act(name, f"types: /elb-passthrough {text}")
        self._mark()
        ack = await self.slack.command(who, OPS, f"/elb-passthrough {text}")
        _must(ack.ok, f"the command was not acknowledged: {ack.error}")

    async def click(self, who: str, name: str, card: Message, action: str, label: str) -> str:
        """Press a button; return what only this person is told then."""
        self.tell.act(name, f"presses [{label}]")
        self._mark()
        ack = await self.slack.click(who, self._now(card), action)
        _must(ack.ok, f"the click was not acknowledged: {ack.error}")
        return await self.told(who, name)

    async def told(self, who: str, name: str) -> str:
        """Wait for an answer that only this person sees."""
        before = self._seen.get(who, 0)
        found = await self._until(
            lambda: self.slack.ephemerals(who)[before:], ANSWERED_WITHIN, f"an answer to {name}"
        )
        self._mark()
        return self.tell.show(f"only {name} sees", found[-1], who)

    async def card(self, number: int) -> Message:
        """Wait for a change's card."""

        def find() -> Message | None:
            return next(
                (
                    m
                    for m in self.slack.messages(OPS)
                    if f"CHG-{number}" in _headline(self.slack.readable(m, ALICE))
                ),
                None,
            )

        found = await self._until(find, ANSWERED_WITHIN, f"the card of CHG-{number}")
        self.tell.show("in #ops", found, BOB)
        return found

    async def verdict(self, card: Message, word: str) -> str:
        """Wait until the thread ends with a verdict, telling each new reply; return the verdict."""
        shown: set[str] = {card.ts}
        ended = MEASURED_WITHIN + monotonic()
        while True:
            fresh = await self._until(
                lambda: self._replies(card, shown), max(0.1, ended - monotonic()), "a verdict"
            )
            for reply in fresh:
                shown.add(reply.ts)
                if "[Stop measuring]" in (text := self.slack.readable(reply, BOB)):
                    self.tell.write(f"  in the thread, edited in place: {text.splitlines()[0]}")
                    continue
                text = self.tell.show("in the thread", reply, BOB)
                if any(f"{sign}:" in text for sign in ("Succeeded", "Failed", "Inconclusive")):
                    _must(f"{word}:" in text, f"the verdict should be {word}")
                    return text

    def _replies(self, card: Message, shown: set[str]) -> list[Message]:
        return [m for m in self.slack.thread(OPS, card.ts) if m.ts not in shown]

    async def settled(self, card: Message, state: str) -> None:
        """Wait until a card says how its change ended, and show it."""

        def ended() -> Message | None:
            now = self._now(card)
            return now if state in self.slack.readable(now, BOB).splitlines()[0] else None

        self.tell.show(
            "the card now says", await self._until(ended, ANSWERED_WITHIN, f"the card to say {state}"), BOB
        )

    async def incident(self, state: str, number: int) -> None:
        """Wait for the notice in the incident channel."""

        def find() -> Message | None:
            texts = ((m, self.slack.readable(m, BOB)) for m in self.slack.messages(INCIDENTS))
            return next((m for m, text in texts if state in text and f"CHG-{number}" in text), None)

        self.tell.show(
            "in #incidents", await self._until(find, ANSWERED_WITHIN, f"the notice of CHG-{number}"), BOB
        )

    def annotation(self, namespace: str, name: str) -> str | None:
        """What the API server has."""
        service = self.stage.world.objects.get("services", namespace, name) or {}
        value: str | None = service["metadata"].get("annotations", {}).get(KEY)
        return value

    def patches(self) -> int:
        """How many patches of Services the API server has carried out, dry runs aside."""
        found = self.stage.world.api.requests.of(verb="patch", resource="services")
        return sum(1 for request in found if request.status == 200 and "dryRun" not in request.query)  # noqa: PLR2004 - HTTP's own number

    def _now(self, card: Message) -> Message:
        return self.slack.message(card.channel, card.ts) or card

    def _mark(self) -> None:
        for who in (ALICE, BOB, MALLORY):
            self._seen[who] = len(self.slack.ephemerals(who))

    async def _until(self, look: Callable[[], T | None], seconds: float, what: str) -> T:
        try:
            return await self.slack.wait_for(look, seconds)
        except TimeoutError as error:
            raise StoryError(f"{what} did not come within {seconds:.0f} s") from error


def _headline(text: str) -> str:
    """The first line; below it a card may name another change."""
    return text.partition("\n")[0]


def _must(fact: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as the sentence it is
    if not fact:
        raise StoryError(otherwise)


async def _good(story: Story) -> None:
    story.tell.write("━━ The first story: pass-through for shop/checkout, from the question to the proof ━━")
    await story.command(ALICE, "Alice", "status default/nginx")
    await story.told(ALICE, "Alice")
    await story.command(ALICE, "Alice", "enable default/nginx")
    _must("already on" in await story.told(ALICE, "Alice"), "nginx should be on already")
    await story.command(ALICE, "Alice", "status shop/checkout")
    _must("bypass" in await story.told(ALICE, "Alice"), "checkout should be bypassed")
    await story.command(ALICE, "Alice", "enable shop/checkout TLS errors from the checkout workers")
    card = await story.card(1)
    _must(
        "may not" in await story.click(MALLORY, "Mallory", card, "change:approve", "Approve"),
        "Mallory may not approve",
    )
    _must(
        "may not" in await story.click(ALICE, "Alice", card, "change:approve", "Approve"),
        "Alice may not approve",
    )
    _must(story.annotation("shop", "checkout") is None, "nothing may be patched before the approval")
    await story.click(BOB, "Bob", card, "change:approve", "Approve")
    await story.verdict(card, "Succeeded")
    _must(story.annotation("shop", "checkout") == "true", "the patch should be there")
    _must(story.patches() == 1, "there should be exactly one patch")
    await story.settled(card, "Succeeded")
    await story.incident("Succeeded", 1)


async def _bad(story: Story) -> None:
    story.tell.write("\n━━ The second story: one node never follows, and the change is rolled back ━━")
    stale = story.stage.world.scenario.nodes[-1].name
    story.stage.world.dataplane.freeze(stale)
    story.tell.write(
        f"\n(The kube-proxy of node {stale} has stopped following the API server; nobody knows yet.)"
    )
    await story.command(ALICE, "Alice", "enable shop/checkout")
    card = await story.card(1)
    await story.click(BOB, "Bob", card, "change:approve", "Approve")
    await story.verdict(card, "Failed")
    await story.settled(card, "Failed")
    await story.incident("Failed", 1)
    await story.click(BOB, "Bob", card, "change:rollback", "Roll back…")
    back = await story.card(2)
    await story.verdict(back, "Succeeded")
    _must(story.annotation("shop", "checkout") is None, "the key should be removed again")
    _must(story.patches() == 2, "there should be one patch there and one back")  # noqa: PLR2004 - as it says
    await story.settled(back, "Succeeded")


async def tour() -> int:
    """Play both stories; return 0 if all of it happened, else 1."""
    stages = (Stage(patience=ANSWERED_WITHIN), Stage(patience=ANSWERED_WITHIN))
    began = monotonic()
    try:
        await asyncio.gather(*(stage.start() for stage in stages))
        stories = [Story(Teller(stage=stage, live=place == 0)) for place, stage in enumerate(stages)]
        outcomes: list[BaseException | None] = []
        outcomes += await asyncio.gather(_good(stories[0]), _bad(stories[1]), return_exceptions=True)
        stories[1].tell.flush()
    except BotNotReadyError as error:
        outcomes = [error]
    finally:
        await asyncio.gather(*(stage.stop() for stage in stages))
    broken = [outcome for outcome in outcomes if outcome is not None]
    for outcome in broken:
        if not isinstance(outcome, StoryError | BotNotReadyError):
            raise outcome
        print(f"\n✗ The story broke: {outcome}")
    if not broken:
        print(f"\n✓ Both stories ended as they should, in {monotonic() - began:.0f} s.")
    return 1 if broken else 0
