"""The page without a mouse, and without eyes: by keyboard alone, and by what is announced."""

import pytest
from playwright.async_api import Page, expect
from slack_sdk.web.async_client import AsyncWebClient

from bot.demo.slack import Workspace
from tests.demo.slack.browser import CHROMIUM, NO_CHROMIUM, Watched

pytestmark = [
    pytest.mark.chromium,
    pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM),
    pytest.mark.asyncio(loop_scope="module"),
]
FOCUS = """() => {
  const at = document.activeElement;
  const shown = getComputedStyle(at.closest('.composer-box') ?? at);
  return {
    name: at.getAttribute('aria-label') ?? at.labels?.[0]?.textContent ?? at.textContent.trim(),
    role: at.getAttribute('role') ?? at.tagName.toLowerCase(),
    seen: at === document.body || shown.outlineStyle !== 'none' || shown.boxShadow !== 'none',
    trapped: at === document.body || at.closest('dialog') !== null,
  };
}"""
MOST_STEPS = 60


async def walk_to(page: Page, name: str, key: str = "Tab") -> None:
    """Press Tab until something of this name has the focus; wherever it is on its way, it can be seen."""
    passed = []
    for _ in range(MOST_STEPS):
        await page.keyboard.press(key)
        at = await page.evaluate(FOCUS)
        assert at["seen"], f"the focus is not visible on {at}"
        if at["name"].startswith(name):
            return
        passed.append(at["name"][:30])
    pytest.fail(f"{name} is not reached by {key}; passed: {passed}")


async def test_a_card_is_asked_for_questioned_and_approved_by_keyboard(browser: Watched) -> None:
    """From the top of the page; the question keeps the focus until it is answered, and gives it back."""
    page = await browser.page("U01ALICE")
    await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await page.keyboard.type("/elb-passthrough card")
    await page.keyboard.press("Enter")
    await expect(page.locator("#messages article")).to_have_count(1)
    await walk_to(page, "Approve…", "Shift+Tab")
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Approve CHG-7?")
    await expect(dialog).to_be_visible()
    for key in ["Tab"] * 6 + ["Shift+Tab"] * 6:
        await page.keyboard.press(key)
        assert (await page.evaluate(FOCUS))["trapped"]
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(page.get_by_role("button", name="Approve…")).to_be_focused()
    await page.keyboard.press("Enter")
    await walk_to(page, "Approve")
    await page.keyboard.press("Enter")
    await expect(page.locator("#messages")).to_contain_text("approved by @Alice")


async def test_a_thread_is_opened_answered_and_left_by_keyboard(
    browser: Watched, client: AsyncWebClient
) -> None:
    """Leaving puts one back on the message; the arrow keys walk from there."""
    first = await client.chat_postMessage(channel="C01OPS", text="the first")
    await client.chat_postMessage(channel="C01OPS", text="the second")
    await client.chat_postMessage(channel="C01OPS", text="a reply", thread_ts=str(first["ts"]))
    page = await browser.page("U01ALICE")
    await walk_to(page, "1 reply", "Shift+Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator("#thread-input")).to_be_focused()
    await page.keyboard.type("an answer")
    await page.keyboard.press("Enter")
    await expect(page.locator("#thread-messages")).to_contain_text("an answer")
    await expect(page.locator("#messages")).to_contain_text("2 replies")
    await page.keyboard.press("Escape")
    await expect(page.locator("#thread")).to_be_hidden()
    at = page.locator("#messages article")
    await expect(at.filter(has_text="the first")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(at.filter(has_text="the second")).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(at.filter(has_text="the first")).to_be_focused()


async def test_selects_menus_and_modals_are_used_by_keyboard(browser: Watched) -> None:
    """Arrow keys choose, Enter takes, Escape leaves; a modal begins in its first field."""
    page = await browser.page("U01ALICE")
    await page.locator("#composer-input").focus()
    await page.keyboard.type("/elb-passthrough card")
    await page.keyboard.press("Enter")
    await expect(page.locator("#messages article")).to_have_count(1)
    await walk_to(page, "More", "Shift+Tab")
    for key in ("Enter", "ArrowDown", "Escape"):
        await page.keyboard.press(key)
    await expect(page.get_by_role("button", name="More")).to_be_focused()
    for key in ("Enter", "ArrowDown", "Enter"):
        await page.keyboard.press(key)
    await expect(page.locator("#messages")).to_contain_text("menu: Diagram")
    await walk_to(page, "Snooze")
    for key in ("ArrowDown", "ArrowDown", "ArrowDown", "Enter"):
        await page.keyboard.press(key)
    await expect(page.locator("#messages")).to_contain_text("snooze: 1 day")
    await walk_to(page, "Message #ops")
    await page.keyboard.type("/elb-passthrough ")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog").get_by_role("combobox", name="Service")).to_be_focused()
    await page.keyboard.type("cart")
    await expect(page.get_by_role("option", name="shop/cart")).to_be_visible()
    await page.keyboard.press("Enter")
    await walk_to(page, "now")
    await page.keyboard.press("ArrowDown")
    await walk_to(page, "Reason")
    await page.keyboard.type("because")
    await walk_to(page, "Ask")
    await page.keyboard.press("Enter")
    await expect(page.locator("#messages")).to_contain_text("@Alice asks about shop/cart: because")


async def test_the_panel_is_used_by_keyboard(browser: Watched, workspace: Workspace) -> None:
    """A switch says how it stands, for the target that was chosen before it; its state is that of the world."""
    on: set[str] = set()

    def turn(target: str) -> str:
        on.symmetric_difference_update({target})
        return f"{target}: {'on' if target in on else 'off'}"

    nodes = [("prod/a", "node-a"), ("prod/b", "node-b")]
    workspace.knobs.register("lag", "lags", turn, group="Nodes", targets=nodes, on=on.__contains__)
    page = await browser.page("U01ALICE")
    await walk_to(page, "Nodes")
    await page.keyboard.press("ArrowDown")
    await walk_to(page, "lags")
    await page.keyboard.press("Space")
    lags = page.get_by_role("switch", name="lags")
    await expect(lags).to_be_checked()
    await expect(lags).to_be_focused()
    await expect(page.locator("#said")).to_have_text("prod/b: on")
    other = await browser.page("U02BOB")
    await expect(other.get_by_role("switch", name="lags")).not_to_be_checked()
    await expect(other.locator(".knob-others")).to_have_text("also node-b")
    await page.keyboard.press("Space")
    await expect(lags).not_to_be_checked()
    assert on == set()


async def test_what_comes_is_announced_in_a_sentence(
    browser: Watched, workspace: Workspace, client: AsyncWebClient
) -> None:
    """Messages of others, once, and edits that say something else; not one's own, not what others alone see."""
    page = await browser.page("U01ALICE")
    workspace.say("U01ALICE", "C01OPS", "my own")
    await client.chat_postEphemeral(channel="C01OPS", user="U02BOB", text="for Bob")
    blocks = [{"type": "section", "text": {"type": "mrkdwn", "text": "a *card*"}}]
    posted = await client.chat_postMessage(
        channel="C01OPS", text="CHG-1 was *proposed* by <@U02BOB>", blocks=blocks
    )
    await client.chat_postMessage(channel="C02INC", text="something is wrong")
    card = {"channel": "C01OPS", "ts": str(posted["ts"]), "blocks": blocks}
    await client.chat_update(text="CHG-1 was *proposed* by <@U02BOB>", **card)  # type: ignore[arg-type]  # a dictionary of several types
    await client.chat_update(text="CHG-1 was approved", **card)  # type: ignore[arg-type]  # as above
    told = page.get_by_role("log", name="New messages").locator("p")
    await expect(told).to_have_text(
        [
            "elb-passthrough in #ops: CHG-1 was proposed by @Bob",
            "elb-passthrough in #incidents: something is wrong",
            "elb-passthrough in #ops: CHG-1 was approved",
        ]
    )


async def test_what_is_sent_while_the_app_starts_waits_for_it(browser: Watched, workspace: Workspace) -> None:
    """The page says so; once the app is there, it is answered."""
    workspace.state.presence.tell("starting")
    page = await browser.page("U01ALICE")
    await expect(page.get_by_text("The bot is starting.")).to_be_visible()
    await page.locator("#composer-input").focus()
    await page.keyboard.type("/elb-passthrough status x")
    await page.keyboard.press("Enter")
    await expect(page.locator("#composer .running")).to_contain_text("Sending")
    assert workspace.log(name="/elb-passthrough") == []
    workspace.state.presence.tell("there")
    await expect(page.locator("#messages")).to_contain_text("you said status x")
    await expect(page.get_by_text("The bot is starting.")).to_be_hidden()
