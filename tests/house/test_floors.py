"""The floors of docs/architecture.md are held by a machine: breaking one on purpose makes the check fail."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Give a copy of the package, small enough to be broken."""
    ignore = shutil.ignore_patterns("__pycache__", "*.html", "*.css", "*.js")
    shutil.copytree(ROOT / "bot", tmp_path / "bot", ignore=ignore)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def lint(where: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on a copy."""
    script = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(  # noqa: S603 - the environment's own linter
        [sys.executable, script, "--no-cache"],
        cwd=where,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_floors_hold(copy: Path) -> None:
    """As they stand."""
    done = lint(copy)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("domain/policy.py", "import bot.ports", "Floors: imports point down only"),
        ("domain/policy.py", "import asyncio", "The domain knows the standard library's values only"),
        ("operations/__init__.py", "import sqlalchemy", "Operations reach the world through ports only"),
        ("operations/__init__.py", "import bot.adapters.store", "Floors: imports point down only"),
        ("adapters/cloud/__init__.py", "import bot.adapters.store.tables", "Adapters do not know each other"),
        ("ports/jobs.py", "import jinja2", "Only render knows Jinja"),
        (
            "demo/__init__.py",
            "import bot.domain.policy",
            "The simulated world speaks to the bot over the wire only",
        ),
        ("listeners/__init__.py", "import kubernetes", "Listeners do not reach the world themselves"),
    ],
)
def test_a_broken_floor_is_noticed(copy: Path, file: str, line: str, contract: str) -> None:
    """Each contract fails for an import that it forbids."""
    path = copy / "bot" / file
    path.write_text(f"{path.read_text(encoding='utf-8')}\n{line}\n", encoding="utf-8")
    done = lint(copy)
    assert done.returncode != 0
    assert f"{contract} BROKEN" in done.stdout


def test_a_module_without_a_floor_is_noticed(copy: Path) -> None:
    """A newcomer must say where it belongs."""
    (copy / "bot" / "newcomer.py").touch()
    done = lint(copy)
    assert done.returncode != 0
    assert "newcomer" in done.stdout
