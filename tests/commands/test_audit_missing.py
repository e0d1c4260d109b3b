from pathlib import Path

import pytest

from bot.__main__ import main


@pytest.mark.parametrize("action", ["verify", "export"])
def test_a_log_that_is_not_there_is_not_called_whole(
    action: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the wrong directory: one sentence, status 2, and no database is made."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATABASE_URL", raising=False)
    assert main(["audit", action]) == 2
    assert "there is no database at" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
