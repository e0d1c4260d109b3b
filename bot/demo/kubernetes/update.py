"""An update: how it was asked for, what it must leave alone, and whether it changes anything."""

from dataclasses import dataclass, field
from typing import Literal

from bot.demo.kubernetes.history import Record
from bot.demo.kubernetes.resources import Resource
from bot.demo.kubernetes.status import Cause, bad_request, conflict, invalid_object
from bot.demo.seam import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a write was asked for. `warnings` collects what the answer's Warning headers say."""

    manager: str
    user: str = "system:apiserver"
    operation: Literal["Apply", "Update"] = "Update"
    subresource: str = ""
    dry_run: bool = False
    force: bool = False
    validation: str = "Ignore"
    patching: bool = False
    binding: bool = False
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preconditions:
    """What a delete demands of the object."""

    uid: str | None = None
    version: str | None = None


UNCONDITIONAL = Preconditions()


def guard(resource: Resource, record: Record, metadata: Json, *, patching: bool = False) -> None:
    """Refuse a stale resourceVersion and changes of what names an object.

    The uid of a PUT is a precondition; that of a patch is a field that does not change.
    """
    old = record.body["metadata"]
    if metadata.setdefault("uid", old["uid"]) != old["uid"]:
        if patching:
            cause = Cause.invalid("metadata.uid", metadata["uid"], "field is immutable")
            raise invalid_object(resource, old["name"], [cause])
        why = f"Precondition failed: UID in precondition: {metadata['uid']}, UID in object meta: {old['uid']}"
        raise conflict(resource, old["name"], why)
    if metadata.setdefault("namespace", old.get("namespace")) != old.get("namespace"):
        raise bad_request(
            "the namespace of the provided object does not match the namespace sent on the request"
        )
    if metadata.setdefault("name", old["name"]) != old["name"]:
        cause = Cause.invalid("metadata.name", metadata["name"], "field is immutable")
        raise invalid_object(resource, old["name"], [cause])
    if (metadata.get("resourceVersion") or old["resourceVersion"]) != old["resourceVersion"]:
        raise conflict(resource, old["name"])


def keep(resource: Resource, old: Json, new: Json, options: Options) -> None:
    """Take over what this write may not change: server-owned metadata, and status or everything else."""
    kept = old["metadata"]
    names = (
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "namespace",
    )
    for name in (*names, "resourceVersion"):
        new["metadata"].pop(name, None)
        if name in kept:
            new["metadata"][name] = kept[name]
    if options.subresource == "status":
        for name in (old.keys() | new.keys()) - {"status", "metadata"}:
            _take(new, old, name)
        if resource.custom:
            new["metadata"] = {**kept}
    elif resource.has_status:
        _take(new, old, "status")


def _take(new: Json, old: Json, name: str) -> None:
    new.pop(name, None)
    if name in old:
        new[name] = old[name]


def content(body: Json) -> Json:
    """Return what counts as a new generation when it changes: everything but metadata and status."""
    return {name: value for name, value in body.items() if name not in {"metadata", "status"}}


def same(old: Json, new: Json, *, ownership: bool) -> bool:
    """Tell whether an update changes nothing; who owns what counts for an apply only."""

    def comparable(body: Json) -> Json:
        metadata = {key: value for key, value in body["metadata"].items() if key != "managedFields"}
        if ownership:
            entries = body["metadata"].get("managedFields", [])
            metadata["owners"] = [{**entry, "time": ""} for entry in entries]
        return {**body, "metadata": metadata}

    return comparable(old) == comparable(new)


def check_preconditions(resource: Resource, record: Record, demanded: Preconditions) -> None:
    """Raise the 409 of a delete that expected another object or another version."""
    metadata = record.body["metadata"]
    if demanded.uid is not None and demanded.uid != metadata["uid"]:
        why = (
            f"the UID in the precondition ({demanded.uid}) does not match the UID in record ({metadata['uid']}). "
            "The object might have been deleted and then recreated"
        )
        raise conflict(resource, metadata["name"], why, kind=resource.kind)
    if demanded.version is not None and demanded.version != metadata["resourceVersion"]:
        why = (
            f"the ResourceVersion in the precondition ({demanded.version}) does not match the ResourceVersion in "
            f"record ({metadata['resourceVersion']}). The object might have been modified"
        )
        raise conflict(resource, metadata["name"], why, kind=resource.kind)
