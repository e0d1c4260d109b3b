"""An explanation as a Mermaid flowchart: one line of stations for each way of each class of clients."""

from collections.abc import Iterator, Sequence

from bot.domain.explanation import Client, ClientKind, End, Path
from bot.domain.summary import client_words
from bot.domain.ways import Station, Way, ways
from bot.operations.explain import Answer

_STYLE = {End.DELIVER: "good", End.ABORT: "open"}
_CLASSES = (
    "  classDef good fill:#d9f2e0,stroke:#1a7f37,color:#0b3d1a",
    "  classDef bad fill:#ffe0de,stroke:#cf222e,color:#5c0b10",
    "  classDef open fill:#fff3cd,stroke:#9a6700,color:#4d3300",
)
_SHOWN = 3


def mermaid(found: Sequence[Answer]) -> str:
    """Draw every answer, one flowchart each."""
    return "\n".join("\n".join(_chart(answer)) + "\n" for answer in found)


def _chart(answer: Answer) -> Iterator[str]:
    yield "flowchart LR"
    yield f"  %% {_plain(str(answer.explanation.service))}"
    for number, (to, paths) in enumerate(_by_destination(answer.explanation.paths).items(), 1):
        yield f"  subgraph d{number}[{_quoted(to)}]"
        for row, path in enumerate(paths):
            yield from _path(f"d{number}c{row}", path)
        yield "  end"
    yield from _CLASSES


def _by_destination(paths: Sequence[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in paths:
        to = path.destination
        found.setdefault(f"{to} {to.protocol} ({to.scope})", []).append(path)
    return found


def _path(client: str, path: Path) -> Iterator[str]:
    yield f"    {client}([{_quoted(_client(path.client))}])"
    for number, way in enumerate(ways(path)):
        yield from _way(client, f"{client}w{number}", way)


def _way(client: str, name: str, way: Way) -> Iterator[str]:
    previous = client
    stations = [each for each in way.stations if each.kind not in ("client", "pod")]
    for number, station in enumerate(stations):
        here = f"{name}s{number}"
        yield f"    {previous} --> {here}[{_quoted(_station(station))}]"
        previous = here
    last = f"{name}e"
    yield f"    {previous} {_arrow(way)} {last}({_quoted(_end(way))}):::{_STYLE.get(way.end, 'bad')}"


def _arrow(way: Way) -> str:
    label = "; ".join(way.assuming)
    return f"-->|{_quoted(label)}|" if label else "-->"


def _station(station: Station) -> str:
    where = "load balancer" if station.kind == "load-balancer" else f"{station.kind} {station.name}".strip()
    return f"{where}: {'; '.join(station.actions)}"


def _end(way: Way) -> str:
    shown = ", ".join(way.endpoints[:_SHOWN])
    more = f" and {len(way.endpoints) - _SHOWN} more" if len(way.endpoints) > _SHOWN else ""
    return f"{way.end}: {shown}{more}" if shown else str(way.end)


def _client(client: Client) -> str:
    count = (
        "" if client.stands_for is None or client.kind is ClientKind.EXTERNAL else f" ({client.stands_for})"
    )
    return f"{client_words(client) if client.group or client.name else 'outside the cluster'}{count}"


def _quoted(text: str) -> str:
    return f'"{_plain(text)}"'


def _plain(text: str) -> str:
    """Escape as Mermaid asks for: by entity codes, which start with # instead of &."""
    codes = {"#": "#35;", '"': "#quot;", "<": "#lt;", ">": "#gt;", "&": "#amp;"}
    return "".join(codes.get(each, each) for each in text.replace("\n", " "))
