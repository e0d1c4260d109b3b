"""`make bench`: every benchmark, one after the other; the exit status says whether the promises hold."""

import asyncio
import sys

from tests.bench.acknowledge import acknowledge


def main() -> int:
    """Run the benchmarks."""
    return asyncio.run(acknowledge())


if __name__ == "__main__":
    sys.exit(main())
