"""`audit`: the log of changes as JSON lines, or a check that its chain is whole."""

import argparse
import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.adapters.store import Audit, Check, migrate, open_store
from bot.adapters.store.database import parse_url
from bot.config import ConfigurationError, database_url

_BROKEN = 1


def run(args: argparse.Namespace) -> int:
    """Export or verify the log of DATABASE_URL; return the exit status."""
    return asyncio.run(_export() if args.action == "export" else _verify())


@asynccontextmanager
async def _audit() -> AsyncIterator[Audit]:
    url = database_url(os.environ, Path.cwd()).reveal()
    _must_be_there(url)
    migrate(url)
    store = open_store(url)
    try:
        yield store.audit
    finally:
        await store.close()


def _must_be_there(url: str) -> None:
    """Refuse to call a log whole that is not there.

    Raises:
        ConfigurationError: DATABASE_URL names an SQLite file that does not exist.
    """
    parsed = parse_url(url)
    if parsed.get_backend_name() == "sqlite" and not Path(str(parsed.database)).is_file():
        raise ConfigurationError(
            [f"there is no database at {parsed.database}; DATABASE_URL names another place"]
        )


async def _export() -> int:
    async with _audit() as audit:
        # What was clicked a second ago is exported too, with its place in the chain.
        await audit.seal()
        async for line in audit.lines():
            print(json.dumps(line.wire(), separators=(",", ":")))
    return 0


async def _verify() -> int:
    async with _audit() as audit:
        check = await audit.check()
    print(_sentence(check))
    return _BROKEN if check.broken else 0


def _sentence(check: Check) -> str:
    if check.broken is not None:
        return (
            f"The chain is broken at position {check.broken.position}: {check.broken.why}. "
            f"The {check.links} events before it are as they were sealed."
        )
    events = "1 event" if check.links == 1 else f"{check.links} events"
    waiting = f" {check.unsealed} more wait to be sealed." if check.unsealed else ""
    return f"The chain is whole: {events}.{waiting} Its head is {check.head}."
