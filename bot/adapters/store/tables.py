"""The tables. Their migrations are in `migrations/`, and a test holds the two together.

A body is JSON in a TEXT column, escaped to ASCII: PostgreSQL's JSONB would refuse a NUL in somebody's reason.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from bot.adapters.store.dialect import Instant

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)

jobs = Table(
    "jobs",
    metadata,
    Column("key", Text, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("payload", Text, nullable=False),
    # When somebody should look at it next: the due time, or the end of the lease while it is held. NULL: done.
    Column("due_at", Float(53)),
    # Submitted again while held, or wanted later than the run in hand: due then, once that one is finished.
    Column("again_at", Float(53)),
    Column("attempt", Integer, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("lease", String(32)),
    Column("done_at", Float(53)),
    Column("last_error", Text, nullable=False),
    Index("ix_jobs_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_jobs_done_at", "done_at", postgresql_where=text("done_at IS NOT NULL")),
)

changes = Table(
    "changes",
    metadata,
    Column("number", Integer, Identity(), primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("cluster", Text, nullable=False),
    Column("phase", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("body", Text, nullable=False),
    Index("ix_changes_phase", "phase"),
    sqlite_autoincrement=True,
)

subjects = Table(
    "subjects",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("change", Integer, primary_key=True, autoincrement=False),
    Index("ix_subjects_change", "change"),
)
"""Which Services a change is about: `history` of any of them finds it."""

locks = Table(
    "locks",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Index("ix_locks_holder", "holder"),
)
"""What an open change, or a verification under way, keeps for itself."""

events = Table(
    "events",
    metadata,
    Column("seq", Integer, Identity(), primary_key=True),
    Column("change", Text, nullable=False),
    Column("cluster", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("detail", Text, nullable=False),
    # Both are NULL until the chain is sealed, behind whoever clicked.
    Column("position", Integer),
    Column("hash", String(64)),
    UniqueConstraint("position"),
    Index("ix_events_change", "change"),
    # Triggers, which the migrations 0003 and 0005 make, refuse whatever is neither appending, sealing nor retention.
    Index(
        "ix_events_unsealed",
        "seq",
        sqlite_where=text("position IS NULL"),
        postgresql_where=text("position IS NULL"),
    ),
    sqlite_autoincrement=True,
)

chain = Table(
    "chain",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, nullable=False),
    Column("hash", String(64), nullable=False),
    # As the event says that tells of the cut; NULL where an older version made it.
    Column("retention", String(32)),
    Column("until", String(32)),
)
"""One row: the last link that retention has taken away; the chain goes on from it."""

people = Table(
    "people",
    metadata,
    Column("pseudonym", Text, primary_key=True),
    Column("person", Text, nullable=False, unique=True),
    # What binds the two: the pseudonym is made of it and the person. NULL: from before that was so.
    Column("salt", String(32)),
)
"""Who a pseudonym of the event log is. Erasing a row leaves the chain whole."""

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("cluster", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("open", Boolean(create_constraint=False), nullable=False),
    Column("saved_at", Float(53), nullable=False),
    Column("body", Text, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    Column("key", Text, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("ts", Text, nullable=False),
    Column("saved_at", Float(53), nullable=False),
)

pauses = Table(
    "pauses",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("by", Text, nullable=False),
    Column("at", Instant, nullable=False),
)

incidents = Table(
    "incidents",
    metadata,
    Column("id", Text, primary_key=True),
    Column("cluster", Text, nullable=False),
    Column("key", Text, nullable=False),
    # The key while the incident is live, NULL once it is over: one live incident for each key, whoever opens it.
    Column("live_key", Text, unique=True),
    Column("phase", Text, nullable=False),
    # The message that tells it together with others; empty: it has its own.
    Column("folded", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("saved_at", Float(53), nullable=False),
    Column("body", Text, nullable=False),
    Index("ix_incidents_cluster_phase", "cluster", "phase"),
    Index("ix_incidents_folded", "folded"),
    Index("ix_incidents_key", "key"),
)

watches = Table(
    "watches",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("holder", Text, nullable=False),
    Column("until", Float(53), nullable=False),
    Column("begun_at", Instant),
    Column("noted_at", Instant),
)
"""Which replica tells a cluster's incidents, since when the cluster is watched at all, and when it was last."""

annotations = Table(
    "annotations",
    metadata,
    Column("cluster", Text, primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("uid", Text, nullable=False),
    Column("value", Text),
)
"""What the pass-through annotation of each Service with a load balancer was when it was looked at last."""

minutes = Table(
    "minutes",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("minute", Integer, primary_key=True, autoincrement=False),
    Column("told", Integer, nullable=False),
)
"""How many incident messages a channel got in a minute of the database's clock."""
