"""`make bench`: every benchmark, one after the other; the exit status says whether the promises hold."""

import asyncio
import sys

from tests.bench import paths
from tests.bench.acknowledge import acknowledge


def main() -> int:
    """Run the benchmarks, all of them, whatever one says."""
    return max(asyncio.run(acknowledge()), paths.main())


if __name__ == "__main__":
    sys.exit(main())
