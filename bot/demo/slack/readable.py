"""Messages and views as a person reads them, in plain text."""

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from bot.demo.slack import mrkdwn
from bot.demo.slack.message import Message
from bot.demo.slack.people import Directory
from bot.demo.slack.view import View

Json = dict[str, Any]
_RULE = "─" * 40


class Reader:
    """Reads for one person: names from the directory, times in the person's zone."""

    def __init__(self, directory: Directory, viewer: str) -> None:
        self._directory = directory
        person = directory.people.get(viewer)
        self._zone = person.zone if person else "UTC"

    def message(self, message: Message) -> str:
        """Return the message: its blocks, or its text where it has none, and its files and reactions."""
        lines = list(self.blocks(message.blocks)) if message.blocks else [self._mrkdwn(message.text)]
        for attachment in message.attachments:
            lines += [f"│ {line}" for line in self._attachment(attachment)]
        lines += [f"[file: {f.get('title') or f.get('name')}]" for f in message.files]
        if message.reactions:
            lines.append("  ".join(f"{mrkdwn.emojis(f':{n}:')} {len(u)}" for n, u in message.reactions))
        return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines())

    def view(self, view: View) -> str:
        """Return a modal or a Home tab, with its errors and its buttons."""
        title = view.body.get("title")
        lines = [f"┌ {title['text']}"] if title else []
        for block in view.body.get("blocks", []):
            lines += self.block(block)
            if view.errors.get(block["block_id"]):
                lines.append(f"  ⚠ {view.errors[block['block_id']]}")
        if view.errors.get(""):
            lines.append(f"⚠ {view.errors['']}")
        ends = [view.body[key]["text"] for key in ("close", "submit") if view.body.get(key)]
        return "\n".join([*lines, *([" ".join(f"[{end}]" for end in ends)] if ends else [])])

    def blocks(self, blocks: Sequence[Json]) -> Iterator[str]:
        """Give the lines of several blocks."""
        for block in blocks:
            yield from self.block(block)

    def block(self, block: Json) -> Iterator[str]:
        """Give the lines of one block."""
        readers: Mapping[str, Callable[[Json], Iterator[str]]] = {
            "section": self._section,
            "header": self._header,
            "context": self._context,
            "actions": self._actions,
            "divider": self._divider,
            "image": lambda b: iter([f"[image: {b['alt_text']}]"]),
            "input": self._input,
            "table": self._table,
            "rich_text": lambda b: self._rich(b["elements"]),
            "markdown": lambda b: iter([mrkdwn.emojis(b["text"])]),
            "alert": lambda b: iter([self._text(b["text"])]),
        }
        yield from readers.get(block["type"], self._unknown)(block)

    def element(self, element: Json) -> str:
        """Return an interactive element in brackets, or an image or text as it is."""
        kind = element.get("type")
        if kind == "button":
            return f"[{self._text(element['text'])}]"
        if kind == "image":
            return f"[image: {element['alt_text']}]"
        if kind == "overflow":
            return "[⋯ " + " / ".join(self._text(o["text"]) for o in element["options"]) + "]"
        if kind in {"checkboxes", "radio_buttons"}:
            mark = "( )" if kind == "radio_buttons" else "[ ]"
            return "  ".join(f"{mark} {self._text(o['text'])}" for o in element["options"])
        if kind in {"mrkdwn", "plain_text"}:
            return self._text(element)
        chosen = element.get("initial_option") or {}
        shown = chosen.get("text") or element.get("placeholder") or {"type": "plain_text", "text": "…"}
        return (
            f"[{self._text(shown)} ▾]"
            if "select" in str(kind)
            else f"[{element.get('initial_value') or self._text(shown)}]"
        )

    def _divider(self, _block: Json) -> Iterator[str]:
        yield _RULE

    def _unknown(self, block: Json) -> Iterator[str]:
        yield f"[{block['type']}]"

    def _section(self, block: Json) -> Iterator[str]:
        text = self._text(block["text"]) if block.get("text") else ""
        if block.get("accessory"):
            text = f"{text}  {self.element(block['accessory'])}".strip()
        if text:
            yield text
        for field in block.get("fields", []):
            yield from (f"  {line}" for line in self._text(field).splitlines())

    def _header(self, block: Json) -> Iterator[str]:
        text = self._text(block["text"])
        yield text
        yield "─" * width(text)

    def _context(self, block: Json) -> Iterator[str]:
        yield " · ".join(self.element(e) for e in block["elements"])

    def _actions(self, block: Json) -> Iterator[str]:
        yield " ".join(self.element(e) for e in block["elements"])

    def _input(self, block: Json) -> Iterator[str]:
        optional = " (optional)" if block.get("optional") else ""
        yield f"{self._text(block['label'])}{optional}: {self.element(block['element'])}"
        if block.get("hint"):
            yield f"  {self._text(block['hint'])}"

    def _table(self, block: Json) -> Iterator[str]:
        rows = [[self._cell(cell) for cell in row] for row in block["rows"]]
        columns = max(len(row) for row in rows)
        rows = [row + [""] * (columns - len(row)) for row in rows]
        widths = [max(width(row[i]) for row in rows) for i in range(columns)]
        for number, row in enumerate(rows):
            yield "  " + "   ".join(padded(cell, widths[i]) for i, cell in enumerate(row)).rstrip()
            if number == 0 and len(rows) > 1:
                yield "  " + "   ".join("─" * each for each in widths)

    def _cell(self, cell: Json) -> str:
        if cell["type"] == "rich_text":
            return " ".join(self._rich(cell["elements"]))
        return mrkdwn.emojis(str(cell.get("text") or cell.get("value", "")))

    def _rich(self, parts: Sequence[Json]) -> Iterator[str]:
        for part in parts:
            kind = part["type"]
            if kind == "rich_text_list":
                for number, item in enumerate(part["elements"], start=1 + int(part.get("offset", 0))):
                    mark = f"{number}." if part["style"] == "ordered" else "•"
                    yield "  " * int(part.get("indent", 0)) + f"{mark} {self._leaves(item['elements'])}"
                continue
            lines = self._leaves(part["elements"]).split("\n")
            before = {"rich_text_preformatted": "    ", "rich_text_quote": "│ "}.get(kind, "")
            yield from (before + line for line in lines)

    def _leaves(self, leaves: Sequence[Json]) -> str:
        return "".join(self._leaf(leaf) for leaf in leaves)

    def _leaf(self, leaf: Json) -> str:
        readers: Mapping[str, Callable[[Json], str]] = {
            "text": lambda e: str(e["text"]),
            "link": lambda e: str(e.get("text") or e["url"]),
            "emoji": lambda e: mrkdwn.emojis(f":{e['name']}:"),
            "user": lambda e: self._mrkdwn(f"<@{e['user_id']}>"),
            "usergroup": lambda e: self._mrkdwn(f"<!subteam^{e['usergroup_id']}>"),
            "channel": lambda e: self._mrkdwn(f"<#{e['channel_id']}>"),
            "date": lambda e: mrkdwn.date(int(e["timestamp"]), e["format"], self._zone),
            "broadcast": lambda e: f"@{e['range']}",
        }
        reader = readers.get(leaf["type"])
        return reader(leaf) if reader else str(leaf.get("value", ""))

    def _attachment(self, attachment: Json) -> Iterator[str]:
        if attachment.get("blocks"):
            yield from self.blocks(attachment["blocks"])
            return
        for key in ("pretext", "title", "text", "fallback"):
            if attachment.get(key):
                yield self._mrkdwn(attachment[key])
                if key == "text":
                    return

    def _text(self, text: Json) -> str:
        return self._mrkdwn(text["text"]) if text["type"] == "mrkdwn" else mrkdwn.emojis(text["text"])

    def _mrkdwn(self, text: str) -> str:
        return mrkdwn.plain(text, self._directory, self._zone)


def width(text: str) -> int:
    """Return how many columns a terminal needs for the text."""
    wide = sum(1 + (unicodedata.east_asian_width(c) in "WF") for c in text)
    joined = sum(1 for c in text if unicodedata.combining(c) or c == "\ufe0f")
    return wide - joined


def padded(text: str, columns: int) -> str:
    """Return the text with spaces behind it, up to so many columns."""
    return text + " " * (columns - width(text))
