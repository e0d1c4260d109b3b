"""The repository itself: versions, lock file, Makefile, Procfile, templates."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest

from bot import __version__

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
TARGETS = ("help", "demo", "test", "check", "bench", "lock", "clean")


def text(name: str) -> str:
    """Return a file of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def canonical(name: str) -> str:
    """Return a distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def plain(requirement: str) -> str:
    """Return a requirement without white space, with its name as indexes compare it."""
    match = re.fullmatch(r"([A-Za-z0-9._-]+)(\[[a-z,]+\])?\s*(.*)", requirement)
    assert match, requirement
    return f"{canonical(match[1])}{match[2] or ''}{match[3]}"


def locked(entries: list[dict[str, object]]) -> list[str]:
    """Return requirements as the lock file recorded them."""
    return sorted(
        f"{e['name']}{'[' + ','.join(e['extras']) + ']' if 'extras' in e else ''}{e.get('specifier', '')}"  # type: ignore[arg-type]  # TOML is not typed
        for e in entries
    )


def test_the_newest_entry_of_the_changelog_is_this_version() -> None:
    """Or the changes are still unreleased."""
    headings = re.findall(r"^## (?:\[)?([^\]\s]+)", text("CHANGELOG.md"), re.MULTILINE)
    assert headings
    assert headings[0] in {__version__, "Unreleased"}


def test_the_lock_file_was_made_from_this_project_file() -> None:
    """After a change of the dependencies: make lock."""
    (own,) = (package for package in LOCK["package"] if package["name"] == "elb-passthrough")
    metadata = own["metadata"]
    extras = PROJECT["project"]["optional-dependencies"]
    wanted = [*PROJECT["project"]["dependencies"], *(each for extra in extras.values() for each in extra)]
    assert locked(metadata["requires-dist"]) == sorted(map(plain, wanted))
    assert locked(metadata["requires-dev"]["dev"]) == sorted(map(plain, PROJECT["dependency-groups"]["dev"]))


def test_pip_installs_what_uv_installs() -> None:
    """requirements-dev.txt pins the lock file's versions, all of them and no others: make lock."""
    lines = [line.partition(";")[0].strip() for line in text("requirements-dev.txt").splitlines()]
    pinned = {tuple(line.split("==")) for line in lines if line}
    versions = {
        (p["name"], p["version"])
        for p in LOCK["package"]
        if "version" in p and p["name"] != "elb-passthrough"
    }
    assert pinned == versions


def test_the_lock_file_names_public_places_only() -> None:
    """Not the mirror of whoever made it."""
    hosts = set(re.findall(r"https?://([^/\"]+)", text("uv.lock") + text("requirements-dev.txt")))
    assert hosts == {"pypi.org", "files.pythonhosted.org"}


def test_every_dependency_has_its_reason() -> None:
    """A comment above each."""
    for block in re.findall(
        r"^(?:dependencies|dev|postgres|images) = \[\n(.*?)^\]",
        text("pyproject.toml"),
        re.MULTILINE | re.DOTALL,
    ):
        lines = [line.strip() for line in block.splitlines()]
        for before, line in pairwise(lines):
            assert not line.startswith('"') or before.startswith(("#", '"')), line
        assert lines[0].startswith("#")


def test_every_exception_from_the_rules_has_its_reason() -> None:
    """In the same line: noqa and type: ignore."""
    bare = re.compile(r"#\s*(?:noqa(?::\s*[A-Z0-9, ]+)?|type:\s*ignore(?:\[[a-z, -]+\])?)\s*$", re.MULTILINE)
    places = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for folder in ("bot", "tests")
        for file in sorted((ROOT / folder).rglob("*.py"))
        for match in bare.finditer(file.read_text(encoding="utf-8"))
    ]
    assert places == []


def test_no_template_switches_escaping_off() -> None:
    """Escaping is the environment's business, not a template's."""
    templates = sorted((ROOT / "templates").rglob("*.j2"))
    assert templates
    off = re.compile(r"\|\s*safe\b|autoescape\s+false|Markup")
    assert [str(t.relative_to(ROOT)) for t in templates if off.search(t.read_text(encoding="utf-8"))] == []


def test_the_procfile_has_a_web_and_a_release_process() -> None:
    """Both are commands of ours."""
    processes = dict(re.findall(r"^([a-z]+): (.+)$", text("Procfile"), re.MULTILINE))
    assert processes == {
        "web": "HOST=0.0.0.0 elb-passthrough serve",
        "release": "elb-passthrough migrate",
    }


@pytest.mark.parametrize("target", TARGETS)
def test_every_target_is_listed_or_documented(target: str) -> None:
    """`make` alone lists what there is."""
    listed = re.search(rf"^{target}:.*## \S", text("Makefile"), re.MULTILINE)
    assert listed
    assert re.search(rf"^\.PHONY: {target}$", text("Makefile"), re.MULTILINE)


@pytest.mark.parametrize("target", ["demo", "test", "check", "bench"])
def test_the_targets_that_a_newcomer_needs_are_explained(target: str) -> None:
    """In CONTRIBUTING.md; the first two in the README as well."""
    assert f"make {target}" in text("CONTRIBUTING.md")
    assert target not in {"demo", "test"} or f"make {target}" in text("README.md")


def test_make_knows_its_targets() -> None:
    """The file is valid, and `make help` needs no installation."""
    make = shutil.which("make")
    assert make
    done = subprocess.run([make, "help"], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - our own Makefile
    assert "make demo" in done.stdout


@pytest.mark.parametrize(
    ("given", "started"),
    [([], "bot demo"), (["PORT=9000"], "bot demo --port 9000"), (["ARGS=--tour"], "bot demo --tour")],
)
def test_make_demo_takes_a_port_as_people_try_it(given: list[str], started: str) -> None:
    """Whatever else is handed on."""
    make = shutil.which("make")
    assert make
    plan = [make, "--dry-run", "demo", *given]
    # `make test` hands its own variables and its level down to every make that is started in it.
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(plan, cwd=ROOT, env=alone, capture_output=True, text=True, check=True, timeout=60)  # noqa: S603 - our own Makefile
    assert " ".join(done.stdout.splitlines()[-1].split()).endswith(f"-m {started}")


def test_the_scripts_of_the_shell_are_well_formed() -> None:
    """Bash reads .ci/run without running it."""
    bash = shutil.which("bash")
    assert bash
    subprocess.run([bash, "-n", ROOT / ".ci" / "run"], check=True, timeout=60)  # noqa: S603 - our own script


def test_every_directory_of_tests_is_a_package() -> None:
    """Else two files of the same name hide each other."""
    folders = {file.parent for file in (ROOT / "tests").rglob("test_*.py")}
    assert [str(f.relative_to(ROOT)) for f in sorted(folders) if not (f / "__init__.py").is_file()] == []


def test_no_module_is_for_odds_and_ends() -> None:
    """One module, one noun."""
    vague = {"utils", "util", "helpers", "helper", "common", "manager", "misc", "base"}
    assert [str(f.relative_to(ROOT)) for f in (ROOT / "bot").rglob("*.py") if f.stem in vague] == []


def test_the_interpreter_is_one_that_is_promised() -> None:
    """`requires-python`."""
    assert PROJECT["project"]["requires-python"] == ">=3.11"
    assert sys.version_info >= (3, 11)
