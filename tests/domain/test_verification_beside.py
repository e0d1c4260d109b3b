"""What else the load balancer counts: shown, and held against the counter that decides."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.verification import Crossing, Outcome, Part, Run
from bot.domain.verification_signal import signal
from bot.domain.verification_verdict import verdict
from tests.domain.verification_runs import as_hoped, client, measured, plan

READINGS = 16
"""Periods of a run that every class takes part in."""


def bypassed(part: Part, name: str, node: str) -> tuple[int, int]:
    """Nothing ever crosses."""
    del part, name, node
    return 120, 0


def last(run: Run) -> Crossing:
    """What the last burst was."""
    return signal(run, run.bursts[-1]).crossing


def test_packets_that_rise_with_the_connections_agree() -> None:
    """Six packets for a short connection, and somebody's steady stream beside them."""
    found = verdict(measured(packets=lambda _, new: 6 * new + 900))
    assert found.outcome is Outcome.SUCCEEDED
    packets, opened = found.beside
    assert (packets.name, packets.quiet, packets.before, packets.after) == (
        "incoming packets per second",
        15.0,
        15.0,
        27.0,
    )
    assert (opened.name, opened.quiet, opened.after) == ("open connections", 0.0, 1.0)


def test_packets_that_do_not_come_are_not_zero() -> None:
    """The verdict stands on the new connections alone, and says that the others are missing."""
    found = verdict(measured(packets=lambda *_: None))
    assert found.outcome is Outcome.SUCCEEDED
    assert (found.beside[0].quiet, found.beside[0].before, found.beside[0].after) == (None, None, None)


def test_a_metric_that_is_always_zero_says_nothing() -> None:
    """It does not count here at all: it cannot contradict anything."""
    assert verdict(measured(packets=lambda *_: 0.0)).outcome is Outcome.SUCCEEDED


def test_connections_without_packets_are_a_contradiction() -> None:
    """Packets are counted, but the bursts bring none: then one of the two metrics is wrong."""
    run = measured(packets=lambda *_: 900.0)
    assert last(run) is Crossing.UNCLEAR
    found = verdict(run)
    assert found.outcome is Outcome.INCONCLUSIVE
    assert "contradict each other" in found.headline


def test_packets_without_connections_are_a_contradiction() -> None:
    """The new connections say that nothing crossed, the packets that something did: nobody is blamed for that."""
    starts = {int(b.at.timestamp() // 60) for b in measured(bypassed).bursts}
    run = measured(bypassed, quiet=lambda n: n % 2, packets=lambda n, _: 720.0 if n in starts else 10.0)
    assert last(run) is Crossing.UNCLEAR
    assert verdict(run).outcome is Outcome.INCONCLUSIVE


def test_others_packets_never_show_that_connections_crossed() -> None:
    """Those of open connections are counted too."""
    run = measured(bypassed, quiet=lambda n: n % 2, packets=lambda n, _: 500.0 * (n % 7))
    assert last(run) is Crossing.BYPASSED
    assert verdict(run).outcome is Outcome.FAILED


@given(data=st.data(), result=st.sampled_from([as_hoped, bypassed]))
def test_packets_never_make_a_success_or_a_failure(data: st.DataObject, result: object) -> None:
    """Whatever they are, they only ever take an answer away."""
    some = st.one_of(st.none(), st.floats(0, 5000))
    drawn: dict[int, float | None] = {}
    with_them = measured(
        result,  # type: ignore[arg-type]  # one of the two above
        plan(client("beside")),
        packets=lambda n, _: drawn.setdefault(n, data.draw(some)),
    )
    without = measured(result, plan(client("beside")), packets=lambda *_: None)  # type: ignore[arg-type]  # the same
    assert verdict(with_them).outcome in {verdict(without).outcome, Outcome.INCONCLUSIVE}


@pytest.mark.parametrize("number", range(READINGS))
def test_a_missing_period_never_lifts_a_contradiction(number: int) -> None:
    """Less data never turns into a success."""
    whole = measured(packets=lambda *_: 900.0)
    assert len(whole.readings) == READINGS
    less = whole.readings[:number] + whole.readings[number + 1 :]
    assert verdict(replace(whole, readings=less)).outcome is Outcome.INCONCLUSIVE
