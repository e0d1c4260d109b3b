"""`make bench`: every benchmark, one after the other; the exit status says whether the promises hold."""

import argparse
import asyncio
import sys
from collections.abc import Callable, Mapping

from tests.bench import paths
from tests.bench.acknowledge import acknowledge
from tests.bench.answers import answers
from tests.bench.clicks import clicks
from tests.bench.fleet import fleet
from tests.bench.memory import memory
from tests.bench.watching import watching

_ALL: Mapping[str, Callable[[], int]] = {
    "acknowledge": lambda: asyncio.run(acknowledge()),
    "answers": lambda: asyncio.run(answers()),
    "clicks": lambda: asyncio.run(clicks()),
    "fleet": lambda: asyncio.run(fleet()),
    "memory": lambda: asyncio.run(memory()),
    "paths": paths.main,
    "watching": lambda: asyncio.run(watching()),
}


def main() -> int:
    """Run the benchmarks, all of them, whatever one says."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench")
    parser.add_argument("names", nargs="*", choices=[*_ALL, []], metavar="NAME", help=f"of {', '.join(_ALL)}")
    chosen = parser.parse_args().names or list(_ALL)
    return max([_ALL[name]() for name in chosen])


if __name__ == "__main__":
    sys.exit(main())
