"""Stretches of versions: what several boundaries come to, in as few words as can be."""

import pytest

from bot.domain.version_span import Stretch, joined, merged, shown, stretch

V16, V19, V24 = (1, 16, 0), (1, 19, 0), (1, 24, 3)


@pytest.mark.parametrize(
    ("bounds", "words"),
    [
        ([(False, V16)], "v<v1.16"),
        ([(True, V24)], "v>=v1.24.3"),
        ([(True, V16), (False, V19)], "v>=v1.16 and <v1.19"),
        ([(False, V19), (False, V16)], "v<v1.16"),
        ([(True, V16), (True, V19)], "v>=v1.19"),
    ],
)
def test_bounds_come_to_one_stretch(bounds: list[tuple[bool, tuple[int, int, int]]], words: str) -> None:
    """The narrowest holds."""
    assert shown("v", [stretch(bounds)]) == words


def test_stretches_that_touch_are_one() -> None:
    """Older than v1.16, and v1.16 to v1.18, is older than v1.19."""
    below = [stretch([(False, V16)]), stretch([(True, V16), (False, V19)])]
    assert shown("v", joined(below)) == "v<v1.19"
    assert joined([*below, stretch([(True, V19)])]) == (Stretch(),)


def test_stretches_apart_stay_apart() -> None:
    """A gap is not filled."""
    assert shown("v", joined([stretch([(True, V24)]), stretch([(False, V16)])])) == "v<v1.16 or v>=v1.24.3"


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["v<v1.19", "v<v1.15", "v>=v1.15 and <v1.19"], ("v<v1.19",)),
        (["v>=v1.33.6", "v<v1.19"], ("v<v1.19", "v>=v1.33.6")),
        (["v<v1.19", "v>=v1.16"], ()),
    ],
)
def test_what_was_said_of_versions_is_said_in_as_few_words(texts: list[str], words: tuple[str, ...]) -> None:
    """Nothing where it comes to every version."""
    assert merged("v", texts) == words
