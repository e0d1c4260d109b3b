"""Cloud Eye over HTTP: what was counted, when it can be read, and what is refused."""

from typing import Any

import pytest

from bot.demo.cloud import Metering
from tests.demo.cloud.caller import PROJECT, World, world

DATA = f"/V1.0/{PROJECT}/metric-data"
BATCH = f"/V1.0/{PROJECT}/batch-query-metric-data"
LIST = f"/V1.0/{PROJECT}/metrics"
MINUTE = Metering(period=60)


def query(
    w: World, metric: str = "m4_ncps", *, back: float = 600, by: str = "average", period: str = "1"
) -> list[tuple[str, str]]:
    """One metric of the listener, over the last `back` seconds."""
    now = round(w.clock.now * 1000)
    return [
        ("namespace", "SYS.ELB"),
        ("metric_name", metric),
        ("dim.0", f"lbaas_instance_id,{w.balancer.id}"),
        ("dim.1", f"lbaas_listener_id,{w.listener.id}"),
        ("from", str(round(now - back * 1000))),
        ("to", str(now)),
        ("period", period),
        ("filter", by),
    ]


async def values(w: World, metric: str = "m4_ncps", **how: Any) -> list[float]:
    """The points' values."""
    answer = await w.call(DATA, query(w, metric, **how))
    assert answer.status == 200, answer.body
    return [p[how.get("by", "average")] for p in answer.body["datapoints"]]


async def test_new_connections_are_told_per_second_of_their_period() -> None:
    """120 connections within a minute are 2 per second."""
    async with world(MINUTE) as w:
        w.burst(120)
        w.clock.now += 60
        answer = await w.call(DATA, query(w))
    start = 1_800_000_000_000
    assert answer.body == {
        "metric_name": "m4_ncps",
        "datapoints": [{"average": 2.0, "timestamp": start, "unit": "Count/s"}],
    }


async def test_packets_and_held_connections_have_series_of_their_own() -> None:
    """m5_in_pps counts packets, m1_cps connections that are still held."""
    async with world(MINUTE) as w:
        w.burst(60)
        w.clock.now += 60
        assert await values(w, "m5_in_pps") == [6.0]
        assert await values(w, "m1_cps") == [1.0]
        assert await values(w, "m99_none") == []


async def test_a_point_appears_only_when_period_and_delay_are_over() -> None:
    """Not real-time: a minute later here."""
    async with world(Metering(period=60, delay=60)) as w:
        w.burst(60)
        w.clock.now += 119
        assert await values(w) == []
        w.clock.now += 1
        assert await values(w) == [1.0]


async def test_every_listener_may_have_its_own_short_period() -> None:
    """A cloud with periods of two seconds is served like a real one."""
    async with world(MINUTE) as w:
        w.cloud.set_metering(Metering(period=2), listener=w.listener.id)
        w.burst(10)
        w.clock.now += 2
        w.burst(4)
        w.clock.now += 2
        assert await values(w) == [5.0, 2.0]


async def test_idle_periods_give_zeros_or_nothing() -> None:
    """Both were seen in the wild."""
    async with world(MINUTE) as w:
        w.clock.now += 180
        assert await values(w) == [0.0, 0.0, 0.0]
        w.cloud.set_metering(Metering(period=60, idle="missing"))
        assert await values(w) == []


async def test_tiny_rates_can_be_rounded_to_zero() -> None:
    """One connection in a minute is 0.017 per second."""
    async with world(Metering(period=60, decimals=0)) as w:
        w.burst(1)
        w.clock.now += 60
        assert await values(w) == [0.0]
        w.cloud.set_metering(Metering(period=60, decimals=None))
        assert await values(w) == [pytest.approx(1 / 60, abs=1e-6)]


async def test_dropped_points_stay_dropped() -> None:
    """Some never come, and asking again does not help."""
    async with world(Metering(period=2, drop=0.5, seed=5)) as w:
        w.clock.now += 200
        first, second = await values(w), await values(w)
        assert first == second
        assert 25 < len(first) < 75


async def test_a_point_may_carry_the_end_of_its_period() -> None:
    """Which end is documented nowhere."""
    async with world(Metering(period=60, stamp="end")) as w:
        w.burst(60)
        w.clock.now += 60
        answer = await w.call(DATA, query(w))
    assert answer.body["datapoints"][0]["timestamp"] == 1_800_000_060_000


async def test_the_window_selects_points_and_its_start_is_rounded_down() -> None:
    """A window that starts inside a period gets that period's point too."""
    async with world(MINUTE) as w:
        for count in (60, 120, 180):
            w.burst(count)
            w.clock.now += 60
        assert await values(w) == [1.0, 2.0, 3.0]
        assert await values(w, back=90) == [2.0, 3.0]
        assert await values(w, back=60) == [3.0]


@pytest.mark.parametrize(
    ("by", "value"), [("average", 2.0), ("max", 3.0), ("min", 1.0), ("sum", 6.0), ("variance", 0.666667)]
)
async def test_longer_periods_roll_points_up(by: str, value: float) -> None:
    """The point's key is the filter's name."""
    async with world(MINUTE) as w:
        for count in (60, 120, 180):
            w.burst(count)
            w.clock.now += 60
        assert await values(w, by=by, period="300") == [value]


async def test_the_load_balancers_own_series_is_the_sum_of_its_listeners() -> None:
    """Dimension lbaas_instance_id alone."""
    async with world(MINUTE) as w:
        w.cluster.service("other", port=81, annotations={"kubernetes.io/elb.id": w.balancer.id})
        w.burst(60)
        for _ in range(60):
            w.cluster.plane.trace_external(w.balancer.vip, 81)
        w.clock.now += 60
        asked = [(k, v) for k, v in query(w) if k != "dim.1"]
        answer = await w.call(DATA, asked)
    assert [p["average"] for p in answer.body["datapoints"]] == [1.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("namespace", None),
        ("metric_name", None),
        ("dim.0", None),
        ("from", None),
        ("to", "1"),
        ("period", "60"),
        ("period", "x"),
        ("filter", "median"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(name: str, value: str | None) -> None:
    """400 ces.0013."""
    async with world(MINUTE) as w:
        asked = [(k, v) for k, v in query(w) if k != name]
        asked = [(k, v) for k, v in asked if name != "dim.0" or k != "dim.1"]
        answer = await w.call(DATA, asked if value is None else [*asked, (name, value)])
    assert (answer.status, answer.body["http_code"]) == (400, 400)
    assert answer.body["message"]["code"] == "ces.0013"


@pytest.mark.parametrize(
    ("namespace", "dimension"),
    [("SYS.ECS", "lbaas_instance_id,x"), ("SYS.ELB", "lbaas_instance_id,absent"), ("SYS.ELB", "pool,x")],
)
async def test_what_does_not_exist_has_no_points_and_no_error(namespace: str, dimension: str) -> None:
    """Cloud Eye answers 200 with an empty list."""
    async with world(MINUTE) as w:
        w.clock.now += 60
        asked = [(k, v) for k, v in query(w) if not k.startswith(("dim", "name"))]
        answer = await w.call(DATA, [*asked, ("namespace", namespace), ("dim.0", dimension)])
    assert (answer.status, answer.body["datapoints"]) == (200, [])


def batch(w: World, count: int = 1, **changes: Any) -> dict[str, Any]:
    """A batch body over the last ten minutes."""
    now = round(w.clock.now * 1000)
    dimensions = [{"name": "lbaas_listener_id", "value": w.listener.id}]
    names = ["m4_ncps", "m5_in_pps"]
    asked = [
        {"namespace": "SYS.ELB", "metric_name": names[i % 2], "dimensions": dimensions} for i in range(count)
    ]
    body = {"metrics": asked, "from": now - 600_000, "to": now, "period": "1", "filter": "max"}
    return body | changes


async def test_several_metrics_are_asked_for_at_once() -> None:
    """The batch query, with its period as a string."""
    async with world(MINUTE) as w:
        w.burst(60)
        w.clock.now += 60
        answer = await w.call(BATCH, body=batch(w, 2))
    shown = [(m["metric_name"], [p["max"] for p in m["datapoints"]]) for m in answer.body["metrics"]]
    assert shown == [("m4_ncps", [1.0]), ("m5_in_pps", [6.0])]


@pytest.mark.parametrize(
    "changes",
    [
        {"period": 1},
        {"metrics": []},
        {"metrics": [{}]},
        {"filter": "median"},
        {"from": 0},
        {"to": 1},
    ],
)
async def test_a_batch_that_makes_no_sense_is_refused(changes: dict[str, Any]) -> None:
    """400 ces.0014; more than 3,000 points at once make no sense either."""
    async with world(MINUTE) as w:
        answer = await w.call(BATCH, body=batch(w, **changes))
    assert (answer.status, answer.body["message"]["code"]) == (400, "ces.0014")


async def test_eleven_metrics_at_once_are_too_many() -> None:
    """Ten is the documented limit."""
    async with world(MINUTE) as w:
        assert (await w.call(BATCH, body=batch(w, 10))).status == 200
        assert (await w.call(BATCH, body=batch(w, 11))).status == 400


async def test_metrics_are_listed_once_they_have_a_point() -> None:
    """An empty list means: not reported yet."""
    async with world(MINUTE) as w:
        before = await w.call(LIST, [("namespace", "SYS.ELB")])
        w.clock.now += 60
        after = await w.call(
            LIST, [("metric_name", "m4_ncps"), ("dim.0", f"lbaas_listener_id,{w.listener.id}")]
        )
    assert before.body["metrics"] == []
    assert [m["metric_name"] for m in after.body["metrics"]] == ["m4_ncps"]
    assert after.body["meta_data"]["total"] == 1


async def test_the_list_of_metrics_is_paged() -> None:
    """By limit and start, until every one was seen."""
    async with world(MINUTE) as w:
        w.clock.now += 60
        first = (await w.call(LIST, [("limit", "15")])).body
        rest = (await w.call(LIST, [("start", first["meta_data"]["marker"])])).body
    assert len(first["metrics"]) == 15
    assert len(first["metrics"] + rest["metrics"]) == first["meta_data"]["total"] == 20
