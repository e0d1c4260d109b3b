"""One informer against servers that lie, forget, break off and contradict themselves."""

import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web

from bot.adapters.cluster.cache import Cache
from bot.adapters.cluster.informer import Informer, State
from bot.adapters.cluster.pace import Pace
from tests.adapters.cluster.conftest import PATIENCE, QUICK
from tests.adapters.cluster.scripted import Script, bookmark, informed, named, page, stream, text


def names(cache: Cache) -> set[str]:
    """Name the Services in the cache."""
    return {ref.name for ref in cache.inventory.services}


async def holding(cache: Cache, *expected: str) -> None:
    """Wait until the cache holds exactly these."""
    async with asyncio.timeout(PATIENCE):
        await cache.until(lambda: names(cache) == set(expected))


async def listed(informer: Informer, cache: Cache, times: int) -> None:
    """Wait until it was listed so often."""
    async with asyncio.timeout(PATIENCE):
        await cache.until(lambda: informer.lists >= times)


async def test_pages_are_followed_to_the_end(tmp_path: Path) -> None:
    """The continue token leads from page to page."""
    script = Script(lists=[page(10, named("a", 1), more="t1"), page(10, named("b", 2))], watches=[])
    async with informed(script, tmp_path) as (_, cache):
        await holding(cache, "a", "b")
    assert [query.get("continue") for query in script.queries[:2]] == [None, "t1"]
    assert script.queries[0]["limit"] == "500"


async def test_half_a_list_is_never_shown(tmp_path: Path) -> None:
    """A token that expires half way starts the list again; nothing of the first try is told."""
    gone = json.dumps({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"})
    script = Script(
        lists=[page(10, named("old", 1), more="t1"), text(gone, status=410), page(20, named("new", 15))],
        watches=[],
    )
    async with informed(script, tmp_path) as (informer, cache):
        told: list[str] = []
        cache.subscribe(lambda changed: told.append(changed.ref.name))
        await holding(cache, "new")
        assert informer.lists == 1
    assert told == ["new"]


async def test_pages_of_different_versions_are_not_mixed(tmp_path: Path) -> None:
    """Two pages of one list must be of one resourceVersion."""
    script = Script(
        lists=[page(10, named("a", 1), more="t"), page(11, named("b", 2)), page(12, named("c", 3))],
        watches=[],
    )
    async with informed(script, tmp_path) as (_, cache):
        await holding(cache, "c")


async def test_a_watch_resumes_from_the_last_bookmark(tmp_path: Path) -> None:
    """Clean close after a bookmark, then an abort after an event."""
    script = Script(
        lists=[page(10)],
        watches=[
            stream(bookmark(50)),
            stream(("ADDED", named("a", 60)), end="abort"),
            stream(("ADDED", named("b", 70)), end="open"),
        ],
    )
    async with informed(script, tmp_path) as (informer, cache):
        await holding(cache, "a", "b")
        assert informer.lists == 1
    assert script.watched_from == ["10", "50", "60"]


async def test_forgotten_versions_are_listed_again(tmp_path: Path) -> None:
    """410 inside the stream: what is gone is removed, what is unchanged is not told."""
    expired = {"kind": "Status", "code": 410, "reason": "Expired"}
    script = Script(
        lists=[
            page(10, named("stays", 1), named("goes", 2)),
            page(30, named("stays", 1), named("comes", 25)),
        ],
        watches=[stream(("ERROR", expired))],
    )
    async with informed(script, tmp_path) as (_, cache):
        await holding(cache, "stays", "goes")
        told: list[str] = []
        cache.subscribe(lambda changed: told.append(changed.ref.name))
        await holding(cache, "stays", "comes")
        assert told == ["goes", "comes"]


async def test_an_error_of_another_kind_resumes(tmp_path: Path) -> None:
    """An ERROR event that is no 410 ends the watch, not the knowledge."""
    script = Script(
        lists=[page(10)],
        watches=[
            stream(("ERROR", {"kind": "Status", "code": 500})),
            stream(("ADDED", named("a", 11)), end="open"),
        ],
    )
    async with informed(script, tmp_path) as (informer, cache):
        await holding(cache, "a")
        assert informer.lists == 1


async def test_an_event_that_comes_twice_is_taken_once(tmp_path: Path) -> None:
    """Duplicates are passed over."""
    script = Script(
        lists=[page(10)],
        watches=[stream(("ADDED", named("a", 11)), ("ADDED", named("a", 11)), bookmark(12), end="open")],
    )
    async with informed(script, tmp_path) as (informer, cache):
        told: list[str] = []
        cache.subscribe(lambda changed: told.append(changed.ref.name))
        async with asyncio.timeout(PATIENCE):
            await cache.until(lambda: informer.version == "12")
        assert told == ["a"]
        assert informer.lists == 1


async def test_events_out_of_order_lead_to_a_fresh_list(tmp_path: Path) -> None:
    """An event older than what was seen cannot be placed; the list decides."""
    script = Script(
        lists=[page(10), page(30, named("a", 20))],
        watches=[
            stream(("ADDED", named("a", 20)), ("MODIFIED", named("b", 15)), end="open"),
            stream(end="open"),
        ],
    )
    async with informed(script, tmp_path) as (informer, cache):
        await listed(informer, cache, 2)
        assert names(cache) == {"a"}


async def test_the_end_of_an_object_never_listed_is_no_error(tmp_path: Path) -> None:
    """DELETED for a stranger changes nothing."""
    script = Script(
        lists=[page(10, named("a", 1))],
        watches=[stream(("DELETED", named("stranger", 11)), ("DELETED", named("a", 12)), end="open")],
    )
    async with informed(script, tmp_path) as (informer, cache):
        async with asyncio.timeout(PATIENCE):
            await cache.until(lambda: informer.version == "12")
        assert names(cache) == set()
        assert informer.lists == 1


async def test_an_object_made_again_is_not_deleted_by_its_predecessors_end(tmp_path: Path) -> None:
    """Deleted and created under one name, in order."""
    script = Script(
        lists=[page(10, named("a", 1))],
        watches=[stream(("DELETED", named("a", 11)), ("ADDED", named("a", 12)), bookmark(13), end="open")],
    )
    async with informed(script, tmp_path) as (informer, cache):
        async with asyncio.timeout(PATIENCE):
            await cache.until(lambda: informer.version == "13")
        assert names(cache) == {"a"}


@pytest.mark.parametrize("body", ['{"type": "ADDED"}', "not json", '{"type":"ADDED","object":{}}', "[]"])
async def test_an_event_that_cannot_be_read_leads_to_a_fresh_list(tmp_path: Path, body: str) -> None:
    """Nobody knows what it said, so everything is asked again."""
    script = Script(lists=[page(10), page(20, named("a", 15))], watches=[text(body + "\n")])
    async with informed(script, tmp_path) as (_, cache):
        await holding(cache, "a")


@pytest.mark.parametrize(
    "body",
    [
        "not json",
        "[]",
        '{"items": [{}]}',
        '{"items": [{"metadata": {"name": "a", "resourceVersion": "1"}}]}',
        '{"metadata": {"resourceVersion": "1"}, "items": {}}',
        "",
    ],
)
async def test_a_list_that_cannot_be_read_is_tried_again(tmp_path: Path, body: str) -> None:
    """Nothing is taken from it, and the sentence says whose list it was."""
    script = Script(lists=[text(body), page(10, named("a", 1))], watches=[])
    async with informed(script, tmp_path) as (informer, cache):
        await holding(cache, "a")
        assert informer.lists == 1


async def test_an_object_that_cannot_be_read_is_passed_over_and_counted(tmp_path: Path) -> None:
    """One malformed Service does not hide the others."""
    script = Script(lists=[page(10, named("bad", 1, ports="none"), named("good", 2))], watches=[])
    async with informed(script, tmp_path) as (informer, cache):
        await holding(cache, "good")
        assert informer.unreadable == 1


async def test_a_silent_watch_is_opened_again_from_where_it_stood(tmp_path: Path) -> None:
    """A connection that died without a word is left after a while."""
    streams = {"10": stream(bookmark(20), end="open"), "20": stream(("ADDED", named("a", 30)), end="open")}

    async def by_version(request: web.Request) -> web.StreamResponse:
        return await streams.get(request.query["resourceVersion"], stream(end="open"))(request)

    script = Script(lists=[page(10)], watches=[by_version] * 1000)
    timing = replace(QUICK, silence=0.05)
    async with informed(script, tmp_path, timing=timing) as (informer, cache):
        await holding(cache, "a")
        assert informer.lists == 1


async def test_an_event_larger_than_a_buffer_arrives_whole(tmp_path: Path) -> None:
    """3 MB in one line."""
    big = named("big", 11)
    big["metadata"]["annotations"] = {"note": "x" * 3_000_000}
    script = Script(lists=[page(10)], watches=[stream(("ADDED", big), end="open")])
    async with informed(script, tmp_path) as (_, cache):
        await holding(cache, "big")


async def test_an_endless_line_is_refused(tmp_path: Path) -> None:
    """A server that never ends a line fills no memory."""
    script = Script(
        lists=[page(10)],
        watches=[text("x" * (17 * 2**20)), stream(("ADDED", named("a", 11)), end="open")],
    )
    async with informed(script, tmp_path) as (informer, cache):
        await holding(cache, "a")
        assert informer.state is State.LIVE


async def test_an_endless_list_is_refused(tmp_path: Path) -> None:
    """As little does one that never ends an answer."""
    sent = 0

    async def endless(request: web.Request) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while request.transport is not None and not request.transport.is_closing():
            await response.write(b"x" * 2**20)
            sent += 1
        return response

    script = Script(lists=[endless, page(10, named("a", 1))], watches=[stream(end="open")])
    async with informed(script, tmp_path) as (_, cache):
        await holding(cache, "a")
    assert 32 <= sent <= 64


def test_rests_grow_and_start_anew_after_a_long_life() -> None:
    """Between half the bound and the bound; clean ends rest too."""
    pace = Pace(replace(QUICK, first=1.0, longest=8.0))
    rests = [pace.after(0.0) for _ in range(6)]
    bounds = [1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
    assert all(bound / 2 <= rest <= bound for rest, bound in zip(rests, bounds, strict=True))
    assert pace.after(60.0) <= 1.0
