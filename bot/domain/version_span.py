"""Stretches of Kubernetes versions, and how an answer names them."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

Exact = tuple[int, int, int]
_FIRST: Exact = (0, 0, 0)
_BEYOND: Exact = (2, 0, 0)


class Stretch(NamedTuple):
    """The versions from `first` up to, but without, `beyond`."""

    first: Exact = _FIRST
    beyond: Exact = _BEYOND


EVERY = Stretch()


def stretch(bounds: Iterable[tuple[bool, Exact]]) -> Stretch:
    """Give what is left between bounds: (True, v) means v or newer, (False, v) older than v."""
    first, beyond = Stretch()
    for newer, version in bounds:
        first, beyond = (max(first, version), beyond) if newer else (first, min(beyond, version))
    return Stretch(first, beyond)


def joined(stretches: Iterable[Stretch]) -> tuple[Stretch, ...]:
    """Put stretches that touch or overlap together."""
    found: list[Stretch] = []
    for each in sorted(set(stretches)):
        if found and each.first <= found[-1].beyond:
            found[-1] = Stretch(found[-1].first, max(found[-1].beyond, each.beyond))
        else:
            found.append(each)
    return tuple(found)


def shown(name: str, stretches: Iterable[Stretch]) -> str:
    """Name the fact and its versions: `kubernetesVersion<v1.24`, `kubernetesVersion>=v1.16 and <v1.19`."""
    return " or ".join(f"{name}{_bounds(each)}" for each in stretches)


def merged(name: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Say the same as all of these in as few as can be; none where they come to every version."""
    found = joined(stretch(_read(text)) for text in texts)
    return () if found == (EVERY,) else tuple(f"{name}{_bounds(each)}" for each in found)


_BOUND = re.compile(r"(>=|<)v(\d+)\.(\d+)(?:\.(\d+))?")


def _read(text: str) -> Iterator[tuple[bool, Exact]]:
    """The bounds that `shown` named."""
    for sign, major, minor, patch in _BOUND.findall(text):
        yield sign == ">=", (int(major), int(minor), int(patch or 0))


def _bounds(each: Stretch) -> str:
    limits = [f">={_version(each.first)}"] if each.first != _FIRST else []
    limits += [f"<{_version(each.beyond)}"] if each.beyond != _BEYOND else []
    return " and ".join(limits)


def _version(exact: Exact) -> str:
    major, minor, patch = exact
    return f"v{major}.{minor}" + (f".{patch}" if patch else "")
