"""The part of JSON Schema draft-07 that Slack's schema of app manifests uses; anything else in a schema is an error."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Json = Any
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "null": (type(None),),
}
# "regex" and "_note" are no words of JSON Schema; Slack's schema holds them, and every validator passes over them.
_SILENT = {
    "regex",
    "_note",
    "$schema",
    "$id",
    "$comment",
    "title",
    "description",
    "definitions",
    "default",
    "format",
    "examples",
}


class Schema:
    """A schema, with the documents that it may refer to by their address."""

    def __init__(self, root: Json, documents: Mapping[str, Json] | None = None) -> None:
        self._root = root
        self._documents = documents or {}

    def faults(self, value: Json) -> list[str]:
        """Say what is wrong with a value, one line for each fault; nothing for a valid one."""
        return list(self._faults(self._root, self._root, value, "$"))

    def _faults(self, schema: Json, root: Json, value: Json, at: str) -> Iterator[str]:
        if schema is True:
            return
        if schema is False:
            yield f"{at}: may not be there"
            return
        if "$ref" in schema:
            target, home = self._resolved(schema["$ref"], root)
            yield from self._faults(target, home, value, at)
            return
        for keyword, wanted in schema.items():
            if keyword not in _SILENT:
                yield from _CHECKS[keyword](self, schema, root, wanted, value, at)

    def _resolved(self, ref: str, root: Json) -> tuple[Json, Json]:
        address, _, pointer = ref.partition("#")
        found = home = self._documents[address] if address else root
        for part in pointer.split("/")[1:]:
            found = found[part.replace("~1", "/").replace("~0", "~")]
        return found, home

    def _fits(self, schema: Json, root: Json, value: Json) -> bool:
        return not any(self._faults(schema, root, value, "$"))


Check = Callable[[Schema, Json, Json, Json, Json, str], Iterator[str]]


def _type(_s: Schema, _schema: Json, _root: Json, wanted: Json, value: Json, at: str) -> Iterator[str]:
    names = wanted if isinstance(wanted, list) else [wanted]
    truth = isinstance(value, bool)
    if not any(isinstance(value, _TYPES[n]) and (n == "boolean" or not truth) for n in names):
        yield f"{at}: is no {' or '.join(names)}"


def _required(_s: Schema, _schema: Json, _root: Json, wanted: Json, value: Json, at: str) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (f"{at}: lacks {name}" for name in wanted if name not in value)


def _properties(s: Schema, _schema: Json, root: Json, wanted: Json, value: Json, at: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name in wanted.keys() & value.keys():
            yield from s._faults(wanted[name], root, value[name], f"{at}.{name}")


def _pattern_properties(
    s: Schema, _schema: Json, root: Json, wanted: Json, value: Json, at: str
) -> Iterator[str]:
    for pattern, schema in wanted.items():
        for name, inner in value.items() if isinstance(value, dict) else ():
            if re.search(pattern, name):
                yield from s._faults(schema, root, inner, f"{at}.{name}")


def _additional(s: Schema, schema: Json, root: Json, wanted: Json, value: Json, at: str) -> Iterator[str]:
    for name, inner in value.items() if isinstance(value, dict) else ():
        if name not in schema.get("properties", {}) and not any(
            re.search(pattern, name) for pattern in schema.get("patternProperties", {})
        ):
            yield from s._faults(wanted, root, inner, f"{at}.{name}")


def _items(s: Schema, _schema: Json, root: Json, wanted: Json, value: Json, at: str) -> Iterator[str]:
    for number, inner in enumerate(value if isinstance(value, list) else ()):
        yield from s._faults(wanted, root, inner, f"{at}[{number}]")


def _unique(_s: Schema, _schema: Json, _root: Json, wanted: Json, value: Json, at: str) -> Iterator[str]:
    if wanted and isinstance(value, list) and any(value.count(inner) > 1 for inner in value):
        yield f"{at}: holds something twice"


def _pattern(_s: Schema, _schema: Json, _root: Json, wanted: Json, value: Json, at: str) -> Iterator[str]:
    if isinstance(value, str) and not re.search(wanted, value):
        yield f"{at}: does not match {wanted}"


def _enum(_s: Schema, _schema: Json, _root: Json, wanted: Json, value: Json, at: str) -> Iterator[str]:
    if value not in wanted:
        yield f"{at}: is none of {wanted}"


def _const(_s: Schema, _schema: Json, _root: Json, wanted: Json, value: Json, at: str) -> Iterator[str]:
    if value != wanted:
        yield f"{at}: is not {wanted}"


def _all_of(s: Schema, _schema: Json, root: Json, wanted: Json, value: Json, at: str) -> Iterator[str]:
    for schema in wanted:
        yield from s._faults(schema, root, value, at)


def _any_of(s: Schema, _schema: Json, root: Json, wanted: Json, value: Json, at: str) -> Iterator[str]:
    if not any(s._fits(schema, root, value) for schema in wanted):
        yield f"{at}: fits none of {len(wanted)} alternatives"


def _one_of(s: Schema, _schema: Json, root: Json, wanted: Json, value: Json, at: str) -> Iterator[str]:
    fitting = sum(s._fits(schema, root, value) for schema in wanted)
    if fitting != 1:
        yield f"{at}: fits {fitting} of {len(wanted)} alternatives, not one"


def _not(s: Schema, _schema: Json, root: Json, wanted: Json, value: Json, at: str) -> Iterator[str]:
    if s._fits(wanted, root, value):
        yield f"{at}: fits what it may not"


def _size(kind: type, *, least: bool) -> Check:
    def check(_s: Schema, _schema: Json, _root: Json, wanted: Json, value: Json, at: str) -> Iterator[str]:
        if isinstance(value, kind) and (len(value) < wanted if least else len(value) > wanted):  # type: ignore[arg-type] # str, list and dict have a length
            yield f"{at}: has a length of {len(value)}, {'least' if least else 'most'} is {wanted}"  # type: ignore[arg-type] # as above

    return check


_CHECKS: Mapping[str, Check] = {
    "type": _type,
    "required": _required,
    "properties": _properties,
    "patternProperties": _pattern_properties,
    "additionalProperties": _additional,
    "items": _items,
    "uniqueItems": _unique,
    "pattern": _pattern,
    "enum": _enum,
    "const": _const,
    "allOf": _all_of,
    "anyOf": _any_of,
    "oneOf": _one_of,
    "not": _not,
    "minLength": _size(str, least=True),
    "maxLength": _size(str, least=False),
    "minItems": _size(list, least=True),
    "maxItems": _size(list, least=False),
    "minProperties": _size(dict, least=True),
    "maxProperties": _size(dict, least=False),
}
