"""docs/configuration.md and the schema say the same."""

import re
from pathlib import Path
from typing import Any

import pytest

from bot.config import schema
from bot.config.document import Place
from bot.config.environment import VARIABLES
from bot.config.reader import Section
from bot.config.settings import PROBE_IMAGE, ClusterSettings
from bot.domain.approval import REFUSED_BY_DEFAULT

PAGE = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")


def never(*_: object) -> Any:
    """Stand for what the caller of the schema reads."""
    raise AssertionError


def read_cluster(name: str, at: Place) -> ClusterSettings:
    """Stand for the caller's reader of clusters."""
    return schema.CLUSTER.made(at, name=name)


SECTIONS: dict[str, Section[Any]] = {
    "The top": schema.file_section(read_cluster, never),
    "`patches`": schema.PATCHES,
    "`clusters.NAME`": schema.CLUSTER,
    "`clusters.NAME.cloud`": schema.CLOUD,
    "`clusters.NAME.verification`": schema.VERIFICATION,
    "`policies[]`": schema.POLICY,
    "`policies[].freeze[]`": schema.WINDOW,
    "`incidents`": schema.INCIDENTS,
    "`incidents.quiet[]`": schema.QUIET,
    "`incidents.routes[]`": schema.ROUTE,
    "`incidents.weekly`": schema.WEEKLY,
}


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the table under a heading."""
    _, _, below = PAGE.partition(f"{heading}\n")
    table = re.search(r"\|---.*\n((?:\|.*\n)+)", below)
    assert table, heading
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[1].splitlines()]


@pytest.mark.parametrize("heading", SECTIONS)
def test_every_key_is_documented_with_its_default(heading: str) -> None:
    """In the schema's order, and no key that does not exist."""
    documented = [(cells[0].strip("`"), cells[1]) for cells in rows(f"### {heading}")]
    version = PROBE_IMAGE.rpartition(":")[2]
    assert documented == [
        (key.name, key.default.replace(version, "VERSION")) for key in SECTIONS[heading].keys
    ]


def test_every_section_of_the_page_is_compared() -> None:
    """A new heading must not slip by."""
    assert set(re.findall(r"^### (.*)$", PAGE, re.MULTILINE)) == set(SECTIONS)


def test_every_variable_is_documented_with_its_default() -> None:
    """And whether a file may hold it."""
    documented = [
        (cells[0].strip("`"), cells[1], cells[2] == "secret") for cells in rows("## Environment variables")
    ]
    assert documented == [(each.name, each.default, each.secret) for each in VARIABLES]


def test_every_key_has_a_meaning() -> None:
    """No empty cell at the end of a row."""
    assert [row for heading in SECTIONS for row in rows(f"### {heading}") if not row[-1]] == []


def test_every_code_that_refuses_by_default_is_documented() -> None:
    """And no other."""
    documented = {cells[0].strip("`") for cells in rows("## What always refuses a proposal")}
    assert documented == REFUSED_BY_DEFAULT
