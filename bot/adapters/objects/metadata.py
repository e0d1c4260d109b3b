"""Names, labels and field managers: what every Kubernetes object has."""

from typing import Any

from bot.adapters.objects.reader import Reader, ShapeError
from bot.domain.objects import Ref, Requirement, Selector

_LONGEST_NAME = 253
_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist")


def opened(kind: str, body: object) -> tuple[Reader, Reader, Ref]:
    """Give a reader of the object, one of its metadata, and its name.

    Raises:
        ShapeError: It has no usable name.
    """
    reader = Reader(body, kind)
    metadata = Reader(reader.table.get("metadata") or {}, f"{kind}: metadata")
    name = metadata.text("name")
    namespace = metadata.text("namespace") or "default"
    if not 0 < len(name) <= _LONGEST_NAME:
        raise ShapeError(f"{kind}: metadata.name", name or None, "a name")
    where = f"{kind} {name}" if kind == "Node" else f"{kind} {namespace}/{name}"
    return Reader(body, where), Reader(metadata.table, f"{where}: metadata"), Ref(namespace, name)


def selector(reader: Reader) -> Selector:
    """Read `matchLabels` and `matchExpressions`."""
    return Selector(
        labels=reader.strings("matchLabels"),
        requirements=tuple(
            Requirement(
                key=each.text("key"), operator=each.word("operator", _OPERATORS), values=each.texts("values")
            )
            for each in reader.each("matchExpressions")
        ),
    )


def managers(metadata: Reader) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Read which field manager owns which annotation keys.

    `managedFields` is a server's bookkeeping: what is not understood there is passed over.
    """
    entries = metadata.table.get("managedFields")
    return tuple(
        (entry["manager"], owned(entry.get("fieldsV1")))
        for entry in (entries if isinstance(entries, list) else ())
        if isinstance(entry, dict) and isinstance(entry.get("manager"), str)
    )


def owned(fields: Any) -> tuple[str, ...]:
    """Return the annotation keys in a `fieldsV1`."""
    for key in ("f:metadata", "f:annotations"):
        fields = fields.get(key) if isinstance(fields, dict) else None
    if not isinstance(fields, dict):
        return ()
    return tuple(key[2:] for key in fields if isinstance(key, str) and key.startswith("f:"))
