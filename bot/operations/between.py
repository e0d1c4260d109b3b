"""What clients go through while a change of several Services is half applied: the worst of it, in a sentence."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot.domain.explanation import Explanation, Path, Verdict
from bot.domain.objects import Service
from bot.domain.path import explain
from bot.domain.snapshot import Snapshot
from bot.domain.summary import client_words
from bot.domain.words import listed
from bot.operations.preview import supposed

MOST_SERVICES = 12
"""Services up to which every state in between is looked at; each costs an explanation of each of them."""
MOST_AT_ALL = 100
"""Services up to which some of the states are looked at: three, and an explanation of each Service in each of them
takes a second or two."""
MOST_NAMED = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Between:
    """What happens between the first patch and the last."""

    sentence: str = ""
    """In which order Services are patched, and whether that is known to cut nobody off; empty where there is one."""
    lost: tuple[str, ...] = ()
    """Who is cut off in between although not in the end."""


def in_between(snapshot: Snapshot, parts: Sequence[tuple[Service, str | None]]) -> Between:
    """Say in which order Services are patched, and who is cut off in between although not in the end."""
    if len(parts) == 1:
        return Between()
    order = f"To be patched in this order: {listed([service.ref for service, _ in parts], MOST_NAMED)}."
    if len(parts) > MOST_AT_ALL:
        return Between(sentence=order, lost=(f"not known: {too_many(len(parts))}",))
    lost = tuple(dict.fromkeys(_lost(snapshot, parts)))
    if not lost:
        return Between(sentence=f"{order} {_nobody(len(parts))}")
    return Between(sentence=order, lost=lost)


def too_many(count: int) -> str:
    """Say that nobody can tell what happens while only some of so many Services are patched."""
    return f"{count} Services are patched one after the other, and what happens in between is worked out for {MOST_AT_ALL} at most"


def _nobody(count: int) -> str:
    if count <= MOST_SERVICES:
        return "Nobody is cut off in between."
    return "Nobody is cut off in between, where that was looked at: when the first is patched, half of them, all but one."


def _looked_at(count: int) -> Sequence[int]:
    """How many Services are patched in each state that is looked at: the first, none; the last, all."""
    if count <= MOST_SERVICES:
        return range(count + 1)
    # A Service is in trouble from its own patch to the last one's: all but one is the worst.
    return (0, 1, count // 2, count - 1, count)


def _lost(snapshot: Snapshot, parts: Sequence[tuple[Service, str | None]]) -> Iterator[str]:
    """Name who gets there before, or after, and not while only the first few are patched."""
    states = [supposed(snapshot, parts[:done]) for done in _looked_at(len(parts))]
    for service, _ in parts:
        explained = [explain(state, service.ref) for state in states]
        fine = _reached(explained[0]) | _reached(explained[-1])
        for explanation in explained[1:-1]:
            for path in explanation.paths:
                if path.verdict is Verdict.UNREACHABLE and _key(path) in fine:
                    yield f"{client_words(path.client)} to {service.ref}"


def _reached(explanation: Explanation) -> set[tuple[str, str]]:
    return {_key(path) for path in explanation.paths if path.verdict is Verdict.REACHABLE}


def _key(path: Path) -> tuple[str, str]:
    return path.client.group, str(path.destination)
