"""Chaos: servers that stumble, hang up and come back, a passer-by who edits Services, replicas that die at random."""

import asyncio

from bot.demo.slack.fault import Kind
from tests.torture.arena import Arena
from tests.torture.crowd import Crowd

_TOUCHED = "example.org/seen"


class Chaos:
    """Runs until cancelled; `deadly` lets replicas die outside the ambush too."""

    def __init__(self, arena: Arena, crowd: Crowd) -> None:
        self._arena = arena
        self._crowd = crowd
        self._count = 0

    async def rage(self) -> None:
        """Break something every second or so."""
        dice = self._arena.dice
        acts = (
            (0.2, self._stumble),
            (0.35, self._hang_up),
            (0.6, self._silence_slack),
            (0.85, self._pass_by),
        )
        while True:
            await asyncio.sleep(dice.uniform(0.2, 1.0))
            what = dice.random()
            next((act for limit, act in acts if what < limit), self._pull)()
            if dice.random() < 0.06:
                self._arena.kill_any()

    def _stumble(self) -> None:
        """The API server refuses one patch: somebody was faster, too much at once, or etcd is away."""
        faults = self._arena.world.api.faults
        # Faults that nothing met yet do not pile up: a server that only ever stumbles is down, not stumbling.
        if not faults.pending():
            code = self._arena.dice.choice((409, 429, 500))
            faults.fail(1, code=code, verb="patch", resource="services", retry_after=1)

    def _hang_up(self) -> None:
        """The API server does what the next patch says, and breaks the connection instead of saying so."""
        if not self._arena.world.api.faults.pending():
            self._arena.world.api.faults.drop_reply(1, verb="patch", resource="services")

    def _silence_slack(self) -> None:
        """Slack answers that it is too much, or fails, or says nothing, or says nothing after it did what was asked."""
        faults, dice = self._arena.slack.faults, self._arena.dice
        if len(faults.pending()) < 2:
            kind: Kind = dice.choice(("429", "500", "lost", "timeout"))
            faults.add(dice.choice(("chat.postMessage", "chat.update", "*")), kind, count=1, seconds=1.0)

    def _pass_by(self) -> None:
        """Somebody else edits a Service that is being changed: its resourceVersion is no longer what was read."""
        if not self._crowd.busy:
            return
        each = self._arena.dice.choice(list(self._crowd.busy.values()))
        space, _, name = self._arena.dice.choice(each.services).partition("/")
        self._count += 1
        self._arena.world.annotate(space, name, _TOUCHED, str(self._count))

    def _pull(self) -> None:
        """Break every connection of one replica to its database server, or of all of them, as a failover does."""
        dice = self._arena.dice.random()
        if self._arena.cables and dice < 0.5:
            self._arena.dice.choice(self._arena.cables).pull()
        elif self._arena.cables and dice < 0.7:
            self._arena.fail_over()
