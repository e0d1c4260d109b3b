"""That the benchmarks fail where what they promise does not hold: by figures that are wrong on purpose."""

import pytest

from tests.bench import clicks, memory
from tests.bench.load import Times

FINE = Times(took=(5.0,) * 1500)
QUIET = [100.0] * (memory.SAMPLES + 1)


def held(found: list[tuple[str, bool]]) -> bool:
    """Whether all that is promised holds."""
    return all(holds for _, holds in found)


@pytest.mark.parametrize("many", clicks.AT_ONCE)
def test_one_click_of_all_that_takes_too_long_is_too_many(many: int) -> None:
    """Never means never: the 99th percentile does not see one in 1,500."""
    found = {("serve", each): FINE for each in clicks.AT_ONCE}
    assert held(clicks.promises("sqlite", found))
    slow = Times(took=(*FINE.took[1:], 300.5))
    said = clicks.promises("sqlite", found | {("serve", many): slow})
    assert [holds for _, holds in said] == [True, False]
    assert "the longest took 300.5 ms" in said[1][0]


@pytest.mark.parametrize(("kind", "takes"), [("sqlite", 81.0), ("postgresql", 151.0)])
def test_many_slow_clicks_are_seen_by_the_percentile(kind: str, takes: float) -> None:
    """Each kind of database has its own figure."""
    found = {("serve", each): Times(took=(takes,) * 1500) for each in clicks.AT_ONCE}
    assert [holds for _, holds in clicks.promises(kind, found)] == [False, True]


def test_fewer_requests_than_asked_for_are_no_proof() -> None:
    """A machine that is too slow says so, and with a bad exit status."""
    assert held(memory.promises(QUIET, sent=50_000, asked=50_000))
    assert memory.promises(QUIET[:17], sent=40_000, asked=50_000) == [
        ("40,000 of 50,000 requests were made", False)
    ]


def test_growth_is_seen() -> None:
    """What the last quarter holds more than the second."""
    grown = [*QUIET[:16], *[106.0] * 5]
    assert not held(memory.promises(grown, sent=50_000, asked=50_000))
