"""Plainer forms of a message, for a Slack that refuses its blocks: buttons, names and numbers stay as long as they can.

Older servers know no tables, and a message may come to more than Slack takes in one piece.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import deepcopy
from typing import Any

from bot.ports import Message
from bot.render import TEXT_LIMIT, clip, escape_mrkdwn, escaped, fit

PLAIN_LIMIT = 3000
"""Characters that are left of a text once Slack has refused the message as it was."""
_OLD = frozenset({"section", "context", "actions", "header", "divider", "image"})
"""Blocks that every server with Block Kit knows."""

Block = Mapping[str, Any]


def ladder(message: Message) -> list[Message]:
    """Return what to send, and what to send instead each time that Slack refuses it; the text alone comes last.

    First the blocks with tables and other newer ones as sections, then nothing but sections and what can be pressed.
    """
    text = message.text[:PLAIN_LIMIT]
    plain = [each for block in message.blocks for each in _plain(block)]
    forms = [message, *(Message(text=text, blocks=_fitting(b)) for b in (plain, _bare(plain), []))]
    return [form for form, before in zip(forms, [None, *forms[:-1]], strict=True) if form != before]


def _fitting(blocks: Sequence[Block]) -> list[dict[str, Any]]:
    copied: list[dict[str, Any]] = deepcopy([dict(block) for block in blocks])
    fit(copied)
    return copied


def _plain(block: Block) -> Iterator[Block]:
    """A block, or the sections that say the same."""
    match block.get("type"):
        case "table":
            yield from _sections(_rows(block.get("rows") or ()))
        case "rich_text":
            yield from _sections(_rich(element) for element in block.get("elements") or ())
        case kind if kind in _OLD:
            yield block
        case _:
            yield from _sections(map(escaped, _texts(block)))


def _bare(blocks: Iterable[Block]) -> list[Block]:
    """The same as sections of text, and rows of what can be pressed, in their order."""
    made: list[Block] = []
    said: list[str] = []
    for block in blocks:
        said += _said(block)
        if pressed := _pressed(block):
            made += [*_sections(said), {"type": "actions", "elements": pressed}]
            said = []
    return [*made, *_sections(said)]


def _said(block: Block) -> Iterator[str]:
    """What a block says, as mrkdwn."""
    match block.get("type"):
        case "section":
            held = [block.get("text"), *(block.get("fields") or ())]
        case "header":
            held = [block.get("text")]
        case "context":
            held = list(block.get("elements") or ())
        case "image":
            held = [{"type": "plain_text", "text": block.get("alt_text")}]
        case _:
            held = []
    for each in held:
        # An image between texts has words for those who do not see it.
        text = (each.get("text") or each.get("alt_text") or "") if isinstance(each, Mapping) else ""
        if text:
            yield text if each.get("type") == "mrkdwn" else escaped(text)


def _pressed(block: Block) -> list[Any]:
    accessory = block.get("accessory")
    if block.get("type") == "actions":
        return list(block.get("elements") or ())
    return [accessory] if isinstance(accessory, Mapping) and accessory.get("action_id") else []


def _rows(rows: Sequence[Sequence[Any]]) -> Iterator[str]:
    """Each row in a line: every cell with its column's name."""
    told = [[escaped(" ".join(_texts(cell))) for cell in row] for row in rows]
    if len(told) == 1:
        yield " · ".join(told[0])
    for row in told[1:]:
        cells = [f"{name}: {cell}" for name, cell in zip(told[0], row, strict=False)]
        line = "• " + " · ".join(cells)
        yield from [line] if len(line) <= TEXT_LIMIT else cells


def _rich(element: Any) -> str:
    """An element of rich text; what is preformatted keeps its letters, for it is there to be copied."""
    text = "".join(_texts(element))
    if isinstance(element, Mapping) and element.get("type") == "rich_text_preformatted":
        return f"```\n{escape_mrkdwn(clip(text, TEXT_LIMIT - 8)).replace('```', 'ˋˋˋ')}\n```"
    return clip(escaped(text))


def _texts(value: Any) -> Iterator[str]:
    """Every text in a piece of Block Kit that we know nothing else about."""
    if isinstance(value, Mapping):
        text = value.get("text", value.get("value"))
        if isinstance(text, str | int | float):
            yield str(text)
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)


def _sections(lines: Iterable[str]) -> list[Block]:
    """Lines of mrkdwn in as few sections as hold them."""
    packed: list[str] = []
    for line in filter(None, lines):
        if packed and len(packed[-1]) + 1 + len(line) <= TEXT_LIMIT:
            packed[-1] += f"\n{line}"
        else:
            packed.append(line)
    return [
        {"type": "section", "text": {"type": "mrkdwn", "verbatim": True, "text": text}} for text in packed
    ]
