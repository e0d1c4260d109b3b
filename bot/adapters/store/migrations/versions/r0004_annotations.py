"""What annotations were when somebody looked last."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add a table and a column; replicas of the version before do not know them."""
    op.create_table(
        "annotations",
        sa.Column("cluster", sa.Text, nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("uid", sa.Text, nullable=False),
        sa.Column("value", sa.Text),
        sa.PrimaryKeyConstraint("cluster", "namespace", "name", name="pk_annotations"),
    )
    op.add_column("watches", sa.Column("noted_at", sa.String(32)))
