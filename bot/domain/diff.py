"""The same question before and after: who gains, who loses, for whom nothing changes."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from bot.domain.explanation import Client, ClientKind, Destination, Explanation, Path, Verdict


class Effect(StrEnum):
    """What a change means for a class of clients."""

    GAINS = "gains"
    """Gets there, or more surely than before."""
    LOSES = "loses"
    """No longer gets there, or less surely."""
    CHANGES = "changes"
    """Neither surely, but verdict, way, endpoints or what they see differ."""
    UNCHANGED = "unchanged"


_RANK = {Verdict.REACHABLE: 2, Verdict.AMBIGUOUS: 1, Verdict.UNREACHABLE: 0}
"""An undetermined verdict has no rank: to learn something is neither to gain nor to lose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One class of clients and one destination, before and after; None: it is not there on that side."""

    client: Client
    destination: Destination
    before: Path | None
    after: Path | None
    effect: Effect

    def as_json(self) -> dict[str, Any]:
        """Give one entry of `changes[]`."""
        return {
            "client": self.client.as_json(),
            "destination": self.destination.as_json(),
            "effect": str(self.effect),
            "before": _side(self.before),
            "after": _side(self.after),
        }


def _side(path: Path | None) -> dict[str, Any] | None:
    if path is None:
        return None
    hops = path.traces[0].hops if path.traces else ()
    return {
        "verdict": str(path.verdict),
        "viaLoadBalancer": path.via_load_balancer,
        "endpoints": list(path.endpoints),
        "sourceIP": str(path.source_ip),
        "hops": [hop.as_json() for hop in hops],
    }


def compare(before: Explanation, after: Explanation) -> tuple[Shift, ...]:
    """Pair each class and address of either side with what becomes of it."""
    then, now = _keyed(before.paths), _keyed(after.paths)
    return tuple(_shift(then.get(key), now.get(key)) for key in {**then, **now})


Key = tuple[str, str, str, str, str, int, str]


def _keyed(paths: Iterable[Path]) -> dict[Key, Path]:
    found: dict[Key, Path] = {}
    for path in paths:
        client, to = path.client, path.destination
        # A class is the same class whoever represents it.
        name = ("", "", client.group) if client.group else (client.namespace, client.name, "")
        found[client.kind, *name, to.ip, to.port, to.protocol] = path
    return found


def _shift(before: Path | None, after: Path | None) -> Shift:
    shown = after or before
    if shown is None:
        raise AssertionError("a shift has a path on at least one side")
    return Shift(
        client=shown.client,
        destination=shown.destination,
        before=before,
        after=after,
        effect=_effect(before, after),
    )


def _effect(before: Path | None, after: Path | None) -> Effect:
    if before is None or after is None:
        # A class that appears or disappears neither gained nor lost: its members were in another one.
        return Effect.CHANGES
    then, now = _RANK.get(before.verdict), _RANK.get(after.verdict)
    if then is not None and now is not None and then != now:
        return Effect.GAINS if now > then else Effect.LOSES
    return Effect.UNCHANGED if _way(before) == _way(after) else Effect.CHANGES


def _way(path: Path) -> tuple[object, ...]:
    return path.verdict, path.via_load_balancer, path.endpoints, path.source_ip


def counted(shifts: Iterable[Shift], effect: Effect) -> int:
    """How many Pods and nodes an effect concerns, on the destination where it concerns most."""
    sums: dict[Destination, int] = {}
    for shift in shifts:
        if shift.effect is effect and shift.client.kind is not ClientKind.EXTERNAL:
            sums[shift.destination] = sums.get(shift.destination, 0) + (shift.client.stands_for or 0)
    return max(sums.values(), default=0)
