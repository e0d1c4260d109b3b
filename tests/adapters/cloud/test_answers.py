"""The cloud adapter against answers that nobody documented."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.adapters.cloud.api import CloudApi
from bot.adapters.cloud.endpoints import endpoint
from bot.config.settings import Provider
from bot.ports import Listener, NotFound, Unavailable, WorldError
from tests.adapters.cloud.conftest import Rests, keys, points, settings

LISTENER = Listener(id="l", protocol="TCP", port=80, load_balancer="lb")
START, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
Handler = Callable[[web.Request], web.Response | Awaitable[web.Response]]


@asynccontextmanager
async def answering(handler: Handler, rests: Rests | None = None, **changes: Any) -> AsyncIterator[CloudApi]:
    """Ask a server that answers everything by one function."""

    async def serve(request: web.Request) -> web.Response:
        answer = handler(request)
        return answer if isinstance(answer, web.Response) else await answer

    application = web.Application()
    application.router.add_route("*", "/{path:.*}", serve)
    async with TestServer(application) as server:
        configured = settings(str(server.make_url("")).rstrip("/"), keys(), **changes)
        api = CloudApi(configured, sleep=rests or Rests())
        try:
            yield api
        finally:
            await api.close()


async def points_of(body: object) -> list[float]:
    """Ask for new connections where that is the answer."""
    async with answering(lambda _: web.json_response(body)) as api:
        return [point.value for point in await points(api, LISTENER, start=START, end=END)]


async def test_points_are_sorted_whatever_order_they_come_in() -> None:
    """Oldest first."""
    noon = int(START.timestamp() * 1000)
    points = [{"average": 2.0, "timestamp": noon + 60_000}, {"average": 1, "timestamp": noon}]
    assert await points_of({"datapoints": points}) == [1.0, 2.0]


@pytest.mark.parametrize("body", [{"datapoints": []}, {"datapoints": None}, {}])
async def test_no_points_are_no_points(body: object) -> None:
    """A metric that was never reported."""
    assert await points_of(body) == []


@pytest.mark.parametrize(
    "point",
    [
        {"timestamp": 1},
        {"max": 3, "timestamp": 1},
        {"average": "many", "timestamp": 1},
        {"average": -1, "timestamp": 1},
        {"average": None, "timestamp": 1},
        {"average": 1},
        "point",
    ],
)
async def test_a_point_of_another_shape_is_not_guessed_at(point: object) -> None:
    """Better no answer than a number that means something else."""
    with pytest.raises(Unavailable, match="Cloud Eye answered in a shape that is not documented"):
        await points_of({"datapoints": [point]})


@pytest.mark.parametrize("body", ["nonsense", "[]", ""])
async def test_what_is_no_object_is_unavailable(body: str) -> None:
    """A proxy's page instead of the API."""
    async with answering(lambda _: web.Response(text=body)) as api:
        with pytest.raises(Unavailable, match="CCE answered with something that is no"):
            await api.cluster()


async def test_a_redirect_is_not_followed() -> None:
    """Signed requests go where they were meant to go."""
    seen: list[str] = []

    def handler(request: web.Request) -> web.Response:
        seen.append(request.path)
        return web.Response(status=302, headers={"Location": "/elsewhere"})

    async with answering(handler) as api:
        with pytest.raises(WorldError):
            await api.cluster()
    assert len(seen) == 1


async def test_the_server_says_how_long_to_wait() -> None:
    """Retry-After in seconds is kept, within reason."""
    rests = Rests()
    answers = iter([("7", 429), ("900", 503), ("soon", 429), ("", 200)])

    def handler(_: web.Request) -> web.Response:
        after, status = next(answers)
        return web.Response(text='{"spec": {}}', status=status, headers={"Retry-After": after})

    async with answering(handler, rests) as api:
        await api.cluster()
    assert rests.taken[:2] == [7.0, 10.0]
    assert rests.taken[2] < 10.0


async def test_every_page_of_listeners_is_read() -> None:
    """By marker, to the last; a marker that stands still ends it."""
    pages = {"": (["a"], "m1"), "m1": (["b"], "m2"), "m2": (["c"], "m2")}

    def handler(request: web.Request) -> web.Response:
        if request.path.endswith("/statuses"):
            return web.json_response({"statuses": {"loadbalancer": {}}})
        if request.path.endswith("/listeners"):
            names, following = pages[request.query.get("marker", "")]
            items = [{"id": name, "protocol": "TCP", "protocol_port": 80} for name in names]
            return web.json_response({"listeners": items, "page_info": {"next_marker": following}})
        return web.json_response(
            {"loadbalancer": {"id": "lb", "guaranteed": True, "vip_address": "10.0.0.1"}}
        )

    async with answering(handler) as api:
        facts = await api.load_balancer("lb")
    assert [each.id for each in facts.listeners] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"category": "CCE"}, ("standard", None)),
        ({"category": "Turbo", "kubeProxyMode": "ipvs"}, ("turbo", "ipvs")),
        ({"category": "Autopilot"}, (None, None)),
        ({"containerNetwork": {"mode": "eni"}}, ("turbo", None)),
        (
            {"containerNetwork": {"mode": "vpc-router"}, "extendParam": {"kubeProxyMode": "iptables"}},
            ("standard", "iptables"),
        ),
        ({"containerNetwork": {"mode": "new"}}, (None, None)),
    ],
)
async def test_category_and_mode_are_read_from_old_and_new_clusters(
    spec: object, expected: tuple[str | None, str | None]
) -> None:
    """What is silent is unknown, not guessed."""
    async with answering(lambda _: web.json_response({"spec": spec})) as api:
        kind = await api.cluster()
    assert (kind.category, kind.proxy_mode) == expected


async def test_health_that_may_not_be_seen_leaves_the_rest() -> None:
    """403 on statuses: the load balancer is described all the same."""

    def handler(request: web.Request) -> web.Response:
        if request.path.endswith("/statuses"):
            return web.Response(status=403)
        if request.path.endswith("/listeners"):
            return web.json_response({"listeners": []})
        return web.json_response({"loadbalancer": {"id": "lb", "guaranteed": False}})

    async with answering(handler) as api:
        facts = await api.load_balancer("lb")
    assert (facts.kind, facts.members, facts.private_ips) == ("union", 0, ())


async def test_a_secret_in_a_message_is_not_repeated() -> None:
    """Whatever a service answers."""
    body = json.dumps({"error_msg": "no AKDEMO with SKDEMO\nhere " + "x" * 1000})
    async with answering(lambda _: web.Response(text=body, status=404)) as api:
        with pytest.raises(NotFound) as refused:
            await api.cluster()
    told = str(refused.value)
    assert "AKDEMO" not in told
    assert "SKDEMO" not in told
    assert "\n" not in told
    assert len(told) < 400


@pytest.mark.parametrize(
    ("provider", "region", "service", "expected"),
    [
        (Provider.OTC, "eu-nl", "elb", "https://elb.eu-nl.otc.t-systems.com"),
        (Provider.OTC, "eu-de", "iam", "https://iam.eu-de.otc.t-systems.com"),
        (Provider.HUAWEICLOUD, "ap-southeast-1", "ces", "https://ces.ap-southeast-1.myhuaweicloud.com"),
        (Provider.HUAWEICLOUD, "eu-west-101", "cce", "https://cce.eu-west-101.myhuaweicloud.eu"),
        (Provider.HUAWEICLOUD, "eu-west-101", "elb", "https://elb.eu-west-101.myhuaweicloud.com"),
    ],
)
def test_endpoints_are_those_of_the_provider_and_region(
    provider: Provider, region: str, service: str, expected: str
) -> None:
    """And each may be overridden."""
    plain = settings("", keys(), provider=provider, region=region, endpoints={})
    assert endpoint(plain, service) == expected
    overridden = settings("", keys(), endpoints={service: "https://proxy.example/"})
    assert endpoint(overridden, service) == "https://proxy.example"
