"""Run inside a namespace: opens connections, and prints what came of each as JSON.

Standard input: `{"source": ADDRESS or null, "targets": ["10.1.0.1:80", …], "attempts": N, "timeout": SECONDS}`.
Output: target → how often each outcome was seen: `ok NAME SOURCE`, `refused`, `timeout`, or another error's name.
"""

import asyncio
import json
import sys
from collections import Counter
from typing import Any


async def once(target: str, source: str | None, timeout: float) -> str:  # noqa: ASYNC109 - of this attempt
    """Open one connection, and return what came of it."""
    host, _, port = target.rpartition(":")
    try:
        async with asyncio.timeout(timeout):
            local = (source, 0) if source else None
            reader, writer = await asyncio.open_connection(host, int(port), local_addr=local)
            said = (await reader.read()).decode()
            writer.close()
    except TimeoutError:
        return "timeout"
    except ConnectionRefusedError:
        return "refused"
    except OSError as error:
        return type(error).__name__
    return f"ok {said}" if said else "closed"


async def all_of(asked: dict[str, Any]) -> dict[str, dict[str, int]]:
    """Try every target, a few hundred at a time."""
    gate = asyncio.Semaphore(200)
    seen: dict[str, Counter[str]] = {target: Counter() for target in asked["targets"]}

    async def one(target: str) -> None:
        async with gate:
            seen[target][await once(target, asked["source"], asked["timeout"])] += 1

    await asyncio.gather(*(one(t) for t in asked["targets"] for _ in range(asked["attempts"])))
    return {target: dict(count) for target, count in seen.items()}


if __name__ == "__main__":
    json.dump(asyncio.run(all_of(json.load(sys.stdin))), sys.stdout)
