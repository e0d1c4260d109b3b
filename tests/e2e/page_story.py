"""The whole story clicked through in a real browser as Alice, Mallory and Bob.

`python -m tests.e2e.page_story DIRECTORY` plays it and writes the pictures of the README (`make pictures`).
"""

import asyncio
import re
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import Locator, Page, expect

from bot.demo.knobs import KEY
from bot.demo.stage import Stage
from bot.demo.traps import TRIALS, clusters
from tests.demo.slack.browser import Watched, chromium, picture, watched

SMALL = 200
MEASURED_WITHIN = 90_000
"""Milliseconds; the whole verification, on a busy machine."""


async def play(stage: Stage, browser: Watched, pictures: Path) -> None:
    """From a page that says nothing but what to try first, to a change that was rolled back."""
    alice = await browser.page()
    await _ask(alice, pictures)
    await _propose(alice, pictures)
    bob = await _approve(browser, alice, pictures)
    await _break_and_verify(alice, bob, pictures)
    await _roll_back(stage, bob, pictures)


async def _ask(alice: Page, pictures: Path) -> None:
    """Alice presses the first thing that the page offers, and has the answer drawn."""
    await picture(alice, pictures, "welcome")
    await alice.get_by_role("button", name="/elb-passthrough status shop/checkout").click()
    await alice.keyboard.press("Enter")
    answer = alice.locator("#messages article").filter(has_text="in-cluster clients bypass the load balancer")
    await expect(answer).to_be_visible()
    await expect(answer.get_by_text("Only visible to you")).to_be_visible()
    await picture(alice, pictures, "status")
    await answer.get_by_role("button", name="Diagram").click()
    await expect(alice.locator("[data-channel=D01ALICE] .badge")).to_have_text("1")
    await alice.locator("[data-channel=D01ALICE]").click()
    drawn = alice.locator("#messages .file img")
    await expect(drawn).to_have_js_property("complete", value=True)
    assert await drawn.evaluate("node => node.naturalWidth") > SMALL
    await picture(alice, pictures, "diagram")
    await alice.locator("[data-channel=C01OPS]").click()


async def _propose(alice: Page, pictures: Path) -> None:
    """She presses the button of the answer; the card is for everybody."""
    answer = alice.locator("#messages article").filter(has_text="in-cluster clients bypass the load balancer")
    await answer.get_by_role("button", name="Propose pass-through").click()
    await expect(_card(alice, 1)).to_contain_text("Proposed")
    await picture(alice, pictures, "card")


async def _approve(browser: Watched, alice: Page, pictures: Path) -> Page:
    """Mallory may not, Bob may; all three see the same card change, and its thread the proof."""
    mallory = await browser.page("U03MALLORY")
    await _press(_card(mallory, 1), "Approve")
    refusal = mallory.locator("#messages").get_by_text("You may not approve changes here.")
    await expect(refusal).to_be_visible()
    await picture(mallory, pictures, "refused")
    bob = await browser.page("U02BOB")
    await _press(_card(bob, 1), "Approve")
    await expect(_card(alice, 1)).to_contain_text("Succeeded", timeout=MEASURED_WITHIN)
    await expect(_card(mallory, 1).get_by_role("button", name="Approve")).to_have_count(0)
    await _card(bob, 1).get_by_role("button", name="replies").click()
    verdict = bob.locator("#thread-messages article").filter(has_text="Succeeded: in-cluster traffic")
    await expect(verdict).to_be_visible()
    await expect(bob.locator("#thread-messages .file img")).to_have_js_property("complete", value=True)
    await verdict.evaluate("node => node.scrollIntoView({block: 'start'})")
    await picture(bob, pictures, "page")
    table = verdict.locator(".table-wrap")
    assert await table.evaluate("node => node.scrollWidth - node.clientWidth") == 0, "the table is cut off"
    return bob


async def _break_and_verify(alice: Page, bob: Page, pictures: Path) -> None:
    """A node forgets what it was told; the same measurement says so, and which node it is."""
    forgets = bob.get_by_role("switch", name="kube-proxy forgets pass-through")
    await forgets.click()
    await expect(forgets).to_be_checked()
    await expect(alice.get_by_role("switch", name="kube-proxy forgets pass-through")).to_be_checked()
    await alice.get_by_role("button", name="Verify now").first.click()
    run = alice.locator("#messages article").filter(has_text="the verification of shop/checkout")
    await expect(run).to_contain_text("Failed", timeout=MEASURED_WITHIN)
    await run.get_by_role("button", name="replies, last").or_(run.locator(".replies")).first.click()
    verdict = alice.locator("#thread-messages article").filter(has_text="Failed: pod on a node")
    await expect(verdict).to_contain_text("192.168.0.14")
    await picture(alice, pictures, "failed")


async def _roll_back(stage: Stage, bob: Page, pictures: Path) -> None:
    """Bob takes the change back where he reads that it fails; the annotation is gone, and that is measured as well."""
    failure = bob.locator("#messages article:not(.whisper)").filter(has_text="Failed: pod on a node")
    await _press(failure, "Roll back…")
    await expect(_card(bob, 2)).to_contain_text("Succeeded", timeout=MEASURED_WITHIN)
    await picture(bob, pictures, "rolled-back")
    await bob.locator("[data-channel=C02INC]").click()
    await expect(
        bob.locator("#messages").get_by_text("in-cluster traffic to shop/checkout").first
    ).to_be_visible()
    service = stage.world.objects.get("services", "shop", "checkout") or {}
    assert KEY not in service["metadata"]["annotations"]


def _card(page: Page, number: int) -> Locator:
    """The card of a change; another one's may name it below its first line."""
    return page.locator("#messages article:not(.whisper)").filter(
        has=page.locator(".block").first.filter(has_text=f"CHG-{number}")
    )


async def _press(card: Locator, label: str) -> None:
    """Press a button, and say yes to its question."""
    await card.get_by_role("button", name=label, exact=True).click()
    dialog = card.page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    await dialog.get_by_role("button", name=label.rstrip("…")).click()
    await expect(dialog).to_have_count(0)


def demo() -> Stage:
    """The stage of `make demo`."""
    first, *others = clusters()
    return Stage(scenario=first, others=others, trials=TRIALS, patience=60.0)


async def _play(pictures: Path) -> None:
    stage = demo()
    try:
        url = await stage.start()
        async with chromium() as browser, watched(browser, url) as pages:
            await play(stage, pages, pictures)
    finally:
        await stage.stop()


def draw(directory: Path) -> None:
    """Play the story, and keep the pictures that the README shows."""
    shown = re.findall(r"\(docs/(\w+)\.png\)", Path("README.md").read_text("utf-8"))
    with tempfile.TemporaryDirectory() as drawn:
        asyncio.run(_play(Path(drawn)))
        for name in shown:
            shutil.copy(Path(drawn) / f"{name}.png", directory)


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
