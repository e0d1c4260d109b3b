"""An explanation as a standalone SVG: a row for each way that clients take, the load balancer in a column of its own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from bot.commands.explain_words import facts_line
from bot.domain.sketch import Box, Place, Row, Tone, sketch
from bot.domain.summary import headline
from bot.domain.words import visible
from bot.operations.explain import Answer

_WIDTHS = {Place.CLIENT: 190, Place.NODE: 210, Place.BALANCER: 180, Place.PICKED: 210, Place.END: 240}
_GAP, _LINE, _PAD, _MARGIN, _ROW = 34, 15, 8, 16, 10
_WIDE, _NARROW, _LETTER, _BOLD = 12.0, 4.6, 7.7, 1.12
"""Points that a letter of 12 px takes in the widest of the usual fonts, and how much wider a bold one is."""
_NARROW_LETTERS = frozenset("iljftrI.,:;'|()[]{}-/! ")
_COMMON = frozenset('abcdeghknopqsuvxyz0123456789"*+<=>?_~#$·')
_PAGE = 1100
_LINES = 12
"""Lines of one box; what is longer is cut, and whole in the box' title."""
_FILL = {
    Tone.PLAIN: ("#f6f8fa", "#57606a"),
    Tone.THROUGH: ("#ddf4ff", "#0969da"),
    Tone.PAST: ("#fff1e5", "#bc4c00"),
    Tone.GOOD: ("#d9f2e0", "#1a7f37"),
    Tone.OPEN: ("#fff3cd", "#9a6700"),
    Tone.BAD: ("#ffe0de", "#cf222e"),
}
_STRONG = frozenset({Tone.THROUGH, Tone.PAST, Tone.GOOD, Tone.OPEN, Tone.BAD})
"""Tones whose first line is the news."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heading:
    lines: tuple[str, ...]
    bold: bool = False

    @property
    def height(self) -> int:
        return len(self.lines) * 18 + 8


def svg(found: Sequence[Answer]) -> str:
    """Draw every answer below the one before, as one picture."""
    parts = [part for answer in found for part in _parts(answer)]
    columns = _columns([part for part in parts if isinstance(part, Row)])
    width = max((left + _WIDTHS[place] for place, left in columns.items()), default=600) + _MARGIN
    top, body = _MARGIN, list[str]()
    for part in parts:
        drawn, height = _headed(part, top) if isinstance(part, _Heading) else _drawn(part, top, columns)
        body += drawn
        top += height
    return "\n".join([*_head(width, top + _MARGIN, found), *body, "</svg>"]) + "\n"


def _head(width: int, height: int, found: Sequence[Answer]) -> Iterator[str]:
    title = ", ".join(str(answer.explanation.service) for answer in found) or "no Service"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="12" fill="#1f2328">'
    )
    yield f"<title>{_plain(f'Traffic paths of {title}')}</title>"
    yield f"<desc>{_plain('; '.join(map(_told, found)))}</desc>"
    yield '<defs><marker id="a" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
    yield '<path d="M0,0 L8,4 L0,8 z" fill="#57606a"/></marker></defs>'
    yield f'<rect width="{width}" height="{height}" fill="#ffffff"/>'


def _told(answer: Answer) -> str:
    return f"{answer.explanation.service}: {headline(answer.explanation)}"


def _parts(answer: Answer) -> Iterator[_Heading | Row]:
    yield _Heading(lines=tuple(_filled(_told(answer), _PAGE, _BOLD)), bold=True)
    supposed = f" · what would be with {' '.join(answer.supposed)}" if answer.supposed else ""
    yield _Heading(lines=tuple(_filled(facts_line(answer.explanation) + supposed, _PAGE)))
    for part in sketch(answer.explanation):
        yield part if isinstance(part, Row) else _Heading(lines=tuple(_filled(part, _PAGE)))


def _columns(rows: list[Row]) -> dict[Place, int]:
    """Where each column begins, of those that any row needs."""
    needed = {box.place for row in rows for box in row.boxes}
    found, left = {}, _MARGIN
    for place in Place:
        if place in needed:
            found[place] = left
            left += _WIDTHS[place] + _GAP
    return found


def _headed(heading: _Heading, top: int) -> tuple[list[str], int]:
    lines = [
        _text(_MARGIN, top + 14 + number * 18, line, bold=heading.bold)
        for number, line in enumerate(heading.lines)
    ]
    return lines, heading.height


def _drawn(row: Row, top: int, columns: dict[Place, int]) -> tuple[list[str], int]:
    lines = [_lines(box) for box in row.boxes]
    height = max(map(len, lines)) * _LINE + 2 * _PAD
    drawn = []
    for number, (box, words) in enumerate(zip(row.boxes, lines, strict=True)):
        left = columns[box.place]
        if number:
            before = row.boxes[number - 1].place
            drawn.append(_arrow(columns[before] + _WIDTHS[before], left, top + height // 2))
        drawn += _box(box, words, left, top, height)
    return drawn, height + _ROW


def _box(box: Box, words: list[tuple[str, bool]], left: int, top: int, height: int) -> Iterator[str]:
    area, border = _FILL[box.tone]
    dashes = ' stroke-dasharray="5 3"' if box.tone is Tone.PAST else ""
    yield f"<g><title>{_plain('; '.join(box.lines))}</title>"
    yield (
        f'<rect x="{left}" y="{top}" width="{_WIDTHS[box.place]}" height="{height}" rx="6" fill="{area}" '
        f'stroke="{border}"{dashes}/>'
    )
    for number, (line, bold) in enumerate(words):
        yield _text(left + _PAD, top + _PAD + 11 + number * _LINE, line, bold=bold)
    yield "</g>"


def _arrow(left: int, right: int, middle: int) -> str:
    return f'<line x1="{left + 2}" y1="{middle}" x2="{right - 2}" y2="{middle}" stroke="#57606a" marker-end="url(#a)"/>'


def _lines(box: Box) -> list[tuple[str, bool]]:
    """The lines as they fit, and which are bold."""
    found = []
    for number, line in enumerate(box.lines):
        bold = box.tone in _STRONG and not number
        found += [
            (piece, bold) for piece in _filled(line, _WIDTHS[box.place] - 2 * _PAD, _BOLD if bold else 1)
        ]
    return [*found[: _LINES - 1], ("…", False)] if len(found) > _LINES else found


def _filled(text: str, room: float, wider: float = 1) -> list[str]:
    """Break a line where it does not fit: between words, or inside one that is too long for a line."""
    lines, line = [], ""
    for word in visible(text).split():
        joined = f"{line} {word}" if line else word
        if _width(joined) * wider <= room:
            line = joined
            continue
        lines += [line] if line else []
        line = word
        while _width(line) * wider > room:
            fits = next(count for count in range(len(line), 0, -1) if _width(line[:count]) * wider <= room)
            lines.append(line[:fits])
            line = line[fits:]
    return [*lines, line]


def _width(text: str) -> float:
    return sum(_NARROW if each in _NARROW_LETTERS else _LETTER if each in _COMMON else _WIDE for each in text)


def _text(left: int, top: int, text: str, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{left}" y="{top}"{weight}>{escape(text)}</text>'


def _plain(text: str) -> str:
    """Text between tags; what XML cannot hold is an escape already."""
    return escape(visible(text))
