"""Lengths of time as people write them."""

import pytest

from bot.config.duration import seconds


@pytest.mark.parametrize(
    ("text", "length"),
    [("500ms", 0.5), ("2s", 2), ("5m", 300), ("4h", 14400), ("400d", 34560000), ("0s", 0), ("1.5s", 1.5)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, length: float) -> None:
    """As in the example of the configuration file."""
    assert seconds(text) == length


@pytest.mark.parametrize(
    "text", ["", "5", "m", "5 m", "-5m", "5m30s", "5M", "1e9d", "٣m", "9999999999s", "5m\n"]
)
def test_anything_else_is_refused(text: str) -> None:
    """A bare number too: of what?"""
    with pytest.raises(ValueError, match="is no duration"):
        seconds(text)
