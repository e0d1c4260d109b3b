from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.verification import Burst, Part, Probe, ProbePhase, Run
from bot.domain.verification_pattern import (
    AwaitPatch,
    Begin,
    Conclude,
    Follow,
    Look,
    Wait,
    burst_length,
    duration,
    next_step,
    off_periods,
    on_periods,
    quiet_from,
    settle,
    span,
    timeout,
)
from bot.domain.verification_period import Span, ceiling, index, start_of, touched, whole
from bot.domain.verification_progress import progress_line, series
from tests.domain.verification_runs import START, client, fresh, measured, plan

MINUTE = datetime(2026, 3, 2, 14, 1, tzinfo=UTC)


def burst(run: Run, part: Part, name: str, at: datetime, **changed: object) -> Burst:
    """A burst of one Pod that took forty seconds."""
    probe = Probe(
        name=f"{part}-{name}",
        node="n1",
        connections=120,
        phase=ProbePhase.DONE,
        created_at=at,
        seen_at=at + timedelta(seconds=40),
        attempts=120,
        connected=120,
    )
    del run
    return Burst(
        part=part,
        client=name,
        at=at,
        probes=(replace(probe, **changed),),  # type: ignore[arg-type]  # replace() checks the names itself
        closed_at=at + timedelta(seconds=40),
    )


def test_periods_are_cut_where_the_cloud_cuts_them() -> None:
    """Aligned to the epoch, whatever the run's start."""
    assert ceiling(START, 60.0) == MINUTE
    assert ceiling(MINUTE, 60.0) == MINUTE
    assert start_of(index(START, 60.0), 60.0) == MINUTE - timedelta(minutes=1)
    assert list(whole(Span(start=START, end=START + timedelta(minutes=3)), 60.0)) == [
        index(MINUTE, 60.0),
        index(MINUTE, 60.0) + 1,
    ]
    assert len(touched(Span(start=MINUTE, end=MINUTE + timedelta(seconds=61)), 60.0)) == 2
    assert len(touched(Span(start=MINUTE, end=MINUTE), 60.0)) == 1


def test_a_run_first_finds_out_which_counters_there_are() -> None:
    """Before any period is spent on them."""
    assert next_step(replace(fresh(), looked=False), START) == Look()


def test_the_first_burst_waits_for_a_baseline_of_whole_periods() -> None:
    """Five minutes from the first boundary."""
    run = fresh()
    due = MINUTE + timedelta(minutes=5)
    assert next_step(run, START) == Wait(until=due)
    assert next_step(run, due) == Begin(
        part=Part.BEFORE, client=run.plan.clients[0], node="", attempt=1, at=due
    )


def test_a_burst_that_missed_the_start_of_its_period_takes_the_next() -> None:
    """Half a burst in each of two periods would be noise to itself."""
    run, due = fresh(), MINUTE + timedelta(minutes=5)
    step = next_step(run, due + timedelta(seconds=23))
    assert isinstance(step, Begin)
    assert step.at == due
    assert next_step(run, due + timedelta(seconds=25)) == Wait(until=due + timedelta(minutes=1))
    step = next_step(run, due + timedelta(minutes=3, seconds=1))
    assert isinstance(step, Begin)
    assert step.at == due + timedelta(minutes=3)


def test_a_whole_period_of_quiet_follows_each_burst() -> None:
    """The off of the on/off pattern."""
    at = MINUTE + timedelta(minutes=5)
    run = replace(fresh(), bursts=(burst(fresh(), Part.BEFORE, "beside", at),))
    assert next_step(run, at + timedelta(seconds=41)) == Wait(until=at + timedelta(minutes=2))
    step = next_step(run, at + timedelta(minutes=2))
    assert isinstance(step, Begin)
    assert step.client.name == "apart"


def test_the_patch_waits_for_every_class_and_the_quiet_behind_the_last() -> None:
    """What comes after it must not run into what was before."""
    at = MINUTE + timedelta(minutes=5)
    bursts = (
        burst(fresh(), Part.BEFORE, "beside", at),
        burst(fresh(), Part.BEFORE, "apart", at + timedelta(minutes=2)),
    )
    run = replace(fresh(), bursts=bursts)
    assert next_step(run, at + timedelta(minutes=3)) == Wait(until=at + timedelta(minutes=4))
    assert next_step(run, at + timedelta(minutes=4)) == AwaitPatch()
    patched = replace(run, applied_at=at + timedelta(minutes=4, seconds=5))
    assert next_step(patched, at + timedelta(minutes=5)) == Wait(until=at + timedelta(minutes=7))


def test_an_open_burst_is_followed_whatever_else_is_due() -> None:
    """Also by a replica that did not start it."""
    at = MINUTE + timedelta(minutes=5)
    opened = replace(burst(fresh(), Part.BEFORE, "beside", at), closed_at=None)
    assert next_step(replace(fresh(), bursts=(opened,)), at + timedelta(hours=1)) == Follow(burst=opened)


def test_an_interrupted_burst_is_tried_again_under_another_number_three_times_at_most() -> None:
    """Then the class stays open, and the others have their turn."""
    run, at = fresh(), MINUTE + timedelta(minutes=5)
    lost = burst(run, Part.BEFORE, "beside", at, phase=ProbePhase.LOST, attempts=None, connected=None)
    step = next_step(replace(run, bursts=(lost,)), at + timedelta(minutes=2))
    assert isinstance(step, Begin)
    assert (step.client.name, step.attempt) == ("beside", 2)
    tried = tuple(replace(lost, attempt=n) for n in (1, 2, 3))
    step = next_step(replace(run, bursts=tried), at + timedelta(minutes=2))
    assert isinstance(step, Begin)
    assert step.client.name == "apart"


def test_a_node_where_no_pod_started_is_left_out_of_the_next_try() -> None:
    """The rest of the class can still be measured."""
    run, at = fresh(), MINUTE + timedelta(minutes=5)
    never = burst(
        run, Part.BEFORE, "beside", at, phase=ProbePhase.NEVER_STARTED, why="ImagePullBackOff", attempts=None
    )
    step = next_step(replace(run, bursts=(never,)), at + timedelta(minutes=2))
    assert isinstance(step, Begin)
    assert step.skipped == (("n1", "ImagePullBackOff"),)


def test_without_counters_there_is_nothing_to_align_with() -> None:
    """No baseline, no quiet, no waiting for metrics."""
    run = fresh(blind="no cloud credentials")
    step = next_step(run, START)
    assert isinstance(step, Begin)
    assert step.at == START


@pytest.mark.parametrize("changed", [{"stopped_by": "U02"}, {"plan": plan(how="none")}])
def test_a_run_that_measures_nothing_still_lets_the_patch_through(changed: dict[str, object]) -> None:
    """Stopping a measurement stops no change; the verdict comes after it."""
    run = replace(fresh(), **changed)  # type: ignore[arg-type]  # replace() checks the names itself
    assert next_step(run, START) == AwaitPatch()
    assert next_step(replace(run, applied_at=START), START) == Conclude()
    assert next_step(replace(run, change_id=""), START) == Conclude()


def test_applying_at_once_measures_only_afterwards() -> None:
    """The approver was in a hurry."""
    run = fresh(plan(compare=False))
    assert next_step(run, START) == AwaitPatch()
    step = next_step(replace(run, applied_at=START), MINUTE + timedelta(minutes=2))
    assert isinstance(step, Begin)
    assert step.part is Part.AFTER


def test_a_burst_touches_the_periods_from_asking_for_its_pod_to_seeing_its_end() -> None:
    """By our own clock: a kubelet that is half a minute ahead changes nothing."""
    run = fresh()
    at = MINUTE + timedelta(minutes=5)
    plain = burst(run, Part.BEFORE, "beside", at)
    ahead = burst(run, Part.BEFORE, "beside", at, started_at=at + timedelta(seconds=30))
    assert on_periods(run, plain) == on_periods(run, ahead) == range(index(at, 60.0), index(at, 60.0) + 1)
    spilt = burst(run, Part.BEFORE, "beside", at, seen_at=at + timedelta(seconds=70))
    assert len(on_periods(run, spilt)) == 2
    crashed = burst(run, Part.BEFORE, "beside", at, started_at=at, seen_at=at + timedelta(hours=2))
    assert span(run, crashed).end < at + timedelta(minutes=2)


def test_quiet_periods_are_those_that_no_burst_touches_on_one_side_of_the_patch() -> None:
    """Traffic inside the cluster moves with the patch, so the sides are not mixed."""
    run = measured()
    first, patched = index(ceiling(START, 60.0), 60.0), index(run.applied_at or START, 60.0)
    assert off_periods(run, after_patch=False) == (*range(first, first + 5), first + 6, first + 8)
    assert off_periods(run, after_patch=True) == (patched, patched + 1, patched + 3, patched + 5)
    assert quiet_from(run) == start_of(patched + 6, 60.0)


@pytest.mark.parametrize(
    ("period", "window", "length", "settling"),
    [(1.0, 10.0, 0.6, 3.0), (2.0, 20.0, 1.0, 6.0), (60.0, 600.0, 36.0, 120.0), (5.0, 60.0, 3.0, 15.0)],
)
def test_short_periods_are_served_like_real_ones(
    period: float, window: float, length: float, settling: float
) -> None:
    """A cloud stub with periods of seconds needs no switch."""
    short = plan(period=period, window=window)
    assert burst_length(short) == pytest.approx(length)
    assert settle(short) == pytest.approx(settling)
    assert burst_length(short) < period
    assert timeout(short) >= 1.0


def test_the_card_says_about_how_long_it_takes() -> None:
    """Baseline, two turns of two periods a class, settling, and the counters."""
    assert duration(plan()) == 300 + 2 * 2 * 120 + 120 + 120
    assert duration(plan(compare=False)) == 300 + 2 * 120 + 120
    assert duration(plan(load_balancer="")) < duration(plan())


def test_progress_counts_steps_and_names_whose_turn_it_is() -> None:
    """As the card shows it."""
    run = fresh()
    line = progress_line(run, START)
    assert (line.step, line.of, line.done) == (1, 5, 0.0)
    assert line.left == duration(run.plan)
    at = MINUTE + timedelta(minutes=5)
    run = replace(run, bursts=(burst(run, Part.BEFORE, "beside", at),))
    line = progress_line(run, at + timedelta(minutes=1))
    assert (line.step, line.words) == (2, "burst before the patch 2 of 2: apart")
    assert 0 < line.done < 1
    done = measured()
    assert progress_line(done, done.read_at or START).words == "waiting for the load balancer's counters"


def test_progress_of_a_verification_alone_has_three_steps() -> None:
    """There is no patch in it."""
    line = progress_line(fresh(plan(compare=False), change_id=""), START)
    assert (line.step, line.of) == (1, 3)


def test_the_line_of_bars_marks_the_patch_and_leaves_gaps_where_nothing_came() -> None:
    """Missing is not zero, here either."""
    run = measured()
    drawn = series(run)
    assert drawn.text == "▁▁▁▁▁▁▁▁▁│patch│▁▁█▁█▁"
    assert drawn.values[-2] == 120
    assert [m for m in drawn.marks if m] == ["before", "before", "patch", "after", "after"]
    gap = series(replace(run, readings=run.readings[1:]))
    assert gap.values[0] is None
    assert gap.text[0] == " "
    assert series(fresh()).text == ""


def test_two_classes_of_one_name_would_be_one() -> None:
    """Names tell classes apart, so a plan gives each its own."""
    run = fresh(plan(client("beside")))
    assert run.client("beside") == run.plan.clients[0]
    assert run.client("nobody") is None
