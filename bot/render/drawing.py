"""Rows of boxes as a picture, where Pillow is installed (the extra `images`); nothing where it is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from bot.domain.sketch import Box, Row, Tone

BOX, GAP, LINE, PAD, MARGIN = 250, 44, 19, 10, 20
FONT = 14
SCALE = 2
"""Pixels for each point: sharp on the screens of today."""
MOST_ROWS = 40
"""A picture of more is smaller than anybody can read."""
_COLOURS = {
    Tone.PLAIN: ("#f6f8fa", "#57606a"),
    Tone.THROUGH: ("#ddf4ff", "#0969da"),
    Tone.PAST: ("#fff1e5", "#bc4c00"),
    Tone.GOOD: ("#d9f2e0", "#1a7f37"),
    Tone.OPEN: ("#fff3cd", "#9a6700"),
    Tone.BAD: ("#ffe0de", "#cf222e"),
}
_INK = "#1f2328"
_LINE_INK = "#57606a"


def png(rows: Sequence[str | Row]) -> bytes | None:
    """Draw headings and rows, the bytes of a PNG; None where nothing can draw, or there is nothing to draw."""
    try:
        from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        return None
    if not rows:
        return None
    font = ImageFont.load_default(size=FONT * SCALE)
    laid = [_laid(row, font) for row in _shown(rows)]
    size = (max(each.width for each in laid) + 2 * MARGIN, sum(each.height for each in laid) + 2 * MARGIN)
    image = Image.new("RGB", (size[0] * SCALE, size[1] * SCALE), "#ffffff")
    pencil, top = _Pencil(ImageDraw.Draw(image), font), MARGIN
    for each in laid:
        pencil.draw(each, top)
        top += each.height
    found = BytesIO()
    image.save(found, "PNG")
    return found.getvalue()


def _shown(rows: Sequence[str | Row]) -> list[str | Row]:
    left = len(rows) - MOST_ROWS
    return [*rows[:MOST_ROWS], *([f"and {left} more rows"] if left > 0 else [])]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Laid:
    """A heading or a row with every line where it will stand."""

    heading: str = ""
    boxes: tuple[tuple[list[str], Tone], ...] = ()

    @property
    def width(self) -> int:
        return len(self.boxes) * (BOX + GAP) - GAP if self.boxes else 3 * BOX

    @property
    def box_height(self) -> int:
        return max(len(lines) for lines, _ in self.boxes) * LINE + 2 * PAD

    @property
    def height(self) -> int:
        return self.box_height + 12 if self.boxes else 36


def _laid(row: str | Row, font: Any) -> _Laid:
    if isinstance(row, str):
        return _Laid(heading=row)
    return _Laid(boxes=tuple((_lines(box, font), box.tone) for box in row.boxes))


def _lines(box: Box, font: Any) -> list[str]:
    return [piece for line in box.lines for piece in _wrapped(line, font)]


def _wrapped(text: str, font: Any) -> list[str]:
    """Break a line so that it fits into a box, between words where there are any."""
    room, lines, line = (BOX - 2 * PAD) * SCALE, [], ""
    for word in text.split():
        if line and font.getlength(f"{line} {word}") <= room:
            line = f"{line} {word}"
            continue
        if line:
            lines.append(line)
        line = word
        while font.getlength(line) > room:
            fits = next(n for n in range(len(line), 0, -1) if n == 1 or font.getlength(line[:n]) <= room)
            lines.append(line[:fits])
            line = line[fits:] or " "
    return [*lines, line]


class _Pencil:
    """Draws in points on a picture of more pixels."""

    def __init__(self, draw: Any, font: Any) -> None:
        self._draw = draw
        self._font = font

    def draw(self, row: _Laid, top: int) -> None:
        """Draw a heading, or boxes with arrows between them."""
        if row.heading:
            self._text(MARGIN, top + 10, row.heading, bold=True)
        for number, (lines, tone) in enumerate(row.boxes):
            left = MARGIN + number * (BOX + GAP)
            self._box(left, top, row.box_height, lines, tone)
            if number:
                self._arrow(left - GAP, left, top + row.box_height // 2)

    def _box(self, left: int, top: int, height: int, lines: list[str], tone: Tone) -> None:
        area, border = _COLOURS[tone]
        corners = self._pixels(left, top, left + BOX, top + height)
        self._draw.rounded_rectangle(corners, radius=6 * SCALE, fill=area, outline=border, width=SCALE)
        for number, line in enumerate(lines):
            self._text(left + PAD, top + PAD + number * LINE, line)

    def _arrow(self, left: int, right: int, middle: int) -> None:
        self._draw.line(self._pixels(left + 4, middle, right - 8, middle), fill=_LINE_INK, width=SCALE)
        head = [(right - 4, middle), (right - 12, middle - 5), (right - 12, middle + 5)]
        self._draw.polygon([(x * SCALE, y * SCALE) for x, y in head], fill=_LINE_INK)

    def _text(self, left: int, top: int, text: str, *, bold: bool = False) -> None:
        at = (left * SCALE, top * SCALE)
        self._draw.text(at, text, font=self._font, fill=_INK, stroke_width=int(bold), stroke_fill=_INK)

    @staticmethod
    def _pixels(*points: int) -> tuple[int, ...]:
        return tuple(point * SCALE for point in points)
