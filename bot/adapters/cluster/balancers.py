"""What the cloud tells of the load balancers that a cluster's Services name: asked for one by one, and remembered.

Nobody waits for it: an answer about a path uses what is known by then.
"""

import logging
from collections.abc import Callable, Iterable, Mapping

from bot.adapters.cluster.pace import Timing
from bot.domain.cloud_balancer import CloudBalancer
from bot.ports import Cloud, NotFound, WorldError

log = logging.getLogger(__name__)

ELB = "elb:"
"""The kind of name under which `bot.domain.snapshot` groups Services by `elb.id`."""


class Balancers:
    """The load balancers of one cluster, by id."""

    def __init__(self, cloud: Cloud, timing: Timing, clock: Callable[[], float]) -> None:
        self._cloud = cloud
        self._timing = timing
        self._clock = clock
        self._asked: dict[str, float] = {}
        self._told: dict[str, tuple[float, CloudBalancer]] = {}

    def known(self) -> Mapping[str, CloudBalancer]:
        """Return what was told, and not too long ago."""
        since = self._clock() - self._timing.told
        return {elb: told for elb, (at, told) in self._told.items() if at >= since}

    async def ask(self, names: Iterable[str]) -> bool:
        """Ask about the one whose turn it is, if it is anybody's; say whether something new was told."""
        wanted = {name.removeprefix(ELB) for name in names if name.startswith(ELB)}
        self._asked = {elb: at for elb, at in self._asked.items() if elb in wanted}
        self._told = {elb: told for elb, told in self._told.items() if elb in wanted}
        elb = min(wanted, key=lambda each: (self._asked.get(each, float("-inf")), each), default=None)
        now = self._clock()
        if elb is None or now - self._asked.get(elb, float("-inf")) < self._timing.balancers:
            return False
        self._asked[elb] = now
        return await self._learn(elb, now)

    async def _learn(self, elb: str, now: float) -> bool:
        before = self._told.get(elb, (now, None))[1]
        try:
            facts = await self._cloud.load_balancer(elb)
        except NotFound:
            self._told.pop(elb, None)
            return before is not None
        except WorldError as error:
            log.info("load balancer %s: %s", elb, error)
            return False
        told = CloudBalancer(kind=facts.kind, members=facts.members, unhealthy=facts.unhealthy)
        self._told[elb] = now, told
        return told != before
