"""An event log that is appended to and nothing else; pseudonyms that are bound to the person.

The log's owner can drop these triggers; the chain then shows what was done behind them. They keep a slip, a stray
script or a person with a console from getting that far.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_REFUSAL = "the audit log is append-only"
_WRITTEN = ("seq", "change", "cluster", "kind", "at", "by", "detail")
"""What an event says; its place in the chain is set once, when it is sealed."""


def upgrade() -> None:
    """Add a column and triggers; replicas of the version before neither fill the one nor trip over the others."""
    op.add_column("people", sa.Column("salt", sa.String(32)))
    if op.get_bind().dialect.name == "postgresql":
        _postgresql()
    else:
        _sqlite()


def _changed(distinct: str) -> str:
    same = " OR ".join(f'NEW."{column}" {distinct} OLD."{column}"' for column in _WRITTEN)
    return f"OLD.position IS NOT NULL OR {same}"


_KEPT = "OLD.position IS NULL OR OLD.position > COALESCE((SELECT max(position) FROM chain), 0)"
"""Retention notes first up to where it takes the oldest away, and then takes them."""


def _sqlite() -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    op.execute(f"CREATE TRIGGER events_no_update BEFORE UPDATE ON events WHEN {_changed('IS NOT')} {refuse}")
    op.execute(f"CREATE TRIGGER events_no_delete BEFORE DELETE ON events WHEN {_KEPT} {refuse}")
    other = "NEW.pseudonym IS NOT OLD.pseudonym OR NEW.person IS NOT OLD.person"
    op.execute(f"CREATE TRIGGER people_no_update BEFORE UPDATE ON people WHEN {other} {refuse}")


def _postgresql() -> None:
    refuse = f"RAISE EXCEPTION '{_REFUSAL}'"
    other = "NEW.pseudonym IS DISTINCT FROM OLD.pseudonym OR NEW.person IS DISTINCT FROM OLD.person"
    _on_postgresql(
        "events", "update", f"IF {_changed('IS DISTINCT FROM')} THEN {refuse}; END IF; RETURN NEW;"
    )
    _on_postgresql("events", "delete", f"IF {_KEPT} THEN {refuse}; END IF; RETURN OLD;")
    _on_postgresql("events", "truncate", f"{refuse};", each="STATEMENT")
    _on_postgresql("people", "update", f"IF {other} THEN {refuse}; END IF; RETURN NEW;")


def _on_postgresql(table: str, verb: str, body: str, *, each: str = "ROW") -> None:
    name = f"{table}_no_{verb}"
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {verb.upper()} ON {table} FOR EACH {each} EXECUTE FUNCTION {name}()"
    )
