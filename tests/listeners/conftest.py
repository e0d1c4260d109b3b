"""An office that is open, over HTTP unless a test says otherwise."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.listeners.office import Office


@pytest.fixture
def options() -> dict[str, Any]:
    """What a test changes about its office."""
    return {}


@pytest.fixture
async def office(tmp_path: Path, options: dict[str, Any]) -> AsyncIterator[Office]:
    """The office, open for as long as the test runs."""
    made = Office(tmp_path, **options)
    await made.open()
    try:
        yield made
        assert [trouble for trouble in made.slack.faults.pending() if not trouble.met] == []
    finally:
        await made.close()
