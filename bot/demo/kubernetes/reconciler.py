"""A work queue: keys that were asked for, each handled once, soon and in order."""

import asyncio
import contextlib
from collections.abc import Callable

from bot.demo.kubernetes.status import ApiError


class Reconciler:
    """Calls `reconcile` with every key that was asked for, `delay` seconds later (0: in the loop's next round).

    Keys asked for before `start` wait for it. A refusal by the API ends one attempt; the object's next change
    asks again.
    """

    def __init__(self, reconcile: Callable[[str], None], *, delay: float = 0.0) -> None:
        self.delay = delay
        self._reconcile = reconcile
        self._asked: dict[str, None] = {}
        self._done = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.Handle | None = None

    @property
    def idle(self) -> bool:
        """Tell whether nothing is left to do."""
        return not self._asked

    async def settled(self) -> None:
        """Wait until everything that was asked for is done."""
        if self._asked:
            await self._done.wait()

    def start(self) -> None:
        """Begin to work."""
        self._loop = asyncio.get_running_loop()
        self._plan()

    def stop(self) -> None:
        """Forget what is left."""
        self._asked.clear()
        self._done.set()
        self._loop = None
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def ask(self, key: str) -> None:
        """Have a key reconciled."""
        self._asked[key] = None
        self._done.clear()
        self._plan()

    def _plan(self) -> None:
        if self._loop and self._asked and self._timer is None:
            later = self._loop.call_later
            self._timer = later(self.delay, self._run) if self.delay else self._loop.call_soon(self._run)

    def _run(self) -> None:
        self._timer = None
        try:
            for _ in range(len(self._asked)):
                key = next(iter(self._asked))
                del self._asked[key]
                with contextlib.suppress(ApiError):
                    self._reconcile(key)
        finally:  # a defect in one key's work must not stop the others
            if not self._asked:
                self._done.set()
            self._plan()
