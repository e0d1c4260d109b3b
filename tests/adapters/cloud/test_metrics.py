"""Cloud Eye asked for several metrics at once, and by clouds that do not know that question."""

import json
from http import HTTPStatus
from typing import Any

import pytest
from aiohttp import web

from bot.ports import Forbidden, Listener, Metrics
from tests.adapters.cloud.conftest import Ask
from tests.adapters.cloud.test_answers import END, START, answering
from tests.adapters.cloud.test_api import at
from tests.demo.cloud.caller import World

LISTENERS = [Listener(id=f"l{n}", protocol="TCP", port=n, load_balancer="lb") for n in range(1, 5)]
NOON = int(START.timestamp() * 1000)


class Server:
    """A Cloud Eye that answers single questions, and batches as a test says."""

    def __init__(self, batch: web.Response | None = None, *, only: str = "") -> None:
        self.batch = batch
        self.only = only
        """The one metric that it has; any where empty."""
        self.bodies: list[dict[str, Any]] = []
        self.asked: list[str] = []

    def __call__(self, request: web.Request) -> web.Response:
        """Answer."""
        self.asked.append(request.method)
        if request.method == "POST":
            assert self.batch is not None
            again = web.Response(body=self.batch.body, status=self.batch.status)
            again.content_type = "application/json"
            return again
        if self.only not in ("", request.query["metric_name"]):
            return web.Response(status=400)
        return web.json_response({"datapoints": [{"average": 2, "timestamp": NOON}]})


def values(found: Metrics) -> list[tuple[list[float], list[float], list[float]]]:
    """New connections, open ones and packets of each listener."""
    return [
        (
            [p.value for p in each.new_connections],
            [p.value for p in each.concurrent],
            [p.value for p in each.packets],
        )
        for each in found.each
    ]


@pytest.mark.parametrize(
    "status", [HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.NOT_IMPLEMENTED, 400]
)
async def test_a_cloud_that_knows_no_batches_is_asked_metric_by_metric(status: int) -> None:
    """And is not bothered with a batch again."""
    server = Server(web.Response(status=status))
    async with answering(server) as api:
        found = await api.metrics(LISTENERS[:1], start=START, end=END)
        await api.metrics(LISTENERS[:1], start=START, end=END)
    assert values(found) == [([2.0], [2.0], [2.0])]
    assert server.asked == ["POST", *["GET"] * 6]
    assert found.calls == 4


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"metrics": None},
        {"metrics": []},
        {"metrics": [{"metric_name": "m4_ncps", "datapoints": []}]},
        {"metrics": ["m4_ncps"]},
        ["m4_ncps"],
        "page",
    ],
)
async def test_a_batch_that_does_not_name_what_was_asked_for_is_asked_by_itself(body: object) -> None:
    """What is not named is not taken for nothing; nor is a page for people, or a list."""
    server = Server(web.json_response(body) if body != "page" else web.Response(text="<html>"))
    async with answering(server) as api:
        found = await api.metrics(LISTENERS[:1], start=START, end=END)
    assert values(found) == [([2.0], [2.0], [2.0])]


async def test_a_right_that_is_missing_for_batches_only_is_no_obstacle() -> None:
    """The single question decides, and next time the batch is tried again."""
    server = Server(web.Response(status=403))
    async with answering(server) as api:
        for _ in range(2):
            assert values(await api.metrics(LISTENERS[:1], start=START, end=END))[0][0] == [2.0]
    assert server.asked.count("POST") == 2


async def test_metrics_that_are_not_owed_may_be_missing() -> None:
    """New connections alone are enough."""
    async with answering(Server(web.Response(status=404), only="m4_ncps")) as api:
        found = await api.metrics(LISTENERS[:1], start=START, end=END)
    assert values(found) == [([2.0], [], [])]


async def test_new_connections_that_may_not_be_read_are_said() -> None:
    """By the single question's own refusal."""

    def handler(_: web.Request) -> web.Response:
        return web.json_response({"error_msg": "no right ces:metricData:list"}, status=403)

    async with answering(handler) as api:
        with pytest.raises(Forbidden, match="no right ces:metricData:list"):
            await api.metrics(LISTENERS, start=START, end=END)


async def test_three_metrics_of_three_listeners_go_into_one_call() -> None:
    """Ten metrics is the most that one batch may hold; each is asked for under both of its dimensions."""
    bodies: list[dict[str, Any]] = []

    async def echo(request: web.Request) -> web.Response:
        body = await request.json()
        bodies.append(body)
        points = [{"average": 1.0, "timestamp": NOON}]
        return web.json_response({"metrics": [{**each, "datapoints": points} for each in body["metrics"]]})

    async with answering(echo) as api:
        found = await api.metrics(LISTENERS, start=START, end=END)
    assert values(found) == [([1.0], [1.0], [1.0])] * 4
    assert (found.calls, [len(body["metrics"]) for body in bodies]) == (2, [9, 3])
    assert bodies[0]["metrics"][0]["dimensions"] == [
        {"name": "lbaas_instance_id", "value": "lb"},
        {"name": "lbaas_listener_id", "value": "l1"},
    ]
    assert (bodies[0]["period"], bodies[0]["from"]) == ("1", NOON)


async def test_a_batch_is_signed_with_its_body(w: World, ask: Ask) -> None:
    """The simulated cloud checks the signature, which covers what is asked."""
    (found,) = (await ask().load_balancer(w.balancer.id)).listeners
    await ask().metrics([found], start=at(w, -60), end=at(w))
    entry = w.cloud.log[-1]
    assert (entry.method, entry.status) == ("POST", HTTPStatus.OK)
    assert json.dumps(entry.path).endswith('batch-query-metric-data"')
