"""A short soak with every test run, and the proof that it would find what it looks for."""

import random
from dataclasses import replace

from bot.domain.incident_rule import RULES
from bot.domain.objects import Pod, Ref
from tests.soak.script import Episode, What, drawn
from tests.soak.soak import MOST_MORE, Soak


async def test_what_was_told_is_what_was_and_a_lie_is_found() -> None:
    """Fifty minutes of trouble without a difference; then each kind of difference, made on purpose."""
    soak = Soak(seed=1, services=5, seconds=3000)
    async with soak._opened():
        kept = await soak._play()
        report = await soak.report(kept)
        assert report.clean, "\n".join(report.lines())
        assert len(report.told) >= 3
        assert sum(report.troubles.values()) >= 10

        left_out = next(episode for episode in soak.episodes if episode.rule)
        soak.episodes.remove(left_out)
        (found,) = (await soak.report(kept)).differences
        assert found.startswith("told, and never was:")
        soak.episodes.append(left_out)
        soak.episodes.append(Episode(what=What.LOSS, service="s0", begin=2000.0, end=2300.0))
        (found,) = (await soak.report(kept)).differences
        assert found.startswith("not told:")
        soak.episodes.pop()
        soak.episodes[soak.episodes.index(left_out)] = replace(left_out, end=left_out.end + 600)
        assert len((await soak.report(kept)).differences) == 2
        soak.episodes[-1] = left_out

        assert (await soak.report((kept[1] // 2, kept[1] * 2))).differences[0].startswith("the bot's objects")
        soak.resident = (1, 2 + MOST_MORE)
        assert (await soak.report(kept)).differences[0].startswith("resident memory has grown")
        soak.resident = (0, 0)
        soak.watches[0].clusters["prod"].lookout._born.add("s0")
        assert "still holds" in (await soak.report(kept)).differences[0]
        soak.cluster._cache.inventory.put(Pod(ref=Ref("shop", "nobody")))
        assert (await soak.report(kept)).differences[0] == "pods in the cache: shop/nobody"


def test_everything_that_may_happen_happens_in_an_hour() -> None:
    """With the dice that `make soak` throws: each kind of trouble, and by each rule that it is told by."""
    hour = [e for seed in (1, 5) for e in drawn(random.Random(seed), services=24, seconds=3600)]
    assert {episode.what for episode in hour} == set(What)
    told_elsewhere = {"change-reverted", "unsupported-version"}
    assert {episode.rule for episode in hour if episode.rule} == set(RULES) - told_elsewhere


async def test_a_cache_that_loses_a_change_is_found_out() -> None:
    """As `make soak ARGS="--forget 9"` shows with its exit status."""
    report = await Soak(seed=1, services=3, seconds=3000, forget=9, patience=1.0).run()
    assert report.differences[0].startswith("the cache did not catch up")
    assert not report.clean
