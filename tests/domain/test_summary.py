from dataclasses import replace
from typing import Any

import pytest

from bot.domain.explanation import Client, ClientKind, Explanation, Finding, Path, Severity, Verdict
from bot.domain.objects import TrafficPolicy
from bot.domain.summary import (
    client_words,
    finding_codes,
    headline,
    pass_through_words,
    rank,
    ranked_reasons,
    worst,
)
from tests.domain.situation import cce

BYPASSED = cce().explain()
"""iptables, no annotation: in-cluster clients never meet the load balancer."""


def faring(through: bool | None, verdict: Verdict = Verdict.REACHABLE) -> Explanation:  # noqa: FBT001 - one fact
    """The same clients, all faring alike."""
    paths = tuple(replace(path, via_load_balancer=through, verdict=verdict) for path in BYPASSED.paths)
    return replace(BYPASSED, paths=paths)


def first_inside(explanation: Explanation) -> Path:
    """A path of a client inside the cluster."""
    return next(p for p in explanation.paths if p.client.kind is not ClientKind.EXTERNAL)


@pytest.mark.parametrize(
    ("through", "words"),
    [
        (False, "in-cluster clients bypass the load balancer"),
        (True, "in-cluster clients cross the load balancer"),
        (None, "whether every in-cluster client crosses the load balancer is not known"),
    ],
)
def test_the_headline_says_which_way_clients_inside_go(through: bool | None, words: str) -> None:  # noqa: FBT001 - a column
    """One way, the other, or not known."""
    assert headline(faring(through)) == f"{words}; nobody is cut off"


def test_a_mixture_is_said_to_be_one() -> None:
    """Some bypass it, others do not."""
    mixed = faring(through=True)
    one = replace(first_inside(mixed), via_load_balancer=False)
    assert headline(replace(mixed, paths=(*mixed.paths, one))).startswith("some in-cluster clients bypass")


@pytest.mark.parametrize("verdict", [Verdict.AMBIGUOUS, Verdict.UNDETERMINED])
def test_what_is_not_sure_is_not_called_safe(verdict: Verdict) -> None:
    """Nobody is said to get there who might not."""
    assert "nobody is cut off" not in headline(faring(through=True, verdict=verdict))


def test_who_is_cut_off_is_named() -> None:
    """Each class once, and before anything else."""
    paths = tuple(
        replace(path, verdict=Verdict.UNREACHABLE) if path.client.kind is ClientKind.NODE else path
        for path in (*BYPASSED.paths, *BYPASSED.paths)
    )
    lost = headline(replace(BYPASSED, paths=paths))
    assert lost.startswith(
        "cut off: processes on nodes with a backend, processes on nodes without a backend;"
    )
    assert lost.count("processes on nodes with a backend") == 1


def test_where_nobody_gets_there_no_way_is_told() -> None:
    """Everybody, or everybody inside."""
    nobody = faring(through=True, verdict=Verdict.UNREACHABLE)
    assert headline(nobody) == "nobody gets there"
    outside = tuple(
        replace(path, verdict=Verdict.REACHABLE) if path.client.kind is ClientKind.EXTERNAL else path
        for path in nobody.paths
    )
    assert headline(replace(nobody, paths=outside)) == "no client inside the cluster gets there"


def test_many_classes_are_counted() -> None:
    """A notification is one line."""
    first = first_inside(BYPASSED)
    lost = tuple(
        replace(
            first,
            verdict=Verdict.AMBIGUOUS,
            client=replace(first.client, group=f"pod-with-backend-z{number}"),
        )
        for number in range(9)
    )
    told = headline(replace(BYPASSED, paths=(*BYPASSED.paths, *lost)))
    assert told.startswith("get there only sometimes: pods on nodes with a backend (z0), ")
    assert "and 6 more kinds of clients; " in told


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "pass-through off (no annotation)"),
        ({"through": "true"}, 'pass-through "true": on'),
        ({"through": "false"}, 'pass-through "false": off'),
        ({"through": "yes"}, "is not known (no page documents this value)"),
        ({"through": "true", "given": {"platform": "generic"}}, 'pass-through "true": means nothing here'),
        ({"given": {"platform": "generic"}}, "no pass-through on this platform"),
    ],
)
def test_the_annotation_is_told_with_what_it_amounts_to(given: dict[str, Any], words: str) -> None:
    """Where that is not known, the value stands there all the same, and why nobody knows."""
    assert pass_through_words(cce(**given).explain()).endswith(words)


def test_what_ends_a_way_badly_leads_the_reasons() -> None:
    """The rest in the order of the way; what is missing is no reason."""
    situation = cce(given={"mode": "ipvs", "category": None}, external_policy=TrafficPolicy.LOCAL)
    codes = [reason.code for reason in ranked_reasons(situation.explain())]
    assert codes[0] == "ipvs-fallback-reply-lost"
    assert "undetermined" not in codes
    assert len(codes) == len(set(codes))


def test_a_cluster_without_clients_says_so() -> None:
    """No path inside is no bypass."""
    assert headline(replace(BYPASSED, paths=())) == "there is no client inside the cluster"


def test_the_worst_verdict_decides_the_list() -> None:
    """Unreachable before ambiguous before undetermined before reachable; none without a path."""
    assert worst(BYPASSED) is Verdict.REACHABLE
    one = replace(BYPASSED.paths[0], verdict=Verdict.UNDETERMINED)
    two = replace(BYPASSED.paths[0], verdict=Verdict.UNREACHABLE)
    assert worst(replace(BYPASSED, paths=(*BYPASSED.paths, one))) is Verdict.UNDETERMINED
    assert worst(replace(BYPASSED, paths=(one, two))) is Verdict.UNREACHABLE
    assert worst(replace(BYPASSED, paths=())) is None


def test_every_class_of_client_has_its_words() -> None:
    """No code of the engine is shown to people."""
    assert all(client_words(path.client) != path.client.group for path in BYPASSED.paths)
    for group in ("host-network-pod-with-backend", "backend-on-host-network", "leaving-backend"):
        assert client_words(Client(kind=ClientKind.POD, group=group)) != group.replace("-", " ")


def test_what_sets_a_class_apart_is_said() -> None:
    """A kubelet version, a zone, an excluded node, source ranges."""
    group = "pod-with-backend-v1.27.3-excluded-node"
    words = "pods on nodes with a backend (v1.27.3, node kept out of load balancers)"
    assert client_words(Client(kind=ClientKind.POD, group=group)) == words
    both = "pod-without-backend-node-outside-source-ranges-outside-cluster-cidr-outside-source-ranges"
    assert client_words(Client(kind=ClientKind.POD, group=both)) == (
        "pods on nodes without a backend (node outside the source ranges, outside the cluster CIDR, outside the source "
        "ranges)"
    )
    leaving = Client(kind=ClientKind.NODE, group="node-with-leaving-backend")
    assert client_words(leaving) == "processes on nodes with a leaving backend"


def test_a_client_that_was_asked_for_is_named() -> None:
    """With its namespace, if it has one."""
    assert client_words(Client(kind=ClientKind.POD, namespace="a", name="b")) == "pod a/b"
    assert client_words(Client(kind=ClientKind.NODE, name="n")) == "node n"


def finding(code: str, severity: Severity) -> Finding:
    """A finding of which only this matters."""
    return Finding(code=code, severity=severity, message="")


def test_a_list_ranks_by_verdict_then_by_the_gravest_finding() -> None:
    """Without an address nothing is known to be wrong; that is not the same as fine."""
    ranked = [
        rank(Verdict.UNREACHABLE, []),
        rank(Verdict.AMBIGUOUS, [Severity.ERROR]),
        rank(Verdict.AMBIGUOUS, [Severity.INFO, Severity.WARNING]),
        rank(Verdict.UNDETERMINED, []),
        rank(None, [Severity.ERROR]),
        rank(Verdict.REACHABLE, [Severity.ERROR]),
        rank(Verdict.REACHABLE, [Severity.INFO]),
        rank(Verdict.REACHABLE, []),
    ]
    assert ranked == sorted(ranked)
    assert len(set(ranked)) == len(ranked)


def test_a_list_names_findings_with_their_severity() -> None:
    """The gravest first, each code once."""
    found = [finding("b", Severity.INFO), *[finding("a", Severity.ERROR)] * 2, finding("c", Severity.ERROR)]
    assert finding_codes(found) == "error: a, c; info: b"
    assert finding_codes([]) == "none"
