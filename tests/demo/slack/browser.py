"""A real Chromium, looked at for complaints: console errors, page errors, requests to other hosts."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.async_api import Browser, ConsoleMessage, Page, Request, async_playwright, expect

# None of these is needed for the page; they keep a headless browser quiet and off the network.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE = 60_000.0  # milliseconds: a busy machine is not a broken page
NO_CHROMIUM = "Chromium is not installed (Debian: apt-get install chromium)"


class Watched:
    """A browser whose pages are watched."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._browser = browser
        self._url = url
        self.complaints: list[str] = []

    async def page(
        self,
        user: str = "",
        channel: str = "C01OPS",
        scheme: Literal["light", "dark"] = "light",
        *,
        width: int = 1440,
        zone: str = "UTC",
        lawless: bool = False,
    ) -> Page:
        """Open the workspace, as somebody where one is named, and wait until it is there.

        A `lawless` page does not keep its own content security policy.
        """
        context = await self._browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=scheme,
            timezone_id=zone,
            bypass_csp=lawless,
        )
        context.set_default_timeout(PATIENCE)
        page = await context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.complaints.append(f"page error: {error}"))
        page.on("request", self._request)
        await page.goto(f"{self._url}/?as={user}&channel={channel}" if user else self._url)
        await page.wait_for_selector("html[data-ready]")
        return page

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(f"console: {message.text}")

    def _request(self, request: Request) -> None:
        if urlsplit(request.url).netloc != urlsplit(self._url).netloc and not request.url.startswith("data:"):
            self.complaints.append(f"request to another host: {request.url}")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """Start the browser."""
    expect.set_options(timeout=PATIENCE)
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield browser
        await browser.close()


@asynccontextmanager
async def watched(browser: Browser, url: str) -> AsyncIterator[Watched]:
    """Watch a browser's pages on the workspace at `url`; there must be no complaint in the end."""
    found = Watched(browser, url)
    yield found
    for context in browser.contexts:
        await context.close()
    assert found.complaints == []


async def picture(page: Page, folder: Path, name: str) -> Path:
    """Keep a picture of the page, in the artefacts' folder where one is named."""
    kept = Path(os.environ.get("ELB_PASSTHROUGH_PICTURES") or folder) / f"{name}.png"
    await page.wait_for_function("[...document.images].every(image => image.complete)")
    await page.screenshot(path=kept, animations="disabled")
    return kept


async def type_line(page: Page, text: str, where: str = "#composer-input") -> None:
    """Write a line and send it, by keyboard."""
    await page.locator(where).focus()
    await page.keyboard.type(text)
    await page.keyboard.press("Escape")
    await page.keyboard.press("Enter")
