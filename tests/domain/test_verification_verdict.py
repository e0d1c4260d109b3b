from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.domain.verification import Burst, Counter, Outcome, Part, Probe, ProbePhase, Run, Target, Verdict
from bot.domain.verification_verdict import look_again, verdict
from tests.domain.verification_runs import as_hoped, client, fresh, measured, plan

BESIDE, APART = client("beside"), client("apart")
STRANGERS: Callable[[int], float] = lambda n: n % 2  # noqa: E731  now and then one, so the counter moves


def told(found: Verdict) -> dict[str, str]:
    """Class → the rule that decided."""
    return {row.client: row.rule for row in found.rows}


def constant(connected: int, before: int, after: int) -> Callable[[Part, str, str], tuple[int, int]]:
    """The same for every class."""
    return lambda part, *_: (connected, before if part is Part.BEFORE else after)


def test_a_counter_that_follows_the_bursts_after_the_patch_only_is_a_success() -> None:
    """The seed's own criterion, with numbers."""
    found = verdict(measured())
    assert found.outcome is Outcome.SUCCEEDED
    assert found.headline == "in-cluster traffic to shop/checkout now crosses the load balancer"
    assert [(r.before.seen, r.after.seen) for r in found.rows if r.before] == [(0, 120), (0, 120)]
    assert (found.confidence or 0) >= 0.99


CASES = [
    ("as-expected", Outcome.SUCCEEDED, constant(120, 0, 120), {}),
    ("as-expected", Outcome.SUCCEEDED, constant(114, 0, 114), {}),
    ("unsteady", Outcome.FAILED, constant(113, 0, 113), {}),
    ("cut-off", Outcome.FAILED, constant(0, 0, 0), {}),
    ("wrong-way", Outcome.FAILED, constant(120, 0, 0), {}),
    ("unclear", Outcome.INCONCLUSIVE, constant(120, 0, 61), {}),  # nothing tells how the points are stamped
    (
        "unclear",
        Outcome.INCONCLUSIVE,
        constant(120, 0, 60),
        {},
    ),  # one a second, in whole numbers: all or half
    ("unclear", Outcome.INCONCLUSIVE, constant(120, 0, 400), {}),
    ("no-difference", Outcome.INCONCLUSIVE, constant(120, 120, 120), {}),
    ("right-to-fail", Outcome.INCONCLUSIVE, constant(0, 0, 0), {"expect_after": "unreachable"}),
    ("engine-wrong", Outcome.INCONCLUSIVE, constant(120, 0, 120), {"expect_after": "unreachable"}),
    ("depends", Outcome.INCONCLUSIVE, constant(120, 0, 120), {"through_after": None}),
    ("as-expected", Outcome.SUCCEEDED, constant(60, 0, 60), {"expect_after": "ambiguous"}),
    ("nothing-connected", Outcome.INCONCLUSIVE, constant(0, 0, 0), {"expect_after": "undetermined"}),
    ("as-expected", Outcome.SUCCEEDED, constant(120, 0, 120), {"expect_after": "undetermined"}),
    ("wrong-way", Outcome.FAILED, constant(120, 120, 120), {"through_before": True, "through_after": False}),
    (
        "as-expected",
        Outcome.SUCCEEDED,
        constant(120, 120, 0),
        {"through_before": True, "through_after": False},
    ),
]


@pytest.mark.parametrize(("rule", "outcome", "result", "changed"), CASES)
def test_each_rule_decides_its_case(
    rule: str,
    outcome: Outcome,
    result: Callable[[Part, str, str], tuple[int, int]],
    changed: dict[str, object],
) -> None:
    """One class, one cause, one rule."""
    found = verdict(measured(result, plan(client("beside", **changed)), quiet=STRANGERS))
    assert (told(found)["beside"], found.outcome) == (rule, outcome)


def test_a_path_that_should_fail_and_does_is_right_beside_one_that_works() -> None:
    """The same-node lock-out of a dedicated load balancer is part of a success."""
    locked = client("beside", expect_after="unreachable", through_after=None)

    def result(part: Part, name: str, node: str) -> tuple[int, int]:
        return (0, 0) if name == "beside" and part is Part.AFTER else as_hoped(part, name, node)

    found = verdict(measured(result, plan(locked, APART)))
    assert told(found) == {"beside": "right-to-fail", "apart": "as-expected"}
    assert found.outcome is Outcome.SUCCEEDED


def test_clients_that_were_cut_off_before_need_no_comparison() -> None:
    """A change that lets somebody in is seen by that alone."""
    locked_out = client("apart", expect_before="unreachable", through_before=False)
    result = lambda part, *_: (0, 0) if part is Part.BEFORE else (120, 120)  # noqa: E731  one case
    assert verdict(measured(result, plan(locked_out))).outcome is Outcome.SUCCEEDED


def test_a_class_that_worked_before_and_does_not_now_fails_whatever_was_expected() -> None:
    """An engine without an expectation does not hide harm."""
    vague = client("apart", expect_after="undetermined", through_after=None)
    result = lambda part, *_: (120, 0) if part is Part.BEFORE else (0, 0)  # noqa: E731  one case
    assert told(verdict(measured(result, plan(vague)))) == {"apart": "cut-off"}


def test_one_of_several_nodes_that_bypasses_is_seen() -> None:
    """Thirty of a hundred and twenty connections are one node's."""
    four = client("beside", "n1", "n2", "n3", "n4")
    result = lambda part, _, node: (120, 0 if part is Part.BEFORE or node == "n3" else 120)  # noqa: E731  one case
    run = measured(result, plan(four))
    assert verdict(run).outcome is not Outcome.SUCCEEDED
    again = look_again(run)
    assert [target.node for target in again] == ["n1", "n2", "n3", "n4"]
    found = verdict(measured(result, plan(four), again=again))
    assert found.outcome is Outcome.FAILED
    assert "from n3, expected through" in found.headline


def test_a_rollback_of_what_worked_in_part_is_a_success() -> None:
    """One node never followed the change that is undone; the others did, and come back."""
    three = client("beside", "n1", "n2", "n3", through_before=True, through_after=False)
    result = lambda part, _, node: (119, 119 if part is Part.BEFORE and node != "n3" else 0)  # noqa: E731  one case
    assert verdict(measured(result, plan(three))).outcome is Outcome.SUCCEEDED


def test_a_node_that_was_late_is_forgiven_when_looked_at_again() -> None:
    """The latest look counts."""
    late = lambda part, *_: (120, 120 if part is Part.RECHECK else 0)  # noqa: E731  one case
    alone = plan(client("beside", "n1"))
    assert verdict(measured(late, alone, quiet=STRANGERS)).outcome is Outcome.FAILED
    again = (Target(client="beside", node="n1"),)
    assert verdict(measured(late, alone, again=again)).outcome is Outcome.SUCCEEDED


def test_one_node_of_many_that_cannot_connect_is_not_lost_among_the_others() -> None:
    """Ninety-six in a hundred is no comfort to the node that has none."""
    nodes = [f"n{i}" for i in range(25)]
    many = client("beside", *nodes)

    def result(part: Part, name: str, node: str) -> tuple[int, int]:
        return (0, 0) if node == "n7" and part is Part.AFTER else as_hoped(part, name, node)

    found = verdict(measured(result, plan(many)))
    assert told(found) == {"beside": "unsteady"}
    assert "from n7" in found.headline


def test_without_counters_nothing_succeeds_though_everything_connects() -> None:
    """Reachable is not the point; crossing is."""
    found = verdict(measured(blind="no cloud credentials are configured for this cluster"))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "no cloud credentials" in found.headline
    assert all(row.after.seen is None for row in found.rows)
    assert any("cloud credentials" in hint for hint in found.would_settle)


@pytest.mark.parametrize(("before", "after", "changed"), [(0, 0, {}), (0, 0, {"through_after": False})])
def test_a_counter_that_never_moves_is_no_evidence_either_way(
    before: int, after: int, changed: dict[str, object]
) -> None:
    """Neither that a change had no effect nor that clients go past the load balancer: it may be dead."""
    found = verdict(measured(constant(120, before, after), plan(client("beside", **changed))))
    assert (told(found), found.outcome) == ({"beside": "stuck-counter"}, Outcome.INCONCLUSIVE)
    assert found.confidence is None
    assert "nothing shows that it counts" in found.headline
    assert any("cross the load balancer for certain" in hint for hint in found.would_settle)


def test_one_dead_listener_of_two_is_no_evidence_either_way() -> None:
    """The other one moves, and says nothing of what the dead one should have counted."""
    both = client("beside", targets=("https://10.9.0.9:443", "https://10.9.0.9:8443"))
    counters = (
        Counter(id="a", protocol="HTTPS", port=443, moved=True),
        Counter(id="b", protocol="HTTPS", port=8443, moved=False),
    )
    half = measured(constant(120, 0, 60), plan(both, APART), quiet=STRANGERS, counters=counters)
    assert verdict(half).outcome is Outcome.INCONCLUSIVE
    assert told(verdict(half))["beside"] == "stuck-counter"


def test_a_counter_that_moved_before_the_run_counts() -> None:
    """A quiet load balancer that was busy an hour ago is evidence."""
    counters = (Counter(id="a", protocol="HTTPS", port=443, moved=True),)
    run = measured(constant(120, 0, 0), plan(client("beside", through_after=False)), counters=counters)
    assert verdict(run).outcome is Outcome.SUCCEEDED


def shifted(run: Run) -> Run:
    """The same run under a cloud that stamps points with the end of their period."""
    late = tuple(replace(r, at=r.at + timedelta(seconds=run.plan.period)) for r in run.readings)
    return replace(run, readings=(run.readings[0], *late))


@pytest.mark.parametrize("seen", [30, 60, 90, 120])
def test_a_burst_that_crossed_in_part_is_no_noise_however_its_points_are_stamped(seen: int) -> None:
    """One, two or more of four nodes still cross after a disable: no outlier is that near a burst."""
    four = client("beside", "n1", "n2", "n3", "n4", through_before=True, through_after=False)
    result = lambda *_: (30, seen / 4)  # noqa: E731  one case
    for compare in (True, False):
        run = measured(result, plan(four, compare=compare), quiet=lambda n: 3 * (n % 2), change_id="")  # type: ignore[arg-type]  # a quarter of it
        assert verdict(run).outcome is not Outcome.SUCCEEDED
        assert verdict(shifted(run)).outcome is not Outcome.SUCCEEDED


@pytest.mark.parametrize("compare", [True, False])
def test_clients_that_go_past_the_load_balancer_are_a_success_however_points_are_stamped(
    compare: bool,  # noqa: FBT001  a case
) -> None:
    """Where both ways agree, it need not be known which it is."""
    back = plan(client("beside", through_before=True, through_after=False), compare=compare)
    run = measured(constant(120, 120, 0), back, quiet=STRANGERS)
    assert verdict(run).outcome is Outcome.SUCCEEDED
    assert verdict(shifted(run)).outcome is Outcome.SUCCEEDED


def test_noise_is_of_periods_that_hold_nothing_of_a_burst() -> None:
    """As long as it is not known how points are stamped, the period after a burst is no noise."""
    part = plan(client("beside", "n1", "n2", through_after=False), compare=False)
    run = measured(lambda _, __, node: (120, 120 if node == "n1" else 0), part, quiet=STRANGERS)
    found = verdict(shifted(run))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert (found.noise or 0.0) <= 1.0


def test_a_missing_series_is_not_read_as_zero() -> None:
    """An enabled bypass that nobody counted is not a bypass that was seen."""
    run = replace(measured(constant(120, 0, 0)), readings=())
    found = verdict(run)
    assert told(found) == {"beside": "no-counter", "apart": "no-counter"}
    assert found.outcome is Outcome.INCONCLUSIVE


def test_a_run_that_was_stopped_says_so() -> None:
    """Whatever it had seen."""
    found = verdict(replace(measured(), stopped_by="U02"))
    assert (found.outcome, found.rule) == (Outcome.INCONCLUSIVE, "stopped")


def test_without_probes_nothing_is_concluded() -> None:
    """`verification.clients: none` is a choice, not a success."""
    assert verdict(fresh(plan(how="none"))).rule == "no-clients"


def test_a_plan_without_clients_concludes_nothing() -> None:
    """An empty table has no row that is wrong, and proves nothing."""
    assert verdict(fresh(replace(plan(), clients=()))).rule == "no-clients"


def test_too_few_attempts_say_nothing() -> None:
    """Nine of nine connected is an anecdote."""
    run = measured(constant(120, 0, 120), plan(BESIDE))
    few = replace_probes(run, lambda p: replace(p, attempts=9, connected=9, errors={}))
    assert told(verdict(few)) == {"beside": "not-measured"}


def test_errors_of_the_client_itself_are_not_the_path() -> None:
    """A probe that could not open a socket says nothing about the network."""
    run = measured(constant(0, 0, 0), plan(BESIDE))
    own = replace_probes(run, lambda p: replace(p, errors={"other": 120}))
    assert told(verdict(own)) == {"beside": "not-measured"}


@pytest.mark.parametrize(
    ("changed", "hint"),
    [
        ({"phase": ProbePhase.NEVER_STARTED, "attempts": None, "connected": None}, "a probe that can start"),
        ({"phase": ProbePhase.LOST, "attempts": None, "connected": None}, "a probe that runs to its end"),
        ({"attempts": 9, "connected": 0, "errors": {"timeout": 9}}, "why connections time out"),
        ({"attempts": 9, "connected": 9, "errors": {}}, "more connections per burst"),
        ({"connected": 0, "errors": {"other": 120}}, "a client that can try"),
        ({"attempts": 5, "connected": 0, "errors": {"other": 5}}, "what resets the connections"),
    ],
)
def test_what_would_settle_it_fits_what_was_missing(changed: dict[str, Any], hint: str) -> None:
    """A probe that waited for its connections had started well enough."""
    run = replace_probes(measured(constant(120, 0, 120), plan(BESIDE)), lambda p: replace(p, **changed))
    found = verdict(run)
    assert (told(found), found.outcome) == ({"beside": "not-measured"}, Outcome.INCONCLUSIVE)
    assert [hint in each for each in found.would_settle] == [True]


@pytest.mark.parametrize(
    ("changed", "planned", "hint"),
    [
        ({}, {"how": "exec"}, "`pods/exec`"),
        ({}, {"how": "none"}, "`verification.clients: probe` or `exec`"),
        ({"stopped_by": "U02"}, {}, "nobody stops"),
    ],
)
def test_what_would_settle_it_names_the_right_or_the_setting_that_is_missing(
    changed: dict[str, Any], planned: dict[str, Any], hint: str
) -> None:
    """No node needs another probe where the bot may run no command, or was told to send nothing."""
    never: dict[str, Any] = {"phase": ProbePhase.NEVER_STARTED, "attempts": None, "connected": None}
    run = replace_probes(measured(constant(120, 0, 120), plan(BESIDE)), lambda p: replace(p, **never))
    found = verdict(replace(run, plan=replace(run.plan, **planned), **changed))
    assert found.outcome is Outcome.INCONCLUSIVE
    assert [hint in each for each in found.would_settle] == [True]


def test_what_was_not_looked_at_is_named() -> None:
    """Nodes beyond the bound, nodes that could not start a Pod, and what the plan leaves out."""
    run = measured(as_hoped, plan(client("beside", "n1", of=7), left_out=("UDP 53: cannot be probed",)))
    first = next(b for b in run.bursts if b.part is Part.AFTER)
    skipped = replace(first, skipped={"n9": "ImagePullBackOff"})
    run = replace(run, bursts=tuple(skipped if b is first else b for b in run.bursts))
    assert verdict(run).not_looked_at == (
        "UDP 53: cannot be probed",
        "beside: 6 more nodes",
        "beside: n9 (ImagePullBackOff)",
    )


def replace_probes(run: Run, change: Callable[[Probe], Probe]) -> Run:
    """The run with other probes."""
    return replace(
        run, bursts=tuple(replace(b, probes=tuple(change(p) for p in b.probes)) for b in run.bursts)
    )


# --- laws ------------------------------------------------------------------------------------------------

SHAPES = [
    plan(BESIDE, APART),
    plan(client("beside", "n1", "n2", "n3"), APART),
    plan(client("beside", expect_after="unreachable", through_after=None), APART),
    plan(client("beside", expect_after="ambiguous", through_after=None), APART),
    plan(client("beside", expect_after="undetermined"), APART),
    plan(BESIDE, compare=False),
    plan(client("beside", through_before=True, through_after=False), APART),
]
NUMBERS = st.sampled_from([0, 0, 60, 114, 118, 120, 120, 120, 125, 300])


@st.composite
def runs(draw: st.DrawFn) -> Run:
    """Any run: full, partial or absurd numbers, over quiet or noisy periods."""
    measurement = draw(st.sampled_from(SHAPES))
    noise = draw(st.lists(st.sampled_from([0, 0, 0, 1, 3, 8, 50, 120]), min_size=1, max_size=7))
    dull = draw(st.booleans())

    def result(part: Part, _: str, __: str) -> tuple[int, int]:
        if dull:
            return as_hoped(part, "", "")
        return min(120, draw(NUMBERS)), draw(NUMBERS)

    again: tuple[Target, ...] = ()
    if draw(st.booleans()):
        again = tuple(Target(client=c.name, node=n) for c in measurement.clients[:1] for n in c.nodes)
    change = "change-1" if measurement.compare else ""
    return measured(result, measurement, quiet=lambda n: noise[n % len(noise)], again=again, change_id=change)


def without_counts(burst: Burst, lost: set[str]) -> Burst:
    """The burst with the results of some probes taken away."""
    probes = (
        replace(p, phase=ProbePhase.LOST, attempts=None, connected=None) if p.name in lost else p
        for p in burst.probes
    )
    return replace(burst, probes=tuple(probes))


@settings(max_examples=200)
@given(runs(), st.data())
def test_taking_data_away_never_makes_a_success(run: Run, data: st.DataObject) -> None:
    """Readings, results of probes, and the cloud as a whole."""
    before = verdict(run)
    kept = data.draw(st.lists(st.booleans(), min_size=len(run.readings), max_size=len(run.readings)))
    names = sorted({p.name for b in run.bursts for p in b.probes})
    lost = set(data.draw(st.lists(st.sampled_from(names), max_size=3)))
    if data.draw(st.booleans()):
        lost = set()
    less = replace(
        run,
        readings=tuple(r for r, keep in zip(run.readings, kept, strict=True) if keep),
        bursts=tuple(without_counts(b, lost) for b in run.bursts),
        blind=data.draw(st.sampled_from(["", "", "forbidden"])),
    )
    if before.outcome is not Outcome.SUCCEEDED:
        assert verdict(less).outcome is not Outcome.SUCCEEDED


@settings(max_examples=200)
@given(runs(), st.integers(min_value=0, max_value=60))
def test_taking_one_reading_away_never_makes_a_success(run: Run, number: int) -> None:
    """The one that would betray the rest."""
    less = replace(run, readings=tuple(r for i, r in enumerate(run.readings) if i != number))
    if verdict(run).outcome is not Outcome.SUCCEEDED:
        assert verdict(less).outcome is not Outcome.SUCCEEDED


@settings(max_examples=100)
@given(runs())
def test_the_order_of_clients_and_data_changes_nothing(run: Run) -> None:
    """A verdict is about what was seen, not about who went first."""
    turned = replace(
        run,
        plan=replace(run.plan, clients=tuple(reversed(run.plan.clients))),
        readings=tuple(reversed(run.readings)),
        bursts=tuple(reversed(run.bursts)),
    )
    one, other = verdict(run), verdict(turned)
    assert (one.outcome, one.rule, one.headline) == (other.outcome, other.rule, other.headline)
    assert sorted(one.rows, key=lambda r: r.client) == sorted(other.rows, key=lambda r: r.client)


@settings(max_examples=100)
@given(runs())
def test_nobody_connected_is_never_a_success(run: Run) -> None:
    """All errors is what other tools call green."""
    dead = replace_probes(run, lambda p: replace(p, connected=0, errors={"timeout": p.attempts or 0}))
    assert verdict(dead).outcome is not Outcome.SUCCEEDED


@settings(max_examples=100)
@given(runs())
def test_a_run_without_any_counter_is_never_a_success(run: Run) -> None:
    """Missing is not zero."""
    assert verdict(replace(run, readings=())).outcome is not Outcome.SUCCEEDED


def test_a_failed_disable_names_the_node_that_still_sends_its_clients_through() -> None:
    """Expected, seen, from where, and why probably: nobody can act on "they"."""
    back = {"through_before": True, "through_after": False}
    two = client("beside", "n1", "n2", **back)
    result = lambda part, _, node: (120, 120 if part is Part.BEFORE or node == "n2" else 0)  # noqa: E731  one case
    again = tuple(Target(client="beside", node=node) for node in ("n1", "n2"))
    found = verdict(measured(result, plan(two), again=again))
    assert found.outcome is Outcome.FAILED
    assert found.headline == (
        "beside of shop/checkout: from n2, expected past the load balancer, but the load balancer saw most or all of "
        "the 120 connections. Likely: kube-proxy on n2 has not put the load balancer's address back into its rules, or "
        "something wrote the annotation again"
    )


def test_an_enable_that_one_node_does_not_follow_names_the_node_and_the_likely_cause() -> None:
    """The same in the other direction, seen in one look."""
    result = lambda part, *_: (120, 0)  # noqa: E731, ARG005  one case
    found = verdict(measured(result, plan(client("apart", "n4")), quiet=STRANGERS))
    assert found.headline == (
        "apart of shop/checkout: from n4, expected through the load balancer, but the load balancer saw 0 of the 120 "
        "connections. Likely: kube-proxy on n4 still answers for the load balancer's address: it has not taken the "
        "annotation over, or does not know it"
    )


@pytest.mark.parametrize(
    ("errors", "likely"),
    [
        ({"timeout": 120}, "a security group or access list"),
        ({"refused": 120}, "it knows no endpoint to use"),
    ],
)
def test_a_class_that_is_cut_off_says_what_was_expected_and_what_may_be_the_cause(
    errors: dict[str, int], likely: str
) -> None:
    """Lost packets and refusals have different causes."""
    run = measured(lambda part, *_: (120, 0) if part is Part.BEFORE else (0, 0), plan(client("apart", "n4")))
    bursts = tuple(
        replace(b, probes=tuple(replace(p, errors=errors) for p in b.probes)) if b.part is Part.AFTER else b
        for b in run.bursts
    )
    found = verdict(replace(run, bursts=bursts))
    assert "0 of 120 connected from n4" in found.headline
    assert "expected: all, through the load balancer" in found.headline
    assert likely in found.headline


def test_an_address_that_nobody_gets_to_is_named_and_not_lost_among_the_others() -> None:
    """Eight of nine addresses are no comfort to whoever uses the ninth."""
    silent = "tcp://10.9.0.10:443"
    run = measured(lambda part, *_: (119, 0 if part is Part.BEFORE else 119), plan(client("apart", "n4")))
    bursts = tuple(
        replace(b, probes=tuple(replace(p, silent=(silent,)) for p in b.probes))
        if b.part is Part.AFTER
        else b
        for b in run.bursts
    )
    found = verdict(replace(run, bursts=bursts))
    assert told(found) == {"apart": "unsteady"}
    assert f"none at {silent}" in found.headline
