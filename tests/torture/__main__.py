"""`make torture`: SQLite with one replica, PostgreSQL with three; the exit status says whether all counts are 0."""

import argparse
import asyncio
import sys
import tempfile
from pathlib import Path

from tests.adapters.store.databases import empty_database, why_no_server
from tests.torture.run import torture

ENOUGH = 60
"""Changes from which on every named point must have been reached."""


def main() -> int:
    """Run both."""
    parser = argparse.ArgumentParser(prog="python -m tests.torture")
    parser.add_argument(
        "--changes", type=int, default=150, help="for each of the two databases (default: 150)"
    )
    parser.add_argument(
        "--quota", type=int, default=2, help="deaths at each named point, at most (default: 2)"
    )
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    args = parser.parse_args()
    clean = True
    if args.only != "postgresql":
        clean = _run("SQLite, one replica", 1, None, args)
    if args.only == "sqlite":
        return 0 if clean else 1
    if why := why_no_server():
        print(f"PostgreSQL, three replicas: skipped, {why}")
        return 1
    with empty_database("postgresql", Path()) as url:
        clean = _run("PostgreSQL, three replicas", 3, url, args) and clean
    return 0 if clean else 1


def _run(title: str, replicas: int, url: str | None, args: argparse.Namespace) -> bool:
    print(title, flush=True)
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
            )
        )
    print("\n".join(report.lines()), flush=True)
    missed = report.missing if args.changes >= ENOUGH else ()
    for point in missed:
        print(f"    never killed {point}", flush=True)
    return report.clean and not missed


if __name__ == "__main__":
    sys.exit(main())
