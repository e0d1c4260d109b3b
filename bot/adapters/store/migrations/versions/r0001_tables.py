"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create what a fresh database needs."""
    _jobs()
    _changes()
    _events()
    _runs()
    _places()


def _jobs() -> None:
    op.create_table(
        "jobs",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("payload", sa.Text, nullable=False),
        sa.Column("due_at", sa.Float(53)),
        sa.Column("again_at", sa.Float(53)),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("lease", sa.String(32)),
        sa.Column("done_at", sa.Float(53)),
        sa.Column("last_error", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_jobs"),
    )
    for column in ("due_at", "done_at"):
        op.create_index(
            f"ix_jobs_{column}", "jobs", [column], postgresql_where=sa.text(f"{column} IS NOT NULL")
        )


def _changes() -> None:
    op.create_table(
        "changes",
        sa.Column("number", sa.Integer, sa.Identity(), nullable=False),
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.String(32), nullable=False),
        sa.Column("expires_at", sa.String(32), nullable=False),
        sa.Column("ended_at", sa.String(32)),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_changes"),
        sa.UniqueConstraint("id", name="uq_changes_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_changes_phase", "changes", ["phase"])
    op.create_table(
        "subjects",
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("change", sa.Integer, nullable=False, autoincrement=False),
        sa.PrimaryKeyConstraint("cluster", "namespace", "name", "change", name="pk_subjects"),
    )
    op.create_index("ix_subjects_change", "subjects", ["change"])
    op.create_table(
        "locks",
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("cluster", "subject", name="pk_locks"),
    )
    op.create_index("ix_locks_holder", "locks", ["holder"])


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("seq", sa.Integer, sa.Identity(), nullable=False),
        sa.Column("change", sa.Text, nullable=False),
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("position", sa.Integer),
        sa.Column("hash", sa.String(64)),
        sa.PrimaryKeyConstraint("seq", name="pk_events"),
        sa.UniqueConstraint("position", name="uq_events_position"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_change", "events", ["change"])
    unsealed = sa.text("position IS NULL")
    op.create_index("ix_events_unsealed", "events", ["seq"], sqlite_where=unsealed, postgresql_where=unsealed)
    op.create_table(
        "chain",
        sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("position", sa.Integer, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_chain"),
    )
    op.create_table(
        "people",
        sa.Column("pseudonym", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("pseudonym", name="pk_people"),
        sa.UniqueConstraint("person", name="uq_people_person"),
    )


def _runs() -> None:
    op.create_table(
        "runs",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("open", sa.Boolean, nullable=False),
        sa.Column("saved_at", sa.Float(53), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
    )


def _places() -> None:
    op.create_table(
        "messages",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("ts", sa.Text, nullable=False),
        sa.Column("saved_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_messages"),
    )
    op.create_table(
        "pauses",
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("cluster", name="pk_pauses"),
    )
