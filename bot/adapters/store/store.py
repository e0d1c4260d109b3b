"""The store: every table behind one door."""

from collections.abc import Callable
from pathlib import Path

from sqlalchemy import text

from bot.adapters.store.alone import Alone
from bot.adapters.store.audit import Audit
from bot.adapters.store.changes import SqlChanges
from bot.adapters.store.database import Database
from bot.adapters.store.incidents import SqlIncidents
from bot.adapters.store.jobs import SqlJobs
from bot.adapters.store.messages import SqlMessages
from bot.adapters.store.pauses import SqlPauses
from bot.adapters.store.runs import SqlRuns
from bot.adapters.store.upkeep import Upkeep


class SqlStore:
    """The truth about changes, on SQLite or PostgreSQL; fulfils `bot.ports.Store`."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.jobs = SqlJobs(database)
        self.changes = SqlChanges(database, self.jobs)
        self.runs = SqlRuns(database, self.jobs)
        self.messages = SqlMessages(database)
        self.pauses = SqlPauses(database)
        self.incidents = SqlIncidents(database, self.jobs)
        self.audit = Audit(database)
        sqlite = database.url.get_backend_name() == "sqlite"
        self._alone = Alone(Path(str(database.url.database))) if sqlite else None

    def upkeep(self, *, retention: float) -> Upkeep:
        """Return what keeps the database in order; `retention` in seconds."""
        return Upkeep(self.database, retention=retention)

    async def take_over(self) -> int:
        """Free what a dead process held, if nobody else can hold anything; return how many jobs that were.

        On an SQLite file that only this process serves, every lease is a dead one's. On PostgreSQL leases run out.
        """
        if self._alone is None or not self._alone.claim():
            return 0
        await self.incidents.free_all()
        return await self.jobs.free_all()

    async def ping(self) -> None:
        """Ask the database for a sign of life."""
        await self.database.read(lambda connection: connection.execute(text("SELECT 1")))

    async def close(self) -> None:
        """Let what is under way end, then disconnect."""
        await self.database.close()
        if self._alone is not None:
            self._alone.close()


def open_store(url: str | Callable[[], str]) -> SqlStore:
    """Return the store of DATABASE_URL; nothing is connected yet, and `migrate(url)` comes first.

    A callable is asked again for each connection, so that a rotated password is used without a restart.

    Raises:
        Invalid: the URL names no database that is supported.
    """
    return SqlStore(Database(url if callable(url) else lambda: url))
