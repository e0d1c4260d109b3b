"""What is cached for long is no work for the garbage collector."""

import gc

from bot.adapters.cluster.pace import keep_changes_for_good


def test_the_collector_does_not_look_through_what_came_by_changes() -> None:
    """However many come: those of before a moment ago are spared, so the process is not held for them."""
    kept = [[number] for number in range(5_000)]
    for _ in kept:
        keep_changes_for_good()
    looked_at = {id(each) for each in gc.get_objects()}
    assert not any(id(each) in looked_at for each in kept[:1_000])
