"""Pictures: with a description, in a channel, a thread or a conversation with one person."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from slack_sdk.web.async_client import AsyncWebClient

from bot.adapters.slack import SlackMessenger
from bot.demo.slack import Workspace
from bot.ports import Forbidden, Invalid, Message, NotFound, Picture, Unavailable

OPS, RANDOM, ALICE = "C01OPS", "C04RANDOM", "U01ALICE"
PICTURE = Picture(name="path.png", data=b"\x89PNG\r\n", title="Paths", alt="Pods bypass the load balancer.")


async def test_a_picture_is_shared_with_its_description(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """Its bytes, its title, and the sentence above it."""
    await messenger.show(OPS, PICTURE, comment="the paths")
    (message,) = workspace.messages(OPS)
    (file,) = message.files
    assert message.text == "the paths"
    assert (file["title"], file["alt_txt"], file["size"]) == ("Paths", PICTURE.alt, len(PICTURE.data))
    assert workspace.state.uploads[file["id"]].body == PICTURE.data


async def test_a_picture_stands_in_a_thread(workspace: Workspace, messenger: SlackMessenger) -> None:
    """Where it was asked for."""
    card = await messenger.post(OPS, Message(text="card"), key="card")
    await messenger.show(OPS, PICTURE, thread=card.ts)
    assert [m.ts for m in workspace.messages(OPS)] == [card.ts]
    assert workspace.thread(OPS, card.ts)[1].files


async def test_a_picture_for_one_person_comes_directly(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """Nobody else sees it."""
    await messenger.show(ALICE, PICTURE)
    assert workspace.messages("D01ALICE")[0].files
    assert workspace.messages(OPS) == []


async def test_a_long_description_is_cut_to_slacks_limit(
    workspace: Workspace, messenger: SlackMessenger
) -> None:
    """Rather than refused."""
    await messenger.show(OPS, Picture(name="a.png", data=b"x", title="t", alt="a" * 1500))
    assert len(workspace.messages(OPS)[0].files[0]["alt_txt"]) == 1000


@pytest.mark.parametrize("error", ["missing_scope", "unknown_method", "not_allowed_token_type"])
async def test_without_the_right_a_picture_is_refused_in_our_words(
    workspace: Workspace, messenger: SlackMessenger, error: str
) -> None:
    """The caller then says it in words."""
    workspace.faults.add("files.getUploadURLExternal", "error", error=error)
    with pytest.raises(Forbidden):
        await messenger.show(OPS, PICTURE)


async def test_where_the_bot_is_not_in_the_channel_there_is_no_place_for_a_picture(
    messenger: SlackMessenger,
) -> None:
    """As with any message."""
    with pytest.raises(NotFound):
        await messenger.show("C0NOSUCH", PICTURE)


@asynccontextmanager
async def storage(status: int, url: str = "") -> AsyncIterator[str]:
    """A Web API that names a place for pictures which answers with a status; yields its base URL."""
    app = web.Application()

    async def announce(request: web.Request) -> web.Response:
        place = url or str(request.url.with_path("/take"))
        return web.json_response({"ok": True, "upload_url": place, "file_id": "F1"})

    async def take(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/elsewhere", "Retry-After": "7"})

    app.add_routes(
        [web.post("/api/files.getUploadURLExternal", announce), web.post("/take", take)],
    )
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/api/"
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("status", "error"), [(503, Unavailable), (429, Unavailable), (302, Invalid), (413, Invalid)]
)
async def test_a_place_that_does_not_take_the_picture_is_an_error_of_ours(
    session: aiohttp.ClientSession, status: int, error: type[Exception]
) -> None:
    """And nobody is sent elsewhere."""
    async with storage(status) as base:
        client = AsyncWebClient(token="x", base_url=base, session=session, retry_handlers=[])
        with pytest.raises(error):
            await SlackMessenger(client, session=session, team="T", gap=0.0).show(OPS, PICTURE)


@pytest.mark.parametrize("url", ["http://192.0.2.1/take", "file:///etc/passwd", "http://[", "no address"])
async def test_a_picture_goes_nowhere_that_is_not_to_be_trusted(
    session: aiohttp.ClientSession, url: str
) -> None:
    """Without TLS only to the Web API's own host."""
    async with storage(200, url) as base:
        client = AsyncWebClient(token="x", base_url=base, session=session, retry_handlers=[])
        with pytest.raises(Forbidden):
            await SlackMessenger(client, session=session, team="T", gap=0.0).show(OPS, PICTURE)
