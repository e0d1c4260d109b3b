"""Bringing a database to the current schema, however many replicas start at once."""

import logging
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from bot.adapters.store.database import make_engine, parse_url, sentence
from bot.ports import Unavailable

SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 0x656C6270
"""The advisory lock's number: any that nobody else on the server uses ("elbp")."""
_log = logging.getLogger("bot.store")


def migrate(url: str) -> str:
    """Upgrade the schema in one transaction; return its revision. Others wait, and then find it done.

    A database that a newer version has upgraded is left alone: migrations only ever add, so that the older
    replicas of a rolling upgrade go on working.

    Raises:
        Invalid: the URL names no database that is supported.
        Unavailable: the database does not answer, or refused.
    """
    parsed = parse_url(url)
    engine = make_engine(parsed, connections=1, patient=True)
    try:
        with engine.begin() as connection:
            return _upgrade(connection)
    except SQLAlchemyError as error:
        raise Unavailable(sentence(error, parsed)) from error
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> str:
    # Only the process that starts pays for alembic's import.
    from alembic import command  # noqa: PLC0415 - 0.2 s that the store itself does not need
    from alembic.config import Config  # noqa: PLC0415 - as above
    from alembic.migration import MigrationContext  # noqa: PLC0415 - as above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    if connection.dialect.name == "postgresql":
        # SQLite needs no such lock: its transaction began with the write lock of the whole file.
        connection.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS))
    config.attributes["connection"] = connection
    scripts = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    head = scripts.get_current_head()
    if current is not None and current not in {script.revision for script in scripts.walk_revisions()}:
        _log.warning(
            "the database is at revision %s, newer than this version's %s; it works on, and leaves to the newer version "
            "what only that one knows",
            current,
            head,
        )
        return current
    if current != head:
        command.upgrade(config, "head")
        _log.info("the database was upgraded from %s to %s", current or "nothing", head)
    return str(head)
