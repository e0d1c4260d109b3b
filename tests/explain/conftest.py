"""The command as a fixture."""

from pathlib import Path

import pytest

from tests.explain.command import Explain


@pytest.fixture
def explain(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Explain:
    """`elb-passthrough explain` in this process."""
    return Explain(tmp_path, capsys, monkeypatch)
