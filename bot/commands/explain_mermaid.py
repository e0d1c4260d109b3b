"""An explanation as a Mermaid flowchart: a line of stations for each way that clients take."""

from collections.abc import Iterable, Iterator, Sequence

from bot.domain.sketch import Place, Row, Tone, sketch
from bot.domain.words import visible
from bot.operations.explain import Answer

_STYLES = {
    Tone.PLAIN: "fill:#f6f8fa,stroke:#57606a,color:#1f2328",
    Tone.THROUGH: "fill:#ddf4ff,stroke:#0969da,color:#0a3069",
    Tone.PAST: "fill:#fff1e5,stroke:#bc4c00,color:#5c2a00,stroke-dasharray:5 3",
    Tone.GOOD: "fill:#d9f2e0,stroke:#1a7f37,color:#0b3d1a",
    Tone.OPEN: "fill:#fff3cd,stroke:#9a6700,color:#4d3300",
    Tone.BAD: "fill:#ffe0de,stroke:#cf222e,color:#5c0b10",
}
_LONGEST = 120
"""Letters of one line: a chart of whole host names is wider than any page."""
_SHAPES = {Place.CLIENT: ("(", ")"), Place.END: ("(", ")")}


def mermaid(found: Sequence[Answer]) -> str:
    """Draw every answer in one flowchart: a renderer takes no second one."""
    return "\n".join(_chart(part for answer in found for part in sketch(answer.explanation))) + "\n"


def _chart(parts: Iterable[str | Row]) -> Iterator[str]:
    yield "flowchart LR"
    groups = rows = 0
    for part in parts:
        if isinstance(part, Row):
            rows += 1
            yield f"    {_row(f'r{rows}', part)}"
            continue
        yield from ["  end"] if groups else []
        groups += 1
        yield f"  subgraph g{groups}[{_quoted([part])}]"
        yield "    direction LR"
    yield from ["  end"] if groups else []
    yield from (f"  style g{number} fill:#ffffff,stroke:#d0d7de" for number in range(1, groups + 1))
    yield from (f"  classDef {tone} {style}" for tone, style in _STYLES.items())


def _row(name: str, row: Row) -> str:
    stations = []
    for number, box in enumerate(row.boxes):
        left, right = _SHAPES.get(box.place, ("[", "]"))
        stations.append(f"{name}s{number}{left}{_quoted(box.lines)}{right}:::{box.tone}")
    return " --> ".join(stations)


def _quoted(lines: Sequence[str]) -> str:
    return f'"{"<br/>".join(_plain(_short(line)) for line in lines)}"'


def _short(line: str) -> str:
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 20]}…{line[-18:]}"


def _plain(text: str) -> str:
    """Escape as Mermaid asks for: by entity codes, which start with # instead of &."""
    codes = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;", "`": "#96;", "%": "#37;"}
    return "".join(codes.get(each, each) for each in visible(text).replace("\n", " "))
