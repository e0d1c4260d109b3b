"""An explanation as text for somebody tired: verdict, table, why, what now, how that is known."""

from collections.abc import Iterable, Iterator, Sequence
from textwrap import wrap

from bot.domain.diff import Effect, Shift
from bot.domain.explanation import (
    Client,
    ClientKind,
    Explanation,
    Path,
    SourceIP,
    Verdict,
)
from bot.domain.fact import Fact
from bot.domain.summary import client_words, headline
from bot.domain.ways import Way, ways
from bot.operations.explain import Answer

_WIDTH = 110
_LABEL = 10
_SHOWN = 4
"""Endpoints of one way that are named."""
_REACHED = {
    Verdict.REACHABLE: "yes",
    Verdict.UNREACHABLE: "NO",
    Verdict.AMBIGUOUS: "sometimes",
    Verdict.UNDETERMINED: "not known",
}
_CROSSED = {True: "yes", False: "no", None: "not known"}
_SEES = {
    SourceIP.PRESERVED: "the client",
    SourceIP.NODE: "a node",
    SourceIP.LB: "the load balancer",
    SourceIP.UNKNOWN: "not known",
}
_EFFECT = {
    Effect.GAINS: "gains access",
    Effect.LOSES: "LOSES ACCESS",
    Effect.CHANGES: "another way",
    Effect.UNCHANGED: "unchanged",
}
_HEAD = ("Client", "", "Gets there", "Through the LB", "Backend sees")
_WORTH_KNOWING = ("platform", "category", "kubernetesVersion", "kubeProxy.mode", "loadBalancer.delivery")


def text(found: Sequence[Answer]) -> str:
    """Show every answer."""
    return "\n".join("\n".join(_answer(each)) + "\n" for each in found)


def _answer(answer: Answer) -> Iterator[str]:
    explanation = answer.explanation
    yield f"{explanation.service}: {_headline(explanation)}"
    yield _facts_line(explanation)
    yield ""
    for paths in _by_destination(explanation.paths):
        yield from _table(paths)
    if answer.shifts:
        yield from _shifts(answer.shifts)
    yield from _how(explanation.paths)
    yield from _block("Why", _reasons(explanation.paths))
    yield from _block("What now", _remedies(explanation))
    yield from _block("Findings", _findings(explanation))
    yield from _block("Missing", _missing(explanation.paths))
    yield from _block("Known", [_known(explanation.facts)])


def _headline(explanation: Explanation) -> str:
    supposed = " (hypothetical: what is not there yet is assumed)" if explanation.hypothetical else ""
    if len(explanation.paths) == 1:
        path = explanation.paths[0]
        return f"{_client(path.client)} to {path.destination}: {path.verdict}{supposed}"
    return headline(explanation) + supposed


def _facts_line(explanation: Explanation) -> str:
    facts = {fact.name: fact for fact in explanation.facts}
    known = [str(facts[name].value) for name in _WORTH_KNOWING if name in facts and facts[name].known]
    policy = facts["externalTrafficPolicy"].value if "externalTrafficPolicy" in facts else "not known"
    through = f"pass-through {explanation.pass_through.state}"
    return " · ".join([f"policy {policy}", through, *known])


# --- the table -------------------------------------------------------------------------------------------


def _by_destination(paths: Iterable[Path]) -> Iterator[list[Path]]:
    found: dict[str, list[Path]] = {}
    for path in paths:
        found.setdefault(f"{path.destination}/{path.destination.protocol}", []).append(path)
    yield from found.values()


def _table(paths: list[Path]) -> Iterator[str]:
    to = paths[0].destination
    yield f"{to} {to.protocol} ({to.scope})"
    rows = [_HEAD, *(_row(path) for path in paths)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for row in rows:
        yield ("  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))).rstrip()
    fragile = dict.fromkeys(f"{_client(path.client)}: {path.fragile}" for path in paths if path.fragile)
    for each in fragile:
        yield f"  ! {each}"
    yield ""


def _row(path: Path) -> tuple[str, ...]:
    count = path.client.stands_for
    outside = path.client.kind is ClientKind.EXTERNAL
    sees = "–" if path.verdict is Verdict.UNREACHABLE else _SEES[path.source_ip]
    return (
        _client(path.client),
        "" if outside or count is None else f"({count})",
        _REACHED[path.verdict],
        _CROSSED[path.via_load_balancer],
        sees,
    )


def _client(client: Client) -> str:
    if client.group:
        return client_words(client)
    if client.kind is ClientKind.EXTERNAL:
        return f"outside ({client.name})" if client.name else "outside the cluster"
    return f"{client.kind} {client.namespace + '/' if client.namespace else ''}{client.name}"


def _shifts(shifts: Sequence[Shift]) -> Iterator[str]:
    yield "What would shift"
    for shift in shifts:
        before = _REACHED[shift.before.verdict] if shift.before else "–"
        after = _REACHED[shift.after.verdict] if shift.after else "–"
        way = f"{before} → {after}"
        yield f"  {_EFFECT[shift.effect]:13} {way:24} {_client(shift.client)} to {shift.destination}"
    yield ""


# --- why and what now ------------------------------------------------------------------------------------


def _how(paths: Sequence[Path]) -> Iterator[str]:
    """The hops, where one client was asked about: a table of classes would drown in them."""
    if len({path.client for path in paths}) != 1 or (paths and paths[0].client.group):
        return
    for path in paths:
        for way in ways(path):
            yield from _way(way)
    yield ""


def _way(way: Way) -> Iterator[str]:
    assuming = f", assuming {'; '.join(way.assuming)}" if way.assuming else ""
    times = f" ({way.stands_for} nodes alike)" if way.stands_for > 1 else ""
    yield from _filled(f"  {way.end}{_endpoints(way)}{times}{assuming}", "    ")
    for station in way.stations:
        where = station.kind if station.kind in {"load-balancer", "pod"} else f"{station.kind} {station.name}"
        steps = "; ".join(
            f"{action} [{rule}]" for action, rule in zip(station.actions, station.rules, strict=True)
        )
        yield from _filled(f"    {where.strip()}: {steps}", "      ")


def _endpoints(way: Way) -> str:
    shown = ", ".join(way.endpoints[:_SHOWN])
    more = f" and {len(way.endpoints) - _SHOWN} more" if len(way.endpoints) > _SHOWN else ""
    return f" {shown}{more}" if shown else ""


def _reasons(paths: Iterable[Path]) -> list[str]:
    found = {
        reason.code: reason for path in paths for reason in path.reasons if reason.code != "undetermined"
    }
    return [f"{each.message}  [{each.code}] {each.source}" for each in found.values()]


def _remedies(explanation: Explanation) -> list[str]:
    return [f"{number}. {each.message}" for number, each in enumerate(explanation.remedies, 1)]


def _findings(explanation: Explanation) -> list[str]:
    return [
        f"{each.severity}: {each.message} {'; '.join(each.evidence)}. {each.fix}  [{each.code}] {each.source}"
        for each in explanation.findings
    ]


def _missing(paths: Iterable[Path]) -> list[str]:
    messages = (reason.message for path in paths for reason in path.reasons if reason.code == "undetermined")
    return list(dict.fromkeys(messages))


def _known(facts: Iterable[Fact[object]]) -> str:
    by_origin: dict[str, list[str]] = {}
    for fact in facts:
        by_origin.setdefault("unknown" if not fact.known else str(fact.origin), []).append(fact.name)
    return " · ".join(f"{origin}: {', '.join(names)}" for origin, names in by_origin.items())


def _block(label: str, entries: Sequence[str]) -> Iterator[str]:
    for number, entry in enumerate(entries):
        yield from _filled(f"{label if number == 0 else '':{_LABEL}}{entry}", " " * _LABEL)
    if entries:
        yield ""


def _filled(line: str, indent: str) -> list[str]:
    return wrap(
        line,
        _WIDTH,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
