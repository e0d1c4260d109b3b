"""Ways: traces that differ in their endpoint only, told as one."""

import re
from dataclasses import dataclass, replace

from bot.domain.explanation import Client, End, Hop, Path, Trace
from bot.domain.rules_balancer import SAME_NODE
from bot.domain.rules_kube_proxy import INTERNAL_LEAK, IPTABLES_LOCAL, IPVS_LOCAL, NFTABLES_LOCAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """Where a way passes, and everything that happens there."""

    kind: str
    """`client`, `node`, `load-balancer` or `pod`."""
    name: str
    actions: tuple[str, ...]
    rules: tuple[str, ...]
    names: tuple[str, ...] = ()
    """Every node that does the same here, where several do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way from a client to one or several endpoints, or to where it ends."""

    end: End
    stations: tuple[Station, ...]
    endpoints: tuple[str, ...]
    assuming: tuple[str, ...]
    stands_for: int
    through: bool | None
    """Whether it crosses the load balancer; None where nobody can say how it goes on."""

    @property
    def supposed(self) -> tuple[str, ...]:
        """The values of missing facts under which it is taken, without what is taken for granted anyway."""
        return tuple(each for each in self.assuming if is_supposed(each))


_OPERATOR = re.compile(r"[=<>]")


def is_supposed(assumption: str) -> bool:
    """Whether this is a value that a fact may have (`kubeProxy.mode=ipvs`), not what documents leave open."""
    return _OPERATOR.search(assumption) is not None


def fact_of(assumption: str) -> str:
    """The name of the fact in `kubeProxy.mode=ipvs`; of what is no fact's value its whole text."""
    return _OPERATOR.split(assumption)[0]


END_WORDS = {
    End.DELIVER: "gets there",
    End.DROP: "NO: dropped",
    End.REJECT: "NO: refused",
    End.REPLY_LOST: "NO: the reply is lost",
    End.NO_BACKEND: "NO: no backend",
    End.ABORT: "nobody can say",
}
"""How a way ends, for people."""


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
        through=None if first.end is End.ABORT and not first.via_load_balancer else first.via_load_balancer,
    )


def _merged(alike: tuple[Station, ...]) -> Station:
    """The same step on several nodes as one of any of them."""
    names = dict.fromkeys(station.name for station in alike)
    first = alike[0]
    if len(names) == 1 or first.kind != "node":
        return first
    others = "1 other" if len(names) == 2 else f"{len(names) - 1} others"  # noqa: PLR2004  one other, or several
    return replace(first, name=f"{first.name} or {others}", names=tuple(names))


def is_one_of_several(client: Client) -> bool:
    """Whether a client represents others on other nodes, so that a node's name would be true of itself alone."""
    return bool(client.group and client.node) and client.stands_for != 1


def has_own_endpoints(path: Path) -> bool:
    """Whether the endpoints are those of one client's node, or all but those, so that others of its class have others."""
    return is_one_of_several(path.client) and any(
        _looks_at_own(trace, path.client.node) for trace in path.traces
    )


def _looks_at_own(trace: Trace, node: str) -> bool:
    """Whether the client's own node narrows the choice: by its rules, or because what it picks there is lost."""
    crossed = [hop.kind for hop in trace.hops].index("load-balancer") if trace.via_load_balancer else None
    before = any(hop.rule in _NARROWING and hop.name == node for hop in trace.hops[:crossed])
    return before or any(hop.rule == SAME_NODE.id and hop.name == node for hop in trace.hops)


_NARROWING = frozenset(rule.id for rule in (IPTABLES_LOCAL, IPVS_LOCAL, NFTABLES_LOCAL, INTERNAL_LEAK))
"""Rules by which a node uses its own endpoints only; those that hints choose are the same for all of a class."""


def place_of(station: Station, client: Client) -> str:
    """Name a place; where the client stands for several, a node is told from where each of them runs."""
    if not is_one_of_several(client) or station.kind not in ("client", "node"):
        return _PLACES.get(station.kind, f"{station.kind} {station.name}".strip())
    if station.kind == "client":
        return "the client"
    names = station.names or (station.name,)
    if client.node not in names:
        return "another node"
    return "their own node" if len(names) == 1 else "their own node or another"


_PLACES = {"pod": "pod", "load-balancer": "load balancer"}


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
