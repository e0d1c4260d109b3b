"""Two hundred randomised worlds; a thousand are played by `python -m tests.operations.worlds 1000`."""

import pytest

from tests.operations.worlds import OPEN_AT_MOST, Tally

WORLDS = 200
SHARE = 100


@pytest.mark.parametrize("first", range(0, WORLDS, SHARE))
async def test_the_verdict_is_never_against_the_truth(first: int) -> None:
    """Succeeded when it was not so: none. Failed when it was fine: none. Inconclusive: few, if data arrive."""
    tally = await Tally().play(range(first, first + SHARE))
    assert tally.lies == []
    assert tally.succeeded_without_data == 0
    assert tally.open_though_it_could_tell <= OPEN_AT_MOST * tally.could_tell
