from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.words import CLOSE, OPEN, counted, duration, linked, moment, people, person, unmarked


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (0.4, "0 s"),
        (45, "45 s"),
        (60, "1 min"),
        (90, "1 min"),
        (3600, "1 h"),
        (4800, "1 h 20 min"),
        (86400 + 3600, "1 d 1 h"),
        (9 * 86400 + 60, "9 d 1 min"),
    ],
)
def test_a_length_of_time_has_at_most_two_units(seconds: float, words: str) -> None:
    """The largest ones; seconds only where there is nothing else."""
    assert duration(seconds) == words


def test_a_moment_is_hours_and_minutes() -> None:
    """The zone is the caller's to say."""
    assert moment(datetime(2026, 3, 2, 4, 5, tzinfo=UTC)) == "04:05"


@pytest.mark.parametrize(("count", "words"), [(0, "0 Services"), (1, "1 Service"), (2, "2 Services")])
def test_one_is_not_many(count: int, words: str) -> None:
    """An s, unless another plural is given."""
    assert counted(count, "Service") == words
    assert counted(count, "class", "classes") == words.replace("Services", "classes").replace(
        "Service", "class"
    )


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        ([], ""),
        (["*"], "everybody"),
        (["bot"], "elb-passthrough"),
        (["U0A"], f"{OPEN}U0A{CLOSE}"),
        (["U0A", "S0B"], f"{OPEN}U0A{CLOSE} or {OPEN}S0B{CLOSE}"),
        (["U0A", "U0B", "U0C"], f"{OPEN}U0A{CLOSE}, {OPEN}U0B{CLOSE} or {OPEN}U0C{CLOSE}"),
    ],
)
def test_people_are_named_in_a_sentence(ids: list[str], words: str) -> None:
    """Marked, so that the renderer makes mentions of them."""
    assert people(ids) == words


@given(st.text())
def test_only_ids_of_slack_are_marked(text: str) -> None:
    """Anything else stays text."""
    marked = person(text)
    assert marked in {text, f"{OPEN}{text}{CLOSE}", "everybody", "elb-passthrough"}
    assert marked == text or text in {"*", "bot"} or text.isascii()


def test_a_name_leads_to_a_page_where_there_is_one() -> None:
    """Else it is a name."""
    assert linked("https://x.test/y", "CHG-1") == f"{OPEN}https://x.test/y|CHG-1{CLOSE}"
    assert linked("", "CHG-1") == linked("javascript:x", "CHG-1") == "CHG-1"


@given(st.text(st.characters() | st.sampled_from([OPEN, CLOSE])))
def test_text_from_outside_loses_its_marks_and_nothing_else(text: str) -> None:
    """No mention can be smuggled in."""
    clean = unmarked(text)
    assert OPEN not in clean
    assert CLOSE not in clean
    assert clean == "".join(each for each in text if each not in {OPEN, CLOSE})
