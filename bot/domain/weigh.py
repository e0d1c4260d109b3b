"""Weighing: the same walk in every possible world, and the one answer that they add up to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from bot.domain.cluster_facts import ClusterFacts
from bot.domain.explanation import End, SourceIP, Trace, Verdict
from bot.domain.objects import Node
from bot.domain.possibility import VERSION, Supposition, Undecided, World
from bot.domain.rules_balancer import INGRESS_LISTENER

Walker = Callable[[World], list[Trace]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One possible world and where its traces end."""

    traces: tuple[Trace, ...]
    labels: tuple[tuple[str, str], ...] = ()
    """What was supposed: the fact's name, and name and value as shown."""
    assumed: tuple[str, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What holds in this world."""
        if any(trace.end is End.ABORT for trace in self.traces):
            return Verdict.UNDETERMINED
        delivered = sum(trace.end is End.DELIVER for trace in self.traces)
        if not delivered:
            return Verdict.UNREACHABLE
        return Verdict.REACHABLE if delivered == len(self.traces) else Verdict.AMBIGUOUS


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """A fact that nobody knows, and what follows from each value that it might have."""

    name: str
    branches: tuple["Leaf | Fork", ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What all possible worlds add up to."""

    verdict: Verdict
    via_load_balancer: bool | None
    endpoints: tuple[str, ...]
    source_ip: SourceIP
    traces: tuple[Trace, ...]
    missing: tuple[str, ...]
    worlds: int = 1


def weigh(facts: ClusterFacts, nodes: Mapping[str, Node], walk: Walker) -> Outcome:
    """Walk in every possible world; where they agree, that is the answer."""
    tree = _explore(facts, nodes, walk, {})
    leaves = list(_leaves(tree))
    verdicts = {leaf.verdict for leaf in leaves}
    verdict = verdicts.pop() if len(verdicts) == 1 else Verdict.UNDETERMINED
    traces = _merged(leaves)
    return Outcome(
        verdict=verdict,
        via_load_balancer=_same([_crossed(trace) for trace in traces]),
        endpoints=_endpoints(traces),
        source_ip=_source(traces),
        traces=traces,
        missing=_missing(tree, verdict),
        worlds=len(leaves),
    )


def _explore(
    facts: ClusterFacts, nodes: Mapping[str, Node], walk: Walker, supposed: dict[str, Supposition]
) -> Leaf | Fork:
    world = World(facts=facts, nodes=nodes, supposed=supposed)
    try:
        traces = tuple(walk(world))
    except Undecided as question:
        name = question.options[0].name
        branches = [
            _explore(facts, nodes, walk, {**supposed, option.name: option}) for option in question.options
        ]
        return Fork(name=name, branches=tuple(branches))
    labels = tuple((_fact_name(each.name), each.label) for each in supposed.values())
    return Leaf(traces=traces, labels=labels, assumed=tuple(world.assumed))


def _fact_name(name: str) -> str:
    # A version is asked about one boundary at a time.
    return VERSION if name.startswith(f"{VERSION}@") else name


def _leaves(tree: Leaf | Fork) -> list[Leaf]:
    if isinstance(tree, Leaf):
        return [tree]
    return [leaf for branch in tree.branches for leaf in _leaves(branch)]


def _merged(leaves: list[Leaf]) -> tuple[Trace, ...]:
    """Every trace once, with what it supposes unless it is there in every world."""
    if len(leaves) == 1:
        assumed = leaves[0].assumed
        found = leaves[0].traces
        return tuple(replace(trace, assuming=assumed) for trace in found) if assumed else found
    homes: dict[Trace, list[Leaf]] = {}
    for leaf in leaves:
        for trace in _folded(leaf.traces):
            homes.setdefault(trace, []).append(leaf)
    return tuple(replace(trace, assuming=_assuming(here, leaves)) for trace, here in homes.items())


def _folded(traces: tuple[Trace, ...]) -> tuple[Trace, ...]:
    """Equivalent branches as one that stands for all of them."""
    counts: dict[Trace, int] = {}
    for trace in traces:
        key = trace if trace.stands_for == 1 else replace(trace, stands_for=1)
        counts[key] = counts.get(key, 0) + trace.stands_for
    return tuple(trace if count == 1 else replace(trace, stands_for=count) for trace, count in counts.items())


def _assuming(here: list[Leaf], leaves: list[Leaf]) -> tuple[str, ...]:
    """What all worlds with this trace have in common, and not simply every world has."""
    found: dict[str, dict[str, None]] = {}
    for leaf in here:
        for name, label in leaf.labels:
            found.setdefault(name, {})[label] = None
    everywhere: dict[str, set[str]] = {}
    for leaf in leaves:
        for name, label in leaf.labels:
            everywhere.setdefault(name, set()).add(label)
    supposed = []
    if len(here) < len(leaves):
        for name, labels in found.items():
            mentioned = all(any(each == name for each, _ in leaf.labels) for leaf in here)
            if mentioned and set(labels) != everywhere[name]:
                supposed.append(" or ".join(labels))
    assumed = {what: None for leaf in here for what in leaf.assumed}
    return (*supposed, *assumed)


def _missing(tree: Leaf | Fork, verdict: Verdict) -> tuple[str, ...]:
    """The facts that decide: those that are left once branches that agree are folded into one."""
    if verdict is not Verdict.UNDETERMINED:
        return ()
    found: dict[str, None] = {}
    _deciding(_reduced(tree), found)
    found.update(_unread(tree))
    if VERSION in found:
        # What the documents leave open about old versions is settled by most versions.
        found.pop("passThrough", None)
    return tuple(sorted(found))


def _unread(tree: Leaf | Fork) -> dict[str, None]:
    """What would say how the traces go on at whose end nobody can say."""
    aborted = (trace for leaf in _leaves(tree) for trace in leaf.traces if trace.end is End.ABORT)
    return dict.fromkeys(
        "loadBalancer.listener" if trace.hops[-1].rule == INGRESS_LISTENER.id else "kubeProxy.mode"
        for trace in aborted
    )


Reduced = Verdict | tuple[str, tuple["Reduced", ...]]


def _reduced(tree: Leaf | Fork) -> Reduced:
    if isinstance(tree, Leaf):
        return tree.verdict
    branches = tuple(_reduced(branch) for branch in tree.branches)
    return branches[0] if len(set(branches)) == 1 else (_fact_name(tree.name), branches)


def _deciding(reduced: Reduced, found: dict[str, None]) -> None:
    if not isinstance(reduced, Verdict):
        found[reduced[0]] = None
        for branch in reduced[1]:
            _deciding(branch, found)


def _crossed(trace: Trace) -> bool | None:
    """Whether the packet is handed to the load balancer; None where nobody can say how it goes on."""
    return None if trace.end is End.ABORT and not trace.via_load_balancer else trace.via_load_balancer


def _same(values: list[bool | None]) -> bool | None:
    return values[0] if len(set(values)) == 1 else None


def _endpoints(traces: tuple[Trace, ...]) -> tuple[str, ...]:
    return tuple(sorted({trace.endpoint for trace in traces if trace.end is End.DELIVER and trace.endpoint}))


def _source(traces: tuple[Trace, ...]) -> SourceIP:
    sources = {trace.source for trace in traces if trace.end is End.DELIVER}
    return sources.pop() if len(sources) == 1 else SourceIP.UNKNOWN
