"""The main story clicked through in a real browser as Alice, Mallory and Bob.

`python -m tests.e2e.page_story DIRECTORY` plays it and writes the pictures of the README (`make pictures`).
"""

import asyncio
import sys
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from bot.demo.stage import Stage
from tests.demo.slack.browser import Watched, chromium, picture, watched

MEASURED_WITHIN = 90_000
"""Milliseconds; the whole verification, on a busy machine."""


async def play(stage: Stage, browser: Watched, pictures: Path) -> None:
    """Alice asks and proposes, Mallory is refused, Bob approves, and the thread proves it."""
    alice = await browser.page("U01ALICE")
    await _type(alice, "/elb-passthrough status shop/checkout")
    answer = alice.locator("#messages article").filter(has_text="in-cluster clients bypass the load balancer")
    await expect(answer).to_be_visible()
    await expect(answer.get_by_text("Only visible to you")).to_be_visible()
    await picture(alice, pictures, "status")
    await answer.get_by_role("button", name="Propose pass-through").click()
    await expect(_card(alice)).to_contain_text("Proposed")
    await picture(alice, pictures, "card")

    mallory = await browser.page("U03MALLORY")
    await _approve(mallory)
    await expect(mallory.get_by_text("You may not approve changes here.")).to_be_visible()

    bob = await browser.page("U02BOB")
    await _approve(bob)
    await expect(_card(alice)).to_contain_text("Succeeded", timeout=MEASURED_WITHIN)
    await expect(_card(mallory).get_by_role("button", name="Approve")).to_have_count(0)
    await (
        bob.locator("#messages article")
        .filter(has_text="Succeeded")
        .get_by_role("button", name="replies")
        .click()
    )
    verdict = bob.locator("#thread-messages article").filter(has_text="Succeeded: in-cluster traffic")
    await expect(verdict).to_be_visible()
    await picture(bob, pictures, "page")
    await bob.locator("[data-channel=C02INC]").click()
    await expect(bob.locator("#messages").get_by_text("in-cluster traffic to shop/checkout")).to_be_visible()
    service = stage.world.objects.get("services", "shop", "checkout") or {}
    assert service["metadata"]["annotations"]["kubernetes.io/elb.pass-through"] == "true"


def _card(page: Page) -> Locator:
    return page.locator("#messages article").filter(has_text="CHG-1")


async def _approve(page: Page) -> None:
    await _card(page).get_by_role("button", name="Approve").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Nobody loses access")
    await dialog.get_by_role("button", name="Approve").click()


async def _type(page: Page, text: str) -> None:
    await page.locator("#composer-input").focus()
    await page.keyboard.type(text)
    await page.keyboard.press("Escape")
    await page.keyboard.press("Enter")


async def _pictures(directory: Path) -> None:
    stage = Stage()
    try:
        url = await stage.start()
        async with chromium() as browser, watched(browser, url) as pages:
            await play(stage, pages, directory)
    finally:
        await stage.stop()


if __name__ == "__main__":
    asyncio.run(_pictures(Path(sys.argv[1])))
