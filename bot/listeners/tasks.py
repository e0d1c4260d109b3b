"""Questions under way: kept alive until they are answered, and answered with a sentence if they fail."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from bot.operations.refusal import Refused
from bot.ports import WorldError

log = logging.getLogger(__name__)

TOO_LONG = 25.0
"""Seconds after which a question is given up; Slack's answer window is longer, nobody's patience is."""
APOLOGY = "Something went wrong on my side, and it is in my log. Nothing was changed; try again in a minute."


class Tasks:
    """Runs coroutines beside the acknowledgement; nothing durable depends on them."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def start(self, question: Coroutine[Any, Any, None], tell: Callable[[str], Awaitable[None]]) -> None:
        """Run a question; if it comes to nothing, `tell` its person why."""
        task = asyncio.create_task(_answered(question, tell))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Let what runs end, for a moment; then stop it."""
        if self._running:
            await asyncio.wait(self._running, timeout=2.0)
        for task in list(self._running):
            task.cancel()


async def _answered(question: Coroutine[Any, Any, None], tell: Callable[[str], Awaitable[None]]) -> None:
    sentence = await _outcome(question)
    if sentence:
        try:
            await tell(sentence)
        except WorldError as error:
            log.warning("a question could not be answered: %s", error)


async def _outcome(question: Coroutine[Any, Any, None]) -> str:
    try:
        async with asyncio.timeout(TOO_LONG):
            await question
    except Refused as refused:
        return str(refused)
    except WorldError as error:
        log.warning("a question failed: %s", error)
        return f"That did not work: {error}. Try again in a minute."
    except TimeoutError:
        return "That took too long. Try again in a minute."
    except Exception:  # the one error handler of questions: nobody sees a traceback, the log has it
        log.exception("a question failed")
        return APOLOGY
    return ""
