"""What every API server does with watches; also run against a real one."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from tests.demo.kubernetes.wire import Api


async def _take(events: AsyncIterator[dict[str, Any]], count: int) -> list[tuple[str, str]]:
    async with asyncio.timeout(60):
        taken = [await anext(events) for _ in range(count)]
    return [(event["type"], event["object"]["metadata"]["name"]) for event in taken]


def labelled(name: str, **labels: str) -> dict[str, Any]:
    """Return a ConfigMap with labels."""
    return {"metadata": {"name": name, "labels": labels}}


async def test_a_watch_follows_a_list(api: Api) -> None:
    """From a list's version on, every change comes once and in order."""
    await api.create("configmaps", labelled("before", mine="yes"))
    mine: dict[str, Any] = {"labelSelector": "mine=yes"}
    version = (await api.call("GET", api.path("configmaps"), **mine)).version
    await api.create("configmaps", labelled("a", mine="yes"))
    async with api.watch("configmaps", resourceVersion=version, **mine) as events:
        assert await _take(events, 1) == [("ADDED", "a")]
        await api.patch("configmaps", "a", {"data": {"x": "1"}})
        await api.call("DELETE", api.path("configmaps", "a"))
        assert await _take(events, 2) == [("MODIFIED", "a"), ("DELETED", "a")]


async def test_a_watch_resumes_where_another_ended(api: Api) -> None:
    """The version of the last event is where the next watch begins."""
    start = (await api.create("configmaps", labelled("a", mine="yes"))).version
    mine: dict[str, Any] = {"labelSelector": "mine=yes"}
    middle = (await api.create("configmaps", labelled("b", mine="yes"))).version
    await api.create("configmaps", labelled("c", mine="yes"))
    async with api.watch("configmaps", resourceVersion=start, **mine) as events:
        assert await _take(events, 2) == [("ADDED", "b"), ("ADDED", "c")]
    async with api.watch("configmaps", resourceVersion=middle, **mine) as events:
        assert await _take(events, 1) == [("ADDED", "c")]


async def test_a_watch_without_a_version_begins_with_what_is_there(api: Api) -> None:
    """Present objects come as ADDED first."""
    await api.create("configmaps", labelled("a", mine="yes"))
    async with api.watch("configmaps", labelSelector="mine=yes") as events:
        assert await _take(events, 1) == [("ADDED", "a")]
        await api.create("configmaps", labelled("b", mine="yes"))
        assert await _take(events, 1) == [("ADDED", "b")]


async def test_a_selector_sees_objects_come_and_go(api: Api) -> None:
    """Entering the selection is ADDED, leaving it DELETED."""
    version = (await api.create("configmaps", labelled("a", mine="no"))).version
    async with api.watch("configmaps", resourceVersion=version, labelSelector="mine=yes") as events:
        await api.patch("configmaps", "a", {"metadata": {"labels": {"mine": "yes"}}})
        assert await _take(events, 1) == [("ADDED", "a")]
        await api.patch("configmaps", "a", {"data": {"x": "1"}})
        await api.patch("configmaps", "a", {"metadata": {"labels": {"mine": "no"}}})
        assert await _take(events, 2) == [("MODIFIED", "a"), ("DELETED", "a")]


async def test_one_object_is_watched_by_its_name(api: Api) -> None:
    """A field selector narrows a watch to one object."""
    version = (await api.create("configmaps", labelled("a"))).version
    query: dict[str, Any] = {"resourceVersion": version, "fieldSelector": "metadata.name=a"}
    async with api.watch("configmaps", **query) as events:
        await api.create("configmaps", labelled("b"))
        await api.patch("configmaps", "a", {"data": {"x": "1"}})
        assert await _take(events, 1) == [("MODIFIED", "a")]


async def test_a_watch_ends_when_its_time_is_up(api: Api) -> None:
    """TimeoutSeconds ends the stream cleanly; a bookmark says up to where it was complete."""
    version = (await api.create("configmaps", labelled("a"))).version
    query: dict[str, Any] = {
        "resourceVersion": version,
        "timeoutSeconds": 1,
        "allowWatchBookmarks": "true",
    }
    async with asyncio.timeout(60), api.watch("configmaps", **query) as events:
        seen = [event async for event in events if event["object"]["kind"] == "ConfigMap"]
    bookmarks = [event for event in seen if event["type"] == "BOOKMARK"]
    assert all(int(event["object"]["metadata"]["resourceVersion"]) >= int(version) for event in bookmarks)
    assert [event["type"] for event in seen if event["type"] not in {"BOOKMARK", "ADDED"}] == []


async def test_a_deleted_object_is_shown_in_its_last_state(api: Api) -> None:
    """The object of DELETED has what it had, under the version of the delete."""
    created = await api.create("configmaps", {"metadata": {"name": "a"}, "data": {"x": "1"}})
    async with api.watch("configmaps", resourceVersion=created.version) as events:
        await api.call("DELETE", api.path("configmaps", "a"))
        async with asyncio.timeout(60):
            event = await anext(events)
    assert event["object"]["data"] == {"x": "1"}
    assert int(event["object"]["metadata"]["resourceVersion"]) > int(created.version)


async def test_a_watch_takes_no_version_match(api: Api) -> None:
    """ResourceVersionMatch is for lists."""
    query: dict[str, Any] = {"watch": 1, "resourceVersion": "1", "resourceVersionMatch": "Exact"}
    answer = await api.call("GET", api.path("configmaps"), **query)
    assert answer.status == 422
    assert "resourceVersionMatch is forbidden for watch" in answer.body["message"]
