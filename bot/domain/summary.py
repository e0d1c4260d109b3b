"""An explanation in few words: one line for a notification, one word for a list, the name of each class."""

from collections.abc import Iterable, Iterator, Sequence

from bot.domain.condition import Conditions
from bot.domain.elb import ON_VALUES
from bot.domain.explanation import (
    UNDETERMINED,
    Client,
    ClientKind,
    Destination,
    End,
    Explanation,
    Finding,
    PassThroughState,
    Path,
    Reason,
    Severity,
    Verdict,
)
from bot.domain.rules_balancer import NO_SUCH_PORT
from bot.domain.ways import is_supposed

_WORST = (Verdict.UNREACHABLE, Verdict.AMBIGUOUS, Verdict.UNDETERMINED, Verdict.REACHABLE)


def worst(explanation: Explanation) -> Verdict | None:
    """Return the worst verdict of all paths; None where there is no path."""
    verdicts = {path.verdict for path in explanation.paths}
    return next((verdict for verdict in _WORST if verdict in verdicts), None)


_RANKS = (Verdict.UNREACHABLE, Verdict.AMBIGUOUS, Verdict.UNDETERMINED, None, Verdict.REACHABLE)
"""None: without an address, or not looked at yet; that is no reason to call it fine."""
_SEVERITIES = (Severity.ERROR, Severity.WARNING, Severity.INFO)


def rank(verdict: Verdict | None, severities: Iterable[Severity]) -> tuple[int, int]:
    """Say where a Service stands in a list that has the worst first: its verdict, then its gravest finding."""
    gravest = min(map(_SEVERITIES.index, severities), default=len(_SEVERITIES))
    return _RANKS.index(verdict), gravest


def finding_codes(findings: Iterable[Finding]) -> str:
    """Name findings by their codes, the gravest first, each severity once: `error: a, b; warning: c`."""
    codes: dict[Severity, dict[str, None]] = {severity: {} for severity in _SEVERITIES}
    for finding in findings:
        codes[finding.severity][finding.code] = None
    return "; ".join(f"{severity}: {', '.join(each)}" for severity, each in codes.items() if each) or "none"


_CLASSES = {
    "external": "outside the cluster",
    "host-network-pod-with-leaving-backend": "host-network pods on nodes with a leaving backend",
    "host-network-pod-with-backend": "host-network pods on nodes with a backend",
    "host-network-pod-without-backend": "host-network pods on nodes without a backend",
    "pod-with-leaving-backend": "pods on nodes with a leaving backend",
    "pod-with-backend": "pods on nodes with a backend",
    "pod-without-backend": "pods on nodes without a backend",
    "node-with-leaving-backend": "processes on nodes with a leaving backend",
    "node-with-backend": "processes on nodes with a backend",
    "node-without-backend": "processes on nodes without a backend",
    "host-network-pod-anywhere": "host-network pods anywhere in the cluster",
    "pod-anywhere": "pods anywhere in the cluster",
    "node-anywhere": "processes on any node",
    "leaving-backend-on-host-network": "a leaving host-network backend pod calling itself",
    "leaving-backend": "a leaving backend pod calling itself",
    "backend-on-host-network": "a host-network backend pod calling itself",
    "backend": "a backend pod calling itself",
}
"""Each stands for itself: in a headline there is no row above to lean on. The longer code comes first."""


def client_words(client: Client) -> str:
    """Name a client, or its class with what sets it apart, as people read it."""
    if client.group:
        return _class_words(client.group)
    name = f"{client.namespace}/{client.name}" if client.namespace else client.name
    return f"{client.kind} {name}"


def _class_words(group: str) -> str:
    for code, words in _CLASSES.items():
        if group == code:
            return words
        if group.startswith(f"{code}-"):
            return f"{words} ({_apart_words(group.removeprefix(f'{code}-'))})"
    return group.replace("-", " ")


_APART = {
    "node-outside-source-ranges": "node outside the source ranges",
    "outside-source-ranges": "outside the source ranges",
    "outside-cluster-cidr": "outside the cluster CIDR",
    "outside-network-policy": "let in by no NetworkPolicy",
    "excluded-node": "node kept out of load balancers",
}
"""What may set a class apart; the longer code comes first. A version or a zone speaks for itself."""


def _apart_words(suffix: str) -> str:
    parts = [suffix]
    for code, words in _APART.items():
        parts = [piece for part in parts for piece in _cut(part, code, words)]
    words = ", ".join(part for part in (each.strip("-") for each in parts) if part)
    both = f"{_APART['node-outside-source-ranges']}, {_APART['outside-source-ranges']}"
    return words.replace(both, "with their node outside the source ranges")


def _cut(part: str, code: str, words: str) -> list[str]:
    """The part around the code, and the words in its place; words that are there already are left alone."""
    before, found, after = part.partition(code)
    return [before, words, after] if found else [part]


_MOST_NAMED = 3
"""Classes of clients that a headline names."""


def headline(explanation: Explanation) -> str:
    """Say in one line how clients fare: who does not get there comes first, then which way the others go.

    Where a client fares otherwise at another port, each port is told by itself, the worst first.
    """
    if absent := _no_such_port(explanation):
        return absent
    if _alike(explanation.paths):
        return _told_at(explanation.paths)
    found: dict[str, list[Path]] = {}
    for paths in _by_destination(explanation.paths).values():
        found.setdefault(_told_at(paths), []).extend(paths)
    ranked = sorted(found.items(), key=lambda each: _gravity(each[1]))
    parts = [f"{_destinations(paths, explanation.paths)}: {words}" for words, paths in ranked[:_MOST_NAMED]]
    left = len(ranked) - _MOST_NAMED
    return "; ".join([*parts, f"and {left} more otherwise"] if left > 0 else parts)


def _gravity(paths: Sequence[Path]) -> tuple[int, float]:
    """The worst verdict, then how bad they are on the whole; the lowest is the worst."""
    verdicts = [_WORST.index(path.verdict) for path in paths]
    return min(verdicts), sum(verdicts) / len(verdicts)


def _by_destination(paths: Iterable[Path]) -> dict[Destination, tuple[Path, ...]]:
    found: dict[Destination, tuple[Path, ...]] = {}
    for path in paths:
        found[path.destination] = (*found.get(path.destination, ()), path)
    return found


def _alike(paths: Iterable[Path]) -> bool:
    """Whether no client gets to one destination and not, or less surely, to another."""
    fates: dict[str, set[Verdict]] = {}
    for path in paths:
        fates.setdefault(client_words(path.client), set()).add(path.verdict)
    return all(len(verdicts) == 1 for verdicts in fates.values())


def _destinations(paths: Iterable[Path], every: Iterable[Path]) -> str:
    """Name ports, with what else sets them apart from all there are."""
    there = {path.destination for path in every}
    one_address = len({to.ip for to in there}) == 1
    one_protocol = len({to.protocol for to in there}) == 1
    names = dict.fromkeys(
        (str(to.port) if one_address else str(to)) + ("" if one_protocol else f"/{to.protocol}")
        for to in (path.destination for path in paths)
    )
    return ", ".join([*names][:_MOST_NAMED]) + (
        f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    )


def _told_at(paths: Sequence[Path]) -> str:
    inside = [path for path in paths if path.client.kind is not ClientKind.EXTERNAL]
    if not inside:
        return "there is no client inside the cluster"
    if all(path.verdict is Verdict.UNREACHABLE for path in inside):
        outside = [path for path in paths if path.client.kind is ClientKind.EXTERNAL]
        everybody = all(path.verdict is Verdict.UNREACHABLE for path in outside)
        return "nobody gets there" if everybody else "no client inside the cluster gets there"
    trouble = list(_trouble(paths, inside))
    through = _through({path.via_load_balancer for path in inside})
    return "; ".join([*trouble, through] if trouble else [through, "nobody is cut off"])


def _no_such_port(explanation: Explanation) -> str:
    """What was asked about and is not there: that nobody gets there would sound like a fault."""
    told = {
        reason.message
        for path in explanation.paths
        for reason in path.reasons
        if reason.code == NO_SUCH_PORT.id
    }
    every = all(any(reason.code == NO_SUCH_PORT.id for reason in path.reasons) for path in explanation.paths)
    message = next(iter(told), "")
    return f"the{message.removeprefix('The').removesuffix('.')}" if every and len(told) == 1 else ""


def _through(through: set[bool | None]) -> str:
    if through == {False}:
        return "in-cluster clients bypass the load balancer"
    if through == {True}:
        return "in-cluster clients cross the load balancer"
    if None in through:
        return "whether every in-cluster client crosses the load balancer is not known"
    return "some in-cluster clients bypass the load balancer"


_TROUBLE = {
    Verdict.UNREACHABLE: "cut off",
    Verdict.AMBIGUOUS: "get there only sometimes",
    Verdict.UNDETERMINED: "not known whether they get there",
}


def _trouble(paths: Sequence[Path], inside: list[Path]) -> Iterator[str]:
    for verdict, words in _TROUBLE.items():
        names = dict.fromkeys(client_words(path.client) for path in paths if path.verdict is verdict)
        if names:
            everyone = all(path.verdict is verdict for path in inside)
            yield f"{words}: {'every client inside the cluster' if everyone else _few(list(names))}"


def _few(names: list[str]) -> str:
    left = len(names) - _MOST_NAMED
    kinds = "kind" if left == 1 else "kinds"
    more = f" and {left} more {kinds} of clients" if left > 0 else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def pass_through_words(explanation: Explanation) -> str:
    """Say what the annotation is and what it amounts to; where that is not known, what would tell."""
    through = explanation.pass_through
    if through.value is None:
        unsupported = through.state is PassThroughState.UNSUPPORTED
        return "no pass-through on this platform" if unsupported else "pass-through off (no annotation)"
    said = f'pass-through "{through.value}"'
    if through.state is PassThroughState.ON:
        return f"{said}: on"
    if through.state is PassThroughState.OFF:
        return f"{said}: off"
    if through.state is PassThroughState.UNSUPPORTED:
        return f"{said}: means nothing here"
    return f"{said}: whether it takes effect is not known ({_why_unknown(explanation)})"


def _why_unknown(explanation: Explanation) -> str:
    known = {fact.name for fact in explanation.facts if fact.known}
    missing = [name for name in ("platform", "kubernetesVersion") if name not in known]
    if explanation.pass_through.value not in ON_VALUES:
        return "no page documents this value"
    if missing:
        return f"missing: {', '.join(missing)}"
    return "the documents disagree about this version"


def ranked_reasons(explanation: Explanation) -> list[Reason]:
    """Each reason once: those of the worst paths and of clients inside first; what ends a way badly leads.

    What is missing is no reason; it has a place of its own.
    """
    paths = sorted(
        explanation.paths,
        key=lambda path: (_WORST.index(path.verdict), path.client.kind is ClientKind.EXTERNAL),
    )
    found: dict[str, Reason] = {}
    for path in paths:
        for reason in _told(path):
            found.setdefault(reason.code, reason)
    found.pop(UNDETERMINED, None)
    return _together(found.values(), Conditions(explanation.paths))


def _together(reasons: Iterable[Reason], conditions: Conditions) -> list[Reason]:
    """Reasons of one text as one, with the ids and sources of all, and in which worlds it is so."""
    found: dict[str, list[Reason]] = {}
    for reason in reasons:
        found.setdefault(reason.message, []).append(reason)
    return [
        Reason(
            code=", ".join(reason.code for reason in alike),
            message=conditions.of([reason.code for reason in alike]) + message,
            source="; ".join(dict.fromkeys(reason.source for reason in alike)),
        )
        for message, alike in found.items()
    ]


def taken_for_granted(explanation: Explanation) -> list[str]:
    """What no document says and the answer rests on, each once; not the values that missing facts may have."""
    traces = (trace for path in explanation.paths for trace in path.traces)
    return list(dict.fromkeys(each for trace in traces for each in trace.assuming if not is_supposed(each)))


def _told(path: Path) -> list[Reason]:
    """A path's reasons: as they come on the way, but first where ways end on which it does not get there."""
    ends = {trace.hops[-1].rule for trace in path.traces if trace.hops and trace.end is not End.DELIVER}
    return sorted(path.reasons, key=lambda reason: reason.code not in ends)


_FACTS = {
    "passThrough": "pass-through",
    "externalTrafficPolicy": "traffic policy",
    "elb.class": "kind of ELB",
    "platform": "platform",
    "category": "category",
    "kubernetesVersion": "version",
    "kubeProxy.mode": "proxy mode",
    "kubeProxy.localDetector": "kube-proxy's local-traffic detector",
    "kubeProxy.clusterCIDR": "cluster CIDR",
    "loadBalancer.delivery": "how the load balancer delivers",
    "loadBalancer.preservesClientIP": "whether it keeps client addresses",
    "loadBalancer.publicIPs": "its public addresses",
    "loadBalancer.addresses": "its addresses",
    "loadBalancer.accessList": "its access list",
    "securityGroups": "security groups",
    "loadBalancer.translation": "whether it translates address families",
    "client.ip": "the client's address",
    "node.egress": "the nodes' egress",
}


def fact_words(name: str) -> str:
    """Name a fact as people read it; one without words of its own keeps its name."""
    return _FACTS.get(name, name)
