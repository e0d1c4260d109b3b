from pathlib import Path

import pytest

from tests.demo.slack.browser import CHROMIUM, NO_CHROMIUM, chromium, watched
from tests.e2e.page_story import demo, play


@pytest.mark.chromium
@pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)
async def test_a_newcomer_enables_verifies_breaks_and_rolls_back(tmp_path: Path) -> None:
    """As Alice, Mallory and Bob, on the page that `make demo` shows; the browser's console stays clean."""
    stage = demo()
    try:
        url = await stage.start()
        async with chromium() as browser, watched(browser, url) as pages:
            await play(stage, pages, tmp_path)
    finally:
        await stage.stop()
