"""The validators find what Slack would refuse: each of these messages and views has one fault."""

from typing import Any

import pytest

from tests.render.validators import faults

Json = dict[str, Any]


def plain(text: str) -> Json:
    """A plain text."""
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str) -> Json:
    """A text with marks."""
    return {"type": "mrkdwn", "text": text}


def section(text: str = "fine", **more: Any) -> Json:
    """A section."""
    return {"type": "section", "text": mrkdwn(text), **more}


def button(**more: Any) -> Json:
    """A button, right but for what is given."""
    return {"type": "button", "action_id": "a", "value": "v", "text": plain("Press"), **more}


def actions(*elements: Json) -> Json:
    """A row of elements."""
    return {"type": "actions", "elements": list(elements)}


def select(*options: Json) -> Json:
    """A menu."""
    return {"type": "static_select", "action_id": "s", "placeholder": plain("Choose"), "options": [*options]}


def option(value: str = "v") -> Json:
    """An entry of a menu."""
    return {"text": plain("entry"), "value": value}


def confirm(**more: Any) -> Json:
    """A dialog."""
    return {
        "title": plain("Sure?"),
        "text": mrkdwn("Really"),
        "confirm": plain("Yes"),
        "deny": plain("No"),
    } | more


def table(rows: int, columns: int, text: str = "x") -> Json:
    """A table."""
    return {"type": "table", "rows": [[{"type": "raw_text", "text": text}] * columns] * rows}


def modal(*blocks: Json, **more: Any) -> Json:
    """A modal, right but for what is given."""
    return {"type": "modal", "callback_id": "c", "title": plain("Title"), "blocks": list(blocks)} | more


FIELD: Json = {
    "type": "input",
    "block_id": "b",
    "label": plain("Name"),
    "element": {"type": "plain_text_input", "action_id": "i"},
}
RIGHT = [
    section(),
    {"type": "header", "text": plain("Heading")},
    actions(button(confirm=confirm(), style="danger")),
    actions(select(option(), option("w"))),
    table(100, 20),
    {"type": "context", "elements": [mrkdwn("small")]},
]
WRONG = {
    "a section's text": section("x" * 3001),
    "an empty section": {"type": "section"},
    "an empty text": section(" "),
    "a header's text": {"type": "header", "text": plain("x" * 151)},
    "a button's value": actions(button(value="x" * 2001)),
    "a button's text": actions(button(text=plain("x" * 76))),
    "a button's style": actions(button(style="loud")),
    "26 elements": actions(*(button(action_id=f"a{n}") for n in range(26))),
    "no elements": actions(),
    "one action twice": actions(button(), button()),
    "11 fields": {"type": "section", "fields": [mrkdwn("x")] * 11},
    "a field's text": {"type": "section", "fields": [mrkdwn("x" * 2001)]},
    "11 context elements": {"type": "context", "elements": [mrkdwn("x")] * 11},
    "a confirm's text": actions(button(confirm=confirm(text=mrkdwn("x" * 301)))),
    "a confirm's title": actions(button(confirm=confirm(title=plain("x" * 101)))),
    "a confirm's word": actions(button(confirm=confirm(deny=plain("x" * 31)))),
    "101 options": actions(select(*(option(str(n)) for n in range(101)))),
    "an option's value": actions(select(option("x" * 151))),
    "an unknown block": {"type": "surprise"},
    "an unknown element": actions({"type": "surprise", "action_id": "a"}),
    "an unknown key": section(colour="red"),
    "an unknown rich text": {"type": "rich_text", "elements": [{"type": "surprise", "elements": []}]},
    "101 rows": table(101, 2),
    "21 columns": table(2, 21),
    "rows of two lengths": {"type": "table", "rows": [table(1, 1)["rows"][0], table(1, 2)["rows"][0]]},
    "a table's text": table(20, 6, "x" * 100),
    "an alert": {"type": "alert", "level": "info", "text": mrkdwn("mind")},
    "a picture without words": {"type": "image", "image_url": "https://x.test/a.png", "alt_text": ""},
}


@pytest.mark.parametrize("block", RIGHT, ids=lambda block: str(block["type"]))
def test_what_is_right_is_not_refused(block: Json) -> None:
    """Up to the limits."""
    assert faults({"text": "A sentence.", "blocks": [block]}) == []


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_block_is_found(name: str) -> None:
    """By one of the two, whichever."""
    assert faults({"text": "A sentence.", "blocks": [WRONG[name]]})


@pytest.mark.parametrize(
    "message",
    [
        {"text": "", "blocks": [section()]},
        {"text": "x" * 4001, "blocks": [section()]},
        {"text": "x", "blocks": [section()] * 51},
        {"text": "x", "blocks": [section("x" * 2900)] * 5},
        {"text": "x", "blocks": [table(2, 2), table(2, 2)]},
        {"text": "x", "blocks": [section(block_id="b"), section(block_id="b")]},
    ],
    ids=["no sentence", "a long sentence", "51 blocks", "too much", "two tables", "one id twice"],
)
def test_a_wrong_message_is_found(message: Json) -> None:
    """Though each of its blocks is right."""
    assert faults(message)


@pytest.mark.parametrize(
    "view",
    [
        modal(FIELD),
        modal(section(), title=plain("x" * 25)),
        modal(*[section()] * 101),
        modal(section(), private_metadata="x" * 3001),
        modal(table(2, 2)),
        modal({**FIELD, "element": {**FIELD["element"], "colour": "red"}}, submit=plain("Go")),
        {"type": "home", "blocks": [{"type": "markdown", "text": "x"}]},
        {"type": "home", "blocks": [section()], "colour": "red"},
    ],
    ids=[
        "no submit", "a title", "101 blocks", "metadata", "a table", "an unknown key", "markdown", "a view's key",
    ],
)  # fmt: skip
def test_a_wrong_view_is_found(view: Json) -> None:
    """On the surface that it is for."""
    assert faults(view)


def test_a_right_view_is_not_refused() -> None:
    """With a field and a way to submit it."""
    assert faults(modal(FIELD, submit=plain("Go"))) == []
