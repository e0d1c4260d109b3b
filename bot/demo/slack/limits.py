"""Slack's limits on messages and views, held against what the bot sends.

Source: docs.slack.dev/reference/block-kit/blocks, …/reference/views and …/methods/chat.postMessage. Written
from those pages alone: it shares no table with the bot, so that neither can excuse the other.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from bot.demo.slack import elements
from bot.demo.slack.schema import (
    Check,
    Fault,
    anything,
    array,
    boolean,
    both,
    either,
    number,
    record,
    string,
    typed,
)

Json = dict[str, Any]
Surface = Literal["message", "modal", "home"]

MOST_BLOCKS: Mapping[Surface, int] = {"message": 50, "modal": 100, "home": 100}
MOST_TEXT = 40_000
MOST_MARKDOWN = 12_000
MOST_TABLE = 10_000
MOST_VIEW_BYTES = 250_000
_BLOCK_ID = string(255, least=1)


def _block(required: Mapping[str, Check], **optional: Check) -> Check:
    return record({"type": anything, **required}, {"block_id": _BLOCK_ID, **optional})


def _has_content(value: Any, at: str) -> Iterator[Fault]:
    if isinstance(value, dict) and not value.get("text") and not value.get("fields"):
        yield Fault(message="must have text or fields", pointer=at)


_LEAF = {
    "text": record({"type": anything, "text": string(MOST_TEXT, least=1)}, {"style": anything}),
    "link": record(
        {"type": anything, "url": string(3000, least=1)},
        {"text": string(MOST_TEXT), "style": anything, "unsafe": boolean},
    ),
    "user": record({"type": anything, "user_id": string(50, least=1)}, {"style": anything}),
    "usergroup": record({"type": anything, "usergroup_id": string(50, least=1)}, {"style": anything}),
    "channel": record({"type": anything, "channel_id": string(50, least=1)}, {"style": anything}),
    "emoji": record(
        {"type": anything, "name": string(100, least=1)},
        {"unicode": string(60), "skin_tone": number, "style": anything},
    ),
    "broadcast": record(
        {"type": anything, "range": string(20, among=frozenset({"here", "channel", "everyone"}))},
        {"style": anything},
    ),
    "date": record(
        {"type": anything, "timestamp": number, "format": string(500, least=1)},
        {"url": string(3000), "fallback": string(500), "style": anything},
    ),
    "color": record({"type": anything, "value": string(20)}, {"style": anything}),
}
_LEAVES = array(typed(lambda: _LEAF))
_SECTION = record({"type": anything, "elements": _LEAVES})
_RICH: Mapping[str, Check] = {
    "rich_text_section": _SECTION,
    "rich_text_preformatted": record(
        {"type": anything, "elements": _LEAVES}, {"border": number, "language": string(50)}
    ),
    "rich_text_quote": record({"type": anything, "elements": _LEAVES}, {"border": number}),
    "rich_text_list": record(
        {
            "type": anything,
            "style": string(10, among=frozenset({"bullet", "ordered"})),
            "elements": array(typed(lambda: {"rich_text_section": _SECTION})),
        },
        {"indent": number, "offset": number, "border": number},
    ),
}
_RICH_TEXT = _block({"elements": array(typed(lambda: _RICH))})
_CELLS: Mapping[str, Check] = {
    "raw_text": record({"type": anything, "text": string(MOST_TEXT, least=1)}),
    "raw_number": record({"type": anything, "value": number}, {"text": string(MOST_TEXT)}),
    "rich_text": _RICH_TEXT,
}
_COLUMN = record(
    {}, {"align": string(10, among=frozenset({"left", "center", "right"})), "is_wrapped": boolean}
)


def _nullable(check: Check) -> Check:
    return lambda value, at: iter(()) if value is None else check(value, at)


_TABLE = _block(
    {"rows": array(array(typed(lambda: _CELLS), most=20), most=100)},
    column_settings=array(_nullable(_COLUMN), most=20),
)

_SHARED: Mapping[str, Check] = {
    "section": both(
        _block(
            {},
            text=elements.text(3000),
            fields=array(elements.text(2000), most=10),
            accessory=elements.ACCESSORY,
            expand=boolean,
        ),
        _has_content,
    ),
    "divider": _block({}),
    "header": _block({"text": elements.text(150, plain=True)}, level=number),
    "context": _block({"elements": array(elements.CONTEXT_ITEM, most=10)}),
    "actions": _block({"elements": array(elements.ACTION, most=25)}),
    "image": both(
        _block({"alt_text": string(2000, least=1)}, **elements.IMAGE_KEYS), either("image_url", "slack_file")
    ),
    "input": _block(
        {"label": elements.text(2000, plain=True), "element": elements.INPUT},
        hint=elements.text(2000, plain=True),
        optional=boolean,
        dispatch_action=boolean,
    ),
    "rich_text": _RICH_TEXT,
}
_ALERT = _block(
    {"text": elements.text(200)},
    level=string(20, among=frozenset({"default", "info", "warning", "error", "success"})),
)
BLOCKS: Mapping[Surface, Mapping[str, Check]] = {
    "message": {**_SHARED, "markdown": _block({"text": string(MOST_MARKDOWN, least=1)}), "table": _TABLE},
    "modal": {**_SHARED, "alert": _ALERT},
    "home": {**_SHARED, "table": _TABLE},
}

_TITLE = elements.text(24, plain=True)
_VIEW_COMMON: Mapping[str, Check] = {
    "private_metadata": string(3000),
    "callback_id": string(255),
    "external_id": string(255),
}
_MODAL = record(
    {
        "type": anything,
        "title": _TITLE,
        "blocks": array(typed(lambda: BLOCKS["modal"]), most=MOST_BLOCKS["modal"]),
    },
    {
        **_VIEW_COMMON,
        "submit": _TITLE,
        "close": _TITLE,
        "clear_on_close": boolean,
        "notify_on_close": boolean,
        "submit_disabled": boolean,
    },
)
_HOME = record(
    {"type": anything, "blocks": array(typed(lambda: BLOCKS["home"]), most=MOST_BLOCKS["home"])}, _VIEW_COMMON
)
_VIEW = typed(lambda: {"modal": _MODAL, "home": _HOME})


def of_blocks(blocks: Any, surface: Surface = "message") -> list[Fault]:
    """Return what Slack would refuse in a message's blocks."""
    check = array(typed(lambda: BLOCKS[surface]), least=0, most=MOST_BLOCKS[surface])
    return [*check(blocks, "/blocks"), *_across(blocks)]


def of_view(view: Any) -> list[Fault]:
    """Return what Slack would refuse in a view."""
    found = [*_VIEW(view, "/view")]
    blocks = view.get("blocks") if isinstance(view, dict) else None
    found += [Fault(message=f.message, pointer=f"/view{f.pointer}") for f in _across(blocks)]
    if blocks and view.get("type") == "modal" and "submit" not in view and _has_input(blocks):
        found.append(Fault(message="missing required field: submit", pointer="/view"))
    return found


def of_options(answer: Any) -> list[Fault]:
    """Return what Slack would refuse in the answer to a type-ahead."""
    check = both(
        record(
            {},
            {
                "options": array(elements.OPTION, least=0, most=100),
                "option_groups": array(elements.OPTION_GROUP, least=0, most=100),
            },
        ),
        either("options", "option_groups"),
    )
    return list(check(answer, ""))


def too_long(blocks: Sequence[Any]) -> bool:
    """Whether the markdown blocks of one message hold more than Slack takes together."""
    texts = (b.get("text") for b in blocks if isinstance(b, dict) and b.get("type") == "markdown")
    return sum(len(t) for t in texts if isinstance(t, str)) > MOST_MARKDOWN


def view_too_large(view: Any) -> bool:
    """Whether the view is longer than 250 kB as JSON."""
    return len(json.dumps(view).encode()) > MOST_VIEW_BYTES


def _has_input(blocks: Any) -> bool:
    return isinstance(blocks, list) and any(isinstance(b, dict) and b.get("type") == "input" for b in blocks)


def _across(blocks: Any) -> Iterator[Fault]:
    """Rules that hold between blocks: unique ids, one table per message."""
    if not isinstance(blocks, list):
        return
    known = [(i, b) for i, b in enumerate(blocks) if isinstance(b, dict)]
    ids = Counter(b["block_id"] for _, b in known if isinstance(b.get("block_id"), str))
    for index, block in known:
        if ids.get(str(block.get("block_id")), 0) > 1:
            yield Fault(message="block_id must be unique", pointer=f"/blocks/{index}/block_id")
        yield from _unique_actions(block, f"/blocks/{index}")
    tables = [index for index, block in known if block.get("type") == "table"]
    for index in tables[1:]:
        yield Fault(message="only_one_table_allowed", pointer=f"/blocks/{index}")
    for index in tables:
        if sum(_letters(blocks[index].get("rows"))) > MOST_TABLE:
            yield Fault(
                message=f"must be less than {MOST_TABLE + 1} characters", pointer=f"/blocks/{index}/rows"
            )


def _letters(value: Any) -> Iterator[int]:
    """Count the characters of all texts in a table's cells."""
    if isinstance(value, list):
        for each in value:
            yield from _letters(each)
    elif isinstance(value, dict):
        yield from _letters(value.get("elements"))
        yield len(value["text"]) if isinstance(value.get("text"), str) else 0


def _unique_actions(block: Json, at: str) -> Iterator[Fault]:
    items = block.get("elements")
    ids = (
        Counter(e["action_id"] for e in items if isinstance(e, dict) and isinstance(e.get("action_id"), str))
        if isinstance(items, list)
        else Counter()
    )
    for name, count in ids.items():
        if count > 1:
            yield Fault(
                message=f"action_id must be unique within the block: {name}", pointer=f"{at}/elements"
            )
