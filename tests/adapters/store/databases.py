"""Databases for tests: an SQLite file, or a PostgreSQL database of one's own for each test."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from psycopg import sql
from sqlalchemy import make_url, text

from bot.adapters.store import migrate
from bot.adapters.store.database import make_engine, parse_url
from tests.adapters.store import next_revision

SERVER = os.environ.get("TEST_DATABASE_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
BACKENDS = ("sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql))


@cache
def why_no_server() -> str:
    """Return why the PostgreSQL server cannot be used; empty: it can."""
    try:
        with psycopg.connect(SERVER, connect_timeout=3) as connection:
            row = connection.execute(
                "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
            ).fetchone()
    except psycopg.Error as error:
        return f"no PostgreSQL server answers: {error}"
    return "" if row and row[0] else "the PostgreSQL role may not create databases"


def _on_server(statement: str, name: str) -> None:
    with psycopg.connect(SERVER, autocommit=True) as connection:
        connection.execute(sql.SQL(statement).format(sql.Identifier(name)))


def hang_up(url: str) -> None:
    """End every connection to a PostgreSQL database, as a restart of the server would."""
    query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    with psycopg.connect(SERVER) as connection:
        connection.execute(query, [make_url(url).database])


@contextmanager
def empty_database(backend: str, folder: Path) -> Iterator[str]:
    """Give a URL of a database without tables."""
    if backend == "sqlite":
        yield f"sqlite:///{folder / 'bot.db'}"
        return
    if why_no_server():
        pytest.skip(why_no_server())
    name = f"elb_passthrough_{uuid4().hex}"
    _on_server("CREATE DATABASE {} TEMPLATE template0", name)
    try:
        yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    finally:
        _on_server("DROP DATABASE {} WITH (FORCE)", name)


def migrate_further(url: str) -> None:
    """Bring a database to the schema of the next version."""
    migrate(url)
    engine = make_engine(parse_url(url), connections=1)
    with engine.begin() as connection:
        with Operations.context(MigrationContext.configure(connection)):
            next_revision.upgrade()
        named = text("UPDATE alembic_version SET version_num = :revision")
        connection.execute(named, {"revision": next_revision.revision})
    engine.dispose()


@pytest.fixture(params=BACKENDS)
def empty_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Give a database without tables, of either kind."""
    with empty_database(request.param, tmp_path) as url:
        yield url


@pytest.fixture
def url(empty_url: str) -> str:
    """Give a database with the current schema, of either kind."""
    migrate(empty_url)
    return empty_url
