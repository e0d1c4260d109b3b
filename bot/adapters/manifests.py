"""YAML and JSON files as `kubectl get … -o yaml` prints them, into an inventory.

Nothing is guessed: what cannot be read is refused with file and position, what is no object that a path depends
on is passed over.
"""

import codecs
import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from bot.adapters.objects import PARSERS
from bot.adapters.objects.cluster_facts import API_VERSION, KIND, cluster_facts, merged
from bot.adapters.objects.reader import ShapeError
from bot.adapters.objects.signs import sign
from bot.domain.cluster_facts import ClusterFacts
from bot.domain.objects import Node, Ref, Value
from bot.domain.snapshot import Inventory

LIMIT = 64 * 1024 * 1024
"""The longest input that is read, in bytes."""
MOST = 1_000_000
"""The most objects that are read; a short file of YAML aliases can stand for more than any cluster has."""
_DEEPEST = 8
"""How deep a List may hold Lists."""
_GROUPS = {
    "Service": ("",),
    "Node": ("",),
    "Pod": ("",),
    "EndpointSlice": ("discovery.k8s.io",),
    "Ingress": ("networking.k8s.io", "extensions"),
    "NetworkPolicy": ("networking.k8s.io", "extensions"),
    "Deployment": ("apps", "extensions"),
    "StatefulSet": ("apps",),
    "DaemonSet": ("apps", "extensions"),
}
"""The API groups of each kind: a Service of Knative is none of ours."""


class Unreadable(ValueError):  # noqa: N818  it names what the input is
    """The input cannot be understood; the message is one sentence with file and position."""


@dataclass(slots=True)
class Manifests:
    """What the files hold."""

    inventory: Inventory
    facts: ClusterFacts
    hints: ClusterFacts = field(default_factory=ClusterFacts)
    """What objects that only one kind of cluster has give away; what was given wins."""
    objects: int = 0
    """How many were looked at, those that are passed over too."""
    found: dict[tuple[str, Ref], Value] = field(default_factory=dict)
    """The objects that count, by kind and name."""
    facts_at: str = ""
    """Where the facts stand; empty while there are none."""


def read(names: list[str], stdin: IO[bytes] | None = None) -> Manifests:
    """Read files; `-` is standard input.

    Raises:
        Unreadable: A file is not there, too long, malformed, or holds an object that makes no sense.
    """
    manifests = Manifests(inventory=Inventory(), facts=ClusterFacts())
    for name in names:
        shown = "standard input" if name == "-" else name
        _take(manifests, _content(name, stdin), shown)
    # In one order, whatever the input's: the same cluster gives the same answer, to the byte.
    for key in sorted(manifests.found):
        manifests.inventory.put(manifests.found[key])
    manifests.facts = merged(manifests.hints, manifests.facts)
    return manifests


def _content(name: str, stdin: IO[bytes] | None) -> str:
    shown = "standard input" if name == "-" else name
    try:
        data = _bytes(name, stdin)
    except OSError as error:
        raise Unreadable(f"{shown}: {error.strerror or error}") from error
    if len(data) > LIMIT:
        raise Unreadable(
            f"{shown} is longer than {LIMIT // 1024 // 1024} MiB; ask for fewer kinds or namespaces"
        )
    # PowerShell's `>` writes UTF-16, with a byte order mark.
    coding = "utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    try:
        return data.decode(coding)
    except UnicodeDecodeError as error:
        what = "UTF-16" if coding == "utf-16" else "UTF-8"
        raise Unreadable(f"{shown}: byte {error.start} is not {what}") from error


def _bytes(name: str, stdin: IO[bytes] | None) -> bytes:
    if name != "-":
        with Path(name).open("rb") as file:
            return file.read(LIMIT + 1)
    if stdin is None and sys.stdin is None:
        raise Unreadable("standard input is closed")
    return (stdin or sys.stdin.buffer).read(LIMIT + 1)


def _take(manifests: Manifests, text: str, shown: str) -> None:
    for number, document in enumerate(_documents(text, shown), 1):
        if document is not None:
            _take_document(manifests, document, f"{shown}, document {number}", 0)


# --- text into documents ---------------------------------------------------------------------------------


def _documents(text: str, shown: str) -> Iterator[Any]:
    if text.lstrip()[:1] in ("{", "["):
        yield from _json(text, shown)
    else:
        yield from _yaml(text, shown)


def _json(text: str, shown: str) -> Iterator[Any]:
    """One JSON value after another, as kubectl prints them for several requests; after a `---`, YAML."""
    decoder = json.JSONDecoder(object_pairs_hook=_object)
    position, end = 0, len(text)
    while position < end:
        try:
            value, position = decoder.raw_decode(text, position)
        except json.JSONDecodeError as error:
            raise Unreadable(f"{shown}, line {error.lineno} column {error.colno}: {error.msg}") from error
        except _TwiceError as error:
            raise Unreadable(f"{shown}{_twice(text, position)}") from error
        except ValueError as error:
            raise Unreadable(f"{shown}: {error}") from error
        except RecursionError as error:
            raise Unreadable(f"{shown} is nested too deeply to be Kubernetes objects") from error
        yield value
        while position < end and text[position].isspace():
            position += 1
        if text.startswith("---", position) and text[position - 1] == "\n":
            # The lines before stay counted, so that an error has its line.
            yield from _yaml("\n" * text.count("\n", 0, position) + text[position:], shown)
            return


class _TwiceError(ValueError):
    """A key is there twice in one object; where, the decoder does not tell."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _TwiceError
    return found


def _twice(text: str, start: int) -> str:
    """Say where the first key stands that its object has already, and which it is; what is before it is sound JSON."""
    within: list[set[str]] = []
    for token in _TOKEN.finditer(text, start):
        if token[0] in _OPENS:
            within.append(set())
        elif token[0] in _CLOSES:
            within.pop()
        elif (key := token["key"]) is not None:
            key = json.loads(f'"{key}"') if "\\" in key else key
            if key in within[-1]:
                line, column = _position(text, token.start())
                return f", line {line} column {column}: the key {key!r} is there twice in one object"
            within[-1].add(key)
    raise AssertionError("the decoder saw a key twice")


_OPENS, _CLOSES = frozenset("[{"), frozenset("]}")
_TOKEN = re.compile(r'"(?P<key>[^"\\]*(?:\\.[^"\\]*)*)"\s*:|"[^"\\]*(?:\\.[^"\\]*)*"|[][{}]')
"""A key, a text, or what begins or ends an object or a list."""


def _position(text: str, offset: int) -> tuple[int, int]:
    """Line and column, counted from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _yaml(text: str, shown: str) -> Iterator[Any]:
    from bot.adapters.yaml_loader import YAMLError, load_all, position  # noqa: PLC0415  JSON does not pay for it

    try:
        yield from load_all(text)
    except YAMLError as error:
        raise Unreadable(f"{shown}{position(error, text)}") from error
    except ValueError as error:  # TooDeep, TooMuch, and what PyYAML's constructors make of impossible scalars
        raise Unreadable(f"{shown}: {error}") from error


# --- documents into objects ------------------------------------------------------------------------------


def _take_document(manifests: Manifests, document: Any, where: str, depth: int) -> None:
    if not isinstance(document, Mapping):
        raise Unreadable(f"{where} is {_type(document)}, not a Kubernetes object")
    manifests.objects += 1
    if manifests.objects > MOST:
        raise Unreadable(f"{where}: there are more than {MOST} objects")
    kind = document.get("kind")
    if not isinstance(kind, str) or not kind:
        raise Unreadable(f"{where} is no Kubernetes object: it has no kind")
    version = document.get("apiVersion")
    if not isinstance(version, str) or not version:
        raise Unreadable(f"{where} ({kind}) has no apiVersion")
    if kind.endswith("List") and "items" in document:
        _take_list(manifests, document, where, depth)
    elif kind == KIND and version.startswith("elb-passthrough/"):
        _take_facts(manifests, document, where)
    else:
        manifests.hints = merged(manifests.hints, sign(kind, document))
        if _concerns(kind, version):
            _take_object(manifests, kind, document, where)


def _concerns(kind: str, version: str) -> bool:
    group = version.rpartition("/")[0]
    return group in _GROUPS.get(kind, ())


def _take_list(manifests: Manifests, document: Mapping[str, Any], where: str, depth: int) -> None:
    items = document["items"]
    if items is None:
        return
    if not isinstance(items, list):
        raise Unreadable(f"{where}: items is {_type(items)}, not a list")
    if depth >= _DEEPEST:
        raise Unreadable(f"{where}: lists are nested more than {_DEEPEST} deep")
    kind, version = document["kind"].removesuffix("List"), document["apiVersion"]
    for number, item in enumerate(items, 1):
        # A typed list, ServiceList for one, leaves kind and apiVersion out of its items.
        typed = isinstance(item, Mapping) and kind and "kind" not in item
        whole = {**item, "kind": kind, "apiVersion": version} if typed else item
        _take_document(manifests, whole, f"{where}, item {number}", depth + 1)


def _take_facts(manifests: Manifests, document: Mapping[str, Any], where: str) -> None:
    if document["apiVersion"] != API_VERSION:
        raise Unreadable(f"{where}: ClusterFacts are of apiVersion {API_VERSION}")
    try:
        facts = cluster_facts(document, f"{where}, ClusterFacts")
    except ShapeError as error:
        raise Unreadable(str(error)) from error
    if manifests.facts_at and facts != manifests.facts:
        raise Unreadable(
            f"{where}: there are ClusterFacts already in {manifests.facts_at}, and the two differ"
        )
    manifests.facts, manifests.facts_at = facts, where


def _take_object(manifests: Manifests, kind: str, document: Mapping[str, Any], where: str) -> None:
    try:
        value = PARSERS[kind](document)
    except ShapeError as error:
        raise Unreadable(f"{where}: {error}") from error
    if value is None:
        return
    key = kind, Ref("", value.name) if isinstance(value, Node) else value.ref
    if manifests.found.setdefault(key, value) != value:
        raise Unreadable(f"{where}: {kind} {_name(value)} is there twice, and the two differ")


def _name(value: Value) -> str | Ref:
    return value.name if isinstance(value, Node) else value.ref


def _type(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "empty"}
    return names.get(type(value), "a number")
