"""Upkeep: the jobs that keep the database itself in order, performed by whichever replica is free."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence

from bot.adapters.store.audit import Audit
from bot.adapters.store.database import Database
from bot.adapters.store.retention import remove_older
from bot.ports import Job, Later, Leased

SEAL = "seal"
CLEAN = "clean"
JOBS: Sequence[Job] = (Job(key="upkeep:seal", kind=SEAL), Job(key="upkeep:clean", kind=CLEAN))
"""Submitted at every start; they are never done."""

_SEAL_EVERY = 10.0
_CLEAN_EVERY = 3600.0
_log = logging.getLogger("bot.store")


class Upkeep:
    """Performs the upkeep's jobs; `retention` in seconds."""

    def __init__(self, database: Database, *, retention: float) -> None:
        self._database = database
        self._audit = Audit(database)
        self._retention = retention
        self._told = 0

    def performers(self) -> Mapping[str, Callable[[Leased], Awaitable[None]]]:
        """Return what the worker calls, by kind."""
        return {SEAL: self._seal, CLEAN: self._clean}

    async def _seal(self, _: Leased) -> None:
        head = await self._audit.seal()
        if head.position != self._told:
            # In a log that is kept elsewhere, this line proves later what the chain was today.
            _log.info("the audit log's head is %s", head)
            self._told = head.position
        raise Later(_SEAL_EVERY)

    async def _clean(self, _: Leased) -> None:
        removed = await remove_older(self._database, seconds=self._retention)
        if removed.changes or removed.events or removed.jobs:
            _log.info(
                "retention removed %d changes, %d events, %d done jobs",
                removed.changes,
                removed.events,
                removed.jobs,
            )
        raise Later(min(_CLEAN_EVERY, max(self._retention, 1.0)))
