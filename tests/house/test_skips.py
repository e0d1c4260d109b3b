"""Where nothing may be skipped, a skip is a failure."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CONFTEST = Path(__file__).parents[1] / "conftest.py"
SUITE = {
    "test_inside.py": "import pytest\ndef test_it():\n    pytest.skip('no Chromium')\n",
    "test_marked.py": "import pytest\n@pytest.mark.skipif(True, reason='no server')\ndef test_it(): ...\n",
    "test_whole.py": "import pytest\npytest.importorskip('no_such_module')\n",
    "test_expected.py": "import pytest\n@pytest.mark.xfail(reason='known')\ndef test_it():\n    assert False\n",
    "test_good.py": "def test_it(): ...\n",
}


def run(folder: Path, *, strict: bool, only: str = "") -> subprocess.CompletedProcess[str]:
    """Run a suite that skips in every way there is, or one file of it."""
    shutil.copy(CONFTEST, folder / "conftest.py")
    for name, content in SUITE.items():
        (folder / name).write_text(content)
    environ = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "COV", "ELB_PASSTHROUGH"))}
    return subprocess.run(  # noqa: S603 - pytest itself
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", folder, folder / only],
        cwd=folder,
        env={
            **environ,
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            **({"ELB_PASSTHROUGH_NO_SKIPS": "1"} if strict else {}),
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_skip_is_a_skip_on_a_machine_that_lacks_something(tmp_path: Path) -> None:
    """Nobody has to install Chromium."""
    done = run(tmp_path, strict=False)
    assert done.returncode == 0, done.stdout
    assert "1 passed, 3 skipped, 1 xfailed" in done.stdout


@pytest.mark.parametrize(
    ("file", "reason"),
    [
        ("test_inside.py", "no Chromium"),
        ("test_marked.py", "no server"),
        ("test_whole.py", "could not import 'no_such_module'"),
    ],
)
def test_a_skip_is_a_failure_where_nothing_may_be_skipped(tmp_path: Path, file: str, reason: str) -> None:
    """By whatever means it was skipped; the reason is told."""
    done = run(tmp_path, strict=True, only=file)
    assert done.returncode != 0
    assert "skipped, where nothing may be skipped: " in done.stdout
    assert reason in done.stdout


def test_what_is_expected_to_fail_is_no_skip(tmp_path: Path) -> None:
    """It has another name in the report."""
    assert run(tmp_path, strict=True, only="test_expected.py").returncode == 0
