"""Incidents, who tells them, and how much a channel was told."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add three tables; replicas of the version before do not know them."""
    op.create_table(
        "incidents",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("live_key", sa.Text),
        sa.Column("phase", sa.Text, nullable=False),
        sa.Column("folded", sa.Text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("saved_at", sa.Float(53), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incidents"),
        sa.UniqueConstraint("live_key", name="uq_incidents_live_key"),
    )
    op.create_index("ix_incidents_cluster_phase", "incidents", ["cluster", "phase"])
    for column in ("folded", "key"):
        op.create_index(f"ix_incidents_{column}", "incidents", [column])
    op.create_table(
        "watches",
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("holder", sa.Text, nullable=False),
        sa.Column("until", sa.Float(53), nullable=False),
        sa.Column("begun_at", sa.String(32)),
        sa.PrimaryKeyConstraint("cluster", name="pk_watches"),
    )
    op.create_table(
        "minutes",
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("minute", sa.Integer, nullable=False, autoincrement=False),
        sa.Column("told", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("channel", "minute", name="pk_minutes"),
    )
