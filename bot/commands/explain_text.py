"""An explanation as text for somebody tired: verdict, what is missing, table, why, what now, how that is known."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bot.commands.explain_shift import shifts
from bot.commands.explain_words import CROSSED, REACHED, client_named, facts_line, few, filled, seen
from bot.domain.explanation import Client, ClientKind, End, Explanation, Finding, Path, Remedy, Verdict
from bot.domain.fact import Origin
from bot.domain.summary import headline, ranked_reasons, taken_for_granted
from bot.domain.supply import how_to_supply
from bot.domain.ways import END_WORDS, Station, Way, fact_of, is_one_of_several, place_of, ways
from bot.operations.explain import Answer

_LABEL = 10
_MOST_REASONS = 6
_MOST_DESTINATIONS = 4
_MOST_CASES = 3
_HEAD = ("Client", "", "Gets there", "Through the LB", "Backend sees")
_ASK_AGAIN = {
    "policy-cluster": " What that would shift: --set externalTrafficPolicy=Cluster",
    "pass-through": " What that would shift: --set kubernetes.io/elb.pass-through=true",
}


def text(found: Sequence[Answer]) -> str:
    """Show every answer."""
    return "\n".join("\n".join(_answer(each)) + "\n" for each in found)


def _answer(answer: Answer) -> Iterator[str]:
    explanation = answer.explanation
    yield from filled(f"{explanation.service}: {_headline(explanation)}", "  ")
    yield from filled(facts_line(explanation), "  ")
    if answer.supposed:
        yield from filled(f"this is what would be with {' '.join(answer.supposed)}", "  ")
    yield from _hypothetical(explanation)
    yield ""
    yield from _missing(explanation.paths, {fact.name: fact.value for fact in explanation.facts})
    for paths in _alike(explanation.paths):
        yield from _table(paths)
    yield from shifts(answer.shifts)
    yield from _how(explanation.paths)
    yield from _block("Why", _reasons(explanation))
    yield from _block("What now", _remedies(explanation.remedies))
    yield from _findings(explanation.findings)
    yield from _block("Known", list(_known(explanation)))


# --- the verdict -----------------------------------------------------------------------------------------


def _headline(explanation: Explanation) -> str:
    clients = {path.client for path in explanation.paths}
    if len(clients) != 1 or explanation.paths[0].client.group:
        return headline(explanation)
    fares: dict[str, list[str]] = {}
    for path in explanation.paths:
        fares.setdefault(_fares(path), []).append(str(path.destination))
    told = "; ".join(f"{words} at {few(to)}" for words, to in fares.items())
    return f"{client_named(explanation.paths[0].client)}: {told}"


def _fares(path: Path) -> str:
    way = {True: ", through the load balancer,", False: ", past the load balancer,", None: ""}
    match path.verdict:
        case Verdict.REACHABLE:
            return f"reachable{way[path.via_load_balancer]}"
        case Verdict.AMBIGUOUS:
            return "ambiguous (only sometimes reachable)"
        case Verdict.UNDETERMINED:
            return "undetermined (what is missing decides)"
        case _:
            return "unreachable"


def _hypothetical(explanation: Explanation) -> Iterator[str]:
    """What is not there yet, and what is taken in its place."""
    if explanation.hypothetical:
        parts = [
            f"{fact.name.rpartition('.')[2]} {fact.shown} ({fact.ref})"
            for fact in explanation.facts
            if fact.origin is Origin.ASSUMED and fact.name in ("loadBalancer.addresses", "endpoints")
        ]
        yield from filled(f"hypothetical, assumed: {'; '.join(parts)}", "  ")


# --- what is missing -------------------------------------------------------------------------------------


def _missing(paths: Sequence[Path], stated: Mapping[str, object]) -> Iterator[str]:
    """What decides and is not known, with how to supply it, before anything that depends on it."""
    decides = dict.fromkeys(name for path in paths for name in path.missing)
    also = dict.fromkeys(
        name
        for path in paths
        for name in path.missing_for_way
        if name not in decides and path.verdict is not Verdict.UNREACHABLE
    )
    lines = ["Whether all get there depends on what is not known:"] if decides else []
    lines += [f"- {name}: {how_to_supply(name, stated.get(name))}" for name in decides]
    if also:
        lines.append(f"Which way they go depends{' also' if decides else ''} on:")
        lines += [f"- {name}: {how_to_supply(name, stated.get(name))}" for name in also]
    yield from _block("Missing", lines)


# --- the table -------------------------------------------------------------------------------------------


def _alike(paths: Iterable[Path]) -> Iterator[list[list[Path]]]:
    """The paths by destination; destinations on which everybody fares the same stand together."""
    by_destination: dict[tuple[str, str], list[Path]] = {}
    for path in paths:
        by_destination.setdefault((str(path.destination), path.destination.protocol), []).append(path)
    found: dict[tuple[object, ...], list[list[Path]]] = {}
    for each in by_destination.values():
        key = tuple((*_row(path), path.fragile, *_notes(path)) for path in each)
        found.setdefault(key, []).append(each)
    yield from found.values()


def _table(alike: list[list[Path]]) -> Iterator[str]:
    yield from filled(_title(alike), "  ")
    paths = alike[0]
    rows = [_HEAD, *(_row(path) for path in paths)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        yield ("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
    for note, clients in _noted(paths).items():
        yield from filled(f"  {note}: {'; '.join(clients)}", "    ")
    yield ""


def _title(alike: list[list[Path]]) -> str:
    destinations = [paths[0].destination for paths in alike]
    names = [f"{to} {to.protocol} ({to.scope})" for to in destinations]
    return f"to {few(names, _MOST_DESTINATIONS)}{', all the same' if len(names) > 1 else ''}"


def _row(path: Path) -> tuple[str, ...]:
    count = path.client.stands_for
    outside = path.client.kind is ClientKind.EXTERNAL
    sees = "–" if path.verdict is Verdict.UNREACHABLE else seen(path)
    return (
        client_named(path.client),
        "" if outside or count is None or not path.client.group else f"({count})",
        REACHED[path.verdict],
        CROSSED[path.via_load_balancer],
        sees,
    )


def _noted(paths: Iterable[Path]) -> dict[str, list[str]]:
    """What is to be said about rows, each remark once with everybody whom it concerns."""
    found: dict[str, dict[str, None]] = {}
    for path in paths:
        for note in _notes(path):
            found.setdefault(note, {})[client_named(path.client)] = None
    return {note: list(clients) for note, clients in found.items()}


def _notes(path: Path) -> Iterator[str]:
    if path.fragile:
        yield f"! {path.fragile}"
    if path.verdict is Verdict.AMBIGUOUS:
        yield f"~ {_fails_at(path)}"
    cases = _fails_if(path)
    if cases:
        yield f"? fails if {few(cases, _MOST_CASES, ', or if ')}"


def _fails_at(path: Path) -> str:
    """Where some of the ways end, of which all are possible."""
    failing = [way for way in ways(path) if way.end is not End.DELIVER and way.stations]
    places = dict.fromkeys(
        f"{place_of(way.stations[-1], path.client)} ({END_WORDS[way.end]})" for way in failing
    )
    if not places:
        return "fails on some ways"
    others = ", any other node gets there" if _only_their_own(path, failing) else ""
    return f"fails at {few(list(places), _MOST_CASES)}{others}"


def _only_their_own(path: Path, failing: Sequence[Way]) -> bool:
    """Whether it fails where the load balancer picks the client's own node, and nowhere else."""
    own = {way.through is True and _ends_on(way.stations[-1], path) for way in failing}
    good = [way for way in ways(path) if way.end is End.DELIVER]
    return own == {True} and not any(_ends_on(each, path) for way in good for each in _picked(way))


def _ends_on(station: Station, path: Path) -> bool:
    names = station.names or (station.name,)
    return station.kind == "node" and is_one_of_several(path.client) and path.client.node in names


def _picked(way: Way) -> Sequence[Station]:
    """What comes behind the load balancer."""
    kinds = [station.kind for station in way.stations]
    return way.stations[kinds.index("load-balancer") :] if "load-balancer" in kinds else ()


def _fails_if(path: Path) -> list[str]:
    """Under which values of the missing facts it fails; empty where that is not the question."""
    cases: dict[str, None] = {}
    for trace in path.traces if path.missing else ():
        supposed = [each for each in trace.assuming if fact_of(each) in path.missing]
        if trace.end is not End.DELIVER and supposed:
            cases[" and ".join(supposed)] = None
    return list(cases)


# --- the ways of one client ------------------------------------------------------------------------------


def _how(paths: Sequence[Path]) -> Iterator[str]:
    """The hops, where one client was asked about: a table of classes would drown in them."""
    if len({path.client for path in paths}) != 1 or (paths and paths[0].client.group):
        return
    for path in paths:
        if len(paths) > 1:
            yield f"Ways to {path.destination} {path.destination.protocol}"
        for number, way in enumerate(ways(path), 1):
            yield from _way(number, way, path.client)
        yield ""


def _way(number: int, way: Way, client: Client) -> Iterator[str]:
    times = f", {way.stands_for} alike" if way.stands_for > 1 else ""
    to = f": {few(way.endpoints)}" if way.endpoints else ""
    assuming = f", if {' and '.join(way.supposed)}" if way.supposed else ""
    yield from filled(f"{f'Way {number}':{_LABEL}}{END_WORDS[way.end]}{to}{times}{assuming}", " " * _LABEL)
    for station in way.stations:
        steps = "; ".join(
            f"{action} [{rule}]" for action, rule in zip(station.actions, station.rules, strict=True)
        )
        yield from filled(f"{'':{_LABEL}}→ {place_of(station, client)}: {steps}", " " * (_LABEL + 4))


# --- why, what now, whence -------------------------------------------------------------------------------


def _reasons(explanation: Explanation) -> list[str]:
    found = ranked_reasons(explanation)
    lines = [f"{each.message}  [{each.code}] {each.source}" for each in found[:_MOST_REASONS]]
    if len(found) > _MOST_REASONS:
        rest = ", ".join(each.code for each in found[_MOST_REASONS:])
        lines.append(f"On the way also (docs/rules.md, or -o json): {rest}")
    return lines


def _remedies(remedies: Sequence[Remedy]) -> list[str]:
    lines = [
        f"{number}. {each.message}{_ASK_AGAIN.get(each.code, '')}  [{each.code}]"
        for number, each in enumerate(remedies, 1)
    ]
    sources = dict.fromkeys(each.source for each in remedies if each.source)
    return [*lines, *(f"({source})" for source in sources)]


def _findings(findings: Sequence[Finding]) -> Iterator[str]:
    if findings:
        yield "Findings"
    for each in findings:
        yield from filled(f"  {each.severity:8}{each.message}  [{each.code}]", " " * _LABEL)
        more = (("seen in", "; ".join(each.evidence)), ("fix", each.fix), ("source", each.source))
        for label, words in more:
            if words:
                yield from filled(f"{'':{_LABEL}}{label}: {words}", " " * (_LABEL + 2))
    if findings:
        yield ""


def _known(explanation: Explanation) -> Iterator[str]:
    """The facts by where they are known from, what is taken for granted, and what nobody told."""
    known: dict[tuple[str, str], list[str]] = {}
    unknown: dict[str, list[str]] = {}
    for fact in explanation.facts:
        if fact.known:
            place = fact.ref.removesuffix(f" {fact.name}")
            known.setdefault((_ORIGINS[fact.origin], place), []).append(f"{fact.name} = {fact.shown}")
        else:
            unknown.setdefault(fact.ref, []).append(fact.name)
    for (origin, place), facts in known.items():
        yield f"{', '.join(facts)}  ({origin}{place})"
    if taken := taken_for_granted(explanation):
        yield f"taken for granted: {'; '.join(taken)}"
    for place, names in unknown.items():
        yield f"not known: {', '.join(names)}{f'  ({place})' if place else ''}"


_ORIGINS = {
    Origin.API: "",
    Origin.CONFIG: "configuration: ",
    Origin.CLOUD: "cloud: ",
    Origin.INPUT: "given: ",
    Origin.ASSUMED: "assumed: ",
    Origin.UNKNOWN: "",
}


def _block(label: str, entries: Sequence[str]) -> Iterator[str]:
    for number, entry in enumerate(entries):
        hanging = _LABEL + 2 if entry.startswith("- ") else _LABEL
        yield from filled(f"{label if number == 0 else '':{_LABEL}}{entry}", " " * hanging)
    if entries:
        yield ""
