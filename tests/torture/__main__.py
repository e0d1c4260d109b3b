"""`make torture`: SQLite with one replica, PostgreSQL with three, and with three of two versions.

The exit status says whether all counts are 0.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
from pathlib import Path

from tests.adapters.store.databases import empty_database, why_no_server
from tests.torture.run import torture

ENOUGH = 60
"""Changes from which on every named point must have been reached, and one version have written over the other's rows."""


def main() -> int:
    """Run each."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument("--changes", type=int, default=150, help="for each of the three runs (default: 150)")
    parser.add_argument(
        "--quota", type=int, default=2, help="deaths at each named point, at most (default: 2)"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", choices=_RUNS)
    args = parser.parse_args()
    # The events that only the next version knows are meant to be there.
    logging.getLogger("bot.store").setLevel(logging.ERROR)
    clean = {_one(name, args) for name in _RUNS if args.only in {None, name}}
    return 0 if clean == {True} else 1


_RUNS = {
    "sqlite": "SQLite, one replica",
    "postgresql": "PostgreSQL, three replicas",
    "versions": "PostgreSQL, three replicas of two versions",
}


def _one(name: str, args: argparse.Namespace) -> bool:
    if name == "sqlite":
        return _run(name, 1, None, args)
    if why := why_no_server():
        print(f"{_RUNS[name]}: skipped, {why}")
        return False
    with empty_database("postgresql", Path()) as url:
        return _run(name, 3, url, args)


def _run(name: str, replicas: int, url: str | None, args: argparse.Namespace) -> bool:
    print(_RUNS[name], flush=True)
    with tempfile.TemporaryDirectory(prefix="elb-passthrough-torture-") as directory:
        place = Path(directory)
        report = asyncio.run(
            torture(
                place,
                changes=args.changes,
                replicas=replicas,
                database_url=url or f"sqlite:///{place / 'bot.sqlite3'}",
                seed=args.seed,
                quota=args.quota,
                spare=args.changes // 2,
                versions=name == "versions",
            )
        )
    print("\n".join(report.lines()), flush=True)
    missed = [f"killed {point}" for point in report.missing]
    if report.written_over == 0:
        missed.append("written over a row of the next version")
    for what in missed if args.changes >= ENOUGH else ():
        print(f"    never {what}", flush=True)
    return report.clean and not (missed and args.changes >= ENOUGH)


if __name__ == "__main__":
    sys.exit(main())
