"""An explanation as a standalone SVG: one row for each way of each class of clients, left to right."""

from collections.abc import Iterator, Sequence
from textwrap import wrap
from xml.sax.saxutils import escape

from bot.domain.explanation import Client, ClientKind, End, Path
from bot.domain.summary import client_words
from bot.domain.ways import Station, Way, ways
from bot.operations.explain import Answer

_BOX, _GAP, _LINE, _PAD, _MARGIN = 190, 36, 15, 8, 16
_LETTERS = 29
"""Letters of 12 px that fit into a box."""
_FILL = {End.DELIVER: ("#d9f2e0", "#1a7f37"), End.ABORT: ("#fff3cd", "#9a6700")}
_BAD = ("#ffe0de", "#cf222e")
_PLAIN = ("#f6f8fa", "#57606a")
_SHOWN = 3

Box = tuple[list[str], tuple[str, str]]
"""Lines of text, and the colours of area and border."""


def svg(found: Sequence[Answer]) -> str:
    """Draw every answer below the one before, as one picture."""
    rows = [row for answer in found for row in _rows(answer)]
    width = max((_width(row) for row in rows if isinstance(row, list)), default=600)
    body: list[str] = []
    top = _MARGIN
    for row in rows:
        if isinstance(row, str):
            top += 22
            body.append(_text(_MARGIN, top, row, bold=True))
            top += 10
        else:
            height = max(len(lines) for lines, _ in row) * _LINE + 2 * _PAD
            body += _draw(row, top, height)
            top += height + 10
    return "\n".join([*_head(width, top + _MARGIN, found), *body, "</svg>"]) + "\n"


def _head(width: int, height: int, found: Sequence[Answer]) -> Iterator[str]:
    title = ", ".join(str(answer.explanation.service) for answer in found) or "no Service"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
        f'role="img" font-family="system-ui, sans-serif" font-size="12">'
    )
    yield f"<title>{escape(f'Traffic paths of {title}')}</title>"
    yield '<defs><marker id="a" markerWidth="8" markerHeight="8" refX="7" refY="4" orient="auto">'
    yield '<path d="M0,0 L8,4 L0,8 z" fill="#57606a"/></marker></defs>'
    yield f'<rect width="{width}" height="{height}" fill="#ffffff"/>'


def _rows(answer: Answer) -> Iterator[str | list[Box]]:
    """Headings, and rows of boxes."""
    shown = ""
    for path in answer.explanation.paths:
        to = path.destination
        heading = f"{answer.explanation.service} at {to} {to.protocol} ({to.scope})"
        if heading != shown:
            shown = heading
            yield heading
        for way in ways(path):
            yield _row(path, way)


def _row(path: Path, way: Way) -> list[Box]:
    stations = [each for each in way.stations if each.kind not in ("client", "pod")]
    first = (_lines(_client(path.client)), _PLAIN)
    middle = [(_station(each), _PLAIN) for each in stations]
    return [first, *middle, (_end(way), _FILL.get(way.end, _BAD))]


def _station(station: Station) -> list[str]:
    where = "load balancer" if station.kind == "load-balancer" else f"{station.kind} {station.name}".strip()
    return [*_lines(where), *(line for action in station.actions for line in _lines(f"· {action}"))]


def _end(way: Way) -> list[str]:
    more = [f"and {len(way.endpoints) - _SHOWN} more"] if len(way.endpoints) > _SHOWN else []
    lines = [str(way.end), *way.endpoints[:_SHOWN], *more, *(f"if {each}" for each in way.assuming)]
    return [piece for line in lines for piece in _lines(line)]


def _client(client: Client) -> str:
    count = (
        "" if client.stands_for is None or client.kind is ClientKind.EXTERNAL else f" ({client.stands_for})"
    )
    return f"{client_words(client) if client.group or client.name else 'outside the cluster'}{count}"


def _lines(text: str) -> list[str]:
    return wrap(text, _LETTERS) or [""]


def _width(row: list[Box]) -> int:
    return 2 * _MARGIN + len(row) * _BOX + (len(row) - 1) * _GAP


def _draw(row: list[Box], top: int, height: int) -> Iterator[str]:
    for number, (lines, (area, border)) in enumerate(row):
        left = _MARGIN + number * (_BOX + _GAP)
        middle = top + height // 2
        yield (
            f'<rect x="{left}" y="{top}" width="{_BOX}" height="{height}" rx="6" fill="{area}" stroke="{border}"/>'
        )
        for line, text in enumerate(lines):
            yield _text(left + _PAD, top + _PAD + 11 + line * _LINE, text)
        if number:
            yield (
                f'<line x1="{left - _GAP + 2}" y1="{middle}" x2="{left - 2}" y2="{middle}" '
                f'stroke="#57606a" marker-end="url(#a)"/>'
            )


def _text(left: int, top: int, text: str, *, bold: bool = False) -> str:
    weight = ' font-weight="600"' if bold else ""
    return f'<text x="{left}" y="{top}" fill="#1f2328"{weight}>{escape(text)}</text>'
