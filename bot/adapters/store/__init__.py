"""The store on SQLite or PostgreSQL, by SQLAlchemy Core."""

from bot.adapters.store.migration import migrate
from bot.adapters.store.store import SqlStore, open_store

__all__ = ["SqlStore", "migrate", "open_store"]
