"""Reads fields out of one JSON object and says exactly which one is not what it should be."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from reprlib import Repr
from typing import Any, TypeVar

E = TypeVar("E", bound=StrEnum)
_REPR = Repr()
_REPR.maxlevel, _REPR.maxdict, _REPR.maxlist, _REPR.maxstring, _REPR.maxother = 2, 3, 3, 60, 60
"""Shows enough of a wrong value to recognise it, however large it is."""
_PORTS = 65535
_DIGITS = re.compile(r"[0-9]{1,10}")
_ABSENT: Mapping[Any, Any] = {}


class ShapeError(ValueError):
    """A field holds something that Kubernetes would not have accepted there."""

    def __init__(self, where: str, found: object, expected: str) -> None:
        super().__init__(f"{where} is {_shown(found)}, not {expected}")


class Reader:
    """One JSON object together with the name under which people know it.

    Null counts as absent, as everywhere in Kubernetes.
    """

    __slots__ = ("table", "where")

    def __init__(self, table: object, where: str) -> None:
        if not isinstance(table, dict):
            raise ShapeError(where, table, "an object")
        self.table: Mapping[Any, Any] = table
        self.where = where

    def _path(self, key: str) -> str:
        separator = " " if ":" not in self.where else "."
        return f"{self.where}:{separator}{key}" if separator == " " else f"{self.where}.{key}"

    def text(self, key: str, default: str = "") -> str:
        """A string."""
        value = self.table.get(key)
        if value is None:
            return default
        if not isinstance(value, str):
            raise ShapeError(self._path(key), value, "text")
        return value

    def number(self, key: str, default: int = 0, *, least: int = 0, most: int = 2**31 - 1) -> int:
        """A whole number between `least` and `most`."""
        value = self.table.get(key)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            raise ShapeError(self._path(key), value, f"a whole number from {least} to {most}")
        return value

    def required_number(self, key: str, *, least: int, most: int) -> int:
        """A whole number that has to be there."""
        if not self.has(key):
            raise ShapeError(self._path(key), None, f"a whole number from {least} to {most}")
        return self.number(key, least=least, most=most)

    def flag(self, key: str, *, default: bool = False) -> bool:
        """A boolean."""
        value = self.table.get(key)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise ShapeError(self._path(key), value, "true or false")
        return value

    def port(self, key: str) -> str:
        """A port by number or name, as text."""
        value = self.table.get(key)
        if value is None:
            return ""
        # A port in quotes is a number too, as kube-proxy and the API server read it.
        number = int(value) if isinstance(value, str) and _DIGITS.fullmatch(value) else value
        if isinstance(number, bool) or not isinstance(number, int | str):
            raise ShapeError(self._path(key), value, "a port's number or name")
        if isinstance(number, int) and not 0 <= number <= _PORTS:
            raise ShapeError(self._path(key), value, f"a port from 1 to {_PORTS}")
        return str(value)

    def choice(self, key: str, kind: type[E], default: E) -> E:
        """One of an enumeration's values; an empty text counts as absent, as in the API."""
        value = self.table.get(key)
        if value is None or value == "":
            return default
        try:
            return kind(value)
        except ValueError:
            allowed = ", ".join(each.value for each in kind)
            raise ShapeError(self._path(key), value, f"one of {allowed}") from None

    def word(self, key: str, allowed: tuple[str, ...], default: str = "") -> str:
        """One of the words that the API accepts there; an empty text counts as absent."""
        value = self.text(key) or default
        if value and value not in allowed:
            raise ShapeError(self._path(key), value, f"one of {', '.join(allowed)}")
        return value

    def words(self, key: str, allowed: tuple[str, ...]) -> tuple[str, ...]:
        """The words of the list under `key`."""
        found = self.texts(key)
        for number, item in enumerate(found):
            if item not in allowed:
                raise ShapeError(f"{self._path(key)}[{number}]", item, f"one of {', '.join(allowed)}")
        return found

    def within(self, key: str) -> "Reader":
        """The object under `key`; an absent one is empty."""
        value = self.table.get(key)
        return Reader(_ABSENT if value is None else value, self._path(key))

    def has(self, key: str) -> bool:
        """Whether there is something under `key`."""
        return self.table.get(key) is not None

    def items(self, key: str) -> list[Any]:
        """The list under `key`; an absent one is empty."""
        value = self.table.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise ShapeError(self._path(key), value, "a list")
        return value

    def each(self, key: str) -> Iterator["Reader"]:
        """The objects of the list under `key`."""
        path = self._path(key)
        for number, item in enumerate(self.items(key)):
            yield Reader(item, f"{path}[{number}]")

    def texts(self, key: str) -> tuple[str, ...]:
        """The strings of the list under `key`."""
        found = self.items(key)
        for number, item in enumerate(found):
            if not isinstance(item, str):
                raise ShapeError(f"{self._path(key)}[{number}]", item, "text")
        return tuple(found)

    def strings(self, key: str) -> dict[str, str]:
        """The map from text to text under `key`."""
        reader = self.within(key)
        for name, value in reader.table.items():
            if not isinstance(name, str) or not isinstance(value, str):
                raise ShapeError(f"{reader.where}[{name}]", value, "text")
        return dict(reader.table)

    def address(self, key: str) -> str:
        """An IP address in its shortest spelling; empty when absent."""
        value = self.text(key)
        return ip_address(value, self._path(key)) if value else ""

    def addresses(self, key: str) -> tuple[str, ...]:
        """IP addresses, each in its shortest spelling; what is empty or `None`, for a headless Service, stays."""
        path = self._path(key)
        return tuple(
            text if text in ("", "None") else ip_address(text, f"{path}[{number}]")
            for number, text in enumerate(self.texts(key))
        )

    def networks(self, key: str) -> tuple[str, ...]:
        """Address blocks, each in its canonical spelling."""
        path = self._path(key)
        return tuple(
            ip_network(text.strip(), f"{path}[{number}]") for number, text in enumerate(self.texts(key))
        )


def ip_address(text: str, where: str) -> str:
    """Give an IP address its shortest spelling.

    Raises:
        ShapeError: It is no address.
    """
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ShapeError(where, text, "an IP address") from None


def ip_network(text: str, where: str) -> str:
    """Give an address block its canonical spelling; host bits are dropped, as kube-proxy does.

    Raises:
        ShapeError: It is no address block.
    """
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ShapeError(where, text, "an address block such as 10.0.0.0/16") from None


def _shown(value: object) -> str:
    return "missing" if value is None else _REPR.repr(value)
