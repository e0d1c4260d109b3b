"""Which clusters are paused."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from bot.adapters.store.database import Database
from bot.adapters.store.dialect import insert
from bot.adapters.store.tables import pauses as table
from bot.ports import Pause

EVERY = "*"


class SqlPauses:
    """A row for each paused cluster; read before every write to the world, so that all replicas honour it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def pause(self, cluster: str, by: str, at: datetime) -> None:
        """Pause a cluster, or "*" for all; paused already: the first person stays named."""

        def work(connection: Connection) -> None:
            query = insert(connection, table).values(cluster=cluster, by=by, at=at)
            connection.execute(query.on_conflict_do_nothing(index_elements=[table.c.cluster]))

        await self._database.write(work)

    async def resume(self, cluster: str) -> None:
        """Take the pause of this name back; "*" leaves clusters paused that were paused by name."""
        query = delete(table).where(table.c.cluster == cluster)
        await self._database.write(lambda connection: connection.execute(query))

    async def paused(self, cluster: str) -> Pause | None:
        """Return the first pause of the cluster, or of all of them; None: it is not paused."""
        query = (
            select(table.c.by, table.c.at)
            .where(table.c.cluster.in_([cluster, EVERY]))
            .order_by(table.c.at)
            .limit(1)
        )
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else Pause(by=row.by, at=row.at)
