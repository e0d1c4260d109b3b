"""The database, checked: reachable, and at which schema."""

from bot.adapters.store import SqlStore, open_store
from bot.adapters.store.database import database_name
from bot.commands.doctor.check import Check, fail, ok
from bot.config import Settings
from bot.ports import WorldError


async def checks(settings: Settings) -> list[Check]:
    """Ask the database for a sign of life, and for its tables."""
    url = settings.database_url.reveal()
    kind = "SQLite" if url.startswith("sqlite") else "PostgreSQL"
    try:
        store = open_store(url)
    except WorldError as error:
        return [fail("database", str(error), "correct DATABASE_URL")]
    try:
        await store.ping()
        made = await _has_tables(store)
    except WorldError as error:
        return [fail("database", str(error), "check DATABASE_URL, and that the server may be reached")]
    finally:
        await store.close()
    told = f"{kind} answers, {database_name(url)}"
    return [ok("database", told if made else f"{told}; its tables are made when serve starts, or by migrate")]


async def _has_tables(store: SqlStore) -> bool:
    try:
        await store.incidents.live()
    except WorldError:
        return False
    return True
