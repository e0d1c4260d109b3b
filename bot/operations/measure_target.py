"""Whereto a verification connects: the Service's own addresses and ports at its load balancer, and nowhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from bot.domain.change import ServiceRef
from bot.domain.destinations import own_scope
from bot.domain.explanation import Destination, Explanation
from bot.domain.objects import Ref
from bot.domain.snapshot import Snapshot
from bot.domain.verification_target import OffLimits, is_address
from bot.ports import LoadBalancerFacts

AT_MOST = 8
"""Addresses and ports of one plan. A probe's result must stay within the 4,096 bytes of a termination message."""
PROTOCOL_PORT = "kubernetes.io/elb.protocol-port"
"""`https:443,http:80` makes those listeners layer 7 (cce_10_0385)."""
_LISTENER_SCHEMES = {"HTTP": "http", "HTTPS": "https", "TERMINATED_HTTPS": "https"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a host name was resolved to, or why it was not."""

    addresses: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One address and port that is measured."""

    destination: Destination
    """As the path engine knows it: a host name where the Service has one."""
    target: str
    """tcp|http|https://ADDRESS:PORT."""

    @property
    def pinned(self) -> bool:
        """Whether its address is what a host name was resolved to."""
        return not is_address(self.destination.ip)

    def __str__(self) -> str:
        """Its address and port, behind the host name where there is one."""
        at = self.target.partition("://")[2]
        return f"{self.destination.ip} ({at})" if self.pinned else at


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """What is measured, and what is not, in words."""

    chosen: tuple[Goal, ...]
    left_out: tuple[str, ...]

    @property
    def pinned(self) -> tuple[str, ...]:
        """Host names behind the chosen addresses."""
        return tuple(dict.fromkeys(goal.destination.ip for goal in self.chosen if goal.pinned))

    def only(self, some: int) -> "Goals":
        """The first few of them; what is left out for that is said."""
        more = [
            f"{goal}: {AT_MOST} addresses and ports are enough for one run" for goal in self.chosen[some:]
        ]
        return replace(self, chosen=self.chosen[:some], left_out=(*self.left_out, *more))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Spot:
    """One address of a destination: its own, or one that its name was resolved to."""

    to: Destination
    at: Destination

    def __str__(self) -> str:
        return str(self.at) if self.at == self.to else f"{self.to.ip} ({self.at})"


def goals(
    service: ServiceRef,
    snapshot: Snapshot,
    *,
    after: Explanation,
    off_limits: OffLimits,
    load_balancer: LoadBalancerFacts | None,
    names: Mapping[str, Named],
) -> Goals:
    """Find the addresses and ports, best first: the private ones, the public ones where there is no private one.

    Whether a node's way out to a public address is open is known to nobody here: that nothing connects would tell
    nothing of the change. A host name stands for the addresses that it was resolved to once; nobody asks again, so it
    cannot come to mean something else.

    Args:
        service: whose they are.
        snapshot: where its annotations are.
        after: its paths, for the destinations that it has.
        off_limits: what no probe may connect to.
        load_balancer: what the cloud says of it, if it could be asked.
        names: what its host names were resolved to.
    """
    every = list(dict.fromkeys(path.destination for path in after.paths))
    refused = {to: why for to in every if (why := _refusal(to, off_limits, names))}
    usable = [spot for to in every if to not in refused for spot in _spots(to, names)]
    private = any(spot.at.scope == "private" for spot in usable)
    chosen = [spot for spot in usable if spot.at.scope == "private" or not private]
    chosen.sort(key=lambda spot: (spot.at.scope != "private", spot.at.ip, spot.at.port))
    left_out = [f"{to}: {why}" for to, why in refused.items()]
    left_out += [
        f"{spot}: whether the nodes get out to a public address is not known"
        for spot in usable
        if spot not in chosen
    ]
    found = (
        Goal(destination=spot.to, target=_target(service, snapshot, spot.at, load_balancer))
        for spot in chosen
    )
    return Goals(chosen=tuple(found), left_out=tuple(left_out))


def shared_out(each: Sequence[Goals]) -> list[Goals]:
    """Keep as many as one run may have: each Service's first, then each one's second, and so on."""
    sizes = [len(found.chosen) for found in each]
    some = [0] * len(sizes)
    for turn in range(max(sizes, default=0)):
        for index, size in enumerate(sizes):
            if turn < size and sum(some) < AT_MOST:
                some[index] += 1
    return [found.only(few) for found, few in zip(each, some, strict=True)]


def _spots(to: Destination, names: Mapping[str, Named]) -> list[_Spot]:
    """The addresses of a destination."""
    if is_address(to.ip):
        return [_Spot(to=to, at=to)]
    found = (replace(to, ip=ip, scope=own_scope(ip)) for ip in names[to.ip].addresses)
    return [_Spot(to=to, at=at) for at in found]


def _refusal(to: Destination, off_limits: OffLimits, names: Mapping[str, Named]) -> str:
    if to.protocol != "TCP":
        return f"{to.protocol} cannot be probed"
    return off_limits.refusal(to.ip) if is_address(to.ip) else _name_refusal(to.ip, off_limits, names)


def _name_refusal(name: str, off_limits: OffLimits, names: Mapping[str, Named]) -> str:
    """Say why a name is not connected to: one answer that leads elsewhere makes all of them doubtful."""
    named = names.get(name, Named(why="host names are not resolved here"))
    if named.why or not named.addresses:
        return named.why or "it cannot be resolved: the name has no address"
    wrong = ((ip, off_limits.refusal(ip)) for ip in named.addresses)
    return next((f"it is resolved to {ip}, and {why}" for ip, why in wrong if why), "")


def _target(
    service: ServiceRef, snapshot: Snapshot, to: Destination, load_balancer: LoadBalancerFacts | None
) -> str:
    return f"{_scheme(service, snapshot, to, load_balancer)}://{to}"


def _scheme(
    service: ServiceRef, snapshot: Snapshot, to: Destination, load_balancer: LoadBalancerFacts | None
) -> str:
    """Say how a listener is spoken to: as its annotation says, else the cloud, else bare TCP."""
    found = snapshot.service(Ref(service.namespace, service.name))
    declared = found.annotations.get(PROTOCOL_PORT, "") if found else ""
    for item in declared.split(","):
        scheme, _, port = item.strip().partition(":")
        if port == str(to.port) and scheme.lower() in {"http", "https"}:
            return scheme.lower()
    listeners = load_balancer.listeners if load_balancer else ()
    return next(
        (
            _LISTENER_SCHEMES[each.protocol.upper()]
            for each in listeners
            if each.port == to.port and each.protocol.upper() in _LISTENER_SCHEMES
        ),
        "tcp",
    )
