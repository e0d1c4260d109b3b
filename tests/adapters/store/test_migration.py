import asyncio
import logging
import sys
from subprocess import PIPE, Popen
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Inspector, inspect, text
from sqlalchemy.engine.interfaces import ReflectedIndex

from bot.adapters.store import migrate, open_store
from bot.adapters.store.database import make_engine, parse_url
from bot.adapters.store.migration import SCRIPTS
from bot.adapters.store.tables import metadata
from bot.ports import Unavailable
from tests.adapters.store import next_revision
from tests.adapters.store.databases import migrate_further


def test_the_migrated_schema_is_the_one_the_code_speaks_of(url: str) -> None:
    """Alembic finds nothing to add or to drop, types included."""
    engine = make_engine(parse_url(url), connections=1)
    with engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, metadata)
    engine.dispose()
    assert differences == []


def _index(index: ReflectedIndex) -> str:
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return f"{index['name']} {index['column_names']} {index['unique']} {options}"


def _shape(inspector: Inspector) -> dict[str, Any]:
    """Everything of a schema that a row can meet: columns, keys, constraints, indexes."""
    return {
        table: {
            "columns": {c["name"]: (str(c["type"]), c["nullable"]) for c in inspector.get_columns(table)},
            "key": inspector.get_pk_constraint(table),
            "unique": sorted(str(u) for u in inspector.get_unique_constraints(table)),
            "indexes": sorted(_index(index) for index in inspector.get_indexes(table)),
        }
        for table in metadata.tables
    }


def test_the_migrated_schema_is_what_the_tables_would_create(empty_url: str) -> None:
    """Down to primary keys and partial indexes, which alembic does not compare."""
    engine = make_engine(parse_url(empty_url), connections=1)
    with engine.begin() as connection:
        metadata.create_all(connection)
        created = _shape(inspect(connection))
        metadata.drop_all(connection)
    engine.dispose()
    migrate(empty_url)
    engine = make_engine(parse_url(empty_url), connections=1)
    with engine.begin() as connection:
        migrated = _shape(inspect(connection))
    engine.dispose()
    assert migrated == created


def test_migrating_twice_is_migrating_once(empty_url: str) -> None:
    """Every replica does it at its start."""
    assert migrate(empty_url) == migrate(empty_url) == "0005"


def test_replicas_that_start_at_once_migrate_once(empty_url: str) -> None:
    """Real processes, on an empty database: one upgrades, the others wait and find it done."""
    script = "import sys; from bot.adapters.store import migrate; print(migrate(sys.argv[1]))"
    replica = [sys.executable, "-W", "error", "-c", script, empty_url]
    replicas = [
        Popen(replica, stdout=PIPE, stderr=PIPE, text=True)  # noqa: S603 - our own interpreter and script
        for _ in range(4)
    ]
    answers = [replica.communicate(timeout=120) for replica in replicas]
    assert answers == [("0005\n", "")] * 4


def test_migrations_only_ever_add(empty_url: str) -> None:
    """The older replicas of a rolling upgrade find every column that they know, and need fill in no other one."""
    engine = make_engine(parse_url(empty_url), connections=1)
    scripts = ScriptDirectory(str(SCRIPTS))
    before: dict[str, Any] = {}
    for script in reversed(list(scripts.walk_revisions())):
        with engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(SCRIPTS))
            config.attributes["connection"] = connection
            command.upgrade(config, script.revision)
            after = _columns(inspect(connection))
        for table, columns in before.items():
            assert columns.items() <= after[table].items(), script.revision
            new = after[table].keys() - columns.keys()
            assert not {name for name in new if after[table][name][1]}, (
                f"{script.revision} asks for more in {table}"
            )
        before = after
    engine.dispose()
    assert before.keys() >= metadata.tables.keys()


def _columns(inspector: Inspector) -> dict[str, dict[str, tuple[str, bool]]]:
    """Table → column → its type, and whether a row that leaves it out is refused."""
    return {
        table: {
            column["name"]: (str(column["type"]), not column["nullable"] and column["default"] is None)
            for column in inspector.get_columns(table)
        }
        for table in inspector.get_table_names()
    }


def test_a_database_that_was_migrated_further_serves(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """An older replica that starts on it says so, and leaves it as it is; the store's whole contract holds on it."""
    migrate_further(url)
    engine = make_engine(parse_url(url), connections=1)
    before = _columns(inspect(engine))
    with caplog.at_level(logging.WARNING):
        assert migrate(url) == next_revision.revision
    assert "newer than this version's 0005; it works on, and leaves to the newer version" in caplog.text
    assert _columns(inspect(engine)) == before
    engine.dispose()


def test_a_newer_database_is_left_alone(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """The older replicas of a rolling upgrade go on working."""
    engine = make_engine(parse_url(url), connections=1)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with caplog.at_level(logging.WARNING):
        assert migrate(url) == "9999"
    assert "newer than this version's 0005" in caplog.text


def test_tables_that_a_newer_version_took_away_are_one_sentence(url: str) -> None:
    """It says what to do in either case: migrate, or start the newer version."""
    engine = make_engine(parse_url(url), connections=1)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE pauses RENAME TO halts"))
    engine.dispose()
    store = open_store(url)

    async def look() -> None:
        try:
            await store.pauses.paused("prod")
        finally:
            await store.close()

    with pytest.raises(Unavailable, match="unless a newer version has changed them: then start that one"):
        asyncio.run(look())


def test_a_database_that_does_not_answer_is_one_sentence() -> None:
    """Without the password."""
    with pytest.raises(Unavailable, match="the database does not answer") as refused:
        migrate("postgresql://bot:hunter2@127.0.0.1:1/bot")
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)
