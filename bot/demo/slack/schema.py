"""Checks of JSON shapes, composed: each takes a value and where it stands, and gives what is wrong."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong, with the JSON pointer of where."""

    message: str
    pointer: str

    def __str__(self) -> str:
        return f"{self.message} [json-pointer:{self.pointer}]"


Check = Callable[[Any, str], Iterator[Fault]]


def string(most: int, *, least: int = 0, among: frozenset[str] = frozenset()) -> Check:
    """Check a string's length in characters, and that it is one of `among` where that is given."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, str):
            yield Fault(message="must be a string", pointer=at)
        elif len(value) > most:
            yield Fault(message=f"must be less than {most + 1} characters", pointer=at)
        elif len(value) < least:
            yield Fault(message=f"must be more than {least - 1} characters", pointer=at)
        elif among and value not in among:
            yield Fault(message=f"must be one of: {', '.join(sorted(among))}", pointer=at)

    return check


def boolean(value: Any, at: str) -> Iterator[Fault]:
    """Check that the value is true or false."""
    if not isinstance(value, bool):
        yield Fault(message="must be a boolean", pointer=at)


def number(value: Any, at: str) -> Iterator[Fault]:
    """Check that the value is a number, or text that spells one."""
    try:
        float(value)
    except (TypeError, ValueError):
        yield Fault(message="must be a number", pointer=at)


def anything(value: Any, at: str) -> Iterator[Fault]:
    """Accept every value that JSON knows."""
    if isinstance(value, bytes):
        yield Fault(message="must be JSON", pointer=at)


def array(item: Check, *, least: int = 1, most: int = 10_000) -> Check:
    """Check a list's length, and each of its items."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, list):
            yield Fault(message="must be an array", pointer=at)
            return
        if len(value) > most:
            yield Fault(message=f"no more than {most} items allowed", pointer=at)
        if len(value) < least:
            yield Fault(message=f"must have at least {least} items", pointer=at)
        for index, each in enumerate(value):
            yield from item(each, f"{at}/{index}")

    return check


def record(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Check an object's keys: the required, the optional, and no other."""
    known = {**required, **(optional or {})}

    def check(value: Any, at: str) -> Iterator[Fault]:
        if not isinstance(value, dict):
            yield Fault(message="must be an object", pointer=at)
            return
        for key in required:
            if value.get(key) is None:
                yield Fault(message=f"missing required field: {key}", pointer=at)
        for key, each in value.items():
            if key not in known:
                yield Fault(message=f"invalid additional property: {key}", pointer=at)
            elif each is not None:
                yield from known[key](each, f"{at}/{key}")

    return check


def typed(kinds: Callable[[], Mapping[str, Check]]) -> Check:
    """Check an object by its `type`. `kinds` is called late, so that kinds may hold each other."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        kind = value.get("type") if isinstance(value, dict) else None
        found = kinds().get(kind) if isinstance(kind, str) else None
        if found is None:
            yield Fault(message=f"unsupported type: {kind}", pointer=f"{at}/type")
        else:
            yield from found(value, at)

    return check


def both(*checks: Check) -> Check:
    """Apply several checks to one value."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        for each in checks:
            yield from each(value, at)

    return check


def either(first: str, second: str) -> Check:
    """Check that an object has exactly one of two keys."""

    def check(value: Any, at: str) -> Iterator[Fault]:
        if isinstance(value, dict) and (first in value) == (second in value):
            yield Fault(message=f"must have exactly one of {first}, {second}", pointer=at)

    return check
