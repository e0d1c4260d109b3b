"""The next version can be made from this one, and what gets lost of it is seen."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.torture import next_version

WHOLE: dict[str, Any] = {
    "next": 1,
    "plan": {"next": 1, "how": "none"},
    "approvals": [{"next": 1, "by": "U1"}, {"next": 2, "by": "U2", "place": {"next": 2, "ts": "1"}}],
}


@pytest.mark.parametrize(
    ("after", "gone"),
    [
        (WHOLE, []),
        ({**WHOLE, "approvals": [{"by": "U3"}, *WHOLE["approvals"]]}, []),
        ({**WHOLE, "approvals": WHOLE["approvals"][1:]}, []),
        ({**WHOLE, "plan": None}, []),
        ({**WHOLE, "plan": {"how": "probe"}}, [".plan"]),
        ({name: each for name, each in WHOLE.items() if name != "next"}, ["the row"]),
        ({**WHOLE, "approvals": [{"by": "U1"}, WHOLE["approvals"][1]]}, [".approvals.0"]),
        (
            {**WHOLE, "approvals": [WHOLE["approvals"][0], {"next": 2, "by": "U2", "place": {"ts": "1"}}]},
            [".approvals.1"],
        ),
    ],
)
def test_what_gets_lost_is_seen(after: dict[str, Any], gone: list[str]) -> None:
    """At every depth; what is taken away on purpose is not lost."""
    assert next_version.lost(WHOLE, after) == gone


def test_the_next_version_knows_more_than_this_one(tmp_path: Path) -> None:
    """It is made of this very tree, and runs instead of it."""
    tree = next_version.make(tmp_path / "next")
    script = (
        "from bot.adapters.store import codec; from bot.domain.change import Phase, Place;"
        "from bot.operations.advance import advance; from bot.operations.thread import say_in_thread;"
        "print(*Phase, codec.dump(Place(channel='C', ts='1')))"
    )
    told = subprocess.run(  # noqa: S603 - our own interpreter and script
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": str(tree)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert " queued " in told.stdout
    assert '"next":' in told.stdout
