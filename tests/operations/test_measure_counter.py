from datetime import timedelta

import pytest

from bot.domain.verification import Counter
from bot.domain.verification_period import Span
from bot.operations.measure_counter import look, read
from bot.ports import Listener, LoadBalancerFacts, Point, Unavailable
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


async def test_a_cloud_that_does_not_answer_leaves_its_sentence() -> None:
    """For the verdict, if nothing better comes."""
    seen = cloud()
    seen.fail("new_connections", Unavailable("Cloud Eye answers 503"))
    run = fresh(plan(), counters=(Counter(id="a", protocol="HTTPS", port=443),))
    run = await read(run, SPAN, seen, START)
    assert (run.trouble, run.blind, run.readings, run.read_at) == ("Cloud Eye answers 503", "", (), START)


@pytest.mark.parametrize(("there", "elb"), [(False, "elb-1"), (True, "")])
async def test_without_a_cloud_or_an_id_the_run_is_blind(there: bool, elb: str) -> None:  # noqa: FBT001  a case, no switch
    """And says why."""
    run = await look(fresh(plan(load_balancer=elb), looked=False), cloud() if there else None)
    assert run.looked
    assert run.blind
