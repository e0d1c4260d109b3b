"""New connections over time as a picture, where Pillow is installed (the extra `images`); nothing where it is not."""

from dataclasses import dataclass
from datetime import timedelta
from io import BytesIO
from math import ceil
from typing import Any

from bot.domain.verification_progress import Series

WIDTH, HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 76, 40
SCALE = 2
"""Pixels for each point: sharp on the screens of today."""
FONT = 13
COLOURS = 64
"""Enough for the few that there are and the edges of letters; a third of the size."""
_INK, _FAINT, _GRID = "#1f2328", "#57606a", "#d0d7de"
_PATCH = "#cf222e"
_MISSING = "#eaeef2"
_MARKS = {
    "": ("#6e7781", None, "baseline, nothing sent"),
    "patch": ("#6e7781", None, "baseline, nothing sent"),
    "before": ("#bc4c00", "#fff1e5", "burst before"),
    "after": ("#0969da", "#ddf4ff", "burst after"),
    "recheck": ("#8250df", "#fbefff", "once more"),
}
"""Mark of a period → colour of its bar, of its ground, and what it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """What is drawn."""

    title: str
    series: Series
    compared: bool
    """Whether there is a patch; without one the bursts are just bursts."""


def png(chart: Chart) -> bytes | None:
    """Draw a chart, the bytes of a PNG; None where nothing can draw, or no counter came."""
    try:
        from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        return None
    if not any(value is not None for value in chart.series.values):
        return None
    image = Image.new("RGB", (WIDTH * SCALE, HEIGHT * SCALE), "#ffffff")
    _Pencil(ImageDraw.Draw(image), ImageFont.load_default(size=FONT * SCALE), chart).draw()
    found = BytesIO()
    image.quantize(COLOURS).save(found, "PNG", optimize=True)
    return found.getvalue()


def ceiling(most: int) -> int:
    """The first round number that is not below: 1, 2 or 5, and zeros."""
    size = 1
    while True:
        for step in (1, 2, 5):
            if step * size >= most:
                return step * size
        size *= 10


class _Pencil:
    """Draws in points on a picture of more pixels."""

    def __init__(self, draw: Any, font: Any, chart: Chart) -> None:
        self._draw = draw
        self._font = font
        self._chart = chart
        self._series = chart.series
        self._top = ceiling(max(*(v or 0 for v in chart.series.values), *chart.series.made))
        self._slot = (WIDTH - LEFT - RIGHT) / len(chart.series.values)

    def draw(self) -> None:
        """Grounds, grid, bars, and what stands beside them."""
        for number, mark in enumerate(self._series.marks):
            self._ground(number, mark)
        self._grid()
        for number, value in enumerate(self._series.values):
            self._bar(number, value, self._series.marks[number])
            self._made(number, self._series.made[number], self._series.marks[number])
        self._patch()
        self._times()
        self._text(LEFT, 12, self._fitting(self._chart.title), _INK)
        self._legend()

    def _x(self, number: float) -> float:
        return LEFT + number * self._slot

    def _y(self, value: float) -> float:
        return HEIGHT - BOTTOM - value / self._top * (HEIGHT - BOTTOM - TOP)

    def _ground(self, number: int, mark: str) -> None:
        ground = _MISSING if self._series.values[number] is None else _MARKS[mark][1]
        if ground:
            self._area(self._x(number), TOP, self._x(number + 1), HEIGHT - BOTTOM, ground)

    def _grid(self) -> None:
        halves = (0, self._top / 2, self._top) if self._top > 1 else (0, self._top)
        for value in halves:
            self._line(LEFT, self._y(value), WIDTH - RIGHT, self._y(value), _GRID)
            text = f"{value:g}"
            self._text(LEFT - 8 - self._width(text), self._y(value) - FONT / 2 - 2, text, _FAINT)

    def _bar(self, number: int, value: int | None, mark: str) -> None:
        if value is None:
            self._text(self._x(number + 0.5) - self._width("?") / 2, HEIGHT - BOTTOM - 20, "?", _FAINT)
            return
        gap = min(3.0, self._slot / 5)
        bottom = HEIGHT - BOTTOM
        top = min(self._y(value), bottom - 1)  # zero is a thin line: it was counted
        self._area(self._x(number) + gap, top, self._x(number + 1) - gap, bottom, _MARKS[mark][0])

    def _made(self, number: int, made: int, mark: str) -> None:
        """An outline as high as what was sent: a burst that the load balancer did not see is empty."""
        if not made:
            return
        gap, colour = min(3.0, self._slot / 5), _MARKS[mark][0]
        corners = (self._x(number) + gap, self._y(made), self._x(number + 1) - gap, HEIGHT - BOTTOM)
        self._draw.rectangle([each * SCALE for each in corners], outline=colour, width=SCALE)

    def _patch(self) -> None:
        if "patch" not in self._series.marks:
            return
        x = self._x(self._series.marks.index("patch"))
        self._line(x, TOP - 14, x, HEIGHT - BOTTOM, _PATCH, width=2)
        self._text(x + 4, TOP - 18, "patch", _PATCH)

    def _times(self) -> None:
        shape = "%H:%M" if self._series.period >= 60 else "%H:%M:%S"  # noqa: PLR2004  a minute
        room = self._width("00:00:00" if "S" in shape else "00:00") + 16
        every = max(1, ceil(room / self._slot))
        for number in range(0, len(self._series.values), every):
            at = self._series.start + timedelta(seconds=number * self._series.period)
            if self._x(number) + room - 16 <= WIDTH:
                self._line(self._x(number), HEIGHT - BOTTOM, self._x(number), HEIGHT - BOTTOM + 4, _FAINT)
                self._text(self._x(number), HEIGHT - BOTTOM + 6, at.strftime(shape), _FAINT)

    def _legend(self) -> None:
        """One entry for each kind of period that there is."""
        there = [mark for mark in ("", "before", "after", "recheck") if mark in self._series.marks]
        entries = [(_MARKS[mark][0], self._meaning(mark)) for mark in there]
        if None in self._series.values:
            entries.append((_MISSING, "no data"))
        x = float(LEFT)
        for colour, words in entries:
            self._area(x, 38, x + 10, 48, colour)
            self._text(x + 15, 34, words, _FAINT)
            x += 15 + self._width(words) + 16
        if any(self._series.made):
            self._draw.rectangle([each * SCALE for each in (x, 38, x + 10, 48)], outline=_FAINT, width=SCALE)
            self._text(x + 15, 34, "connected", _FAINT)

    def _meaning(self, mark: str) -> str:
        words = _MARKS[mark][2]
        return words if self._chart.compared else words.removesuffix(" after")

    def _fitting(self, text: str) -> str:
        if self._width(text) <= WIDTH - LEFT - RIGHT:
            return text
        while text and self._width(f"{text}…") > WIDTH - LEFT - RIGHT:
            text = text[:-1]
        return f"{text}…"

    def _width(self, text: str) -> float:
        return float(self._font.getlength(text)) / SCALE

    def _text(self, left: float, top: float, text: str, colour: str) -> None:
        self._draw.text((left * SCALE, top * SCALE), text, font=self._font, fill=colour)

    def _line(self, *points: float | str, width: int = 1) -> None:
        *corners, colour = points
        self._draw.line([float(each) * SCALE for each in corners], fill=colour, width=width * SCALE)

    def _area(self, left: float, top: float, right: float, bottom: float, colour: str) -> None:
        self._draw.rectangle([each * SCALE for each in (left, top, right, bottom)], fill=colour)
