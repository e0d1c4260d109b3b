"""Names are in order and there once, however they came."""

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.roll import Roll

NAMES = st.text("abc", max_size=2)


@given(st.lists(st.tuples(st.booleans(), NAMES)))
def test_a_roll_is_a_sorted_set(changes: list[tuple[bool, str]]) -> None:
    """Entering and striking in any order gives what a set would, sorted."""
    roll, names = Roll(), set[str]()
    for enters, name in changes:
        (roll.add if enters else roll.discard)(name)
        (names.add if enters else names.discard)(name)
    assert list(roll) == sorted(names)
    assert len(roll) == len(names)
    assert all((name in roll) == (name in names) for _, name in changes)
