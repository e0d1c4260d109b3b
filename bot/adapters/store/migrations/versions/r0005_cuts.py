"""What retention takes away is told in the log first, and is as old as that says.

Without this, two statements and no dropped trigger took the newest events away and called it retention.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_REFUSAL = "the audit log is append-only"
_TOLD = (
    """'{"hash":"' || NEW.hash || '","position":"' || CAST(NEW.position AS TEXT)"""
    """ || '","retention":"' || NEW.retention || '","until":"' || NEW.until || '"}'"""
)
_UNTOLD = f"""NEW.id <> 1 OR NEW.retention IS NULL OR NEW.until IS NULL
    OR NOT EXISTS (SELECT 1 FROM events WHERE position IS NULL AND kind = 'cut' AND detail = {_TOLD})
    OR NOT EXISTS (SELECT 1 FROM events WHERE position = NEW.position AND hash = NEW.hash)
    OR EXISTS (SELECT 1 FROM events WHERE position <= NEW.position AND at > NEW.until)"""  # noqa: S608 - names of ours
"""A cut is noted together with its event, says where the chain is cut, and how young the youngest of it is."""
_SQLITE_CUTOFF = """strftime('%Y-%m-%dT%H:%M:%f000+00:00', 'now', '+1 seconds',
    '-' || (SELECT retention FROM chain WHERE id = 1) || ' seconds')"""
_POSTGRESQL_CUTOFF = """to_char((statement_timestamp() AT TIME ZONE 'UTC') + INTERVAL '1 second'
    - make_interval(secs => (SELECT CAST(retention AS double precision) FROM chain WHERE id = 1)),
    'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""


def _kept(cutoff: str) -> str:
    """An event that is not cut off, or that is younger than the cut says, or than retention allows by this clock."""
    return f"""OLD.position IS NULL
        OR OLD.position > COALESCE((SELECT position FROM chain WHERE id = 1), 0)
        OR OLD.at > COALESCE((SELECT until FROM chain WHERE id = 1), '')
        OR OLD.at >= COALESCE({cutoff}, '')"""  # noqa: S608 - names of ours


def upgrade() -> None:
    """Add columns and triggers; a replica of the version before leaves retention to one of this."""
    op.add_column("chain", sa.Column("retention", sa.String(32)))
    op.add_column("chain", sa.Column("until", sa.String(32)))
    if op.get_bind().dialect.name == "postgresql":
        _postgresql()
    else:
        _sqlite()


def _sqlite() -> None:
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    op.execute("DROP TRIGGER events_no_delete")
    op.execute(
        f"CREATE TRIGGER events_no_delete BEFORE DELETE ON events WHEN {_kept(_SQLITE_CUTOFF)} {refuse}"
    )
    for verb in ("INSERT", "UPDATE"):
        op.execute(f"CREATE TRIGGER chain_no_{verb.lower()} BEFORE {verb} ON chain WHEN {_UNTOLD} {refuse}")
    back = "NEW.position <= OLD.position"
    op.execute(f"CREATE TRIGGER chain_no_return BEFORE UPDATE ON chain WHEN {back} {refuse}")
    op.execute(f"CREATE TRIGGER chain_no_delete BEFORE DELETE ON chain {refuse}")


def _postgresql() -> None:
    refuse = f"RAISE EXCEPTION '{_REFUSAL}'"
    kept = f"IF {_kept(_POSTGRESQL_CUTOFF)} THEN {refuse}; END IF; RETURN OLD;"
    op.execute(
        f"CREATE OR REPLACE FUNCTION events_no_delete() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {kept} END $$"
    )
    told = f"IF {_UNTOLD} THEN {refuse}; END IF;"
    back = f"IF NEW.position <= OLD.position THEN {refuse}; END IF;"
    _on_chain("insert", f"{told} RETURN NEW;")
    _on_chain("update", f"{told} {back} RETURN NEW;")
    _on_chain("delete", f"{refuse};")
    _on_chain("truncate", f"{refuse};", each="STATEMENT")


def _on_chain(verb: str, body: str, *, each: str = "ROW") -> None:
    name = f"chain_no_{verb}"
    op.execute(f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} END $$")
    op.execute(
        f"CREATE TRIGGER {name} BEFORE {verb.upper()} ON chain FOR EACH {each} EXECUTE FUNCTION {name}()"
    )
