"""What SQLite and PostgreSQL spell differently: the clock, and INSERT … ON CONFLICT."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Dialect, Float, String, Table, TypeDecorator, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import FunctionElement


class now(FunctionElement[float]):  # noqa: N801 - reads as the SQL function that it is
    """Seconds since 1970 by the database's clock: replicas' own clocks may disagree."""

    type = Float()
    inherit_cache = True


@compiles(now, "sqlite")
def _now_sqlite(_element: now, _compiler: SQLCompiler, **_options: object) -> str:
    # unixepoch('subsec') is newer than the SQLite of today's stable distributions.
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(now, "postgresql")
def _now_postgresql(_element: now, _compiler: SQLCompiler, **_options: object) -> str:
    # Stable within a statement, so that an index on the due time can be used; clock_timestamp() is not.
    return "CAST(extract(epoch FROM statement_timestamp()) AS double precision)"


def insert(connection: Connection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that knows ON CONFLICT."""
    return postgresql.insert(table) if connection.dialect.name == "postgresql" else sqlite.insert(table)


def locked_body(connection: Connection, table: Table, *held: ColumnElement[bool]) -> str | None:
    """Return a row's body, and let nobody else write the row until the transaction ends; None: there is no such row."""
    # SQLite needs no lock on a row: a transaction that writes has begun with the whole file's.
    query = select(table.c.body).where(*held).with_for_update()
    found: str | None = connection.execute(query).scalar_one_or_none()
    return found


class Instant(TypeDecorator[datetime]):
    """A moment as ISO 8601 in UTC with microseconds: sorts as text, reads in any client."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> str | None:
        """Refuse a moment without a zone: it would be another one elsewhere."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        return value.astimezone(UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any | None, _dialect: Dialect) -> datetime | None:
        """Read it back in UTC."""
        return None if value is None else datetime.fromisoformat(value)
