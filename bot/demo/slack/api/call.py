"""One call of the Web API: its arguments, read as Slack reads them."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from bot.demo.slack.people import Channel
from bot.demo.slack.problem import SlackProblem
from bot.demo.slack.state import State

Json = dict[str, Any]
Item = TypeVar("Item")
_MOST = 1_000
# What a form carries as text but means as JSON.
_STRUCTURED = frozenset({"blocks", "attachments", "view", "metadata", "files", "channels_json", "prompts"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A method's name and arguments, without the token."""

    method: str
    args: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Return an optional text, "" where it is missing."""
        value = self.args.get(name)
        return "" if value is None else str(value)

    def need(self, name: str) -> str:
        """Return a required text.

        Raises:
            SlackProblem: it is missing.
        """
        value = self.text(name)
        if not value:
            raise SlackProblem("invalid_arguments", messages=[f"missing required field: {name}"])
        return value

    def flag(self, name: str) -> bool:
        """Return a truth value, spelt in any of Slack's manners."""
        return str(self.args.get(name, "")).lower() in {"1", "true"}

    def number(self, name: str, default: int) -> int:
        """Return a whole number.

        Raises:
            SlackProblem: it is not one.
        """
        try:
            return int(self.args.get(name) or default)
        except (TypeError, ValueError) as error:
            raise SlackProblem("invalid_arguments", messages=[f"must be a number: {name}"]) from error

    def channel(self, state: State, *, by_name: bool = False) -> Channel:
        """Return the channel that the call names.

        Raises:
            SlackProblem: there is no such channel, or it is private and the bot is not in it.
        """
        name = self.need("channel")
        found = state.directory.channel(name) if by_name else state.directory.channels.get(name)
        if found is None or ((found.private or found.im) and state.bot_user not in found.members):
            raise SlackProblem("channel_not_found")
        return found

    def page(self, items: Sequence[Item], default: int = 100) -> tuple[list[Item], str]:
        """Return one page of `items` and the cursor of the next, "" at the end.

        Raises:
            SlackProblem: the cursor is not ours.
        """
        size = min(max(self.number("limit", default), 1), _MOST)
        try:
            start = int(base64.b64decode(self.text("cursor"), validate=True) or b"0")
        except (ValueError, binascii.Error) as error:
            raise SlackProblem("invalid_cursor") from error
        end = start + size
        cursor = base64.b64encode(str(end).encode()).decode() if end < len(items) else ""
        return list(items[start:end]), cursor


def parsed(method: str, fields: Mapping[str, Any]) -> Call:
    """Return the call, with the JSON that a form carries as text read.

    Raises:
        SlackProblem: such a text is not JSON.
    """
    args: Json = {}
    for key, value in fields.items():
        if key == "token":
            continue
        args[key] = _read(key, value) if key in _STRUCTURED and isinstance(value, str) else value
    return Call(method=method, args=args)


def _read(key: str, value: str) -> Any:
    if not value:
        return None
    try:
        return json.loads(value)
    except ValueError as error:
        name = "invalid_blocks_format" if key == "blocks" else "invalid_arguments"
        raise SlackProblem(name, messages=[f"must be JSON: {key}"]) from error
