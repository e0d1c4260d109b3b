"""`make soak`: an hour of churn and trouble, for a few seeds; the exit status says whether anything differed."""

import argparse
import asyncio
import logging
import sys
from time import monotonic

from tests.soak.soak import Soak


def main() -> int:
    """Run them one after the other."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--seeds", default="1,5", help="which dice; the same ones do the same again")
    parser.add_argument("--minutes", type=float, default=60, help="of simulated time")
    parser.add_argument("--services", type=int, default=24)
    parser.add_argument(
        "--forget", type=int, default=0, metavar="N", help="lose every Nth change: shows that it is found"
    )
    args = parser.parse_args()
    logging.disable(logging.CRITICAL)
    different = False
    for seed in map(int, args.seeds.split(",")):
        begun = monotonic()
        soak = Soak(seed=seed, services=args.services, seconds=args.minutes * 60, forget=args.forget)
        report = asyncio.run(soak.run())
        print(f"seed {seed}, in {monotonic() - begun:.0f} s", *report.lines(), sep="\n  ", flush=True)
        different = different or not report.clean
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
