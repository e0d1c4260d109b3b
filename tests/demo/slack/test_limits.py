"""Slack's limits, each at its edge: what just fits passes, what is one too much does not."""

from typing import Any

import pytest

from bot.demo.slack import limits
from tests.demo.slack.sample import ask, button, card, cell, option, plain

Json = dict[str, Any]


def mrkdwn(text: str) -> Json:
    """Return a mrkdwn object."""
    return {"type": "mrkdwn", "text": text}


def section(**more: Any) -> Json:
    """Return a section."""
    return {"type": "section", **more}


def actions(*items: Json) -> Json:
    """Return an actions block."""
    return {"type": "actions", "elements": list(items)}


def buttons(count: int) -> Json:
    """Return an actions block of so many buttons."""
    return actions(*(button(f"b{n}", "x") for n in range(count)))


def select(**more: Any) -> Json:
    """Return an actions block with a static select."""
    return actions({"type": "static_select", "action_id": "s", **more})


def table(rows: int, columns: int, letters: int = 1) -> Json:
    """Return a table."""
    return {"type": "table", "rows": [[cell("x" * letters) for _ in range(columns)] for _ in range(rows)]}


def confirm(**more: Any) -> Json:
    """Return a button with a confirm dialog."""
    body = {"title": plain("t"), "text": mrkdwn("t"), "confirm": plain("y"), "deny": plain("n"), **more}
    return actions(button("a", "x", confirm=body))


def markdown(length: int) -> Json:
    """Return a markdown block."""
    return {"type": "markdown", "text": "x" * length}


def options(count: int, *, text: int = 1, value: int = 1) -> list[Json]:
    """Return options with long texts and values."""
    return [{"text": plain("t" * text), "value": f"{n}".rjust(value, "v")} for n in range(count)]


EDGES: dict[str, tuple[list[Json], list[Json]]] = {
    "blocks": ([{"type": "divider"}] * 50, [{"type": "divider"}] * 51),
    "section text": ([section(text=mrkdwn("x" * 3000))], [section(text=mrkdwn("x" * 3001))]),
    "section text, empty": ([section(text=mrkdwn("x"))], [section(text=mrkdwn(""))]),
    "section without content": ([section(text=mrkdwn("x"))], [section()]),
    "field text": ([section(fields=[mrkdwn("x" * 2000)])], [section(fields=[mrkdwn("x" * 2001)])]),
    "fields": ([section(fields=[mrkdwn("x")] * 10)], [section(fields=[mrkdwn("x")] * 11)]),
    "header": (
        [{"type": "header", "text": plain("x" * 150)}],
        [{"type": "header", "text": plain("x" * 151)}],
    ),
    "header as mrkdwn": ([{"type": "header", "text": plain("x")}], [{"type": "header", "text": mrkdwn("x")}]),
    "button text": ([actions(button("a", "x" * 75))], [actions(button("a", "x" * 76))]),
    "button value": (
        [actions(button("a", "x", value="v" * 2000))],
        [actions(button("a", "x", value="v" * 2001))],
    ),
    "button style": (
        [actions(button("a", "x", style="danger"))],
        [actions(button("a", "x", style="default"))],
    ),
    "action id": ([actions(button("a" * 255, "x"))], [actions(button("a" * 256, "x"))]),
    "block id": ([{"type": "divider", "block_id": "b" * 255}], [{"type": "divider", "block_id": "b" * 256}]),
    "buttons": ([buttons(25)], [buttons(26)]),
    "context": (
        [{"type": "context", "elements": [mrkdwn("x")] * 10}],
        [{"type": "context", "elements": [mrkdwn("x")] * 11}],
    ),
    "options": ([select(options=options(100))], [select(options=options(101))]),
    "option text": ([select(options=options(1, text=75))], [select(options=options(1, text=76))]),
    "option value": ([select(options=options(1, value=150))], [select(options=options(1, value=151))]),
    "options and groups": ([select(options=options(1))], [select(options=options(1), option_groups=[])]),
    "initial option": (
        [select(options=options(1), initial_option=options(1)[0])],
        [select(options=options(1), initial_option=option("other"))],
    ),
    "overflow": (
        [actions({"type": "overflow", "action_id": "o", "options": options(5)})],
        [actions({"type": "overflow", "action_id": "o", "options": options(6)})],
    ),
    "confirm title": ([confirm(title=plain("x" * 100))], [confirm(title=plain("x" * 101))]),
    "confirm text": ([confirm(text=mrkdwn("x" * 300))], [confirm(text=mrkdwn("x" * 301))]),
    "confirm button": ([confirm(confirm=plain("x" * 30))], [confirm(confirm=plain("x" * 31))]),
    "table rows": ([table(100, 2)], [table(101, 2)]),
    "table columns": ([table(2, 20)], [table(2, 21)]),
    "table letters": ([table(10, 10, 100)], [table(10, 10, 101)]),
    "one table": ([table(1, 1)], [table(1, 1), table(1, 1)]),
    "empty cell": ([table(1, 1)], [table(1, 1, 0)]),
    "image alt text": (
        [{"type": "image", "image_url": "https://x.example/a.png", "alt_text": "x" * 2000}],
        [{"type": "image", "image_url": "https://x.example/a.png", "alt_text": "x" * 2001}],
    ),
    "unique action ids": (
        [actions(button("a", "x"), button("b", "x"))],
        [actions(button("a", "x"), button("a", "x"))],
    ),
    "unique block ids": ([{"type": "divider", "block_id": "a"}], [{"type": "divider", "block_id": "a"}] * 2),
    "unknown block": ([{"type": "divider"}], [{"type": "hero"}]),
    "unknown element": ([actions(button("a", "x"))], [actions({"type": "lever", "action_id": "a"})]),
    "unknown key": ([{"type": "divider"}], [{"type": "divider", "colour": "red"}]),
    "unknown rich text": (
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "x"}]}],
            }
        ],
        [
            {
                "type": "rich_text",
                "elements": [{"type": "rich_text_section", "elements": [{"type": "sparkle", "text": "x"}]}],
            }
        ],
    ),
    "alert outside a modal": ([{"type": "divider"}], [{"type": "alert", "text": mrkdwn("x")}]),
}


@pytest.mark.parametrize("name", EDGES)
def test_what_just_fits_passes_and_one_more_does_not(name: str) -> None:
    """Every limit is held at exactly its edge."""
    good, bad = EDGES[name]
    assert limits.of_blocks(good) == []
    assert limits.of_blocks(bad) != []


def test_markdown_blocks_are_measured_together() -> None:
    """Twelve thousand characters per message, however many blocks carry them."""
    assert not limits.too_long([markdown(6_000), markdown(6_000)])
    assert limits.too_long([markdown(6_000), markdown(6_001)])


def view(**more: Any) -> Json:
    """Return the sample's modal, changed."""
    return {**ask(), **more}


VIEWS: dict[str, tuple[Json, Json]] = {
    "title": (view(title=plain("x" * 24)), view(title=plain("x" * 25))),
    "submit": (view(submit=plain("x" * 24)), view(submit=plain("x" * 25))),
    "blocks": (view(blocks=[{"type": "divider"}] * 100), view(blocks=[{"type": "divider"}] * 101)),
    "private metadata": (view(private_metadata="x" * 3000), view(private_metadata="x" * 3001)),
    "callback id": (view(callback_id="x" * 255), view(callback_id="x" * 256)),
    "table in a modal": (view(), view(blocks=[table(1, 1)])),
    "inputs without submit": (view(), {k: v for k, v in ask().items() if k != "submit"}),
    "home": ({"type": "home", "blocks": [table(1, 1)]}, {"type": "home", "title": plain("x"), "blocks": []}),
}


@pytest.mark.parametrize("name", VIEWS)
def test_a_views_limits_are_held_at_their_edge(name: str) -> None:
    """What just fits passes, one more does not."""
    good, bad = VIEWS[name]
    assert limits.of_view(good) == []
    assert limits.of_view(bad) != []


def test_the_samples_card_passes_every_limit() -> None:
    """A message with every kind of block is accepted as it is."""
    assert limits.of_blocks(card()) == []


def test_a_type_ahead_offers_a_hundred_options_at_most() -> None:
    """An empty list is an answer too."""
    assert limits.of_options({"options": []}) == []
    assert limits.of_options({"options": options(100)}) == []
    assert limits.of_options({"options": options(101)}) != []
    assert limits.of_options({}) != []


NONSENSE: list[Any] = [
    None,
    7,
    "blocks",
    {"type": "section"},
    [None],
    [[]],
    ["x"],
    [{"type": []}],
    [actions()],
]
NO_VIEWS: list[Any] = [None, 7, [], {}, {"type": "modal"}, {"type": "modal", "blocks": 7}]


def test_shapes_that_are_not_even_objects_are_refused_without_a_crash() -> None:
    """Whatever JSON a bot sends, the answer is a list of faults."""
    assert all(limits.of_blocks(each) for each in NONSENSE)
    assert all(limits.of_view(each) for each in NO_VIEWS)
