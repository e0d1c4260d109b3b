"""Field ownership: who set which field, as `metadata.managedFields` tells it (structured-merge-diff's fieldsV1)."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from bot.demo.kubernetes.patch import merged, strategic
from bot.demo.kubernetes.resources import Resource
from bot.demo.kubernetes.status import apply_conflict
from bot.demo.seam import Json

Path = tuple[str, ...]
Leaves = Mapping[Path, Any]
SELF = "."
SERVER_METADATA = frozenset(
    {
        "name",
        "namespace",
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "managedFields",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "selfLink",
    }
)
# Built-in types: objects without a schema of their own (granular maps), or owned as a whole (atomic).
MAPS = frozenset(
    {
        "annotations",
        "labels",
        "data",
        "binaryData",
        "limits",
        "requests",
        "capacity",
        "allocatable",
        "matchLabels",
    }
)
ATOMIC = frozenset({"selector", "nodeSelector", "nodeAffinity", "targetRef", "fieldRef", "secretKeyRef"})
SETS = frozenset({"finalizers"})
LIST_KEYS: dict[str, tuple[str, ...]] = {
    "conditions": ("type",),
    "addresses": ("type",),
    "env": ("name",),
    "containers": ("name",),
    "initContainers": ("name",),
    "volumes": ("name",),
    "volumeMounts": ("mountPath",),
    "imagePullSecrets": ("name",),
    "ownerReferences": ("uid",),
    "podIPs": ("ip",),
}


@dataclass(frozen=True, slots=True)
class Walker:
    """How the fields of one resource are told apart.

    `ignored` fields at the top belong to another subresource: status to the main one, spec to /status.
    """

    resource: Resource
    ignored: frozenset[str] = frozenset()

    def leaves(self, body: Json) -> Leaves:
        """Return every owned field of an object with its value."""
        found: dict[Path, Any] = {}
        for name, value in body.items():
            if name == "metadata":
                kept = {key: item for key, item in value.items() if key not in SERVER_METADATA}
                found.update(self._fields(kept, ("f:metadata",), builtin=True))
            elif name not in {"apiVersion", "kind"} | self.ignored:
                found.update(self._walk(name, value, ("f:" + name,), builtin=not self.resource.custom))
        return found

    def _fields(self, value: Json, at: Path, *, builtin: bool) -> Iterator[tuple[Path, Any]]:
        for name, item in value.items():
            yield from self._walk(name, item, (*at, "f:" + name), builtin=builtin)

    def _walk(self, name: str, value: Any, at: Path, *, builtin: bool) -> Iterator[tuple[Path, Any]]:
        if isinstance(value, dict) and value and not (builtin and name in ATOMIC):
            if name in MAPS or not builtin:
                yield (*at, SELF), True
            yield from self._fields(value, at, builtin=builtin)
        elif isinstance(value, list) and builtin and name in SETS:
            yield (*at, SELF), True
            for item in value:
                yield (*at, "v:" + json.dumps(item)), True
        elif isinstance(value, list) and builtin and (keys := self._keys(name, value)):
            yield from self._items(name, value, at, keys)
        else:
            yield at, value

    def _items(
        self, name: str, value: list[Json], at: Path, keys: tuple[str, ...]
    ) -> Iterator[tuple[Path, Any]]:
        if name != "containers":  # required in its type, so its absence is never told apart from being empty
            yield (*at, SELF), True
        for item in value:
            identity = json.dumps({key: item[key] for key in keys}, separators=(",", ":"))
            place = (*at, "k:" + identity)
            yield (*place, SELF), True
            yield from self._fields(item, place, builtin=True)

    def _keys(self, name: str, value: list[Any]) -> tuple[str, ...]:
        keys = LIST_KEYS.get(name, ())
        if name == "ports" and self.resource.kind == "Service":
            keys = ("port", "protocol")
        elif name == "ports" and self.resource.group in {"", "apps"}:
            keys = ("containerPort", "protocol")
        if value and all(isinstance(item, dict) and set(keys) <= item.keys() for item in value):
            return keys
        return ()


def nested(paths: Iterable[Path]) -> Json:
    """Return a set of fields in the nested form of fieldsV1."""
    tree: Json = {}
    for path in sorted(paths):
        place = tree
        for step in path:
            place = place.setdefault(step, {})
    return tree


def flat(tree: Json, at: Path = ()) -> Iterator[Path]:
    """Yield the fields of a nested fieldsV1."""
    for step, below in tree.items():
        if below:
            yield from flat(below, (*at, step))
        else:
            yield (*at, step)


def dotted(path: Path) -> str:
    """Return a field as messages name it: `.metadata.annotations.key`."""
    text = ""
    for step in path:
        kind, _, name = step.partition(":")
        if kind == "k":
            pairs = ",".join(f"{key}={json.dumps(value)}" for key, value in json.loads(name).items())
            text += f"[{pairs}]"
        elif kind == "v":
            text += f"[={name}]"
        elif step != SELF:
            text += "." + name
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One entry of managedFields."""

    manager: str
    operation: Literal["Apply", "Update"]
    api_version: str
    time: str
    fields: frozenset[Path]
    subresource: str = ""

    @classmethod
    def parse(cls, entry: Json) -> Self:
        """Read a stored entry."""
        return cls(
            manager=entry["manager"],
            operation=entry["operation"],
            api_version=entry["apiVersion"],
            time=entry["time"],
            fields=frozenset(flat(entry["fieldsV1"])),
            subresource=entry.get("subresource", ""),
        )

    @property
    def entry(self) -> Json:
        """Return the claim as stored."""
        body: Json = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": nested(self.fields),
        }
        return body | ({"subresource": self.subresource} if self.subresource else {})

    @property
    def name(self) -> str:
        """Return the manager as conflicts name it."""
        role = f' with subresource "{self.subresource}"' if self.subresource else ""
        version = f" using {self.api_version}" if self.operation == "Update" else ""
        return f'"{self.manager}"{role}{version}'

    def same_owner(self, other: "Claim") -> bool:
        """Tell whether two claims are one manager's in the same role."""
        mine = (self.manager, self.operation, self.api_version, self.subresource)
        return mine == (other.manager, other.operation, other.api_version, other.subresource)


def claims_of(body: Json) -> list[Claim]:
    """Return the claims on an object."""
    return [Claim.parse(entry) for entry in body["metadata"].get("managedFields") or []]


def _store(body: Json, claims: Iterable[Claim]) -> None:
    entries = [claim.entry for claim in claims if claim.fields]
    if entries:
        body["metadata"]["managedFields"] = entries
    else:
        body["metadata"].pop("managedFields", None)


def note_update(walker: Walker, *, old: Json | None, new: Json, mine: Claim) -> None:
    """Write into `new` who owns what after an update: the changed fields are now `mine`, and nobody else's."""
    before = walker.leaves(old) if old else {}
    now = walker.leaves(new)
    gone = before.keys() - now.keys()
    changed = frozenset(path for path, value in now.items() if path not in before or before[path] != value)
    claims, mine = _split(claims_of(old) if old else [], replace(mine, fields=changed))
    kept = [replace(claim, fields=claim.fields - gone - changed) for claim in claims]
    _store(new, [*kept, replace(mine, fields=mine.fields - gone)])


def _split(claims: list[Claim], mine: Claim) -> tuple[list[Claim], Claim]:
    """Return the others' claims, and mine joined with what I held before."""
    held = next((claim for claim in claims if claim.same_owner(mine)), None)
    if held is None:
        return claims, mine
    others = [claim for claim in claims if claim is not held]
    time = mine.time if mine.fields - held.fields else held.time
    return others, replace(mine, fields=mine.fields | held.fields, time=time)


def applied(walker: Walker, *, live: Json | None, config: Json, mine: Claim, force: bool) -> Json:
    """Return the object after a server-side apply; raises the 409 that names managers and fields.

    Fields that this manager applied before, leaves out now and shares with nobody are removed.
    """
    wanted = {path: value for path, value in walker.leaves(config).items() if _applicable(path)}
    mine = replace(mine, fields=frozenset(wanted))
    if live is None:
        new = merged({}, config)
        _store(new, [mine])
        return dict(new)
    present = walker.leaves(live)
    claims = claims_of(live)
    others = [claim for claim in claims if not claim.same_owner(mine)]
    contested = {path for path, value in wanted.items() if path in present and present[path] != value}
    if not force:
        _refuse_conflicts(others, contested)
    others = [replace(claim, fields=claim.fields - contested) for claim in others]
    held = next((claim for claim in claims if claim.same_owner(mine)), mine)
    base = live
    gone = held.fields - mine.fields - frozenset().union(*(claim.fields for claim in others))
    for path in sorted(gone, key=lambda path: (path[-1] != SELF, path)):  # whole items before their fields
        base = _without(base, path)
    combine = merged if walker.resource.custom else strategic
    new = dict(combine(base, config))
    mine = replace(mine, time=held.time if held.fields == mine.fields and not contested else mine.time)
    _store(new, [*others, mine])
    return new


def _applicable(path: Path) -> bool:
    """Tell whether an apply owns a field: leaves and the items of keyed lists, not the maps around them."""
    return path[-1] != SELF or path[-2].startswith("k:")


def _refuse_conflicts(others: Iterable[Claim], contested: set[Path]) -> None:
    fields = {claim.name: sorted(claim.fields & contested) for claim in others}
    owned = {who: [dotted(path) for path in paths] for who, paths in sorted(fields.items()) if paths}
    if owned:
        raise apply_conflict(owned)


def _without(body: Any, path: Path) -> Any:
    """Return the body without a field; itself when the field is not there."""
    step, rest = path[0], path[1:]
    if step == SELF:
        return body
    kind, _, name = step.partition(":")
    if isinstance(body, dict) and kind == "f" and name in body:
        if rest:
            return {**body, name: _without(body[name], rest)}
        return {key: value for key, value in body.items() if key != name}
    if isinstance(body, list) and kind == "v":
        return [item for item in body if item != json.loads(name)]
    if isinstance(body, list) and kind == "k":
        return _without_item(body, json.loads(name), rest)
    return body


def _without_item(items: list[Any], identity: Json, rest: Path) -> list[Any]:
    """Return a keyed list without a field of one item, or without the item (its last field is its existence)."""
    matching = [item for item in items if all(item.get(key) == value for key, value in identity.items())]
    if not matching:
        return items
    if rest == (SELF,):
        return [item for item in items if item is not matching[0]]
    return [_without(item, rest) if item is matching[0] else item for item in items]
