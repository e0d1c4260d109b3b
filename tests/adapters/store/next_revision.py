"""A migration as the next version may bring it: more columns in every table, a table, an index, triggers.

The triggers write down what each row was before somebody wrote it, so that a torture can tell whether anything got lost.
"""

import sqlalchemy as sa
from alembic import op

from bot.adapters.store.tables import metadata

revision = "next"
down_revision = "HEAD"
branch_labels = None
depends_on = None

REWRITTEN = ("changes", "runs", "incidents")
"""Tables whose rows are documents that are written over."""


def upgrade() -> None:
    """Add, and nothing else; replicas of the version before know nothing of it."""
    for name in metadata.tables:
        op.add_column(name, sa.Column("next_note", sa.Text))
        op.add_column(name, sa.Column("next_count", sa.Integer, nullable=False, server_default="1"))
    op.create_table(
        "next_log",
        sa.Column("seq", sa.Integer, sa.Identity(), primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("before", sa.Text, nullable=False),
        sa.Column("after", sa.Text, nullable=False),
    )
    op.create_index("ix_next_changes_cluster", "changes", ["cluster", "next_note"])
    for name in REWRITTEN:
        _log(name)


def _log(name: str) -> None:
    noted = f"INSERT INTO next_log (kind, before, after) VALUES ('{name}', OLD.body, NEW.body)"  # noqa: S608 - a name of ours
    if op.get_bind().dialect.name == "postgresql":
        body = f"BEGIN {noted}; RETURN NEW; END"
        op.execute(f"CREATE FUNCTION next_{name}() RETURNS trigger LANGUAGE plpgsql AS $$ {body} $$")
        op.execute(
            f"CREATE TRIGGER next_{name} AFTER UPDATE OF body ON {name} FOR EACH ROW EXECUTE FUNCTION next_{name}()"
        )
    else:
        op.execute(f"CREATE TRIGGER next_{name} AFTER UPDATE OF body ON {name} BEGIN {noted}; END")
