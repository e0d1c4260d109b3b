"""Reading objects: one, or a list in pages that all show the same moment."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bot.demo.kubernetes import eventview
from bot.demo.kubernetes.history import ExpiredError, Record, after, serialised
from bot.demo.kubernetes.resources import Resource
from bot.demo.kubernetes.selectors import selecting
from bot.demo.kubernetes.status import (
    EXPIRED_PAGE,
    Cause,
    bad_request,
    expired,
    invalid_options,
    too_large_version,
)
from bot.demo.kubernetes.storage import Storage
from bot.demo.kubernetes.target import Target
from bot.demo.seam import Json

INCONSISTENT = -1  # the continue token's version after a 410: go on at the newest


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of a list."""

    records: list[Record]
    version: int
    token: str = ""
    remaining: int | None = None


def version_of(text: str) -> int:
    """Return a resourceVersion parameter as a number; raises a 400."""
    if not text.isascii() or not text.isdigit():
        why = f'strconv.ParseUint: parsing "{text}": invalid syntax'
        raise bad_request(f'resourceVersion: Invalid value: "{text}": {why}')
    return int(text)


def limit_of(query: Mapping[str, str]) -> int:
    """Return the page size asked for, 0 for all; raises a 400."""
    text = query.get("limit", "") or "0"
    if not text.removeprefix("-").isdigit():
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax')
    return max(int(text), 0)


def encoded(version: int, start: str) -> str:
    """Return a continue token."""
    body = {"v": "meta.k8s.io/v1", "rv": version, "start": start + "\0"}
    return base64.urlsafe_b64encode(serialised(body)).rstrip(b"=").decode()


def decoded(token: str) -> tuple[int, str]:
    """Return version and last key of a continue token; raises a 400."""
    try:
        body = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        return int(body["rv"]), str(body["start"]).removesuffix("\0")
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise bad_request("continue key is not valid: " + str(error)) from error


def check_match(query: Mapping[str, str], *, watching: bool) -> None:
    """Refuse combinations of resourceVersionMatch that a real server refuses, with its 422."""
    match = query.get("resourceVersionMatch", "")
    if not match:
        return
    field = "resourceVersionMatch"
    version = query.get("resourceVersion", "")
    causes = []
    if watching:
        causes.append(Cause.forbidden(field, "resourceVersionMatch is forbidden for watch"))
    elif not version:
        causes.append(
            Cause.forbidden(field, "resourceVersionMatch is forbidden unless resourceVersion is provided")
        )
    if query.get("continue"):
        causes.append(Cause.forbidden(field, "resourceVersionMatch is forbidden when continue is provided"))
    if match not in {"Exact", "NotOlderThan"}:
        causes.append(Cause.unsupported(field, match, ("Exact", "NotOlderThan")))
    elif match == "Exact" and version == "0":
        causes.append(
            Cause.forbidden(field, 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"')
        )
    if causes:
        raise invalid_options("ListOptions", *causes)


class Reader:
    """Answers get and list from the storage."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    def get(self, target: Target, query: Mapping[str, str]) -> bytes:
        """Return one object; raises the 404."""
        name = target.name or ""
        record = self._storage.require(target.resource, target.namespace, name)
        if (wanted := query.get("resourceVersion", "")) and version_of(wanted) > self._storage.version:
            raise too_large_version(version_of(wanted), self._storage.version)
        return shown(target.resource, record)

    def list(self, target: Target, query: Mapping[str, str]) -> bytes:
        """Return a list, or one page of it."""
        check_match(query, watching=False)
        page = self.page(target, query)
        resource = target.resource
        metadata: Json = {"resourceVersion": str(page.version)}
        if page.token:
            metadata["continue"] = page.token
        if page.remaining is not None:
            metadata["remainingItemCount"] = page.remaining
        head = {"kind": resource.kind + "List", "apiVersion": resource.api_version, "metadata": metadata}
        items = b",".join(listed(resource, record) for record in page.records)
        return serialised(head)[:-1] + b',"items":[' + items + b"]}"

    def page(self, target: Target, query: Mapping[str, str]) -> Page:
        """Return the objects of one page."""
        wants = selecting(query.get("labelSelector", ""), query.get("fieldSelector", ""), target.resource)
        version, start = self._moment(query)
        records = self._snapshot(target, version, start)
        prefix = f"{target.namespace}/"
        chosen = [
            record
            for record in (after(records, start) if start else records)
            if (target.namespace is None or record.key.startswith(prefix))
            and (wants is None or wants(record.body))
        ]
        limit = (
            0 if query.get("resourceVersion") == "0" else limit_of(query)
        )  # the watch cache knows no pages
        if not limit or len(chosen) <= limit:
            return Page(records=chosen, version=version)
        self._storage.history.shelf(target.resource.storage).hold(version, records)
        rest = len(chosen) - limit if wants is None else None
        shown_now = chosen[:limit]
        return Page(
            records=shown_now, version=version, token=encoded(version, shown_now[-1].key), remaining=rest
        )

    def _moment(self, query: Mapping[str, str]) -> tuple[int, str]:
        """Return the version that a list shows, and the key after which it goes on."""
        now = self._storage.version
        wanted = query.get("resourceVersion", "")
        if token := query.get("continue", ""):
            if wanted and wanted != "0":
                raise bad_request("specifying resource version is not allowed when using continue")
            version, start = decoded(token)
            return (now if version == INCONSISTENT else version), start
        version = version_of(wanted) if wanted else 0
        if version > now:
            raise too_large_version(version, now)
        match = query.get("resourceVersionMatch") or (
            "Exact" if version and limit_of(query) else "NotOlderThan"
        )
        return (version if match == "Exact" else now), ""

    def _snapshot(self, target: Target, version: int, start: str) -> Sequence[Record]:
        shelf = self._storage.history.shelf(target.resource.storage)
        try:
            return shelf.at(version, now=self._storage.version)
        except ExpiredError as error:
            if start:
                raise expired(EXPIRED_PAGE, token=encoded(INCONSISTENT, start)) from error
            raise expired("The resourceVersion for the provided list is too old.") from error


def shown(resource: Resource, record: Record) -> bytes:
    """Return one object in the version of a resource."""
    if resource.stored_as:
        return serialised(eventview.from_core(record.body))
    return record.whole


def listed(resource: Resource, record: Record) -> bytes:
    """Return one object as an item of a list; custom resources keep kind and apiVersion there."""
    if resource.stored_as:
        body = eventview.from_core(record.body)
        return serialised({name: value for name, value in body.items() if name not in {"kind", "apiVersion"}})
    return record.whole if resource.custom else record.item
