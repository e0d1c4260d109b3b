"""Whatever stands in the file, the answer is settings or sentences."""

import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.config import ConfigurationError, load
from tests.config.test_loading import KUBECONFIG, SLACK, WHOLE

LINES = WHOLE.splitlines()
SCRAPS = [
    "[",
    "]",
    "{",
    "}",
    ":",
    "- ",
    "&a ",
    "*a",
    "!!binary ",
    "|",
    ">",
    "null",
    "~",
    "0x1F",
    ".inf",
    "\t",
    "#",
    "\u2028",
    "'",
    '"',
]


def attempt(home: Path, text: str) -> tuple[str, ...]:
    """Load a text; return the problems."""
    (home / "kubeconfig").write_text(KUBECONFIG)
    (home / "templates").mkdir(exist_ok=True)
    (home / "elb-passthrough.yaml").write_text(text, encoding="utf-8")
    try:
        load({**SLACK, "KUBECONFIG": str(home / "kubeconfig"), "HOME": str(home)}, home)
    except ConfigurationError as error:
        return error.problems
    return ()


def check(problems: tuple[str, ...]) -> None:
    """Every problem is one sentence that says where."""
    assert all(p.startswith(("elb-passthrough.yaml", "no cluster")) and "\n" not in p for p in problems), (
        problems
    )


@given(st.data())
@settings(max_examples=60)
def test_a_damaged_file_is_answered_in_sentences(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Lines lost, doubled, swapped, and scraps of YAML strewn in."""
    home = tmp_path_factory.mktemp("damaged")
    chance = random.Random(data.draw(st.integers(0, 2**32)))  # noqa: S311 - no secret depends on it
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 6))):
        at = chance.randrange(len(lines))
        match chance.randrange(4):
            case 0:
                del lines[at]
            case 1:
                lines.insert(at, lines[chance.randrange(len(lines))])
            case 2:
                cut = chance.randrange(len(lines[at]) + 1)
                lines[at] = lines[at][:cut] + chance.choice(SCRAPS) + lines[at][cut:]
            case _:
                lines[at] = lines[at][:-1] if lines[at] else "x"
    check(attempt(home, "\n".join(lines)))


@given(st.text(st.characters(codec="utf-8"), max_size=200))
@settings(max_examples=60)
def test_any_text_is_answered_in_sentences(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    """Also what is no YAML at all."""
    check(attempt(tmp_path_factory.mktemp("text"), text))
