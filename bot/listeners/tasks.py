"""Questions under way: each delivery once, kept alive until answered, and answered with a sentence if it fails."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence

from bot.operations.refusal import Refused
from bot.ports import Unavailable, WorldError

log = logging.getLogger(__name__)

TOO_LONG = 25.0
"""Seconds after which a question is given up; Slack's answer window is longer, nobody's patience is."""
MOST_REMEMBERED = 5000
"""Deliveries whose repetition is known; Slack repeats within minutes."""
AGAIN = (1.0, 2.0, 5.0, 10.0, *[30.0] * 24)
"""Seconds before each further try to say what a question came to, while Slack does not answer: some twelve minutes."""
APOLOGY = "Something went wrong on my side, and it is in my log. Nothing was changed; try again in a minute."

Question = Callable[[], Awaitable[None]]
Tell = Callable[[str], Awaitable[None]]


class Tasks:
    """Runs questions beside the acknowledgement; nothing durable depends on them."""

    def __init__(self, again: Sequence[float] = AGAIN) -> None:
        self._again = again
        self._running: set[asyncio.Task[None]] = set()
        self._seen: OrderedDict[str, None] = OrderedDict()

    def start(self, delivery: str, question: Question, tell: Tell) -> None:
        """Answer a question, unless this very delivery was taken before; if it comes to nothing, `tell` why."""
        if delivery in self._seen:
            return
        self._seen[delivery] = None
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)
        task = asyncio.create_task(self._answered(question, tell))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def close(self) -> None:
        """Let what runs end, for a moment; then stop it."""
        if self._running:
            await asyncio.wait(self._running, timeout=2.0)
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    async def _answered(self, question: Question, tell: Tell) -> None:
        sentence = await _outcome(question)
        if sentence and not await _told(tell, sentence):
            for rest in self._again:
                await asyncio.sleep(rest)
                if await _told(tell, sentence):
                    return
            log.warning("a question was never answered: Slack is away for too long")


async def _told(tell: Tell, sentence: str) -> bool:
    """Say a sentence; False where it may be said later."""
    try:
        await tell(sentence)
    except Unavailable as error:
        log.warning("an answer waits: %s", error)
        return False
    except WorldError as error:
        log.warning("a question could not be answered: %s", error)
    return True


async def _outcome(question: Question) -> str:
    """Run a question; return the sentence that is left to say, if it did not say its own."""
    try:
        async with asyncio.timeout(TOO_LONG):
            await question()
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
