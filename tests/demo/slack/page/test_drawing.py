"""What the bot says, drawn: every message and view that it has, as long as they may get, wide and narrow."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import Workspace
from tests.demo.slack.browser import CHROMIUM, NO_CHROMIUM, Watched, picture
from tests.render.extremes import EXTREMES

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM),
    pytest.mark.asyncio(loop_scope="module"),
]
NARROW = 800
PHONE = 360
CONTRAST = Path(__file__).with_name("contrast.js").read_text("utf-8")
GOLDEN = Path("tests/render/golden")
STICKS_OUT = """() => [...document.querySelectorAll('#messages, #messages .block, #home .block, .modal .block')]
  .filter(node => node.scrollWidth > node.clientWidth + 1 && !node.matches('.table-wrap, .actions'))
  .map(node => node.className + ': ' + node.textContent.slice(0, 60))"""


def _golden(kind: str) -> list[dict[str, Any]]:
    return [json.loads(path.read_text("utf-8")) for path in sorted((GOLDEN / kind).glob("*.json"))]


async def _extreme() -> list[dict[str, Any]]:
    return [await make() for makers in EXTREMES.values() for make in makers.values()]


async def _look(page: Page) -> None:
    """Nothing is unknown, nothing sticks out, and what is wider than its place can be scrolled by keyboard."""
    assert await page.locator("#frame .unknown, dialog .unknown").all_text_contents() == []
    assert await page.evaluate(STICKS_OUT) == []
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    wide = page.locator(".table-wrap")
    for index in range(await wide.count()):
        assert await wide.nth(index).get_attribute("tabindex") == "0"


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (NARROW, "dark"), (PHONE, "light")])
async def test_every_message_is_drawn_whole(
    browser: Watched, client: AsyncWebClient, tmp_path: Path, width: int, scheme: Any
) -> None:
    """Those of the golden files, and on the narrow pages the longest that there can be."""
    longest = await _extreme() if width <= NARROW else []
    messages = [m for m in [*_golden("messages"), *longest] if "type" not in m]
    for message in messages:
        await client.chat_postMessage(
            channel="C01OPS", text=message["text"], blocks=message.get("blocks", [])
        )
    page = await browser.page("U01ALICE", scheme=scheme, width=width)
    await expect(page.locator("#messages article")).to_have_count(len(messages))
    await _look(page)
    await picture(page, tmp_path, f"messages-{scheme}-{width}")


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (NARROW, "dark"), (PHONE, "light")])
async def test_every_view_is_drawn_whole(
    browser: Watched, workspace: Workspace, client: AsyncWebClient, width: int, scheme: Any
) -> None:
    """Modals, each closed again by Escape, and the Home tab."""
    page = await browser.page("U01ALICE", scheme=scheme, width=width)
    await page.get_by_role("button", name="Home").click()
    for view in [v for v in [*_golden("views"), *await _extreme()] if "type" in v]:
        if view["type"] == "home":
            await client.views_publish(user_id="U01ALICE", view=view)
            await expect(page.locator("#home .block")).to_have_count(len(view["blocks"]))
            await _look(page)
            continue
        await client.views_open(trigger_id=workspace.state.triggers.issue("U01ALICE"), view=view)
        dialog = page.get_by_role("dialog", name=view["title"]["text"])
        await expect(dialog).to_be_visible()
        await _look(page)
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)


@pytest.mark.parametrize("width", [NARROW, 1280, 1440])
async def test_thread_and_panel_have_room_beside_each_other(
    browser: Watched, client: AsyncWebClient, width: int
) -> None:
    """Both from the top of the window to its end, one beside the other; the channel is left where there is room."""
    posted = await client.chat_postMessage(channel="C01OPS", text="a card")
    await client.chat_postMessage(channel="C01OPS", thread_ts=str(posted["ts"]), text="a reply")
    page = await browser.page("U01ALICE", width=width)
    if not await page.locator("#panel").is_visible():
        await page.get_by_role("button", name="World & log").click()
    await page.get_by_role("button", name="1 reply").click()
    boxes = [await page.locator(each).bounding_box() for each in ("#sidebar", "#main", "#thread", "#panel")]
    shown = [box for box in boxes if box is not None]
    assert len(shown) == (4 if width > NARROW else 3)
    assert len({(box["y"], box["height"]) for box in shown}) == 1
    edges = [edge for box in shown for edge in (box["x"], box["x"] + box["width"])]
    assert edges == sorted(edges)
    assert edges[-1] == width


async def test_a_phone_shows_one_pane_at_a_time(
    browser: Watched, workspace: Workspace, client: AsyncWebClient, tmp_path: Path
) -> None:
    """Channel, thread and panel, each over the whole width; the conversations above lead back from either."""
    workspace.knobs.register("lag", "lags", lambda _target: "it lags", on=lambda _target: True)
    posted = await client.chat_postMessage(channel="C01OPS", text="a card")
    await client.chat_postMessage(channel="C01OPS", thread_ts=str(posted["ts"]), text="a reply")
    page = await browser.page("U01ALICE", width=PHONE)
    ops = page.locator("[data-channel=C01OPS]")
    assert await _whole_width(page) == ["main"]
    await picture(page, tmp_path, "phone")
    await page.get_by_role("button", name="1 reply").click()
    assert await _whole_width(page) == ["thread"]
    await ops.click()
    assert await _whole_width(page) == ["main"]
    await page.get_by_role("button", name="World & log").click()
    assert await _whole_width(page) == ["panel"]
    await page.get_by_role("switch", name="lags").click()
    await picture(page, tmp_path, "phone-panel")
    await ops.click()
    assert await _whole_width(page) == ["main"]
    await page.locator("#open-home").click()
    await expect(page.locator("#home")).to_be_visible()
    await page.get_by_role("radio", name="Gus").click()
    await expect(page.get_by_role("radio", name="Gus")).to_be_checked()
    assert await page.evaluate("document.documentElement.scrollWidth") == PHONE


async def _whole_width(page: Page) -> list[str]:
    """Which of the panes are there, all of them as wide as the window and down to its end."""
    height = await page.evaluate("innerHeight")
    found = []
    for pane in ("main", "thread", "panel"):
        box = await page.locator(f"#{pane}").bounding_box()
        if box is not None:
            assert (box["x"], box["width"], box["y"] + box["height"]) == (0, PHONE, height)
            found.append(pane)
    return found


async def test_times_are_told_by_the_readers_own_clock(browser: Watched, client: AsyncWebClient) -> None:
    """The same instant, read in New York and in Kolkata; what cannot be read is told as the bot wrote it."""
    text = "until <!date^1790000000^{date_num} {time}|later>, from <!date^x^{time}|some day>"
    await client.chat_postMessage(channel="C01OPS", text=text)
    for zone, shown in (("America/New_York", "2026-09-21 10:13"), ("Asia/Kolkata", "2026-09-21 19:43")):
        page = await browser.page("U01ALICE", zone=zone)
        await expect(page.locator("#messages article")).to_contain_text(f"until {shown}, from some day")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_can_be_read(
    browser: Watched, workspace: Workspace, client: AsyncWebClient, scheme: Any
) -> None:
    """By WCAG's measure of contrast, in both schemes: messages, thread, panel, and what only one person sees."""
    workspace.knobs.register("lag", "lags", lambda _target: "it lags", on=lambda _target: True)
    for message in _golden("messages"):
        posted = await client.chat_postMessage(
            channel="C01OPS", text=message["text"], blocks=message["blocks"]
        )
    reply = "a `reply` to <@U01ALICE> <@U02BOB> <!subteam^S0PLATFORM> <!here>, <https://x.example|more>"
    await client.chat_postMessage(channel="C01OPS", thread_ts=str(posted["ts"]), text=reply)
    await client.chat_postEphemeral(channel="C01OPS", user="U01ALICE", text=reply)
    await client.chat_postMessage(channel="C02INC", text="news")
    page = await browser.page("U01ALICE", scheme=scheme)
    await page.get_by_role("button", name="1 reply").click()
    await page.get_by_role("switch", name="lags").click()
    await expect(page.locator("#said")).to_have_text("it lags")
    assert await page.evaluate(CONTRAST) == []
    await page.evaluate("document.documentElement.style.setProperty('--soft', '#888')")
    assert await page.evaluate(CONTRAST) != []


async def test_names_with_a_number_stay_on_one_line(browser: Watched, client: AsyncWebClient) -> None:
    """CHG-1 is never CHG- and 1, however narrow the column; in plain text, mrkdwn and rich text."""
    page = await browser.page("U01ALICE", width=NARROW)
    leaf = {"type": "text", "text": "word " * 30 + "CHG-1234 " * 40}
    section = {"type": "rich_text_section", "elements": [leaf]}
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "mrkdwn", "text": "*pass* " * 20 + "CHG-1234 " * 40}},
        {"type": "rich_text", "elements": [section]},
        {"type": "header", "text": {"type": "plain_text", "text": "CHG-1234 " * 16}},
    ]
    await client.chat_postMessage(channel="C01OPS", text="x", blocks=blocks)
    names = page.locator("#messages .whole")
    await expect(names).to_have_count(96)
    lines = "nodes => nodes.map(node => node.getClientRects().length)"
    assert set(await names.evaluate_all(lines)) == {1}


async def test_a_watched_page_that_asks_another_host_is_complained_of(browser: Watched) -> None:
    """The page's own policy stops it, and the watcher sees it even where the policy would not."""
    page = await browser.page("U01ALICE")
    await page.evaluate(
        "new Promise(done => { const i = new Image(); i.onerror = done; i.src = 'http://127.0.0.2:9/x.png'; })"
    )
    assert any("Content Security Policy" in each for each in browser.complaints)
    browser.complaints.clear()
    bare = await browser.page("U01ALICE", lawless=True)
    await bare.evaluate("fetch('http://127.0.0.2:9/y', {mode: 'no-cors'}).catch(() => null)")
    assert "request to another host: http://127.0.0.2:9/y" in browser.complaints
    browser.complaints.clear()
