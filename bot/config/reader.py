"""Readers: from a place in the file to a value of a type, or a fault that says what it may be."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from bot.config import duration
from bot.config.document import Faults, Place
from bot.config.faults import either, nearest

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
Reader = Callable[[Place], T]

_TRUE = {"true", "yes", "on"}
_FALSE = {"false", "no", "off"}


def text(at: Place) -> str:
    """Read any text that is not empty."""
    return at.text()


def truth(at: Place) -> bool:
    """Read true or false."""
    word = at.text().lower()
    if word not in _TRUE | _FALSE:
        raise at.wrong(f"is '{word}'; it may be true or false")
    return word in _TRUE


def length_of_time(at: Place) -> float:
    """Read a duration, in seconds; 0s is one."""
    try:
        return duration.seconds(at.text())
    except ValueError as error:
        raise at.wrong(f"is '{at.text()}', which {error}") from error


def some_time(at: Place) -> float:
    """Read a duration longer than nothing, in seconds."""
    length = length_of_time(at)
    if not length:
        raise at.wrong("must be longer than nothing")
    return length


def count(at: Place, *, least: int = 1, most: int = 100_000) -> int:
    """Read a whole number."""
    word = at.text()
    if not re.fullmatch(r"[0-9]{1,9}", word) or not least <= int(word) <= most:
        raise at.wrong(f"is '{word}'; it may be a whole number from {least} to {most}")
    return int(word)


def matching(pattern: str, what: str) -> Reader[str]:
    """Read text of a certain form; `what` says which, in words, with an example."""

    def read(at: Place) -> str:
        word = at.text()
        if not re.fullmatch(pattern, word):
            raise at.wrong(f"is '{word}', which is no {what}")
        return word

    return read


def one_of(kind: type[E]) -> Reader[E]:
    """Read one member of an enumeration."""
    words = [member.value for member in kind]

    def read(at: Place) -> E:
        word = at.text()
        if word not in words:
            raise at.wrong(f"is '{word}'; it may be {either(words)}{nearest(word, words)}")
        return kind(word)

    return read


def list_of(read: Reader[T]) -> Reader[tuple[T, ...]]:
    """Read a list, every element alike."""

    def read_all(at: Place) -> tuple[T, ...]:
        faults = Faults()
        values = [faults.attempt(read, item) for item in at.items()]
        faults.raise_any()
        return tuple(value for value in values if value is not None)

    return read_all


def set_of(read: Reader[T]) -> Reader[frozenset[T]]:
    """Read a list whose order means nothing."""
    return lambda at: frozenset(list_of(read)(at))


def map_of(key: Reader[str], read: Callable[[str, Place], T]) -> Reader[dict[str, T]]:
    """Read a mapping whose keys are names that people chose."""

    def read_all(at: Place) -> dict[str, T]:
        faults, values = Faults(), {}
        for name, place in at.entries().items():
            faults.attempt(key, _key(at, name))
            value = faults.attempt(read, name, place)
            if value is not None:
                values[name] = value
        faults.raise_any()
        return values

    return read_all


def _key(at: Place, name: str) -> Place:
    entry = next(key for key, _ in at.node.value if key.value == name)
    return Place(at.file, f"the name of {at.path}.{name}", entry)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a section."""

    name: str
    read: Reader[Any]
    default: str
    """As docs/configuration.md shows it; "" where there is none, "required" where it must be given."""
    field: str = ""
    """The argument it becomes, where that is not the name in snake case."""

    @property
    def argument(self) -> str:
        """The keyword that the section's value is made with."""
        return self.field or re.sub(r"[A-Z]", lambda m: "_" + m[0].lower(), self.name)


@dataclass(frozen=True, slots=True)
class Section(Generic[T]):
    """A mapping with a fixed set of keys, and what is made of it."""

    make: Callable[..., T]
    keys: tuple[Key, ...]

    def __call__(self, at: Place) -> T:
        """Read the section; `make` may refuse with a ValueError whose sentence follows the section's path."""
        return self.made(at)

    def made(self, at: Place, **more: object) -> T:
        """Read the section, with arguments that do not stand in it."""
        values = self._values(at)
        try:
            return self.make(**values, **more)
        except ValueError as error:
            raise at.wrong(str(error)) from error

    def _values(self, at: Place) -> Mapping[str, Any]:
        entries, faults, values = at.entries(), Faults(), {}
        known = [key.name for key in self.keys]
        for name in entries:
            if name not in known:
                faults.add(at.unknown(name, known))
        for key in self.keys:
            place = entries.get(key.name)
            if place is not None:
                values[key.argument] = faults.attempt(key.read, place)
            elif key.default == "required":
                faults.add(at.wrong(f"has no {key.name}"))
        faults.raise_any()
        return values
