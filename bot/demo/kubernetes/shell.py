"""A container's shell, played: a command that opens connections gets them from the simulated network."""

import asyncio
from collections.abc import Sequence
from urllib.parse import urlsplit

from bot.demo.kubernetes.streams import Output
from bot.demo.seam import Attempt, Json, Network

SHELLS = frozenset({"sh", "/bin/sh", "bash", "/bin/bash"})
_BEFORE_TARGETS = 6
"""sh -s -- COUNT SECONDS WAIT, and then the targets."""


class Shell:
    """Runs in every container of the cluster.

    `missing` holds the images in which there is no shell at all; `toolless` those without anything that connects.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self.missing: set[str] = set()
        self.toolless: set[str] = set()

    async def run(
        self, pod: Json, container: str, argv: Sequence[str], _stdin: asyncio.StreamReader
    ) -> Output:
        """Play a command: `sh -s -- COUNT SECONDS WAIT TARGET…`, and a script on its standard input."""
        image = next(each["image"] for each in pod["spec"]["containers"] if each["name"] == container)
        if argv[0] not in SHELLS or image in self.missing:
            return Output(b"", f'exec: "{argv[0]}": executable file not found in $PATH\n'.encode(), 126)
        if len(argv) <= _BEFORE_TARGETS:
            return Output(b"", b"", 0)
        tool = "none" if image in self.toolless else "curl"
        count, seconds, targets = int(argv[3]), float(argv[4]), argv[_BEFORE_TARGETS:]
        each = [self._measured(pod, target, 0 if tool == "none" else count, seconds) for target in targets]
        lines = [
            f"result {target} {tool} {counts}"
            for target, counts in zip(targets, await asyncio.gather(*each), strict=True)
        ]
        return Output("".join(f"{line}\n" for line in lines).encode(), b"", 0)

    async def _measured(self, pod: Json, target: str, count: int, seconds: float) -> str:
        made = dict.fromkeys(("connected", "refused", "timeout", "other"), 0)
        for _ in range(count):
            made[(await self._connect(pod, target)).result] += 1
            await asyncio.sleep(seconds / count)
        return " ".join(str(number) for number in (count, *made.values()))

    async def _connect(self, pod: Json, target: str) -> Attempt:
        parts = urlsplit(target)
        own = None if pod["spec"].get("hostNetwork") else pod["status"].get("podIP")
        return await self._network.connect(
            node=pod["spec"]["nodeName"],
            pod_ip=own,
            ip=parts.hostname or "",
            port=parts.port or 0,
            protocol="TCP",
        )
