"""A sketch of an explanation: one row of boxes for each way that clients take, to be drawn by whoever can draw."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from bot.domain.explanation import Client, ClientKind, Destination, End, Explanation, Path
from bot.domain.summary import client_words
from bot.domain.ways import END_WORDS, Station, Way, has_own_endpoints, place_of, ways

_SHOWN = 3
"""Endpoints of one way that are named."""
_MOST_WAYS = 4
"""Ways of one client that are drawn: where much is not known there are dozens, and most end alike."""
_MOST_DESTINATIONS = 3


class Tone(StrEnum):
    """What the colour of a box says; its words say the same."""

    PLAIN = "plain"
    THROUGH = "through"
    """The load balancer, crossed."""
    PAST = "past"
    """The load balancer, not met."""
    GOOD = "good"
    OPEN = "open"
    """Where it ends is not known."""
    BAD = "bad"


class Place(StrEnum):
    """The column of a box, from left to right."""

    CLIENT = "client"
    NODE = "node"
    """The client's own node."""
    BALANCER = "balancer"
    PICKED = "picked"
    """The node that the load balancer picks."""
    END = "end"


_ENDS = {End.DELIVER: Tone.GOOD, End.ABORT: Tone.OPEN}


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """One station: a heading and what happens there."""

    lines: tuple[str, ...]
    tone: Tone = Tone.PLAIN
    place: Place = Place.NODE


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One way, from left to right."""

    boxes: tuple[Box, ...]

    @property
    def text(self) -> str:
        """The way in one line."""
        return "  →  ".join(" ".join(box.lines) for box in self.boxes)

    def mapped(self, change: Callable[[str], str]) -> "Row":
        """Return the row with every line changed."""
        return Row(boxes=tuple(replace(box, lines=tuple(map(change, box.lines))) for box in self.boxes))


def sketch(explanation: Explanation) -> Iterator[str | Row]:
    """Yield headings, one for destinations on which everybody fares the same, and the rows below them."""
    for destinations, paths in _alike(explanation.paths):
        yield f"{explanation.service} at {_named(destinations)}"
        yield from _rows(paths)


def _alike(paths: Iterable[Path]) -> Iterator[tuple[list[Destination], list[Path]]]:
    by_destination: dict[Destination, list[Path]] = {}
    for path in paths:
        by_destination.setdefault(path.destination, []).append(path)
    found: dict[tuple[object, ...], tuple[list[Destination], list[Path]]] = {}
    for destination, each in by_destination.items():
        key = tuple((path.client, ways(path)) for path in each)
        found.setdefault(key, ([], each))[0].append(destination)
    yield from found.values()


def _named(destinations: list[Destination]) -> str:
    names = [f"{to} {to.protocol} ({to.scope})" for to in destinations]
    left = len(names) - _MOST_DESTINATIONS
    return ", ".join(names[:_MOST_DESTINATIONS]) + (f" and {left} more, all the same" if left > 0 else "")


def _rows(paths: list[Path]) -> Iterator[Row]:
    """The rows of one destination; clients that go the same way share a row."""
    found: dict[tuple[Box, ...], list[str]] = {}
    left = 0
    everyone = {endpoint for path in paths for endpoint in path.endpoints}
    for path in paths:
        chosen = _telling(ways(path))
        left += len(ways(path)) - len(chosen)
        for way in chosen:
            found.setdefault(tuple(_boxes(path, way, everyone)), []).append(_client(path.client))
    for boxes, clients in found.items():
        lines = [f"· {client}" for client in clients] if len(clients) > 1 else clients
        yield Row(boxes=(Box(lines=tuple(lines), place=Place.CLIENT), *boxes))
    if left:
        rest = f"and {left} more ways, under other values of what is missing"
        yield Row(boxes=(Box(lines=(rest,), place=Place.CLIENT),))


def _telling(found: tuple[Way, ...]) -> list[Way]:
    """The first few ways, such that each that ends or passes in another manner is among them."""
    if len(found) <= _MOST_WAYS:
        return list(found)
    first = {(way.end, way.through): number for number, way in reversed(list(enumerate(found)))}
    ranked = sorted(range(len(found)), key=lambda number: (number not in first.values(), number))
    return [found[number] for number in sorted(ranked[:_MOST_WAYS])]


def _boxes(path: Path, way: Way, everyone: set[str]) -> Iterator[Box]:
    place = Place.NODE
    stations = [each for each in way.stations if each.kind not in ("client", "pod")]
    for number, station in enumerate(stations):
        if station.kind == "load-balancer":
            yield Box(
                lines=("through the load balancer", *_actions(station)),
                tone=Tone.THROUGH,
                place=Place.BALANCER,
            )
            place = Place.PICKED
        else:
            # Of a class only its representative's node is known by name.
            own = place is Place.NODE and path.client.group and not number
            yield Box(
                lines=("their node" if own else place_of(station, path.client), *_actions(station)),
                place=place,
            )
    if way.through is False:
        words = "past the load balancer" if way.end is End.DELIVER else "never gets to the load balancer"
        yield Box(lines=(words,), tone=Tone.PAST, place=Place.BALANCER)
    own_ones = has_own_endpoints(path) and {*way.endpoints} != everyone
    yield Box(lines=tuple(_end(way, named=not own_ones)), tone=_ENDS.get(way.end, Tone.BAD), place=Place.END)


def _actions(station: Station) -> Iterator[str]:
    yield from (f"· {action}" for action in station.actions)


def _end(way: Way, *, named: bool) -> Iterator[str]:
    """How it ends; endpoints are named unless those of one client are not those of its whole class."""
    yield END_WORDS[way.end]
    yield from way.endpoints[:_SHOWN] if named else ()
    if named and len(way.endpoints) > _SHOWN:
        yield f"and {len(way.endpoints) - _SHOWN} more"
    yield from (f"if {each}" for each in way.supposed)


def _client(client: Client) -> str:
    if client.kind is ClientKind.EXTERNAL and not client.group and client.name:
        return f"outside ({client.name})"
    count = (
        "" if client.stands_for is None or client.kind is ClientKind.EXTERNAL else f" ({client.stands_for})"
    )
    return f"{client_words(client) if client.group or client.name else 'outside the cluster'}{count}"
