"""Label and field selectors, as query parameters."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from bot.demo.kubernetes.resources import Resource
from bot.demo.kubernetes.status import bad_request
from bot.demo.seam import Json

Predicate = Callable[[Json], bool]
KEY = r"[A-Za-z0-9](?:[-A-Za-z0-9_./]*[A-Za-z0-9])?"
VALUE = r"(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?)?"
SET = re.compile(rf"^({KEY})\s+(in|notin)\s+\(([^()]*)\)$")
EQUAL = re.compile(rf"^({KEY})\s*(==|=|!=)\s*({VALUE})$")
PRESENT = re.compile(rf"^(!?)\s*({KEY})$")
FIELD = re.compile(r"^([^=!]+?)(==|=|!=)(.*)$")
COMMA = re.compile(r",(?![^()]*\))")


def labels_of(body: Json) -> Mapping[str, str]:
    """Return an object's labels."""
    return body["metadata"].get("labels") or {}


def _requirement(text: str) -> Predicate:
    if match := SET.match(text):
        key, values = match[1], {value.strip() for value in match[3].split(",")}
        if match[2] == "in":
            return lambda body: labels_of(body).get(key) in values
        return lambda body: labels_of(body).get(key) not in values
    if match := EQUAL.match(text):
        key, wanted = match[1], match[3]
        if match[2] == "!=":
            return lambda body: labels_of(body).get(key) != wanted
        return lambda body: labels_of(body).get(key) == wanted
    if match := PRESENT.match(text):
        key, absent = match[2], bool(match[1])
        return lambda body: (key in labels_of(body)) != absent
    raise bad_request(f"unable to parse requirement: found '{text}', expected: a label selector")


def by_labels(selector: str) -> Predicate | None:
    """Return what a `labelSelector` demands; None for nothing. Raises a 400."""
    if not selector.strip():
        return None
    parts = [_requirement(part.strip()) for part in COMMA.split(selector)]
    return lambda body: all(part(body) for part in parts)


def _value(body: Json, path: str) -> str:
    found: Any = body
    for step in path.split("."):
        found = found.get(step) if isinstance(found, dict) else None
    if path == "source":
        found = body.get("source", {}).get("component")
    if isinstance(found, bool) or (found is None and path in {"spec.unschedulable", "spec.hostNetwork"}):
        return str(bool(found)).lower()
    return "" if found is None else str(found)


def _field(text: str, resource: Resource) -> Predicate:
    match = FIELD.match(text)
    if match is None:
        raise bad_request(f"invalid selector: '{text}'; can't understand '{text}'")
    path, operator, wanted = match[1].strip(), match[2], match[3].strip()
    if path not in {"metadata.name", "metadata.namespace", *resource.fields}:
        raise bad_request(_unsupported(path, resource))
    if operator == "!=":
        return lambda body: _value(body, path) != wanted
    return lambda body: _value(body, path) == wanted


def _unsupported(path: str, resource: Resource) -> str:
    if resource.fields:
        return f"field label not supported: {path}"
    return f'"{path}" is not a known field selector: only "metadata.name", "metadata.namespace"'


def by_fields(selector: str, resource: Resource) -> Predicate | None:
    """Return what a `fieldSelector` demands; None for nothing. Raises a 400 for a field that is not indexed."""
    if not selector.strip():
        return None
    parts = [_field(part.strip(), resource) for part in selector.split(",")]
    return lambda body: all(part(body) for part in parts)


def selecting(labels: str, fields: str, resource: Resource) -> Predicate | None:
    """Return both selectors as one predicate; None selects everything."""
    demands = [each for each in (by_labels(labels), by_fields(fields, resource)) if each is not None]
    if not demands:
        return None
    return lambda body: all(demand(body) for demand in demands)


def matches(selector: Mapping[str, str], body: Json) -> bool:
    """Tell whether a plain map selector, such as a Service's, selects an object."""
    labels = labels_of(body)
    return all(labels.get(key) == value for key, value in selector.items())
