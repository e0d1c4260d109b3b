"""Answers: what one question comes to in every possible world, and which unknown facts would decide."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from bot.domain.possibility import VERSION, Supposition, Undecided, World, fact_name
from bot.domain.snapshot import Snapshot

Value = TypeVar("Value")
_NONE: Mapping[str, Supposition] = {}


@dataclass(frozen=True, slots=True)
class Answers(Generic[Value]):
    """Every answer that is possible, and the facts that would decide between them."""

    values: frozenset[Value] = frozenset()
    depends: frozenset[str] = frozenset()

    def __or__(self, other: "Answers[Value]") -> "Answers[Value]":
        """Either of the two."""
        return Answers(self.values | other.values, self.depends | other.depends)


def possible(
    snapshot: Snapshot, ask: Callable[[World], Value], supposed: Mapping[str, Supposition] = _NONE
) -> Answers[Value]:
    """Ask in every possible world."""
    world = World(facts=snapshot.facts, nodes=snapshot.inventory.nodes, supposed=supposed)
    try:
        return Answers(frozenset({ask(world)}))
    except Undecided as question:
        parts = [possible(snapshot, ask, {**supposed, each.name: each}) for each in question.options]
        name = fact_name(question.options[0].name)
        found: Answers[Value] = Answers()
        for part in parts:
            found |= part
        decides = len({part.values for part in parts}) > 1
        return Answers(found.values, found.depends | ({name} if decides else set()))


def told(names: frozenset[str]) -> tuple[str, ...]:
    """What is left to say: what the documents leave open about old versions is settled by most versions."""
    return tuple(sorted(names - {"passThrough"} if VERSION in names else names))
