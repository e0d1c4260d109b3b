import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.adapters.store import codec
from bot.domain.change import Change
from bot.domain.verification import Run
from tests.adapters.store.examples import AT, a_change, a_run


class Colour(StrEnum):
    """An enum."""

    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A nested value."""

    colour: Colour
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """One field of every kind."""

    name: str
    size: int = 1
    weight: float = 0.5
    alive: bool | None = None
    leaves: tuple[Leaf, ...] = ()
    pair: tuple[str, int] = ("a", 1)
    notes: Mapping[str, str | None] = field(default_factory=dict)
    by_colour: Mapping[Colour, Leaf] = field(default_factory=dict)
    tags: frozenset[str] = frozenset()
    best: Leaf | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)


leaves = st.builds(Leaf, colour=st.sampled_from(Colour), at=st.none() | st.datetimes(timezones=st.just(UTC)))
trees = st.builds(
    Tree,
    name=st.text(),
    size=st.integers(),
    weight=st.floats(allow_nan=False),
    alive=st.none() | st.booleans(),
    leaves=st.lists(leaves, max_size=3).map(tuple),
    pair=st.tuples(st.text(), st.integers()),
    notes=st.dictionaries(st.text(), st.none() | st.text(), max_size=3),
    by_colour=st.dictionaries(st.sampled_from(Colour), leaves),
    tags=st.frozensets(st.text(), max_size=3),
    best=st.none() | leaves,
    raw=st.dictionaries(
        st.text(), st.none() | st.booleans() | st.integers() | st.lists(st.text()), max_size=2
    ),
)


@given(trees)
def test_what_is_stored_comes_back(tree: Tree) -> None:
    """Whatever the fields hold."""
    stored = codec.dump(tree)
    assert stored.isascii()
    assert codec.load(Tree, stored) == tree


def test_changes_and_runs_come_back() -> None:
    """The two that the store is for."""
    assert codec.load(Change, codec.dump(a_change())) == a_change()
    assert codec.load(Run, codec.dump(a_run())) == a_run()


@dataclass(frozen=True, slots=True, kw_only=True)
class Either:
    """Fields that may be one thing or another."""

    what: Leaf | int | str


@pytest.mark.parametrize("what", [Leaf(colour=Colour.BLUE), 7, "seven"])
def test_one_of_several_types_comes_back_as_itself(what: Leaf | int | str) -> None:
    """The first that fits."""
    assert codec.load(Either, codec.dump(Either(what=what))) == Either(what=what)


def test_a_moment_is_stored_in_utc() -> None:
    """Whatever zone it came in."""
    berlin = AT.astimezone(timezone(timedelta(hours=1)))
    assert json.loads(codec.dump(Leaf(colour=Colour.RED, at=berlin)))["at"] == AT.isoformat()


def test_a_field_of_a_newer_version_is_passed_over() -> None:
    """The older replica of a rolling upgrade goes on."""
    stored = json.loads(codec.dump(Tree(name="oak"))) | {"rings": [1, 2, 3]}
    assert codec.load(Tree, json.dumps(stored)) == Tree(name="oak")


def test_a_field_that_an_older_version_did_not_know_takes_its_default() -> None:
    """The newer replica goes on."""
    assert codec.load(Tree, '{"name": "oak"}') == Tree(name="oak")


@pytest.mark.parametrize(
    "stored",
    [
        "{}",
        "[]",
        "null",
        "no JSON",
        '{"name": 3}',
        '{"name": "oak", "leaves": [{"colour": "a colour of a newer version"}]}',
        '{"name": "oak", "pair": ["a"]}',
        '{"name": "oak", "notes": []}',
        '{"name": "oak", "best": {"colour": "red", "at": "yesterday"}}',
    ],
)
def test_what_cannot_be_read_says_so(stored: str) -> None:
    """Instead of a value that looks right."""
    with pytest.raises(codec.UnreadableError, match="a stored Tree cannot be read"):
        codec.load(Tree, stored)


@pytest.mark.parametrize("value", [object(), {1: "one"}, b"bytes"])
def test_what_cannot_be_stored_says_so(value: object) -> None:
    """When it is stored, not when it is read."""
    with pytest.raises(TypeError, match="cannot be"):
        codec.dump(value)
