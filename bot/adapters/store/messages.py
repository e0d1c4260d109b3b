"""Where each of our messages is."""

from sqlalchemy import Connection, select

from bot.adapters.store.database import Database
from bot.adapters.store.dialect import insert, now
from bot.adapters.store.tables import messages as table
from bot.domain.change import Place


class SqlMessages:
    """Key of ours → channel and timestamp."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def place(self, key: str) -> Place | None:
        """Return where the message of this key is; None: it was never remembered."""
        query = select(table.c.channel, table.c.ts).where(table.c.key == key)
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else Place(channel=row.channel, ts=row.ts)

    async def remember(self, key: str, place: Place) -> None:
        """Note where the message is; the last word wins."""

        def work(connection: Connection) -> None:
            row = {"channel": place.channel, "ts": place.ts, "saved_at": now()}
            query = insert(connection, table).values(key=key, **row)
            connection.execute(query.on_conflict_do_update(index_elements=[table.c.key], set_=row))

        await self._database.write(work)
