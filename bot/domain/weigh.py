"""Weighing: the same walk in every possible world, and the one answer that they add up to."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from bot.domain.cluster_facts import ClusterFacts
from bot.domain.explanation import End, SourceIP, Trace, Verdict
from bot.domain.objects import Node
from bot.domain.possibility import VERSION, Supposition, Undecided, World, of_version
from bot.domain.rules_balancer import INGRESS_LISTENER, OTHER_FAMILY
from bot.domain.version_span import EVERY, Stretch, joined, shown, stretch

Walker = Callable[[World], list[Trace]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One possible world and where its traces end."""

    traces: tuple[Trace, ...]
    labels: tuple[tuple[str, str], ...] = ()
    """What was supposed: the fact's name, and name and value as shown."""
    assumed: tuple[str, ...] = ()
    versions: Stretch | None = None
    """The versions that were supposed, where any were."""
    within: Stretch = EVERY
    """The versions that this world can have: as supposed, and such as have what else is supposed."""

    @property
    def verdict(self) -> Verdict:
        """What holds in this world."""
        if any(trace.end is End.ABORT for trace in self.traces):
            return Verdict.UNDETERMINED
        delivered = sum(trace.end is End.DELIVER for trace in self.traces)
        if not delivered:
            return Verdict.UNREACHABLE
        return Verdict.REACHABLE if delivered == len(self.traces) else Verdict.AMBIGUOUS

    @property
    def way(self) -> bool | None:
        """Whether the load balancer is crossed in this world; None where its traces differ."""
        return _same([_crossed(trace) for trace in self.traces])


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
    """What decides the verdict."""
    missing_for_way: tuple[str, ...] = ()
    """What decides whether the load balancer is crossed."""
    worlds: int = 1


def weigh(facts: ClusterFacts, nodes: Mapping[str, Node], walk: Walker) -> Outcome:
    """Walk in every possible world; where they agree, that is the answer."""
    tree = _explore(facts, nodes, walk, {})
    leaves = list(_leaves(tree))
    verdicts = {leaf.verdict for leaf in leaves}
    verdict = verdicts.pop() if len(verdicts) == 1 else Verdict.UNDETERMINED
    traces = _merged(leaves)
    through = _same([_crossed(trace) for trace in traces])
    return Outcome(
        verdict=verdict,
        via_load_balancer=through,
        endpoints=_endpoints(traces),
        source_ip=_source(traces),
        traces=traces,
        missing=_missing(tree, verdict),
        missing_for_way=_settled(_deciding(tree, lambda leaf: leaf.way)) if through is None else (),
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
    labels = tuple((each.name, each.label) for each in supposed.values() if not of_version(each.name))
    versions = _versions(supposed.values())
    return Leaf(
        traces=traces,
        labels=labels,
        assumed=tuple(world.assumed),
        versions=versions,
        within=_within(versions, supposed.values()),
    )


def _within(versions: Stretch | None, supposed: Iterable[Supposition]) -> Stretch:
    spans = [each.span for each in supposed if each.span is not None and not of_version(each.name)]
    limits = [versions or EVERY, *(Stretch(*span) for span in spans)]
    return Stretch(max(each.first for each in limits), min(each.beyond for each in limits))


def _versions(supposed: Iterable[Supposition]) -> Stretch | None:
    """The versions that are left between all the boundaries that were asked about."""
    bounds = [
        (True, each.span[0]) if each.value else (False, each.span[1])
        for each in supposed
        if of_version(each.name) and each.span is not None
    ]
    return stretch(bounds) if bounds else None


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
    supposed = (
        [*_common_labels(here, leaves), *_common_versions(here, leaves)] if len(here) < len(leaves) else []
    )
    assumed = {what: None for leaf in here for what in leaf.assumed}
    return (*supposed, *assumed)


def _common_labels(here: list[Leaf], leaves: list[Leaf]) -> Iterator[str]:
    found, everywhere = _labels(here), _labels(leaves)
    for name, labels in found.items():
        mentioned = all(any(each == name for each, _ in leaf.labels) for leaf in here)
        if mentioned and labels.keys() != everywhere[name].keys():
            yield " or ".join(labels)


def _labels(leaves: list[Leaf]) -> dict[str, dict[str, None]]:
    found: dict[str, dict[str, None]] = {}
    for leaf in leaves:
        for name, label in leaf.labels:
            found.setdefault(name, {})[label] = None
    return found


def _common_versions(here: list[Leaf], leaves: list[Leaf]) -> Iterator[str]:
    found = [leaf.versions for leaf in here if leaf.versions is not None]
    everywhere = joined(leaf.versions for leaf in leaves if leaf.versions is not None)
    if found and len(found) == len(here) and joined(found) != everywhere:
        yield shown(VERSION, joined(found))


def _missing(tree: Leaf | Fork, verdict: Verdict) -> tuple[str, ...]:
    """The facts that decide."""
    if verdict is not Verdict.UNDETERMINED:
        return ()
    return _settled({*_deciding(tree, lambda leaf: leaf.verdict), *_unread(tree)})


def _settled(names: set[str]) -> tuple[str, ...]:
    """What is left to say: what the documents leave open about old versions is settled by most versions."""
    return tuple(sorted(names - {"passThrough"} if VERSION in names else names))


def _unread(tree: Leaf | Fork) -> dict[str, None]:
    """What would say how the traces go on at whose end nobody can say."""
    aborted = (trace for leaf in _leaves(tree) for trace in leaf.traces if trace.end is End.ABORT)
    return dict.fromkeys(_UNREAD.get(trace.hops[-1].rule, "kubeProxy.mode") for trace in aborted)


_UNREAD = {INGRESS_LISTENER.id: "loadBalancer.listener", OTHER_FAMILY.id: "loadBalancer.translation"}
"""Beyond these steps of the load balancer nothing is read."""


def _deciding(tree: Leaf | Fork, answer: Callable[[Leaf], Verdict | bool | None]) -> set[str]:
    """The facts by which alone two possible worlds may differ whose answers differ."""
    kinds: dict[tuple[Hashable, ...], Leaf] = {}
    for leaf in _leaves(tree):
        kinds.setdefault((answer(leaf), leaf.labels, leaf.within), leaf)
    pairs = ((one, two) for one, two in combinations(kinds.values(), 2) if answer(one) != answer(two))
    return {apart[0] for apart in (_apart(one, two) for one, two in pairs) if len(apart) == 1}


def _apart(one: Leaf, two: Leaf) -> list[str]:
    """The facts that cannot be the same in both worlds; what a world does not suppose may be as in the other."""
    ours = dict(one.labels)
    names = [name for name, label in two.labels if ours.get(name, label) != label]
    overlap = max(one.within.first, two.within.first) < min(one.within.beyond, two.within.beyond)
    return names if overlap else [*names, VERSION]


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
