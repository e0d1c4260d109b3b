"""What the Web API refused, as Slack's client tells it."""

from collections.abc import Awaitable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError


async def refusal(call: Awaitable[Any]) -> dict[str, Any]:
    """Return the body of the answer that refuses `call`."""
    with pytest.raises(SlackApiError) as caught:
        await call
    return dict(caught.value.response.data)


async def error(call: Awaitable[Any]) -> str:
    """Return the error's name of the answer that refuses `call`."""
    return str((await refusal(call))["error"])
