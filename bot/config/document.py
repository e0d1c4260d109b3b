"""The configuration file as text with positions: nodes that know their line, before anything has a meaning."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ParamSpec, Protocol, TypeVar

import yaml

from bot.config.faults import ConfigurationError, nearest


class _Mark(Protocol):
    """Where YAML is at; the C parser has a class of its own for it."""

    line: int


_LARGEST = 1 << 20
_DEEPEST = 32
_MOST_NODES = 20_000
_LONGEST_TOLD = 300
_P = ParamSpec("_P")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Place:
    """A node of the file and the way to it."""

    file: str
    path: str
    node: yaml.Node

    @property
    def position(self) -> str:
        """FILE:LINE, counted from 1."""
        return f"{self.file}:{self.node.start_mark.line + 1}"

    def wrong(self, sentence: str) -> ConfigurationError:
        """Return the fault "FILE:LINE: KEY SENTENCE", to be raised."""
        return ConfigurationError(
            [f"{self.position}: {_one_line(self.path) or 'the file'} {_one_line(sentence)}"]
        )

    def text(self) -> str:
        """Return a scalar as it is written, whatever YAML would take it for (`off`, `22:00`, `0123`).

        Raises:
            ConfigurationError: it is a list, a mapping or empty.
        """
        if not isinstance(self.node, yaml.ScalarNode):
            raise self.wrong("must be a single value")
        if self.node.tag == "tag:yaml.org,2002:null" or not self.node.value.strip():
            raise self.wrong("is empty")
        return str(self.node.value)

    def items(self) -> list["Place"]:
        """Return the elements of a list.

        Raises:
            ConfigurationError: it is no list.
        """
        if not isinstance(self.node, yaml.SequenceNode):
            raise self.wrong("must be a list")
        return [Place(self.file, f"{self.path}[{i}]", n) for i, n in enumerate(self.node.value)]

    def entries(self) -> dict[str, "Place"]:
        """Return the values of a mapping by key; of a key that stands there twice, the first.

        Raises:
            ConfigurationError: it is no mapping.
        """
        if not isinstance(self.node, yaml.MappingNode):
            raise self.wrong("must hold keys with values")
        found: dict[str, Place] = {}
        for key, value in self.node.value:
            if not isinstance(key, yaml.ScalarNode):
                continue  # told by `key_faults`
            found.setdefault(str(key.value), Place(self.file, self.below(key), value))
        return found

    def peek(self, key: str) -> "Place | None":
        """Return the value of a key, if this is a mapping that has it; what is wrong is told elsewhere."""
        return self.entries().get(key) if isinstance(self.node, yaml.MappingNode) else None

    def word(self, key: str) -> str:
        """Return the scalar under a key, if there is one and it does not say no; what is wrong is told elsewhere."""
        found = self.peek(key)
        value = str(found.node.value) if found and isinstance(found.node, yaml.ScalarNode) else ""
        return "" if value.lower() in {"null", "~", "false", "no", "off"} else value

    def unknown(self, key: str, known: list[str]) -> ConfigurationError:
        """Return the fault of a key that means nothing here, to be raised."""
        entry = next(k for k, _ in self.node.value if k.value == key)
        return Place(self.file, self.below(entry), entry).wrong(f"is not a known key{nearest(key, known)}")

    def below(self, key: yaml.Node) -> str:
        """Return the path of a key of this mapping."""
        name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
        return f"{self.path}.{name}" if self.path else name


class Faults:
    """Collects what is wrong while reading goes on."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def attempt(self, read: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        """Return what was read; None, and the fault kept, where it cannot be used."""
        try:
            return read(*args, **kwargs)
        except ConfigurationError as error:
            self.add(error)
            return None

    def add(self, error: ConfigurationError) -> None:
        """Keep a fault."""
        self.problems.extend(error.problems)

    def raise_any(self) -> None:
        """End here if anything was wrong.

        Raises:
            ConfigurationError: with all that was kept.
        """
        if self.problems:
            raise ConfigurationError(self.problems)


def open_document(path: Path, name: str) -> Place | None:
    """Read a YAML file; None if nothing is in it.

    Raises:
        ConfigurationError: it cannot be read, is no YAML, or unfolds to more than a configuration can be.
    """
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8")
    except OSError as error:
        raise ConfigurationError([f"{name} cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigurationError([f"{name} is not UTF-8 text"]) from error
    if len(raw) > _LARGEST:
        raise ConfigurationError([f"{name} is larger than a megabyte"])
    node = _compose(text, name)
    return None if node is None else Place(name, "", node)


def key_faults(root: Place) -> list[str]:
    """Return what is wrong with keys as such, anywhere in the file: given twice, or no names at all."""
    return [problem for place in _walk(root) for problem in _own_key_faults(place)]


def _own_key_faults(place: Place) -> list[str]:
    problems: list[str] = []
    lines: dict[str, int] = {}
    for key, _ in place.node.value if isinstance(place.node, yaml.MappingNode) else ():
        at = Place(place.file, place.below(key), key)
        if not isinstance(key, yaml.ScalarNode):
            problems += at.wrong("is no name").problems
        elif key.value in lines:
            problems += at.wrong(f"is given twice, first in line {lines[key.value]}").problems
        else:
            lines[key.value] = key.start_mark.line + 1
    return problems


def _walk(place: Place) -> Iterator[Place]:
    yield place
    children: list[Place] = []
    if isinstance(place.node, yaml.MappingNode):
        children = [Place(place.file, place.below(key), value) for key, value in place.node.value]
    elif isinstance(place.node, yaml.SequenceNode):
        children = place.items()
    for child in children:
        yield from _walk(child)


def _compose(text: str, name: str) -> yaml.Node | None:
    try:
        _refuse_depth(text, name)
        node: yaml.Node | None = yaml.compose(text, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        where = _position(name, error.problem_mark or error.context_mark)
        raise ConfigurationError([f"{where}: this is not YAML: {error.problem or error.context}"]) from error
    except yaml.YAMLError as error:
        raise ConfigurationError([f"{name} is not YAML: {str(error).splitlines()[0]}"]) from error
    if node is not None:
        _refuse_size(node, name)
    return node


def _refuse_depth(text: str, name: str) -> None:
    """Composing recurses in C and would overflow the stack; the parser's events come one by one."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _DEEPEST:
            raise ConfigurationError([f"{_position(name, event.start_mark)}: nested too deeply"])


def _refuse_size(root: yaml.Node, name: str) -> None:
    """Aliases may unfold without bound, or hold themselves; what is walked later is walked here first."""
    waiting, seen = [(root, 0)], 0
    while waiting:
        node, depth = waiting.pop()
        seen += 1
        if depth > _DEEPEST or seen > _MOST_NODES:
            raise ConfigurationError([f"{name}:{node.start_mark.line + 1}: aliases unfold too far"])
        waiting.extend((child, depth + 1) for child in _children(node))


def _one_line(text: str) -> str:
    """What stands in a file may be long, and hold ends of lines and what steers a terminal."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    return shown if len(shown) <= _LONGEST_TOLD else f"{shown[:_LONGEST_TOLD]}…"


def _position(name: str, mark: _Mark | None) -> str:
    return f"{name}:{mark.line + 1}" if mark else name


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
