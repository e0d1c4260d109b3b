"""The way back: whether the first answer passes everything that translated the request."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bot.demo.dataplane.packet import Packet


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A place that changed the request and must see the answer to change it back."""

    place: str
    before: Packet
    after: Packet
    balancer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer under way: where it is, and its addresses."""

    here: str
    source: str
    port: int
    destination: str


Route = Callable[[str, str], frozenset[str]]
"""Gives the places that a packet passes on its way from a place to an address; only the place itself where
the address is local to it."""


def returns(stations: Sequence[Station], answer: Answer, route: Route) -> bool:
    """Whether the answer to a delivered packet gets back to the client as the client expects it."""
    for station in reversed(stations):
        if not _passes(station, answer, route):
            return False
        answer = Answer(
            here=station.place,
            source=station.before.destination,
            port=station.before.port,
            destination=station.before.source,
        )
    return True


def _passes(station: Station, answer: Answer, route: Route) -> bool:
    expected = station.after
    same_flow = (answer.source, answer.port, answer.destination) == (
        expected.destination,
        expected.port,
        expected.source,
    )
    places = route(answer.here, answer.destination)
    if station.balancer:
        # The cloud's network hands answers of a member back to the load balancer, but only those that
        # leave the member: one to an address of its own never does.
        return same_flow and places != frozenset({answer.here})
    return same_flow and station.place in places
