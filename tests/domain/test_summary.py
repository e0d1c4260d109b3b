from dataclasses import replace

import pytest

from bot.domain.explanation import Client, ClientKind, Explanation, Path, Verdict
from bot.domain.summary import client_words, headline, worst
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
    """Each class once."""
    lost = headline(faring(through=True, verdict=Verdict.UNREACHABLE))
    assert "cut off: " in lost
    assert lost.count("pods, node with a backend") == 1


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
    names = {client_words(path.client) for path in BYPASSED.paths}
    assert all("-" not in name for name in names)


def test_what_sets_a_class_apart_is_said() -> None:
    """A kubelet version, a zone, an excluded node."""
    group = "pod-with-backend-v1.27.3-excluded-node"
    words = "pods, node with a backend (v1.27.3-excluded-node)"
    assert client_words(Client(kind=ClientKind.POD, group=group)) == words
    leaving = Client(kind=ClientKind.NODE, group="node-with-leaving-backend")
    assert client_words(leaving) == "processes on nodes with a leaving backend"


def test_a_client_that_was_asked_for_is_named() -> None:
    """With its namespace, if it has one."""
    assert client_words(Client(kind=ClientKind.POD, namespace="a", name="b")) == "pod a/b"
    assert client_words(Client(kind=ClientKind.NODE, name="n")) == "node n"
