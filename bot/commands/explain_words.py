"""The words that every form of an explanation shares."""

from collections.abc import Sequence
from textwrap import wrap

from bot.domain.explanation import Client, ClientKind, Explanation, Path, SourceIP, Verdict
from bot.domain.summary import client_words, pass_through_words

REACHED = {
    Verdict.REACHABLE: "yes",
    Verdict.UNREACHABLE: "NO",
    Verdict.AMBIGUOUS: "sometimes",
    Verdict.UNDETERMINED: "not known",
}
CROSSED = {True: "yes", False: "no", None: "not known"}
SEES = {
    SourceIP.PRESERVED: "the client",
    SourceIP.NODE: "a node",
    SourceIP.LB: "the load balancer",
    SourceIP.UNKNOWN: "not known",
}
"""What a backend takes for its client; `seen` says it of a path."""
_SHOWN = 4
_WIDTH = 110


def seen(path: Path) -> str:
    """Say what the backend sees: a node's process may speak from the load balancer's address without meeting it."""
    if path.source_ip is SourceIP.LB and path.via_load_balancer is not True:
        return "the LB's address"
    return SEES[path.source_ip]


def client_named(client: Client) -> str:
    """Name a client, or its class."""
    if client.kind is ClientKind.EXTERNAL:
        return f"outside ({client.name})" if client.name else "outside the cluster"
    return client_words(client)


def facts_line(explanation: Explanation) -> str:
    """Say in one line what was asked about: policy, pass-through, kind of cluster, version, proxy mode."""
    facts = {fact.name: fact.shown for fact in explanation.facts if fact.known}
    cluster = " ".join(_PLATFORMS.get(facts[name], facts[name]) for name in _CLUSTER if name in facts)
    policy = f"policy {facts.get('externalTrafficPolicy', 'not known')}"
    return " · ".join(filter(None, (policy, pass_through_words(explanation), cluster)))


_CLUSTER = ("platform", "category", "kubernetesVersion", "kubeProxy.mode")
_PLATFORMS = {"cce": "CCE", "generic": "Kubernetes", "ipvs": "IPVS"}


def few(names: Sequence[str], most: int = _SHOWN, between: str = ", ") -> str:
    """Join names, the first few of many."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return between.join(names[:most]) + more


def filled(line: str, indent: str) -> list[str]:
    """Break a line where it is too wide; names stay whole."""
    return wrap(line, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
