"""The database, checked: reachable, and at which schema."""

from bot.adapters.store import open_store
from bot.commands.doctor.check import Check, fail, ok
from bot.config import Settings
from bot.ports import WorldError


async def checks(settings: Settings) -> list[Check]:
    """Ask the database for a sign of life; its tables are `migrate`'s business."""
    url = settings.database_url.reveal()
    kind = "SQLite" if url.startswith("sqlite") else "PostgreSQL"
    try:
        store = open_store(url)
    except WorldError as error:
        return [fail("database", str(error), "correct DATABASE_URL")]
    try:
        await store.ping()
    except WorldError as error:
        return [fail("database", str(error), "check DATABASE_URL, and that the server may be reached")]
    finally:
        await store.close()
    return [ok("database", f"{kind} answers")]
