"""Reading payloads: whatever is missing or of another type is an empty string, never an exception."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.listeners import payload
from bot.operations.caller import Caller

KEYS = st.sampled_from(
    [
        "user",
        "user_id",
        "id",
        "team",
        "team_id",
        "channel",
        "container",
        "message",
        "message_ts",
        "thread_ts",
        "ts",
        "event",
        "text",
        "bot_id",
        "authorizations",
        "view",
        "private_metadata",
        "state",
        "values",
        "actions",
        "caller",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=6),
    max_leaves=20,
)
READERS = (
    payload.command_caller,
    payload.action_caller,
    payload.mention_caller,
    payload.shortcut_caller,
    payload.submission_caller,
)


@given(st.dictionaries(KEYS, JSON))
def test_no_payload_makes_the_reading_fail(body: dict[str, Any]) -> None:
    """Everything read is text that a database takes."""
    for read in READERS:
        caller = read(body)
        assert all(isinstance(value, str) for value in caller.as_json().values())
    said = (payload.command_text(body), payload.mention_text(body), payload.chosen(body, "service"))
    assert all("\x00" not in text for text in said)
    assert isinstance(payload.metadata(body), dict)
    assert len(payload.delivery(body)) == 32


@given(st.text(alphabet=st.characters(codec=None)))
def test_text_can_be_stored_whatever_it_was(said: str) -> None:
    """No NUL, no half of a surrogate pair; the rest is as it was."""
    read = payload.text({"text": said}, "text")
    assert "\x00" not in read
    assert read.encode("utf-8").decode("utf-8") == read
    assert payload.text({"text": "naïve ☃ 日本"}, "text") == "naïve ☃ 日本"


def test_a_delivery_is_named_by_what_is_its_own() -> None:
    """An event by its id, anything else as a whole: a trigger_id alone may stand on more than one."""
    event = payload.delivery({"a": 1}, "Ev1")
    assert event == payload.delivery({"a": 2}, "Ev1") != payload.delivery({"a": 1}, "Ev2")
    form = {"trigger_id": "1.2.3", "text": "list"}
    assert payload.delivery(form) == payload.delivery(dict(form)) != payload.delivery(form | {"text": "help"})
    assert "Ev1" not in event


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("<@U00BOT> status shop/checkout", "status shop/checkout"),
        ("<@U00BOT>: status shop/checkout", "status shop/checkout"),
        ("hey <@U00BOT>, status shop/checkout", "status shop/checkout"),
        ("<@U01ALICE> ask <@U00BOT|bot> help", "help"),
        ("status shop/checkout <@U00BOT>", "status shop/checkout"),
        ("<@U00BOT> enable a/b errors &amp; &lt;pain&gt;", "enable a/b errors & <pain>"),
        (
            "<@U00BOT> enable a/b see <https://x.example/y|the page> in <#C1|ops>",
            "enable a/b see the page in ops",
        ),
        ("<@U00BOT>", ""),
        ("no mention", "no mention"),
        ("", ""),
    ],
)
def test_what_is_said_to_the_bot_follows_its_name(event: str, said: str) -> None:
    """Or goes before it, where nothing follows."""
    body = {"authorizations": [{"user_id": "U00BOT"}], "event": {"text": event}}
    assert payload.mention_text(body) == said


def test_a_click_in_a_thread_is_in_that_thread() -> None:
    """One on the message that the thread hangs on is in the channel."""
    container = {"message_ts": "2.2", "thread_ts": "1.1", "channel_id": "C1"}
    assert payload.action_caller({"container": container}).thread == "1.1"
    assert payload.action_caller({"container": {**container, "message_ts": "1.1"}}).thread == ""
    assert payload.action_caller({"message": {"ts": "2.2", "thread_ts": "1.1"}}).thread == "1.1"


def test_who_submits_is_who_slack_says() -> None:
    """Never what the modal remembers."""
    caller = Caller(user="U99", team="T99", channel="C1", thread="1.1", response_url="https://x")
    view = {"private_metadata": json.dumps({"caller": caller.as_json()})}
    read = payload.submission_caller({"user": {"id": "U1", "team_id": "T1"}, "view": view})
    assert (read.user, read.team, read.channel, read.thread) == ("U1", "T1", "C1", "1.1")


def test_a_reason_is_kept_to_its_length_and_without_control_characters() -> None:
    """Line breaks stay."""
    assert payload.reason(" a\x07b\nc ") == "ab\nc"
    assert len(payload.reason("x" * 5000)) == payload.REASON_LIMIT
    assert payload.reason("x" * 5000).endswith("x…")
    assert payload.reason("x" * payload.REASON_LIMIT) == "x" * payload.REASON_LIMIT
