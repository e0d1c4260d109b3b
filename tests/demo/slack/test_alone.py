"""The workspace as a program of its own."""

import asyncio
import signal
import sys

import aiohttp


async def test_the_workspace_runs_alone_until_it_is_interrupted() -> None:
    """It prints where it is and what an app must be told, and ends without a traceback."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-u",
        "-m",
        "bot.demo.slack",
        "--port",
        "0",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    async with asyncio.timeout(60):
        printed = [(await process.stdout.readline()).decode().split() for _ in range(3)]
        url = printed[0][1]
        async with aiohttp.ClientSession() as session, session.get(url) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        _, errors = await process.communicate()
    assert printed[1][-1] == f"SLACK_API_URL={url}/api/"
    assert printed[2][-1] == f"SLACK_RESPONSE_HOSTS={url.removeprefix('http://')}"
    assert (process.returncode, errors) == (0, b"")
