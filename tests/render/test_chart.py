"""New connections over time as a picture: what is drawn, and that nothing is drawn where nothing is known."""

import sys
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from bot.domain.verification_progress import Series
from bot.render.chart import BOTTOM, HEIGHT, LEFT, RIGHT, SCALE, TOP, WIDTH, Chart, ceiling, png

BLUE, ORANGE, RED, GREY = (0x09, 0x69, 0xDA), (0xBC, 0x4C, 0x00), (0xCF, 0x22, 0x2E), (0xEA, 0xEE, 0xF2)

NEAR = 12


def series(*bars: tuple[int | None, int, str], period: float = 60.0) -> Series:
    """Seen, made and mark of each period."""
    values, made, marks = zip(*bars, strict=True)
    start = datetime(2026, 3, 2, 14, 1, tzinfo=UTC)
    return Series(values=values, made=made, marks=marks, text="", start=start, period=period)


def drawn(shown: Series, title: str = "New connections", *, compared: bool = True) -> Image.Image:
    """The picture."""
    data = png(Chart(title=title, series=shown, compared=compared))
    assert data is not None
    assert len(data) < 64_000
    return Image.open(BytesIO(data)).convert("RGB")


def like(colour: Any, wanted: tuple[int, int, int]) -> bool:
    """Whether they look the same: few colours are kept, so that the file is small."""
    return all(abs(a - b) < NEAR for a, b in zip(colour, wanted, strict=True))


def area(picture: Image.Image, wanted: tuple[int, int, int]) -> int:
    """Pixels of a colour in the plot, without the legend."""
    plot = picture.crop((LEFT * SCALE, TOP * SCALE, picture.width, (HEIGHT - BOTTOM) * SCALE))
    return sum(n for n, colour in plot.getcolors(plot.width * plot.height) or () if like(colour, wanted))


WHOLE = series((0, 0, ""), (0, 120, "before"), (3, 0, "patch"), (0, 0, ""), (120, 120, "after"), (0, 0, ""))


def test_a_burst_that_was_seen_is_full_and_one_that_was_not_is_empty() -> None:
    """Of the second there is an outline only, as high as the connections that were made."""
    picture = drawn(WHOLE)
    assert picture.size == (WIDTH * SCALE, HEIGHT * SCALE)
    assert area(picture, BLUE) > 10 * area(picture, ORANGE) > 0


def test_the_patch_is_marked_where_it_was() -> None:
    """A line at the start of its period; none where nothing was patched."""
    alone = series((0, 0, ""), (120, 120, "after"), (0, 0, ""))
    assert area(drawn(WHOLE), RED) > 0
    assert area(drawn(alone, compared=False), RED) == 0


def test_a_period_that_did_not_come_is_grey_and_not_zero() -> None:
    """What is missing is seen to be missing."""
    gap = series((0, 0, ""), (None, 120, "after"), (1, 0, ""))
    zero = series((0, 0, ""), (0, 120, "after"), (1, 0, ""))
    assert area(drawn(gap), GREY) > area(drawn(zero), GREY) == 0


@pytest.mark.parametrize("shown", [series((None, 120, "after")), Series(
    values=(), made=(), marks=(), text="", start=datetime(2026, 3, 2, tzinfo=UTC), period=60.0
)])  # fmt: skip
def test_without_any_counter_there_is_no_picture(shown: Series) -> None:
    """An empty one would look like nothing happened."""
    assert png(Chart(title="", series=shown, compared=True)) is None


def test_without_pillow_there_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of bars stays."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert png(Chart(title="", series=WHOLE, compared=True)) is None


@pytest.mark.parametrize("title", ["", "n" * 500, "👩‍👩‍👧‍👦 مرحبا", "line\nline"])
@pytest.mark.parametrize("count", [1, 6, 200])
def test_whatever_there_is_the_margin_stays_white(title: str, count: int) -> None:
    """Long titles are cut, and hundreds of periods fit."""
    picture = drawn(series(*[(9, 9, "after")] * count, period=2.0), title)
    edge = picture.crop((picture.width - RIGHT * SCALE + 4, 0, picture.width, TOP * SCALE))
    assert {colour for _, colour in edge.getcolors(edge.width * edge.height) or ()} == {(255, 255, 255)}


@pytest.mark.parametrize(("most", "round_"), [(0, 1), (1, 1), (3, 5), (120, 200), (200, 200), (501, 1000)])
def test_the_scale_ends_at_a_round_number(most: int, round_: int) -> None:
    """Never below the highest bar."""
    assert ceiling(most) == round_
