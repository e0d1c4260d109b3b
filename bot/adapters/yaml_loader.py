"""YAML as Kubernetes reads it: text stays text, so `1.30` does not become 1.3 and no date appears."""

from collections.abc import Iterator
from typing import Any

import yaml
from yaml import YAMLError

_FOREIGN = ("tag:yaml.org,2002:float", "tag:yaml.org,2002:timestamp")
_C: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_C):  # type: ignore[misc]  # the C loader where the wheel has it
    """The safe loader without numbers and dates that Kubernetes fields never are."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in _FOREIGN]
    for first, resolvers in _C.yaml_implicit_resolvers.items()  # type: ignore[attr-defined]  # PyYAML has no types for it
}


def load_all(text: str) -> Iterator[Any]:
    """Read every document.

    Raises:
        YAMLError: The text is no YAML.
    """
    return yaml.load_all(text, Loader=_Loader)


def position(error: YAMLError) -> str:
    """Say where the error is, and what."""
    mark = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or getattr(error, "reason", None) or "it is no YAML"
    where = f", line {mark.line + 1} column {mark.column + 1}" if mark is not None else ""
    return f"{where}: {what}"


__all__ = ["YAMLError", "load_all", "position"]
