"""Frozen dataclasses to JSON and back, by their type hints.

A rolling upgrade runs two versions on one database: a field that the reader does not know is passed over, and stays
where it is when the reader writes; a field that the writer did not know takes its default. What cannot be read at all
raises `UnreadableError`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

from bot.adapters.store.carry import carry

Value = TypeVar("Value")
Decode = Callable[[Any], Any]


class UnreadableError(ValueError):
    """Stored JSON does not fit its type: a newer version wrote it, or somebody edited it."""


def dump(value: object) -> str:
    """Return a value as JSON in ASCII."""
    return _written(_encode(value))


def dump_over(stored: str, value: object) -> str:
    """Return a value as JSON that takes the place of `stored`: what this version does not know of stays."""
    return _written(carry(type(value), json.loads(stored), _encode(value)))


def _written(encoded: Any) -> str:
    return json.dumps(encoded, separators=(",", ":"), sort_keys=True)


def load(kind: type[Value], stored: str) -> Value:
    """Read a value back.

    Raises:
        UnreadableError: it is not one.
    """
    try:
        decode: Decode = _decoder(cast("Any", kind))
        return cast("Value", decode(json.loads(stored)))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnreadableError(f"a stored {kind.__name__} cannot be read: {error!r}") from error


def _encode(value: object) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _encode(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): _encode(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_encode(item) for item in value]
    if isinstance(value, frozenset | set):
        return sorted(_encode(item) for item in value)
    return _scalar(value)


def _scalar(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{type(value).__name__} cannot be stored")


def _key(key: object) -> str:
    text = key.value if isinstance(key, Enum) else key
    if not isinstance(text, str):
        raise TypeError(f"{type(text).__name__} cannot be a stored mapping's key")
    return text


@cache
def _decoder(kind: Any) -> Decode:
    """Return the function that reads a type; built once for each."""
    origin, args = get_origin(kind) or kind, get_args(kind)
    if origin in (Union, UnionType):
        return _union(args)
    if origin in (Any, object) or not isinstance(origin, type):
        return _as_is
    if is_dataclass(origin):
        return _dataclass(origin)
    if issubclass(origin, datetime):
        return datetime.fromisoformat
    return _container(origin, args) or _plain(origin)


def _container(origin: type, args: tuple[Any, ...]) -> Decode | None:
    if issubclass(origin, tuple):
        return _tuple(args)
    if issubclass(origin, frozenset):
        item = _decoder(args[0])
        return lambda stored: frozenset(item(each) for each in stored)
    if issubclass(origin, Mapping):
        return _mapping(args or (str, Any))
    return None


def _as_is(stored: Any) -> Any:
    return stored


def _plain(kind: type) -> Decode:
    if issubclass(kind, Enum):
        return kind
    allowed = (int, float) if kind is float else (kind,)

    def decode(stored: Any) -> Any:
        if not isinstance(stored, allowed):
            raise TypeError(f"{stored!r:.40} is no {kind.__name__}")
        return stored

    return decode


def _tuple(args: tuple[Any, ...]) -> Decode:
    if not args or args[-1] is Ellipsis:
        item = _decoder(args[0] if args else Any)
        return lambda stored: tuple(item(each) for each in stored)
    items = [_decoder(arg) for arg in args]
    return lambda stored: tuple(item(each) for item, each in zip(items, stored, strict=True))


def _mapping(args: tuple[Any, ...]) -> Decode:
    key, item = _decoder(args[0]), _decoder(args[1])
    return lambda stored: {key(name): item(each) for name, each in stored.items()}


def _union(args: tuple[Any, ...]) -> Decode:
    """Read `T | None`, or the first member that fits: members of a stored union must not look alike."""
    members = [_decoder(arg) for arg in args if arg is not NoneType]
    optional = NoneType in args

    def decode(stored: Any) -> Any:
        if stored is None and optional:
            return None
        for member in members[:-1]:
            try:
                return member(stored)
            except (ValueError, TypeError, KeyError, AttributeError):
                continue
        return members[-1](stored)

    return decode


def _dataclass(kind: type) -> Decode:
    hints = get_type_hints(kind)
    known = [field for field in fields(cast("Any", kind)) if field.init]
    decoders = {field.name: _decoder(hints[field.name]) for field in known}
    required = [f.name for f in known if f.default is MISSING and f.default_factory is MISSING]

    def decode(stored: Any) -> Any:
        missing = [name for name in required if name not in stored]
        if missing:
            raise KeyError(f"{kind.__name__} without {', '.join(missing)}")
        return kind(**{name: read(stored[name]) for name, read in decoders.items() if name in stored})

    return decode
