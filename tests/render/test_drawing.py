"""Pictures of paths: as large as what they show, and none where nothing can draw."""

import sys
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from bot.domain.sketch import Box, Row, Tone
from bot.render.drawing import MARGIN, MOST_ROWS, SCALE, png

ROW = Row(
    boxes=(Box(lines=("pods (3)",)), Box(lines=("node a", "· masquerades")), Box(lines=("deliver",), tone=Tone.GOOD))
)  # fmt: skip


def drawn(*rows: str | Row) -> Image.Image:
    """The picture of some rows."""
    data = png(rows)
    assert data is not None
    return Image.open(BytesIO(data)).convert("RGB")


def colours(picture: Image.Image) -> set[Any]:
    """Every colour in it."""
    return {colour for _, colour in picture.getcolors(picture.width * picture.height) or ()}


def test_a_picture_grows_with_what_it_shows() -> None:
    """Another row makes it higher, another box wider."""
    one, two = drawn("shop/checkout", ROW), drawn("shop/checkout", ROW, ROW)
    wide = drawn(Row(boxes=(*ROW.boxes, *ROW.boxes)))
    assert two.height > one.height
    assert two.width == one.width
    assert wide.width > one.width


def test_what_is_good_is_green_and_what_is_bad_is_red() -> None:
    """And never both where only one is shown."""
    good, bad = (0xD9, 0xF2, 0xE0), (0xFF, 0xE0, 0xDE)
    cut_off = Row(boxes=(Box(lines=("pods",)), Box(lines=("drop",), tone=Tone.BAD)))
    assert good in colours(drawn(ROW))
    assert bad not in colours(drawn(ROW))
    assert bad in colours(drawn(cut_off))


@pytest.mark.parametrize("text", ["n" * 400, "a " * 300, "", "👩‍👩‍👧‍👦 مرحبا", "line\nline"])
def test_whatever_a_box_says_stays_inside_it(text: str) -> None:
    """The margin is white all the way down."""
    picture = drawn(Row(boxes=(Box(lines=(text,)),)))
    edge = picture.crop((picture.width - MARGIN * SCALE + 2, 0, picture.width, picture.height))
    assert colours(edge) == {(255, 255, 255)}


def test_a_picture_of_too_much_says_what_is_left_out() -> None:
    """It is not higher than one of the most that is shown and one line more."""
    full, over = drawn(*[ROW] * MOST_ROWS, "and 1 more"), drawn(*[ROW] * 500)
    assert over.height == full.height


def test_nothing_to_show_is_no_picture() -> None:
    """Rather than a white one."""
    assert png([]) is None


def test_without_pillow_there_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is an extra; whoever asks gets the text then."""
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert png([ROW]) is None
