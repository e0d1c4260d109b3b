"""What can be made to go wrong with the simulated API, and what its history forgets."""

import asyncio
from typing import Any

import aiohttp
import pytest

from bot.demo.kubernetes import ApiServer
from tests.demo.kubernetes.wire import Api


async def _config_map(api: Api, name: str) -> str:
    return (await api.create("configmaps", {"metadata": {"name": name}})).version


async def test_the_next_matching_requests_fail_and_no_others(server: ApiServer, simulated: Api) -> None:
    """A planned failure hits its verb and resource, as often as planned."""
    server.faults.fail(2, code=500, verb="list", resource="services")
    statuses = [(await simulated.call("GET", simulated.path("services"))).status for _ in range(3)]
    assert statuses == [500, 500, 200]
    assert (await simulated.call("GET", simulated.path("configmaps"))).status == 200


async def test_a_throttled_client_is_told_when_to_come_back(server: ApiServer, simulated: Api) -> None:
    """A 429 carries Retry-After and the usual Status."""
    server.faults.throttle(retry_after=7)
    answer = await simulated.call("GET", simulated.path("services"))
    assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
    assert answer.body["reason"] == "TooManyRequests"
    assert answer.body["details"] == {"retryAfterSeconds": 7}


async def test_a_dropped_reply_has_landed(server: ApiServer, simulated: Api) -> None:
    """The write is stored, and the client sees a broken connection."""
    await _config_map(simulated, "a")
    server.faults.drop_reply(verb="patch", resource="configmaps")
    with pytest.raises(aiohttp.ClientError):
        await simulated.patch("configmaps", "a", {"data": {"x": "1"}})
    assert (await simulated.get("configmaps", "a")).body["data"] == {"x": "1"}
    assert [seen.status for seen in server.requests.of("patch", "configmaps")] == [0]


async def test_a_hanging_request_is_let_go_when_faults_are_cleared(server: ApiServer, simulated: Api) -> None:
    """A hung request never gets an answer; clearing breaks it."""
    await _config_map(simulated, "a")
    server.faults.hang(verb="patch")
    waiting = asyncio.ensure_future(simulated.patch("configmaps", "a", {"data": {"x": "1"}}))
    async with asyncio.timeout(60):
        (seen,) = await server.requests.reach(1, "patch", "configmaps")
        assert (seen.status, waiting.done()) == (None, False)
        server.faults.clear()
        with pytest.raises(aiohttp.ClientError):
            await waiting
    assert "data" not in (await simulated.get("configmaps", "a")).body


async def test_a_refusing_server_breaks_every_connection(server: ApiServer, simulated: Api) -> None:
    """Nothing is answered until the faults are cleared."""
    server.faults.refusing = True
    with pytest.raises(aiohttp.ClientError):
        await simulated.call("GET", "/version")
    server.faults.clear()
    assert (await simulated.call("GET", "/version")).status == 200


async def test_latency_delays_every_request(server: ApiServer, simulated: Api) -> None:
    """A slow server is slow for reads, too."""
    server.faults.latency = 0.05
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await simulated.call("GET", "/version")
    assert loop.time() - begun >= 0.05


async def test_a_forgotten_version_cannot_be_watched(server: ApiServer, simulated: Api) -> None:
    """A watch from before the log answers one ERROR event with 410, and ends."""
    version = await _config_map(simulated, "a")
    await _config_map(simulated, "b")
    server.faults.expire()
    async with simulated.watch("configmaps", resourceVersion=version) as events:
        seen = [event async for event in events]
    assert [event["type"] for event in seen] == ["ERROR"]
    status = seen[0]["object"]
    assert (status["code"], status["reason"]) == (410, "Expired")
    assert status["message"] == f"too old resource version: {version} ({server.objects.version})"


async def test_version_one_is_long_gone(simulated: Api) -> None:
    """A fresh server does not replay the beginning of time."""
    async with simulated.watch("configmaps", resourceVersion="1") as events:
        assert [event["object"]["code"] async for event in events] == [410]


async def test_an_expired_page_offers_to_go_on_inconsistently(server: ApiServer, simulated: Api) -> None:
    """The 410 of a list in pages carries a token that shows the rest as it is now."""
    for name in "abc":
        await _config_map(simulated, name)
    first = await simulated.call("GET", simulated.path("configmaps"), limit=1)
    await _config_map(simulated, "d")
    server.faults.expire()
    query: dict[str, Any] = {"continue": first.body["metadata"]["continue"], "limit": 10}
    expired = await simulated.call("GET", simulated.path("configmaps"), **query)
    assert (expired.status, expired.body["reason"]) == (410, "Expired")
    assert expired.body["message"].startswith("The provided continue parameter is too old")
    query["continue"] = expired.body["metadata"]["continue"]
    rest = await simulated.call("GET", simulated.path("configmaps"), **query)
    assert rest.names == ["b", "c", "d"]


async def test_the_whole_watch_cache_answers_version_zero(simulated: Api) -> None:
    """A list at version 0 comes from the cache, which knows no pages."""
    for name in "abc":
        await _config_map(simulated, name)
    answer = await simulated.call("GET", simulated.path("configmaps"), resourceVersion="0", limit=1)
    assert answer.names == ["a", "b", "c"]


@pytest.mark.parametrize("abort", [False, True])
async def test_watches_are_cut(server: ApiServer, simulated: Api, *, abort: bool) -> None:
    """A cut watch ends cleanly, or in the middle of the stream."""
    version = await _config_map(simulated, "a")
    async with asyncio.timeout(60), simulated.watch("configmaps", resourceVersion=version) as events:
        await _config_map(simulated, "b")
        assert (await anext(events))["object"]["metadata"]["name"] == "b"
        server.faults.cut_watches("configmaps", abort=abort)
        if abort:
            with pytest.raises(aiohttp.ClientPayloadError):
                await anext(events)
        else:
            assert [event async for event in events] == []


async def test_bookmarks_come_while_nothing_happens() -> None:
    """Bookmarks tell the newest version of all, though nothing watched has changed."""
    server = ApiServer(bookmarks=0.01)
    await server.start()
    async with aiohttp.ClientSession(server.url, headers={"Authorization": "Bearer admin-token"}) as session:
        api = Api(session, "default")
        version = await _config_map(api, "a")
        newest = (
            await api.create("services", {"metadata": {"name": "a"}, "spec": {"ports": [{"port": 1}]}})
        ).version
        query = {"resourceVersion": version, "allowWatchBookmarks": "true"}
        async with asyncio.timeout(60), api.watch("configmaps", **query) as events:
            event = await anext(events)
    await server.stop()
    assert (event["type"], event["object"]["kind"]) == ("BOOKMARK", "ConfigMap")
    assert event["object"]["metadata"]["resourceVersion"] == newest


async def test_the_control_plans_and_clears_faults(server: ApiServer, simulated: Api) -> None:
    """Faults are planned from another process over a port of their own."""
    control = await server.start_control()
    async with aiohttp.ClientSession(control) as session:
        await session.post("/faults", json={"effect": "status", "code": 503, "verb": "get", "count": None})
        assert (await simulated.get("configmaps", "a")).status == 503
        wrong = await session.post("/faults", json={"effect": "explode"})
        assert wrong.status == 400
        await session.delete("/faults")
        assert (await simulated.get("configmaps", "a")).status == 404
        async with session.get("/requests") as response:
            seen = await response.json()
    assert [each["status"] for each in seen if each["verb"] == "get" and each["resource"]] == [503, 404]


async def test_the_control_expires_cuts_delays_and_refuses(server: ApiServer, simulated: Api) -> None:
    """The remaining knobs of the control endpoint."""
    control = await server.start_control()
    version = await _config_map(simulated, "a")
    async with aiohttp.ClientSession(control) as session:
        await session.post("/latency", json={"seconds": 0.5})
        assert server.faults.latency == 0.5
        await session.post("/latency", json={"seconds": 0})
        async with asyncio.timeout(60), simulated.watch("configmaps", resourceVersion=version) as events:
            await session.post("/watches/cut", json={})
            assert [event async for event in events] == []
        await _config_map(simulated, "b")
        await session.post("/expire")
        async with simulated.watch("configmaps", resourceVersion=version) as events:
            assert [event["type"] async for event in events] == ["ERROR"]
        await session.post("/refuse", json={})
        with pytest.raises(aiohttp.ClientError):
            await simulated.call("GET", "/version")
        await session.post("/refuse", json={"refusing": False})
        assert (await simulated.call("GET", "/version")).status == 200
