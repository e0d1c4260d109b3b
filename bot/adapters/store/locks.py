"""Locks: what an open change, or a verification under way, keeps for itself."""

from collections.abc import Iterable

from sqlalchemy import Connection, delete

from bot.adapters.store.dialect import insert
from bot.adapters.store.tables import locks as table


def take(connection: Connection, cluster: str, subjects: Iterable[str], holder: str) -> str | None:
    """Lock every subject; return another holder if there is one, and then roll back.

    A conflict "updates" the row to what it is: that waits for a transaction under way, and returns who won it.
    """
    query = insert(connection, table)
    query = query.on_conflict_do_update(
        index_elements=[table.c.cluster, table.c.subject], set_={"holder": table.c.holder}
    )
    # Sorted, so that two transactions never wait for each other crosswise.
    for subject in sorted(set(subjects)):
        row = {"cluster": cluster, "subject": subject, "holder": holder}
        winner: str = connection.execute(query.values(row).returning(table.c.holder)).scalar_one()
        if winner != holder:
            return winner
    return None


def release(connection: Connection, holder: str) -> None:
    """Free everything that the holder has."""
    connection.execute(delete(table).where(table.c.holder == holder))
