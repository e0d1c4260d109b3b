"""The probe Pod's process, played: connections at a rate, counted into a termination message."""

import asyncio
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

from bot.demo.seam import Network

LONGEST_MESSAGE = 4096  # bytes; what the kubelet keeps of a termination message
SCHEMES = frozenset({"tcp", "http", "https"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a probe is told by its environment: connections to each target, times in seconds."""

    targets: tuple[str, ...]
    connections: int
    duration: float
    timeout: float

    @classmethod
    def read(cls, env: Mapping[str, str]) -> Self:
        """Read the environment; raises ValueError for what is missing or malformed."""
        targets = tuple(target for target in env.get("TARGETS", "").split(",") if target)
        for target in targets:
            parts = urlsplit(target)
            if parts.scheme not in SCHEMES or parts.hostname is None or parts.port is None:
                raise ValueError(f"TARGETS: {target!r} is not tcp|http|https://ADDRESS:PORT")
        if not targets:
            raise ValueError("TARGETS is empty")
        return cls(
            targets=targets,
            connections=int(env.get("CONNECTIONS", "")),
            duration=float(env.get("DURATION_SECONDS", "")),
            timeout=float(env.get("TIMEOUT_SECONDS", "")),
        )


@dataclass(slots=True)
class Tally:
    """What happened to the connections to one target."""

    attempts: int = 0
    latencies: list[float] = field(default_factory=list)
    errors: dict[str, int] = field(default_factory=lambda: {"refused": 0, "timeout": 0, "other": 0})

    @property
    def result(self) -> dict[str, Any]:
        """Return the target's part of the termination message."""
        counted = {"attempts": self.attempts, "connected": len(self.latencies), "errors": self.errors}
        if not self.latencies:
            return counted
        return counted | {"p50_ms": percentile(self.latencies, 50), "p99_ms": percentile(self.latencies, 99)}


def percentile(values: Sequence[float], rank: int) -> float:
    """Return the nearest-rank percentile in milliseconds; there must be values."""
    return round(sorted(values)[math.ceil(len(values) * rank / 100) - 1], 3)


async def _probe(
    plan: Plan, target: str, tally: Tally, network: Network, *, node: str, pod_ip: str | None
) -> None:
    loop = asyncio.get_running_loop()
    parts = urlsplit(target)
    begun = loop.time()
    for at in range(plan.connections):
        await asyncio.sleep(max(0.0, begun + at * plan.duration / plan.connections - loop.time()))
        if loop.time() - begun > plan.duration:
            return  # timeouts have used the time up before the connections
        attempt = await network.connect(
            node=node, pod_ip=pod_ip, ip=parts.hostname or "", port=parts.port or 0, protocol="TCP"
        )
        tally.attempts += 1
        if attempt.result == "connected":
            tally.latencies.append(attempt.latency_ms)
            continue
        tally.errors[attempt.result] += 1
        if attempt.result == "timeout":
            await asyncio.sleep(min(attempt.latency_ms / 1000, plan.timeout))


async def played(plan: Plan, network: Network, *, node: str, pod_ip: str | None) -> str:
    """Open the connections that a plan asks for, and return the termination message."""
    tallies = {target: Tally() for target in plan.targets}
    async with asyncio.TaskGroup() as group:
        for target, tally in tallies.items():
            group.create_task(_probe(plan, target, tally, network, node=node, pod_ip=pod_ip))
    message = json.dumps({"targets": {target: tally.result for target, tally in tallies.items()}})
    return message.encode()[:LONGEST_MESSAGE].decode(errors="ignore")
