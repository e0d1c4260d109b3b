"""A replica that may kill itself: `python -m tests.worker.victim URL WORLD MODE` works until nothing is left.

WORLD is a directory that stands for the outside: a file created there is an effect that happened. MODE is
`never`, `at:POINT`, or `hook:N` for the N-th point that is passed, whichever it is.
"""

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from sqlalchemy import Connection, event

from bot.adapters.store import SqlStore, open_store
from bot.domain.change import Change, Event, EventKind
from bot.ports import Job, Leased, Stale
from bot.worker import Worker
from tests.adapters.store.examples import AT

POINTS = ("before the effect", "after the effect", "before the commit", "after the record")


class Death:
    """Decides at each point whether this process goes on."""

    def __init__(self, mode: str) -> None:
        self._at = mode.removeprefix("at:") if mode.startswith("at:") else ""
        self._left = int(mode.removeprefix("hook:")) if mode.startswith("hook:") else -1

    def passes(self, point: str) -> None:
        """Die here, if it is time: nothing is flushed, closed or given back."""
        self._left -= 1
        if point == self._at or self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Replica:
    """Two people's clicks race, the winner's approval is applied, and the thread is told."""

    def __init__(self, store: SqlStore, world: Path, death: Death) -> None:
        self._store = store
        self._world = world
        self._death = death
        self._moved = asyncio.Event()
        self._moving = False
        event.listen(store.database._engine, "commit", self._committing)

    async def work(self) -> None:
        """Work until nothing is left to do."""
        performers = {"click": self._click, "apply": self._apply, "post": self._post}
        worker = Worker(
            self._store.jobs, performers, lease=1.0, heartbeat=0.3, poll=0.1, observe=self._observe
        )
        working = asyncio.create_task(worker.run())
        while await self._store.jobs.next_due() is not None:
            self._moved.clear()
            try:
                async with asyncio.timeout(0.1):
                    await self._moved.wait()
            except TimeoutError:
                continue
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)

    def _observe(self, _kind: str, _outcome: str, _seconds: float) -> None:
        self._moved.set()

    def _committing(self, _: Connection) -> None:
        if self._moving:
            self._death.passes("before the commit")

    async def _click(self, leased: Leased) -> None:
        """Decide, unless somebody else did."""
        self._death.passes("before the effect")
        change = await self._store.changes.get(str(leased.job.payload["change"]))
        kind, by = EventKind(str(leased.job.payload["kind"])), str(leased.job.payload["by"])
        if kind not in {EventKind.APPROVED, EventKind.REJECTED} or change.phase != "proposed":
            return
        follow = "apply" if kind is EventKind.APPROVED else "post"
        await self._move(change, Event(kind=kind, at=AT, by=by), _job(follow, change))
        self._death.passes("after the record")

    async def _apply(self, leased: Leased) -> None:
        """Patch once: the file's exclusive creation stands for the resourceVersion's precondition."""
        change = await self._store.changes.get(str(leased.job.payload["change"]))
        if change.phase == "approved":
            change = await self._move(change, Event(kind=EventKind.APPLY_STARTED, at=AT, by="bot"))
        if change.phase == "applying":
            self._death.passes("before the effect")
            self._touch(f"patched {change.id}")
            self._death.passes("after the effect")
            await self._move(change, Event(kind=EventKind.APPLIED, at=AT, by="bot"), _job("post", change))
            self._death.passes("after the record")

    async def _post(self, leased: Leased) -> None:
        """Post once: it looks first."""
        self._death.passes("before the effect")
        self._touch(f"posted {leased.job.payload['change']}")
        self._death.passes("after the effect")

    async def _move(self, before: Change, happened: Event, *jobs: Job) -> Change:
        after = before.after(happened)
        self._moving = True
        try:
            await self._store.changes.move(before, after, happened, jobs=jobs)
        except Stale:
            return await self._store.changes.get(before.id)
        finally:
            self._moving = False
        return replace(after)

    def _touch(self, name: str) -> None:
        try:
            (self._world / name).touch(exist_ok=False)
        except FileExistsError:
            return


def _job(kind: str, change: Change) -> Job:
    return Job(key=f"{kind}:{change.id}", kind=kind, payload={"change": change.id})


async def _main(url: str, world: str, mode: str) -> None:
    store = open_store(url)
    await Replica(store, Path(world), Death(mode)).work()
    await store.close()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
