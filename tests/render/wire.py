"""Messages and views as they go over the wire, and as golden files hold them."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from bot.ports import Message
from tests.fakes.messenger import Posted

Json = dict[str, Any]
Make = Callable[[], Awaitable[Json]]


def of(message: Message | Posted) -> Json:
    """A message as it goes over the wire."""
    told = message.message if isinstance(message, Posted) else message
    return {"text": told.text, "blocks": list(told.blocks)}


def pretty(rendered: Json) -> str:
    """As a golden file holds it."""
    return json.dumps(rendered, ensure_ascii=False, indent=1) + "\n"
