"""Ways: traces that differ in their endpoint only, told as one."""

from dataclasses import dataclass, replace

from bot.domain.explanation import End, Hop, Path, Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """Where a way passes, and everything that happens there."""

    kind: str
    """`client`, `node`, `load-balancer` or `pod`."""
    name: str
    actions: tuple[str, ...]
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way from a client to one or several endpoints, or to where it ends."""

    end: End
    stations: tuple[Station, ...]
    endpoints: tuple[str, ...]
    assuming: tuple[str, ...]
    stands_for: int


def ways(path: Path) -> tuple[Way, ...]:
    """Every way of a path, in the order of its traces."""
    found: dict[tuple[object, ...], list[Trace]] = {}
    for trace in path.traces:
        found.setdefault((trace.end, _shared(trace), trace.assuming), []).append(trace)
    return tuple(_way(traces) for traces in found.values())


def _shared(trace: Trace) -> tuple[tuple[str, str, str], ...]:
    """What a trace shares with those to other endpoints, by way of other picked nodes."""
    picked = False
    found = []
    for hop in trace.hops:
        picked = picked or hop.kind == "load-balancer"
        alike = hop.kind == "pod" or (picked and hop.kind == "node")
        found.append((hop.kind, "" if alike else hop.name, hop.rule))
    return tuple(found)


def _way(traces: list[Trace]) -> Way:
    first = traces[0]
    every = [_stations(trace.hops) for trace in traces]
    return Way(
        end=first.end,
        stations=tuple(_merged(alike) for alike in zip(*every, strict=True)),
        endpoints=tuple(dict.fromkeys(trace.endpoint for trace in traces if trace.endpoint)),
        assuming=first.assuming,
        stands_for=max(trace.stands_for for trace in traces),
    )


def _merged(alike: tuple[Station, ...]) -> Station:
    """The same step on several nodes as one of any of them."""
    names = dict.fromkeys(station.name for station in alike)
    first = alike[0]
    if len(names) == 1 or first.kind != "node":
        return first
    return replace(first, name=f"{first.name} or {len(names) - 1} other{'s' if len(names) > 2 else ''}")  # noqa: PLR2004  one other, or several


def _stations(hops: tuple[Hop, ...]) -> tuple[Station, ...]:
    found: list[Station] = []
    for hop in hops:
        last = found[-1] if found else None
        if last is not None and (last.kind, last.name) == (hop.kind, hop.name):
            actions, rules = (*last.actions, hop.action), (*last.rules, hop.rule)
            found[-1] = replace(last, actions=actions, rules=rules)
        else:
            found.append(Station(kind=hop.kind, name=hop.name, actions=(hop.action,), rules=(hop.rule,)))
    return tuple(found)
