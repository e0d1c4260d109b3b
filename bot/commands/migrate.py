"""`migrate`: brings the database to the current schema; the release phase runs it, and `serve` does it too."""

import argparse
import os
from pathlib import Path

from bot.adapters.store import migrate
from bot.adapters.store.database import database_name
from bot.config import database_url


def run(_: argparse.Namespace) -> int:
    """Migrate the database of DATABASE_URL; return the exit status."""
    url = database_url(os.environ, Path.cwd()).reveal()
    revision = migrate(url)
    print(f"The database {database_name(url)} is at revision {revision}.")
    return 0
