"""`demo`: the simulated world in the browser, or the tour of it in the terminal."""

import argparse
import asyncio
import errno
import signal

from bot.demo.stage import Stage
from bot.demo.traps import TRIALS, clusters

DEFAULT_PORT = 8080


def run(args: argparse.Namespace) -> int:
    """Run the demo until Ctrl-C, or the tour; the tour's exit status says whether its story ended as it should."""
    if args.tour:
        from bot.demo.tour import tour  # noqa: PLC0415 - only the tour needs it

        return asyncio.run(tour())
    asyncio.run(_demo(args.port))
    return 0


async def _demo(port: int | None) -> None:
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    print("Starting simulated clusters, clouds, a Slack workspace, and the bot ...", flush=True)
    first, *others = clusters()
    stage = Stage(scenario=first, others=others, trials=TRIALS)
    try:
        url = await _start(stage, port)
        print(
            f"\n  Open {url}\n\n  You are Alice. Try: /elb-passthrough status shop/checkout\n  Ctrl-C stops everything.",
            flush=True,
        )
        await stop.wait()
        print("\nStopping ...", flush=True)
    finally:
        await stage.stop()


async def _start(stage: Stage, port: int | None) -> str:
    """Start at the port that was asked for; at the usual one, or any, where none was."""
    try:
        return await stage.start(DEFAULT_PORT if port is None else port)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        taken = DEFAULT_PORT if port is None else port
        raise OSError(
            error.errno, f"port {taken} is in use; choose another: --port N, or make demo PORT=N"
        ) from error
