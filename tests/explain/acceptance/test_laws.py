"""What holds of every answer, whatever the situation: tried on a fair share of this corpus.

The laws of one answer (`asking.contradictions`) are held in every situation; those here ask several times for one.
"""

from collections.abc import Iterator
from copy import deepcopy
from itertools import product

import pytest

from . import (
    test_address,
    test_cce,
    test_corners,
    test_endpoints,
    test_kube_proxy,
    test_sharing,
    test_slices,
    test_sources,
)
from .asking import contradictions, explain
from .situation import Situation
from .world import Document

EVERY = [
    *test_address.SITUATIONS,
    *test_cce.SITUATIONS,
    # Not OVERRULED: there a fact stands against what elb.class says, and without it elb.class counts again.
    *(s for s in test_corners.SITUATIONS if s not in test_corners.OVERRULED),
    *test_endpoints.CONDITIONS,
    *test_slices.HINTS,
    *test_slices.SLICES,
    *test_sharing.SITUATIONS,
    *test_sources.SITUATIONS,
    *test_kube_proxy.SITUATIONS[::3],
]
MINORS = (13, 14, 15, 17, 19, 21, 22, 23, 24, 25, 26, 28, 29, 30, 31, 33, 34, 36)
VALUES: dict[str, tuple[object, ...]] = {
    "kubeProxy.mode": ("iptables", "ipvs", "nftables"),
    "kubernetesVersion": ("v1.33.7", *(f"v1.{minor}.0" for minor in MINORS)),
    "kubeProxy.localDetector": (True, False),
    "platform": ("cce", "generic"),
    "category": ("standard", "turbo"),
    "loadBalancer.delivery": ("nodeport", "pod", "vip"),
    "loadBalancer.preservesClientIP": (True, False),
}
"""What a missing fact may be."""


def told(documents: tuple[Document, ...], field: str, value: object) -> tuple[Document, ...]:
    """The same documents with this field of ClusterFacts set, or gone with `None`."""
    changed = list(deepcopy(documents))
    index = next(i for i, d in enumerate(changed) if d["kind"] == "ClusterFacts")
    section, _, name = field.rpartition(".")
    inner = changed[index].setdefault(section, {}) if section else changed[index]
    inner.pop(name, None)
    if value is not None:
        inner[name] = value
    return tuple(changed)


def verdict(situation: Situation, documents: tuple[Document, ...]) -> str:
    """The one path's verdict."""
    answer = explain(documents, *situation.options)
    assert answer.status == 0, answer.err
    assert [law for path in answer.paths for law in contradictions(path)] == []
    return str(answer.path["verdict"])


def fields(documents: tuple[Document, ...]) -> Iterator[str]:
    """The facts that these documents give and that may be unknown."""
    (given,) = [d for d in documents if d["kind"] == "ClusterFacts"]
    for field in VALUES:
        section, _, name = field.rpartition(".")
        if name in (given.get(section, {}) if section else given):
            yield field


@pytest.mark.parametrize(
    "situation", [s for s in EVERY[::4] if s.cells and not s.cells.startswith("?")], ids=str
)
def test_a_fact_made_unknown_moves_a_verdict_to_undetermined_or_not_at_all(situation: Situation) -> None:
    """Issue law; the contract: unknown is weighed."""
    before = verdict(situation, situation.documents)
    for field in fields(situation.documents):
        after = verdict(situation, told(situation.documents, field, None))
        assert after in {before, "undetermined"}, field


def possible(documents: tuple[Document, ...]) -> bool:
    """Whether such a cluster can be: nftables mode came with v1.29 (KEP-3866)."""
    (given,) = [d for d in documents if d["kind"] == "ClusterFacts"]
    minor = int(str(given.get("kubernetesVersion", "v1.36")).split(".")[1])
    return given.get("kubeProxy", {}).get("mode") != "nftables" or minor >= 29


def answers(situation: Situation, documents: tuple[Document, ...], missing: list[str]) -> set[str]:
    """The verdicts over every combination of values of these facts."""
    choices = [VALUES[field] for field in missing]
    found = set()
    for values in product(*choices):
        changed = documents
        for field, value in zip(missing, values, strict=True):
            changed = told(changed, field, value)
        if possible(changed):
            found.add(verdict(situation, changed))
    return found


@pytest.mark.parametrize("situation", [s for s in EVERY[1::7] if s.cells], ids=str)
def test_an_undetermined_answer_has_possibilities_that_differ(situation: Situation) -> None:
    """Contract: “an undetermined answer whose possibilities agree is a defect”; every fact removed in turn."""
    for removed in (None, *fields(situation.documents)):
        documents = told(situation.documents, removed, None) if removed else situation.documents
        path = explain(documents, *situation.options).path
        known = [field for field in path["missing"] if field in VALUES]
        if path["verdict"] != "undetermined" or len(known) != len(path["missing"]):
            continue
        assert len(answers(situation, documents, known)) > 1, (removed, path["missing"])


def alike(situation: Situation) -> tuple[object, ...]:
    """What of an answer does not depend on names and order."""
    path = situation.asked().path
    return (
        path["verdict"],
        path["viaLoadBalancer"],
        path["endpoints"],
        path["sourceIP"],
        sorted(path["missing"]),
    )


@pytest.mark.parametrize("situation", [s for s in EVERY[2::5] if s.cells], ids=str)
def test_the_order_of_documents_does_not_matter(situation: Situation) -> None:
    """Issue law: reordering changes nothing."""
    turned = Situation(
        name="",
        documents=tuple(reversed(situation.documents)),
        options=situation.options,
        source=situation.source,
    )
    assert alike(turned) == alike(situation)
