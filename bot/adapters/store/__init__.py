"""The store on SQLite or PostgreSQL, by SQLAlchemy Core."""

from bot.adapters.store.audit import Audit, Check, Cut, Erased
from bot.adapters.store.link import Head, noted_head
from bot.adapters.store.migration import migrate
from bot.adapters.store.store import SqlStore, open_store
from bot.adapters.store.upkeep import JOBS as UPKEEP

__all__ = [
    "UPKEEP",
    "Audit",
    "Check",
    "Cut",
    "Erased",
    "Head",
    "SqlStore",
    "migrate",
    "noted_head",
    "open_store",
]
