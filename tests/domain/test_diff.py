"""Before and after: who gains, who loses, for whom nothing changes; and what helps."""

from dataclasses import replace

import pytest

from bot.domain.diff import Effect, compare, counted
from bot.domain.explanation import Explanation
from bot.domain.objects import Ref, ServicePort
from bot.domain.path import explain
from tests.domain.situation import LOCAL, PASS, WEB, Situation, cce, endpoint, facts, service, usual


def with_annotation(situation: Situation, value: str) -> Explanation:
    """The Service as it would be with pass-through."""
    (current,) = [each for each in situation.values if each.__class__ is service().__class__]
    assert hasattr(current, "annotations")
    changed = replace(current, annotations={**current.annotations, PASS: value})
    return explain(situation.snapshot().with_service(changed), WEB)


def effects(before: Explanation, after: Explanation) -> dict[str, str]:
    """Each class' effect."""
    return {shift.client.group: shift.effect.value for shift in compare(before, after)}


def test_pass_through_on_a_dedicated_load_balancer_gains_and_loses() -> None:
    """IPVS, policy Local: hosts on bare nodes gain, everybody beside the only backend loses."""
    situation = cce(kind="performance", external_policy=LOCAL, given={"mode": "ipvs"})
    shifts = compare(situation.explain(), with_annotation(situation, "true"))
    found = {shift.client.group: shift.effect for shift in shifts}
    assert found["node-without-backend"] is Effect.GAINS
    assert found["pod-with-backend"] is Effect.LOSES
    assert found["pod-without-backend"] is Effect.CHANGES
    assert found["external"] is Effect.UNCHANGED
    assert counted(shifts, Effect.GAINS) == 3
    assert counted(shifts, Effect.LOSES) == 4


def test_the_same_cluster_shifts_nothing() -> None:
    """Comparing with itself."""
    explanation = cce().explain()
    assert set(effects(explanation, explanation).values()) == {"unchanged"}


def test_to_learn_something_is_neither_to_gain_nor_to_lose() -> None:
    """Undetermined before, reachable after."""
    before = usual(given={"cidr": None}, external_policy=LOCAL)
    after = before.knowing()
    assert effects(before.explain(), after.explain())["pod-without-backend"] == "changes"


def test_a_class_that_appears_or_goes_is_shown_on_its_side() -> None:
    """Draining the only node with an endpoint leaves no node with one."""
    situation = usual()
    drained = explain(situation.snapshot().with_drained("n1"), WEB)
    shifts = {shift.client.group: shift for shift in compare(situation.explain(), drained)}
    assert shifts["pod-with-backend"].after is None
    assert shifts["pod-with-backend"].as_json()["after"] is None
    assert shifts["pod-without-backend"].effect is Effect.LOSES


def test_both_sides_are_told_hop_by_hop() -> None:
    """The first trace of each side."""
    situation = cce()
    (shift, *_) = [
        each
        for each in compare(situation.explain(), with_annotation(situation, "true"))
        if each.client.group == "pod-without-backend"
    ]
    body = shift.as_json()
    assert "lb-address-captured" in [hop["rule"] for hop in body["before"]["hops"]]
    assert "cce-pass-through" in [hop["rule"] for hop in body["after"]["hops"]]


@pytest.mark.parametrize(
    ("situation", "expected"),
    [
        (cce(), ["use-cluster-name", "pass-through"]),
        (
            cce(external_policy=LOCAL, given={"mode": "ipvs"}),
            ["use-cluster-name", "policy-cluster"],
        ),
        (cce(through="true"), []),
        (cce(kind="performance", through="onlyLocal", external_policy=LOCAL), ["use-cluster-name"]),
        (usual(), ["use-cluster-name"]),
        # Who would then not get there by what is recommended is not sent there.
        (cce(kind="performance"), ["use-cluster-name"]),
        (cce(ports=(ServicePort(port=80),)), ["use-cluster-name"]),
        (cce(given={"mode": "other"}), ["use-cluster-name"]),
        (cce(given={"mode": "ipvs"}).plus(service(ref=Ref("bank", "other"))), ["use-cluster-name"]),
    ],
)
def test_remedies_come_in_the_vendor_s_order(situation: Situation, expected: list[str]) -> None:
    """cce_10_0249: the name, then the policy, then pass-through; nothing where nothing is wrong."""
    assert [remedy.code for remedy in situation.explain().remedies] == expected


def test_undetermined_answers_have_possibilities_that_disagree() -> None:
    """Counted over every combination of two unknown facts: an undetermined one always names what decides."""
    undetermined = 0
    for mode in (None, "iptables", "ipvs", "nftables"):
        for version in (None, "v1.23.0", "v1.30.0", "v1.34.0"):
            for policy in ("Cluster", "Local"):
                base = usual(
                    endpoints=(endpoint("web-a", "n1", 11),),
                    external_policy=LOCAL if policy == "Local" else service().external_policy,
                )
                given = facts(mode=mode, version=version)
                snapshot = replace(base, given=replace(given, version=replace(given.version))).snapshot()
                for path in explain(snapshot, WEB).paths:
                    if path.verdict == "undetermined":
                        undetermined += 1
                        assert path.missing
                        assert policy == "Local"
    assert undetermined
