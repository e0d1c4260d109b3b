"""What would be wrong with a message or a view: by the models of Slack's SDK, and by rules for what those miss.

The SDK leaves out what it does not know and only logs it, so its answer is held against what went in. Slack's own
TypeScript types look at the same values in test_typescript.py.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block
from slack_sdk.models.views import View

Json = dict[str, Any]
MOST_BLOCKS = {"message": 50, "modal": 100, "home": 100}
MOST_TEXT = 4000
"""Characters of a message's sentence; Slack advises no more (docs: truncating content)."""
MOST_CONTENT = 13_200
"""Characters of everything in a message's blocks; more is `msg_blocks_too_long` (slackapi/bolt-js issue 2509)."""
MESSAGE_ONLY = frozenset({"markdown", "context_actions", "plan", "task_card", "file"})
NOT_IN_MODALS = MESSAGE_ONLY | {"table"}


def faults(rendered: Json) -> list[str]:
    """Return everything that is wrong with a rendered message or view."""
    return [*of_sdk(rendered), *of_rules(rendered)]


# --- Slack's SDK -----------------------------------------------------------------------------------------


class _Heard(logging.Handler):
    """Keeps what the SDK says, which is how it tells of what it leaves out."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one line."""
        self.said.append(record.getMessage())


def of_sdk(rendered: Json) -> list[str]:
    """Whatever the SDK's models refuse, warn of, leave out or put differently."""
    heard, logger = _Heard(), logging.getLogger("slack_sdk")
    logger.addHandler(heard)
    try:
        found = [*_through_models(rendered)]
    finally:
        logger.removeHandler(heard)
    return found + heard.said


def _through_models(rendered: Json) -> Iterator[str]:
    for index, block in enumerate(rendered["blocks"]):
        at = f"/blocks/{index}"
        try:
            parsed = Block.parse(block)
            given = parsed.to_dict() if parsed is not None else None
        except (SlackObjectFormationError, TypeError) as error:
            yield f"{at}: {error}"
        else:
            yield from _different(block, given, at)
    if "type" in rendered:
        try:
            view = View(**rendered)
            view.validate_json()
            yield from _different(rendered, view.to_dict(), "")
        except (SlackObjectFormationError, TypeError) as error:
            yield f"view: {error}"


def _different(given: Any, back: Any, at: str) -> Iterator[str]:
    """Where two values differ."""
    if isinstance(given, dict) and isinstance(back, dict):
        for key in sorted(given.keys() | back.keys()):
            if key in given and key in back:
                yield from _different(given[key], back[key], f"{at}/{key}")
            else:
                yield f"{at}/{key}: {'lost' if key in given else 'invented'}"
    elif isinstance(given, list) and isinstance(back, list) and len(given) == len(back):
        for index, (one, other) in enumerate(zip(given, back, strict=True)):
            yield from _different(one, other, f"{at}/{index}")
    elif given != back:
        yield f"{at}: {given!r} became {back!r}"


# --- our own rules ---------------------------------------------------------------------------------------


def of_rules(rendered: Json) -> list[str]:
    """Whatever neither the SDK's models nor its types look at."""
    surface, blocks = rendered.get("type", "message"), rendered["blocks"]
    found = [*_of_surface(surface, blocks), *_of_every_object(blocks)]
    if surface == "message":
        found += _of_message(rendered)
    elif surface == "modal" and "submit" not in rendered and _kinds(blocks)["input"]:
        found.append("an input needs a way to submit it")
    return found


def _of_message(rendered: Json) -> Iterator[str]:
    if not str(rendered.get("text", "")).strip():
        yield "nothing for notifications and screen readers"
    if len(rendered.get("text", "")) > MOST_TEXT:
        yield f"a sentence of {len(rendered['text'])} characters"
    length = sum(map(len, _texts(rendered["blocks"])))
    if length > MOST_CONTENT:
        yield f"{length} characters in all blocks"


def _of_surface(surface: str, blocks: list[Json]) -> Iterator[str]:
    if len(blocks) > MOST_BLOCKS[surface]:
        yield f"{len(blocks)} blocks"
    refused = {"message": {"alert"}, "modal": NOT_IN_MODALS, "home": MESSAGE_ONLY}[surface]
    kinds = _kinds(blocks)
    yield from (f"no {kind} in a {surface}" for kind in refused & kinds.keys())
    if kinds["table"] > 1:
        yield "two tables"
    ids = Counter(block["block_id"] for block in blocks if "block_id" in block)
    yield from (f"two blocks {name}" for name, count in ids.items() if count > 1)


def _kinds(blocks: list[Json]) -> Counter[str]:
    return Counter(str(block.get("type")) for block in blocks)


def _of_every_object(value: Any, at: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for index, each in enumerate(value):
            yield from _of_every_object(each, f"{at}/{index}")
    elif isinstance(value, dict):
        yield from (f"{at}: {fault}" for fault in _of_object(value))
        for key, each in value.items():
            yield from _of_every_object(each, f"{at}/{key}")


def _of_object(value: Json) -> Iterator[str]:
    kind, text = value.get("type"), value.get("text")
    if kind in {"mrkdwn", "plain_text", "raw_text", "text"} and not str(text or "").strip():
        yield "an empty text"
    if kind == "section":
        yield from (f"a field of {len(f['text'])}" for f in value.get("fields", ()) if len(f["text"]) > 2000)
        if not text and not value.get("fields"):
            yield "an empty section"
    if kind == "table":
        yield from _of_table(value["rows"])
    if kind == "image" and not str(value.get("alt_text", "")).strip():
        yield "a picture without a description"
    if kind in {"actions", "context"}:
        yield from _twice([e.get("action_id") for e in value["elements"]])
        if not value["elements"]:
            yield f"nothing in {kind}"
    if "text" in value and "value" in value and "type" not in value and len(value["value"]) > 150:
        yield f"an option's value of {len(value['value'])}"


def _of_table(rows: list[list[Json]]) -> Iterator[str]:
    if len(rows) > 100 or any(len(row) > 20 for row in rows):
        yield f"a table of {len(rows)} rows"
    if len({len(row) for row in rows}) > 1:
        yield "rows of different lengths"
    if sum(len(cell.get("text", "")) for row in rows for cell in row) > 10_000:
        yield "more than 10,000 characters in a table"


def _twice(names: list[str | None]) -> Iterator[str]:
    yield from (f"{name} twice" for name, count in Counter(names).items() if name and count > 1)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("text"), str):
            yield value["text"]
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)
