"""What a change would shift, as text: who loses first, then who gains, then for whom only the way differs."""

import re
from collections.abc import Iterator, Sequence

from bot.commands.explain_words import REACHED, client_named, few, filled, seen
from bot.domain.diff import Effect, Shift
from bot.domain.explanation import Client, ClientKind, Path, Verdict
from bot.domain.ways import has_own_endpoints

_EFFECT = {
    Effect.LOSES: "LOSES ACCESS",
    Effect.GAINS: "gains access",
    Effect.CHANGES: "another way",
    Effect.UNCHANGED: "unchanged",
}
_WAY = {True: "through the load balancer", False: "past the load balancer", None: "which way is not known"}


def shifts(found: Sequence[Shift]) -> Iterator[str]:
    """Show what differs, each difference once with everybody whom it concerns, and who is unchanged."""
    if not found:
        return
    yield "What would shift"
    several = len({shift.destination for shift in found}) > 1
    for words, alike in _labelled(found):
        for difference, clients in _grouped(alike, found, several=several).items():
            yield from filled(f"  {words:14}{'; '.join(clients)}", " " * 16)
            if difference:
                yield from filled(f"{'':16}{difference}", " " * 18)
    yield ""


def _labelled(found: Sequence[Shift]) -> Iterator[tuple[str, list[Shift]]]:
    """Those alike in effect; a class that comes or goes goes no other way, its members are in another class."""
    for effect, words in _EFFECT.items():
        alike = [shift for shift in found if shift.effect is effect]
        yield words, [shift for shift in alike if shift.before and shift.after]
        yield "another class", [shift for shift in alike if not (shift.before and shift.after)]


def _grouped(alike: Sequence[Shift], found: Sequence[Shift], *, several: bool) -> dict[str, list[str]]:
    grouped: dict[str, dict[str, None]] = {}
    for shift in alike:
        to = f" to {shift.destination}" if several else ""
        grouped.setdefault(_difference(shift, found), {})[f"{client_named(shift.client)}{to}"] = None
    return {difference: list(clients) for difference, clients in grouped.items()}


def _difference(shift: Shift, found: Sequence[Shift]) -> str:
    """What differs, by name: to be told `yes → yes` helps nobody."""
    if shift.before and shift.after:
        return "; ".join(_between(shift.before, shift.after))
    other = next((each for each in found if _counterpart(shift, each)), None)
    if shift.before is None:
        whence = "there is none before"
        if other and other.before:
            whence = f"before among {client_named(other.client)}: {_fares(other.before)}"
        return f"{whence} → {_fares(shift.after)}"
    whither = "there is none left"
    if other and other.after:
        whither = f"now among {client_named(other.client)}: {_fares(other.after)}"
    return f"{_fares(shift.before)} → {whither}"


def _counterpart(shift: Shift, other: Shift) -> bool:
    """Whether the other class is the one whose nodes differ in having a backend, or none."""
    mine, theirs = (
        re.sub("with-backend|with-leaving-backend|without-backend", "", each.client.group)
        for each in (shift, other)
    )
    apart = shift.client.group not in (other.client.group, mine)
    return apart and mine == theirs and shift.destination == other.destination


def _fares(path: Path | None) -> str:
    if path is None:
        return "–"
    reached = REACHED[path.verdict]
    # Which way somebody goes who does not get there is no news.
    return reached if path.verdict is Verdict.UNREACHABLE else f"{reached}, {_WAY[path.via_load_balancer]}"


def _between(before: Path, after: Path) -> Iterator[str]:
    if before.verdict is not after.verdict:
        yield f"{REACHED[before.verdict]} → {REACHED[after.verdict]}"
    if before.via_load_balancer is not after.via_load_balancer:
        yield f"{_WAY[before.via_load_balancer]} → {_WAY[after.via_load_balancer]}"
    if Verdict.UNREACHABLE in (before.verdict, after.verdict):
        return  # where nobody answers there is nothing to compare
    if before.source_ip is not after.source_ip:
        yield f"the backend sees: {seen(before)} → {seen(after)}"
    if before.endpoints != after.endpoints:
        whose = f", from {_example(after.client)}" if any(map(has_own_endpoints, (before, after))) else ""
        yield f"answered by{whose}: {few(before.endpoints) or 'nobody'} → {few(after.endpoints) or 'nobody'}"


def _example(client: Client) -> str:
    """Name the one of a class who was asked, where others of it are answered by others."""
    if client.kind is ClientKind.POD and client.name:
        return f"{client.namespace}/{client.name} for one"
    return f"{client.node} for one"
