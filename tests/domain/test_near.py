from collections.abc import Callable
from difflib import get_close_matches
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.near import nearest

NAMES = [
    f"{team}-{part}-{number}"
    for team in ("shop", "web", "pay")
    for part in ("api", "db")
    for number in range(900)
]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("chekout", "checkout"),
        ("checkuot", "checkout"),
        ("chckout", "checkout"),
        ("checkoutt", "checkout"),
        ("CHECKOUT", "checkout"),
        ("Chekout", "checkout"),
        ("cehckout", "checkout"),
        ("heckout", "checkout"),
        ("checkou", "checkout"),
    ],
)
def test_a_slip_of_the_finger_is_found_among_thousands(typed: str, meant: str) -> None:
    """A letter left out, doubled, swapped or wrong."""
    assert nearest(typed, [*NAMES, meant], 5)[0] == meant


def test_what_is_like_nothing_finds_nothing() -> None:
    """Rather than the least unlike."""
    assert nearest("zzzzqqqq", NAMES, 5) == []
    assert nearest("", NAMES, 5) == []
    assert nearest("checkout", [], 5) == []


@given(
    st.text("abc-", min_size=1, max_size=8),
    st.lists(st.text("abc-", min_size=1, max_size=8), max_size=30, unique=True),
)
def test_among_few_names_it_finds_what_a_letter_by_letter_search_finds(typed: str, names: list[str]) -> None:
    """Nothing is lost by looking at the likely ones only, for these are all."""
    assert sorted(nearest(typed, names, 30)) == sorted(get_close_matches(typed, names, 30, 0.6))


def test_it_is_a_small_part_of_a_letter_by_letter_search() -> None:
    """Which holds up everybody else who asks."""
    names = [f"{name}-{number}" for name in NAMES for number in range(2)]
    nearest("warm", names, 5)
    times = []
    searches: tuple[Callable[[], object], ...] = (
        lambda: nearest("shop-api-77x", names, 5),
        lambda: get_close_matches("shop-api-77x", names, 5),
    )
    for search in searches:
        started = process_time()
        search()
        times.append(process_time() - started)
    assert times[0] < times[1] / 4
