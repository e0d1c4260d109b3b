"""The crowd: one person proposes, several decide at the same time, some twice, some late; nobody gives up early."""

import asyncio
from dataclasses import dataclass

from bot.demo.slack import Message
from tests.torture.arena import Arena
from tests.torture.count import APPROVE
from tests.torture.ledger import Asked
from tests.torture.subject import APPROVERS, REQUESTER, Subject
from tests.torture.witness import CardSeen, Witness

AGAIN_AFTER = 5.0
"""Seconds after which a person whose command or click Slack could not deliver does it again."""
PATIENCE = 600.0
"""Seconds within which what was acknowledged has come to something: several deaths, each with a lease of 30 s."""
REJECT, WITHDRAW = "change:reject", "change:withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    """What somebody is about to press."""

    who: str
    action: str


class Crowd:
    """Everybody who is about one change after the other."""

    def __init__(self, arena: Arena) -> None:
        self._arena = arena
        self._witness: Witness = arena.witness
        self.busy: dict[int, Subject] = {}
        """What they are about now."""

    async def go_through(self, each: Subject) -> None:
        """Propose a change, and decide it."""
        self.busy[each.number] = each
        try:
            card = await self._proposed(each)
            if card is not None:
                await self._decided(each, card)
        finally:
            self.busy.pop(each.number, None)

    async def tidy(self) -> None:
        """Withdraw what was proposed twice because the first answer never came."""
        for each in self._arena.subjects:
            for card in self._witness.cards[each.number].values():
                if card.state == "proposed":
                    await self._click(each, card, _Act(who=REQUESTER, action=WITHDRAW))

    async def _proposed(self, each: Subject) -> CardSeen | None:
        """Ask until the card is there, or somebody said why not; again if it was not taken."""
        ledger, channel = self._witness.ledger, each.channel
        while True:
            told = len(ledger.told)
            ack = await self._arena.slack.command(
                REQUESTER, channel, f"/elb-passthrough enable {each.named} torture"
            )
            now = asyncio.get_running_loop().time()
            ledger.asked.append(Asked(at=now, number=each.number, acknowledged=ack.ok))

            def come_to_something(told: int = told) -> bool:
                answered = any(t.who == REQUESTER and t.channel == channel for t in ledger.told[told:])
                return answered or self._witness.card(each.number) is not None

            seen = await self._witness.sees(come_to_something, PATIENCE if ack.ok else AGAIN_AFTER)
            if card := self._witness.card(each.number):
                return card
            if ack.ok and not seen:
                ledger.forgotten.append(f"the acknowledged command for {each.named}")
                return None

    async def _decided(self, each: Subject, card: CardSeen) -> None:
        acts = self._acts(each)
        while True:
            taken = await asyncio.gather(*(self._click(each, card, act) for act in acts))
            acts = [act for act, ok in zip(acts, taken, strict=True) if not ok]
            waits = AGAIN_AFTER if acts else PATIENCE
            if await self._witness.sees(lambda: self._state(each, card) != "proposed", waits):
                return
            if not acts:
                self._witness.ledger.forgotten.append(
                    f"the acknowledged clicks on {card.label} for {each.named}"
                )
                return

    def _state(self, each: Subject, card: CardSeen) -> str:
        return self._witness.cards[each.number][card.label].state

    def _acts(self, each: Subject) -> list[_Act]:
        """Mostly two who approve and one who rejects; sometimes the requester withdraws meanwhile."""
        dice = self._arena.dice
        people = list(APPROVERS)
        dice.shuffle(people)
        # Where two must say yes, one who says no at the same time is mostly faster.
        approving = dice.choice((2, 2, 2, 3) if each.approvals == 1 else (2, 3, 3, 3))
        acts = [
            _Act(who=who, action=APPROVE if place < approving else REJECT) for place, who in enumerate(people)
        ]
        return [*acts, *([_Act(who=REQUESTER, action=WITHDRAW)] if dice.random() < 0.1 else [])]

    async def _click(self, each: Subject, card: CardSeen, act: _Act) -> bool:
        """Press a button, perhaps twice, perhaps late; return whether there is nothing left to do for this person."""
        slack, dice = self._arena.slack, self._arena.dice
        now: Message | None = slack.message(card.channel, card.ts)
        if now is None:
            return True
        slack.deliveries.next(copies=dice.choice((1, 1, 2)), delay=dice.choice((0.0, 0.0, 0.05)))
        at = self._witness.clicking(each.number, act.who, act.action)
        try:
            ack = await slack.click(act.who, now, act.action)
        except LookupError:
            return True
        self._witness.clicked(at, each.number, act.who, act.action, acknowledged=ack.ok)
        if ack.ok and dice.random() < 0.2 and slack.deliveries.sent:
            number = slack.deliveries.sent[-1].number
            slack.deliveries.background(slack.deliveries.again(number, delay=1.5))
        return ack.ok
