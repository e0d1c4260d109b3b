"""Forms: what people choose, in Slack's spelling."""

from typing import Any

import pytest

from bot.demo.slack import form
from tests.demo.slack.sample import ask, option, plain

Json = dict[str, Any]
SELECT: Json = {"type": "static_select", "action_id": "a", "options": [option("one"), option("two")]}
MANY: Json = {**SELECT, "type": "multi_static_select", "initial_options": [option("two")]}
GROUPS: Json = {
    "type": "static_select",
    "action_id": "a",
    "option_groups": [{"label": plain("g"), "options": [option("one")]}],
}


@pytest.mark.parametrize(
    ("element", "raw", "expected"),
    [
        (SELECT, "one", {"type": "static_select", "selected_option": option("one")}),
        (SELECT, option("two"), {"type": "static_select", "selected_option": option("two")}),
        (SELECT, None, {"type": "static_select", "selected_option": None}),
        (GROUPS, "one", {"type": "static_select", "selected_option": option("one")}),
        (MANY, ["one"], {"type": "multi_static_select", "selected_options": [option("one")]}),
        (MANY, "one", {"type": "multi_static_select", "selected_options": [option("one")]}),
        (MANY, None, {"type": "multi_static_select", "selected_options": []}),
        ({"type": "datepicker"}, "2026-01-01", {"type": "datepicker", "selected_date": "2026-01-01"}),
        ({"type": "users_select"}, "U01ALICE", {"type": "users_select", "selected_user": "U01ALICE"}),
    ],
)
def test_a_choice_is_spelt_as_slack_spells_it(element: Json, raw: Any, expected: Json) -> None:
    """By value, by text or as a whole option; one or many."""
    assert form.selection(element, raw) == expected


def test_what_is_not_offered_cannot_be_chosen() -> None:
    """In an external select only what a type-ahead gave, or a whole option."""
    external = {"type": "external_select", "action_id": "a"}
    with pytest.raises(LookupError):
        form.selection(SELECT, "three")
    with pytest.raises(LookupError):
        form.selection(external, "shop/checkout")
    offered = {"shop/checkout": option("shop/checkout")}
    assert form.selection(external, "shop/checkout", offered)["selected_option"] == option("shop/checkout")
    assert form.selection(external, option("typed"))["selected_option"] == option("typed")


def blocks(*items: Json) -> list[Json]:
    """Return the elements in one actions block."""
    return [
        {
            "type": "actions",
            "block_id": "b",
            "elements": [{**item, "action_id": f"a{n}"} for n, item in enumerate(items)],
        }
    ]


def test_what_nobody_touched_keeps_its_initial_value() -> None:
    """Also beside an element of the same block in which something was entered."""
    found = form.values(blocks(SELECT, MANY), {"b": {"a0": "one"}}, {})
    assert found["b"]["a0"]["selected_option"] == option("one")
    assert found["b"]["a1"]["selected_options"] == [option("two")]


def test_what_was_entered_before_is_kept() -> None:
    """Until it is entered again."""
    kept = form.values(blocks(SELECT, MANY), {"a0": "one", "a1": []}, {})
    assert form.values(blocks(SELECT, MANY), {}, {}, kept) == kept
    assert form.values(blocks(SELECT, MANY), {"a0": "two"}, {}, kept)["b"]["a0"]["selected_option"] == option(
        "two"
    )


def test_an_entry_for_no_input_is_refused() -> None:
    """A driver's slip of the pen does not pass in silence."""
    with pytest.raises(LookupError, match="nowhere"):
        form.values(ask()["blocks"], {"nowhere": "x"}, {})


@pytest.mark.parametrize(
    ("element", "raw", "expected"),
    [
        ({"min_length": 3}, "ab", "Please enter at least 3 characters."),
        ({"max_length": 3}, "abcd", "Please enter at most 3 characters."),
        ({}, "x" * 3001, "Please enter at most 3000 characters."),
        ({}, None, form.REQUIRED),
        ({}, "abc", None),
    ],
)
def test_slack_itself_asks_for_what_an_input_requires(
    element: Json, raw: str | None, expected: str | None
) -> None:
    """Before the app hears anything."""
    body = {"type": "plain_text_input", "action_id": "a", **element}
    inputs = [{"type": "input", "block_id": "b", "label": plain("l"), "element": body}]
    found = form.mistakes(inputs, form.values(inputs, {"b": raw}, {}))
    assert found.get("b") == expected
    assert form.mistakes([{**inputs[0], "optional": True}], form.values(inputs, {}, {})) == {}
