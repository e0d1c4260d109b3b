"""`audit`: the log of changes as JSON lines, a check that its chain is whole, and the erasure of a person."""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.adapters.store import Audit, Check, Cut, Erased, Head, migrate, noted_head, open_store
from bot.adapters.store.database import database_name, parse_url
from bot.config import ConfigurationError, configured_retention, database_url
from bot.config.duration import seconds
from bot.domain.words import counted, duration

_BROKEN = 1


def run(args: argparse.Namespace) -> int:
    """Export, verify or erase in the log of DATABASE_URL; return the exit status."""
    match args.action:
        case "export":
            return asyncio.run(_export())
        case "verify":
            known = noted_head(args.head) if args.head else None
            return asyncio.run(_verify(known, _retention(args.retention)))
        case _:
            return asyncio.run(_erase(args.user))


@asynccontextmanager
async def _audit() -> AsyncIterator[Audit]:
    url = _url()
    _must_be_there(url)
    migrate(url)
    store = open_store(url)
    try:
        yield store.audit
    finally:
        await store.close()


def _url() -> str:
    return database_url(os.environ, Path.cwd()).reveal()


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
        check = await audit.check()
    if check.broken is not None:
        print(f"{_sentence(check, None)} What is exported is what stands there.", file=sys.stderr)
    return 0


def _retention(given: str | None) -> float:
    """How long events are kept, in seconds: as it is given, else as it is configured."""
    if given is None:
        return configured_retention(os.environ, Path.cwd())
    try:
        return seconds(given)
    except ValueError as error:
        raise ValueError(f"--retention '{given:.40}' {error}") from error


async def _verify(known: Head | None, retention: float) -> int:
    async with _audit() as audit:
        check = await audit.check(known=known, retention=retention)
    print(_sentence(check, known))
    print(f"The log is that of the database {database_name(_url())}.", file=sys.stderr)
    for pseudonym in check.bindings.exchanged:
        print(
            f"Somebody else stands beside {pseudonym} than when it was made; its events are as they were sealed."
        )
    if check.bindings.unbound:
        print(
            f"{counted(check.bindings.unbound, 'pseudonym')} cannot be checked: what binds it to the person is not there."
        )
    return _BROKEN if check.broken or check.bindings.exchanged else 0


def _sentence(check: Check, known: Head | None) -> str:
    if check.broken is not None:
        return (
            f"The chain is broken at position {check.broken.position}: {check.broken.why}. "
            f"The {counted(check.links, 'event')} before it {'is' if check.links == 1 else 'are'} as sealed."
        )
    since = f" from position {check.since + 1} on, {_before(check.cut)}" if check.since else ""
    waiting = f" {check.unsealed} more wait to be sealed." if check.unsealed else ""
    led = " It leads to the head that was given." if known else ""
    return (
        f"The chain is whole: {counted(check.links, 'event')}{since}.{waiting}{led} Its head is {check.head}."
    )


def _before(cut: Cut | None) -> str:
    if cut is None:
        return "what is older was taken away by a version of the bot that left no proof of it"
    return (
        f"what is older, until {cut.until:%Y-%m-%d %H:%M} UTC, was taken away by retention "
        f"({duration(cut.retention)}) at {cut.at:%Y-%m-%d %H:%M} UTC"
    )


async def _erase(user: str) -> int:
    async with _audit() as audit:
        erased = await audit.erase(user)
    print(_farewell(user, erased))
    return 0


def _farewell(user: str, erased: Erased | None) -> str:
    if erased is None:
        return f"Nobody of the id {user} is known in the log."
    told = f"{user} is erased: {erased.pseudonym} stands in the log from now on, and the chain is as it was."
    if erased.again:
        told = (
            f"{user} was erased from the log before; what has ended since names {erased.pseudonym} instead."
        )
    if erased.open:
        told += f" {', '.join(erased.open)} still names the person; erase again when it has ended."
    return told
