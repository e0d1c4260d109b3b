"""The store on SQLite or PostgreSQL, by SQLAlchemy Core."""

from bot.adapters.store.audit import Audit, Check
from bot.adapters.store.migration import migrate
from bot.adapters.store.store import SqlStore, open_store
from bot.adapters.store.upkeep import JOBS as UPKEEP

__all__ = ["UPKEEP", "Audit", "Check", "SqlStore", "migrate", "open_store"]
