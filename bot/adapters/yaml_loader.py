"""YAML as Kubernetes reads it: text stays text, so `1.30` does not become 1.3 and no date appears."""

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml import YAMLError
from yaml.constructor import ConstructorError
from yaml.events import CollectionEndEvent, CollectionStartEvent
from yaml.nodes import ScalarNode
from yaml.reader import ReaderError

_FOREIGN = ("tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp")
_MERGE = "tag:yaml.org,2002:merge"
_C: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_C):  # type: ignore[misc]  # the C loader where the wheel has it
    """The safe loader without numbers and dates that Kubernetes fields never are, and without keys that are there twice.

    YAML 1.2.2, 3.2.1.3: the keys of a mapping are unique. What `<<` brings along may be overridden.
    """

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002  PyYAML's signature
        """Refuse a key that is there twice, which PyYAML would let win."""
        seen = set()
        for key, _ in getattr(node, "value", ()):
            if isinstance(key, ScalarNode) and key.tag != _MERGE:
                if (key.tag, key.value) in seen:
                    problem = f"the key {key.value!r} is there twice in one object"
                    raise ConstructorError(None, None, problem, key.start_mark)
                seen.add((key.tag, key.value))
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node: Any) -> None:
        """Refuse merges of merges that multiply: ten short lines can stand for a billion keys."""
        super().flatten_mapping(node)
        if len(node.value) > MOST_KEYS:
            problem = f"an object has more than {MOST_KEYS} keys"
            raise ConstructorError(None, None, problem, node.start_mark)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _FOREIGN]
    for first, resolvers in _C.yaml_implicit_resolvers.items()  # type: ignore[attr-defined]  # PyYAML has no types for it
}


DEEPEST = 500
"""Levels of nesting; Kubernetes objects have some twenty."""
_STEEP = re.compile(rf"(?:[-?:] ){{{DEEPEST // 5}}}|^[ ]{{{2 * DEEPEST}}}", re.MULTILINE)
"""Nesting without brackets: many indicators on one line, or a deep indentation."""


MOST_KEYS = 100_000
"""Keys of one object, those that `<<` brings along among them."""
_ALIAS = re.compile(r"(?:^|[\s\[{,:-])\*[^\s,\]}]", re.MULTILINE)
_FREE, _SWELLING = 1_000_000, 10
"""Values that aliases may stand for, and how many times as many as are written beyond that."""


class TooDeep(ValueError):  # noqa: N818  it names what the input is
    """The text is nested so deeply that reading it would exhaust the stack of the C loader, and end the process."""


class TooMuch(ValueError):  # noqa: N818  it names what the input is
    """A few aliases stand for more than anybody can have meant."""


def load_all(text: str) -> Iterator[Any]:
    """Read every document.

    Raises:
        YAMLError: The text is no YAML.
        TooDeep: It is nested more than `DEEPEST` levels deep.
        TooMuch: Its aliases stand for themselves, or for far more than is written.
    """
    if _may_be_deep(text) and _depth(text) > DEEPEST:
        raise TooDeep(f"it is nested more than {DEEPEST} levels deep, which no Kubernetes object is")
    documents = yaml.load_all(text, Loader=_Loader)
    return map(_weighed, documents) if _ALIAS.search(text) else documents


def _weighed(document: Any) -> Any:
    """Give the document back, unless what its aliases stand for is out of all proportion."""
    sizes: dict[int, int] = {}
    stands_for = _size(document, sizes)
    if stands_for > max(_FREE, _SWELLING * len(sizes)):
        raise TooMuch(f"its aliases stand for {stands_for:,} values, which nobody can have meant")
    return document


def _size(value: Any, sizes: dict[int, int]) -> int:
    """How many values a value stands for; each list and object is counted once and remembered."""
    if not isinstance(value, dict | list):
        return 1
    known = sizes.get(id(value))
    if known == 0:
        raise TooMuch("an alias stands for something that it is part of")
    if known is None:
        known = 1
        sizes[id(value)] = 0
        # A loop and no sum(): one frame for each of up to `DEEPEST` levels.
        for each in value.values() if isinstance(value, dict) else value:
            known += _size(each, sizes)
        sizes[id(value)] = known
    return known


def _may_be_deep(text: str) -> bool:
    """A quick look that never misses: every bracket counts, in text too."""
    return text.count("[") + text.count("{") > DEEPEST or _STEEP.search(text) is not None


def _depth(text: str) -> int:
    """The real depth, as far as it matters, from the parser's events, which do not recurse."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, CollectionStartEvent):
            depth += 1
        elif isinstance(event, CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            return depth
    return 0


def position(error: YAMLError, text: str = "") -> str:
    """Say where the error is, and what."""
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is no YAML"
    where = f", line {mark.line + 1} column {mark.column + 1}" if mark is not None else ""
    if isinstance(error, ReaderError) and text:
        # The C loader counts bytes.
        line = text.encode(errors="replace").count(b"\n", 0, error.position) + 1
        where = f", line {line}"
    return f"{where}: {what}"


__all__ = ["DEEPEST", "TooDeep", "TooMuch", "YAMLError", "load_all", "position"]
