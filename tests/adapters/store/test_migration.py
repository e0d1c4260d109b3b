import logging
import sys
from subprocess import PIPE, Popen
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Inspector, inspect, text
from sqlalchemy.engine.interfaces import ReflectedIndex

from bot.adapters.store import migrate
from bot.adapters.store.database import make_engine, parse_url
from bot.adapters.store.tables import metadata
from bot.ports import Unavailable


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
    assert migrate(empty_url) == migrate(empty_url) == "0004"


def test_replicas_that_start_at_once_migrate_once(empty_url: str) -> None:
    """Real processes, on an empty database: one upgrades, the others wait and find it done."""
    script = "import sys; from bot.adapters.store import migrate; print(migrate(sys.argv[1]))"
    command = [sys.executable, "-W", "error", "-c", script, empty_url]
    replicas = [
        Popen(command, stdout=PIPE, stderr=PIPE, text=True)  # noqa: S603 - our own interpreter and script
        for _ in range(4)
    ]
    answers = [replica.communicate(timeout=120) for replica in replicas]
    assert answers == [("0004\n", "")] * 4


def test_a_newer_database_is_left_alone(url: str, caplog: pytest.LogCaptureFixture) -> None:
    """The older replicas of a rolling upgrade go on working."""
    engine = make_engine(parse_url(url), connections=1)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with caplog.at_level(logging.WARNING):
        assert migrate(url) == "9999"
    assert "newer than this version's 0004" in caplog.text


def test_a_database_that_does_not_answer_is_one_sentence() -> None:
    """Without the password."""
    with pytest.raises(Unavailable, match="the database does not answer") as refused:
        migrate("postgresql://bot:hunter2@127.0.0.1:1/bot")
    assert "hunter2" not in str(refused.value)
    assert "\n" not in str(refused.value)
