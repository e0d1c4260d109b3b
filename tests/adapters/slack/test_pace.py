"""One message a second to a channel."""

import asyncio
from itertools import pairwise

from bot.adapters.slack.pace import REMEMBERED, Pace
from bot.adapters.slack.remembered import Remembered


async def test_messages_to_one_channel_leave_a_gap_and_keep_their_order() -> None:
    """By what the pace itself recorded: a busy machine may look at its clock late."""
    pace = Pace(0.05)
    turns: list[tuple[int, float]] = []

    async def post(number: int) -> None:
        await pace.turn("C1")
        turns.append((number, pace._lanes["C1"].free_at))

    await asyncio.gather(*(post(number) for number in range(3)))
    assert [number for number, _ in turns] == [0, 1, 2]
    assert all(later - earlier >= 0.05 - 1e-9 for (_, earlier), (_, later) in pairwise(turns))


async def test_other_channels_do_not_wait() -> None:
    """Each has a pace of its own."""
    pace = Pace(60.0)
    async with asyncio.timeout(60):
        for channel in range(REMEMBERED + 10):
            await pace.turn(str(channel))
    assert len(pace._lanes) == REMEMBERED


async def test_only_the_latest_answers_are_remembered() -> None:
    """So that a long life needs no more memory than a short one."""
    asked: list[str] = []

    async def ask(key: str) -> str:
        asked.append(key)
        return key

    remembered = Remembered(ask, most=2)
    for key in ("a", "b", "c", "c", "a"):
        assert await remembered(key) == key
    assert asked == ["a", "b", "c", "a"]
