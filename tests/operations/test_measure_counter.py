from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.domain.verification import Counter
from bot.domain.verification_excess import grain
from bot.domain.verification_period import Span
from bot.operations.measure_counter import look, read
from bot.ports import Listener, LoadBalancerFacts, Metrics, Point, Unavailable
from tests.domain.verification_runs import START, fresh, plan
from tests.fakes.cloud import MemoryCloud

MINUTE = START.replace(second=0)
SPAN = Span(start=MINUTE, end=MINUTE + timedelta(minutes=3))


def cloud() -> MemoryCloud:
    """A load balancer with a listener for each of two ports, and others."""
    listeners = (
        Listener(id="a", protocol="HTTPS", port=443),
        Listener(id="b", protocol="HTTP", port=80),
        Listener(id="c", protocol="UDP", port=443),
        Listener(id="d", protocol="TCP", port=22),
    )
    facts = LoadBalancerFacts(
        id="elb-1", name="james", kind="union", private_ips=("10.9.0.9",), public_ips=(), listeners=listeners
    )
    return MemoryCloud(facts)


def point(minutes: int, value: float) -> Point:
    """A value of one period."""
    return Point(at=MINUTE + timedelta(minutes=minutes), value=value)


async def test_the_listeners_of_the_services_tcp_ports_are_counted() -> None:
    """Not another port's, and not the UDP listener of the same number."""
    run = await look(fresh(plan(ports=(80, 443)), looked=False), cloud())
    assert [counter.id for counter in run.counters] == ["a", "b"]
    assert (run.looked, run.blind) == (True, "")


async def test_several_listeners_are_added_up_where_each_has_its_point() -> None:
    """A period that one of them lacks is missing: half a sum is no sum."""
    seen = cloud()
    seen.points["a"] = [point(0, 1.0), point(1, 2.0), point(2, 3.0)]
    seen.points["b"] = [point(0, 0.5), point(2, 0.25)]
    run = await look(fresh(plan(ports=(80, 443)), looked=False), seen)
    run = await read(run, SPAN, seen, START)
    assert [(r.at, r.value) for r in run.readings] == [(MINUTE, 1.5), (MINUTE + timedelta(minutes=2), 3.25)]


async def test_what_came_once_stays_and_the_latest_value_counts() -> None:
    """A later answer may lack what an earlier one had, or correct it."""
    seen = cloud()
    run = fresh(plan(), counters=(Counter(id="a", protocol="HTTPS", port=443),))
    seen.points["a"] = [point(0, 1.0), point(1, 1.0)]
    run = await read(run, SPAN, seen, START)
    seen.points["a"] = [point(1, 2.0)]
    run = await read(run, SPAN, seen, START)
    assert [r.value for r in run.readings] == [1.0, 2.0]


async def test_what_was_before_the_run_shows_which_listeners_count_and_how_they_are_rounded() -> None:
    """Of it one point is kept; a listener that never moved is known by it."""
    seen = cloud()
    seen.points["a"] = [point(-9, 0.5), point(-8, 0.25), *(point(n, 0.0) for n in range(-7, 3))]
    seen.points["b"] = [point(n, 0.0) for n in range(-9, 3)]
    run = await look(fresh(plan(ports=(80, 443)), looked=False), seen)
    assert [counter.moved for counter in run.counters] == [None, None]
    run = await read(run, replace(SPAN, start=MINUTE - timedelta(minutes=9)), seen, START)
    assert {counter.id: counter.moved for counter in run.counters} == {"a": True, "b": False}
    assert [r.value for r in run.readings] == [0.25, 0.0, 0.0, 0.0]
    assert grain(run) == pytest.approx(0.6)


async def test_a_cloud_that_does_not_answer_leaves_its_sentence() -> None:
    """For the verdict, if nothing better comes."""
    seen = cloud()
    seen.fail("metrics", Unavailable("Cloud Eye answers 503"))
    run = fresh(plan(), counters=(Counter(id="a", protocol="HTTPS", port=443),))
    run = await read(run, SPAN, seen, START)
    assert (run.trouble, run.blind, run.readings, run.read_at) == ("Cloud Eye answers 503", "", (), START)


@pytest.mark.parametrize(("there", "elb"), [(False, "elb-1"), (True, "")])
async def test_without_a_cloud_or_an_id_the_run_is_blind(there: bool, elb: str) -> None:  # noqa: FBT001  a case, no switch
    """And says why."""
    run = await look(fresh(plan(load_balancer=elb), looked=False), cloud() if there else None)
    assert run.looked
    assert run.blind


@pytest.mark.parametrize("ahead", [437.0, -437.0, 0.0])
async def test_a_run_keeps_its_time_by_the_clouds_clock_from_its_start_on(ahead: float) -> None:
    """As soon as the cloud has answered once."""
    seen = cloud()
    seen.clock_ahead = ahead
    run = await look(fresh(plan(), looked=False), seen)
    assert (run.ahead, run.timed) == (ahead, True)
    assert run.started_at == START - timedelta(seconds=ahead)


async def test_a_cloud_whose_time_is_not_believed_is_noted() -> None:
    """Which of its periods a burst fills is not known then."""
    seen = cloud()
    seen.clock_ahead = None
    run = await look(fresh(plan(), looked=False), seen)
    assert (run.ahead, run.timed, run.started_at) == (0.0, False, START)


@pytest.mark.parametrize(("moved", "timed"), [(1.0, True), (14.0, True), (16.0, False), (-300.0, False)])
async def test_a_clock_that_is_set_during_a_run_is_noted(moved: float, timed: bool) -> None:  # noqa: FBT001  a column
    """The bursts filled other periods than they seemed to; a quarter of one is nothing."""
    seen = cloud()
    run = await look(fresh(plan(), looked=False), seen)
    seen.clock_ahead = moved
    run = await read(run, SPAN, seen, START)
    assert run.timed == timed


async def test_each_listener_is_asked_for_with_its_load_balancer() -> None:
    """Cloud Eye keeps a listener's metrics under both, and finds nothing under one of them."""
    asked: list[Listener] = []

    class Noting(MemoryCloud):
        async def metrics(self, listeners: Sequence[Listener], *, start: datetime, end: datetime) -> Metrics:
            asked.extend(listeners)
            return await super().metrics(listeners, start=start, end=end)

    seen = Noting(*cloud().balancers.values())
    await read(await look(fresh(plan(), looked=False), seen), SPAN, seen, START)
    assert [(each.id, each.load_balancer) for each in asked] == [("a", "elb-1")]


async def test_a_metric_that_one_listener_lacks_is_missing_and_what_came_once_stays() -> None:
    """Half a sum is no sum; packets may come later than connections, or only once."""
    seen = cloud()
    run = await look(fresh(plan(ports=(80, 443)), looked=False), seen)
    for listener in ("a", "b"):
        seen.points[listener] = [point(0, 1.0), point(1, 1.0)]
    seen.packets["a"], seen.packets["b"] = [point(0, 6.0), point(1, 6.0)], [point(0, 6.0)]
    run = await read(run, SPAN, seen, START)
    assert [(r.value, r.packets, r.concurrent) for r in run.readings] == [
        (2.0, 12.0, None),
        (2.0, None, None),
    ]
    seen.packets.clear()
    run = await read(run, SPAN, seen, START)
    assert [r.packets for r in run.readings] == [12.0, None]
