"""What will happen, drawn before anything does; and so, by this script alone, what must be told of it.

Times are seconds that pass, whatever the clock is set to. Everything lasts clearly shorter or clearly longer than
the settling time, and a Service rests between two things, so that nothing is a matter of opinion.
"""

import random
from dataclasses import dataclass
from enum import StrEnum

SETTLE = 120.0
STEP = 10.0
REST = 1000.0
"""Between two things that happen to one Service: longer than what comes back counts as the same."""
_MARGIN = 3 * SETTLE
"""Between an outage and anything else."""


class Kind(StrEnum):
    """What a Service is like; what happens to it depends on that."""

    PLAIN = "plain"
    """Policy Cluster, a load balancer of its own, shared by type."""
    LOCAL = "local"
    """Policy Local, with CCE's pass-through; its endpoint is on a node of its own."""
    DEDICATED = "dedicated"
    """A load balancer that keeps the client's address."""
    PAIR = "pair"
    """Two Services on one load balancer."""


def kind_of(service: str) -> Kind:
    """Give the kind of a Service, by its number."""
    return tuple(Kind)[int(service[1:]) % len(Kind)]


def sibling_of(service: str) -> str:
    """Name the other Service on the load balancer of one of a pair."""
    return f"p{service[1:]}"


class What(StrEnum):
    """What happens to a Service, or to all."""

    ROLLOUT = "rollout"
    """Its endpoints go and come, twice, and never for long."""
    LOSS = "loss"
    """Its endpoints go, and come back much later."""
    MEDDLING = "meddling"
    """Somebody turns pass-through on, and off again much later."""
    SLIP = "slip"
    """The same, put right at once."""
    REMAKING = "remaking"
    """Its endpoints go, then it is deleted, and made again under the same name, whole."""
    UNREST = "unrest"
    """Its endpoints never settle for a while."""
    ADDRESS = "address"
    """Its address goes, and comes back much later."""
    NODE = "node"
    """The node goes that its only endpoint is on, and comes back; the EndpointSlice names it all the while."""
    ILL = "ill"
    """The cloud says that every member of its load balancer is ill."""
    VANISHED = "vanished"
    """The cloud does not know its load balancer."""
    OUTAGE = "outage"
    """The API server refuses every connection, for all Services."""
    HICCUP = "hiccup"
    """The same, over before anybody needs to know."""


TOLD = {
    What.LOSS: "clients-cut-off",
    What.MEDDLING: "pass-through-changed",
    What.REMAKING: "clients-cut-off",
    What.UNREST: "clients-cut-off",
    What.ADDRESS: "address-lost",
    What.NODE: "clients-cut-off",
    What.ILL: "members-unhealthy",
    What.VANISHED: "load-balancer-gone",
    What.OUTAGE: "watch-stale",
}
"""By which rule it is told, if it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """One thing that happens."""

    what: What
    service: str
    """Empty: all of them."""
    begin: float
    end: float

    @property
    def rule(self) -> str:
        """The rule that it must be told by; empty: nothing is to be told.

        What turning pass-through on brings about is told with it, in one message.
        """
        if self.what is What.MEDDLING:
            return _BROUGHT.get(kind_of(self.service), TOLD[self.what])
        return TOLD.get(self.what, "")

    @property
    def services(self) -> set[str]:
        """The Services that it must be told of."""
        both = self.what is What.MEDDLING and kind_of(self.service) is Kind.PAIR
        return {self.service, *([sibling_of(self.service)] if both else [])} - {""}

    @property
    def wrong_from(self) -> float:
        """Since when it is so, as far as the bot can know: an outage lasts since the server was heard of last."""
        return self.begin


_BROUGHT = {Kind.DEDICATED: "same-node-lockout", Kind.PAIR: "ipvs-sibling-mismatch"}
_ANY = (What.ROLLOUT, What.LOSS, What.UNREST)
_HAPPENS = {
    Kind.PLAIN: (*_ANY, What.MEDDLING, What.SLIP, What.REMAKING, What.ADDRESS, What.ILL, What.VANISHED),
    Kind.LOCAL: (*_ANY, What.REMAKING, What.ADDRESS, What.NODE, What.NODE),
    Kind.DEDICATED: (*_ANY, What.MEDDLING, What.SLIP, What.ADDRESS, What.VANISHED),
    Kind.PAIR: (*_ANY, What.MEDDLING, What.MEDDLING, What.SLIP),
}
"""What may happen to which kind."""
_LASTS = {
    What.ROLLOUT: (120, 120),
    What.LOSS: (240, 400),
    What.MEDDLING: (240, 400),
    What.SLIP: (30, 60),
    What.REMAKING: (300, 400),
    What.UNREST: (400, 400),
    What.ADDRESS: (240, 400),
    What.NODE: (240, 400),
    What.ILL: (240, 400),
    What.VANISHED: (240, 400),
    What.OUTAGE: (400, 500),
    What.HICCUP: (30, 40),
}


def drawn(dice: random.Random, *, services: int, seconds: float) -> list[Episode]:
    """Draw what happens within so many seconds, to so many Services; outages have the stage for themselves."""
    quiet_from = seconds - REST
    outages = _outages(dice, seconds)
    found = list(outages)
    for number in range(services):
        at = 200.0 + STEP * dice.randrange(40)
        while at < quiet_from:
            episode = _one(dice, f"s{number}", at)
            if episode.end >= quiet_from:
                break
            clash = next((o for o in outages if _meets(episode, o)), None)
            if clash is not None:
                at = clash.end + _MARGIN + STEP * dice.randrange(10)
                continue
            found.append(episode)
            at = episode.end + REST + (REST if episode.what is What.UNREST else 0.0)
    return sorted(found, key=lambda each: (each.begin, each.service))


def _one(dice: random.Random, service: str, at: float) -> Episode:
    return _episode(dice, dice.choice(_HAPPENS[kind_of(service)]), service, at)


def _outages(dice: random.Random, seconds: float) -> list[Episode]:
    found = []
    at = 600.0 + STEP * dice.randrange(30)
    while at < seconds - REST - 600:
        what = dice.choice([What.OUTAGE, What.HICCUP])
        found.append(_episode(dice, what, "", at))
        at = found[-1].end + REST + STEP * dice.randrange(60)
    return found


def _episode(dice: random.Random, what: What, service: str, at: float) -> Episode:
    shortest, longest = _LASTS[what]
    lasts = STEP * dice.randrange(round(shortest / STEP), round(longest / STEP) + 1)
    return Episode(what=what, service=service, begin=at, end=at + lasts)


def _meets(episode: Episode, outage: Episode) -> bool:
    return episode.begin - _MARGIN < outage.end and outage.begin < episode.end + _MARGIN
