"""What another version wrote into a row and this one does not know stays there when this one writes the row.

A rolling upgrade runs two versions on one database. The older one reads a row without the fields that it does not
know; written back as it was read, the row would have lost them. So a write goes over what is stored: known fields are
set, and unknown ones stay, at every depth. An item of a list keeps them for as long as an item of its identity is
there; what is removed takes them along.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, cast, get_args, get_origin, get_type_hints

from bot.domain import change, freeze, incident, owner, policy, verification

Carry = Callable[[Any, Any], Any]
"""From JSON that is stored and JSON that is to replace it to what is written."""

IDENTITY: Mapping[type, Sequence[str]] = {
    change.Approval: ("by", "at"),
    change.ClientClass: ("client", "destination"),
    change.FindingNote: ("code", "message"),
    change.MeasuredClient: ("name", "service"),
    change.ServiceRef: ("cluster", "namespace", "name"),
    change.Step: ("service",),
    freeze.Window: ("start", "end", "zone"),
    incident.Member: ("service", "uid", "code"),
    owner.Source: ("repository", "path", "revision", "chart"),
    policy.Policy: ("cluster", "namespace"),
    verification.Beside: ("name",),
    verification.Burst: ("part", "client", "node", "attempt"),
    verification.Counter: ("id",),
    verification.Probe: ("name",),
    verification.Reading: ("at",),
    verification.Row: ("client",),
    verification.Target: ("client", "node"),
}
"""By which fields an item of a list is the same one as before; of several with the same, the first is the first."""


def carry(kind: type, stored: Any, fresh: Any) -> Any:
    """Return `fresh`, the JSON of a `kind`, with what `stored` has and a `kind` of this version has not."""
    found = _carrier(kind)
    return fresh if found is None else found(stored, fresh)


@cache
def _carrier(kind: Any) -> Carry | None:
    """Return how a type is carried, built once for each; None: nothing unknown can be in it."""
    origin, args = get_origin(kind) or kind, get_args(kind)
    if origin in (Union, UnionType):
        return _of_union(args)
    if is_dataclass(origin):
        return _of_dataclass(cast("type", origin))
    if isinstance(origin, type) and issubclass(origin, tuple):
        return _of_list(args)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return _of_mapping(args)
    return None


def _of_union(args: tuple[Any, ...]) -> Carry | None:
    members = [_carrier(arg) for arg in args if arg is not NoneType]
    if any(members) and len(members) > 1:
        raise TypeError(f"of {args} nobody can tell which one is stored")
    return members[0]


def _of_dataclass(kind: type) -> Carry:
    hints = get_type_hints(kind)
    known = {field.name: _carrier(hints[field.name]) for field in fields(cast("Any", kind))}
    deep = {name: found for name, found in known.items() if found is not None}

    def over(stored: Any, fresh: Any) -> Any:
        if not (isinstance(stored, dict) and isinstance(fresh, dict)):
            return fresh
        unknown = {name: value for name, value in stored.items() if name not in known}
        carried = {name: found(stored[name], fresh[name]) for name, found in deep.items() if name in stored}
        return {**unknown, **fresh, **carried}

    return over


def _of_mapping(args: tuple[Any, ...]) -> Carry | None:
    item = _carrier(args[1]) if args else None
    if item is None:
        return None

    def over(stored: Any, fresh: Any) -> Any:
        return {key: item(stored[key], value) if key in stored else value for key, value in fresh.items()}

    return over


def _of_list(args: tuple[Any, ...]) -> Carry | None:
    kind = args[0] if args else Any
    item = _carrier(kind)
    if item is None:
        return None
    if args[1:] != (Ellipsis,) or kind not in IDENTITY:
        raise TypeError(f"of a list of {kind} nobody can tell which item is which: IDENTITY is to say it")
    identity = _identity(kind)

    def over(stored: Any, fresh: Any) -> Any:
        before: dict[Any, deque[Any]] = defaultdict(deque)
        for each in stored:
            before[identity(each)].append(each)
        return [item(same.popleft(), each) if (same := before[identity(each)]) else each for each in fresh]

    return over


def _identity(kind: type) -> Callable[[Any], Any]:
    """Return what tells which item of a list it is, from its JSON: nothing in it is unknown to this version."""
    hints = get_type_hints(kind)
    names = [(name, _inner(hints[name])) for name in IDENTITY[kind]]

    def identity(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return tuple(inner(value.get(name)) for name, inner in names)

    return identity


def _inner(kind: Any) -> Callable[[Any], Any]:
    members = [arg for arg in get_args(kind) if arg is not NoneType] or [kind]
    return _identity(members[0]) if members[0] in IDENTITY else lambda value: value
