"""Connections from inside a running Pod of somebody's workload: one shell command over the exec subresource.

The command lives as long as this process listens to it; what is under way is known here only. A replica that takes a
run over finds nothing, and the burst is sent once more.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from bot.adapters.cluster.calls import Calls
from bot.adapters.cluster.command import Heard, command
from bot.adapters.cluster.connection import Connection
from bot.adapters.cluster.failure import sentence
from bot.adapters.cluster.kind import PODS
from bot.domain.objects import Ref
from bot.ports import Forbidden, ProbePod, ProbeState, TargetCount, WorldError

SCRIPT = Path(__file__).with_name("connect.sh").read_text(encoding="utf-8")
_GRACE = 30.0
"""Seconds beside the measurement itself: starting the command, and its last connections."""
_DEFAULT = "kubectl.kubernetes.io/default-container"
_MESH = ("istio-proxy", "linkerd-proxy", "kuma-sidecar", "consul-dataplane")
"""Sidecars that take over a Pod's connections: they would answer in the load balancer's stead."""
_NO_SHELL = frozenset({126, 127})
"""What a runtime ends with when there is no such executable, as a shell does."""
_DIGITS = 6
_RESULT = ("result", "attempts", "connected", "refused", "timeout", "other")


@dataclass(frozen=True, slots=True, kw_only=True)
class _UnderWay:
    run: str
    task: asyncio.Task[ProbeState]
    started_at: datetime


class Inside:
    """The commands that this process has started in a cluster's Pods, by the probe's name."""

    def __init__(self, calls: Calls, connection: Connection) -> None:
        self._calls = calls
        self._connection = connection
        self._under_way: dict[str, _UnderWay] = {}

    async def start(self, pod: ProbePod, ref: Ref) -> None:
        """Start the command; one that is under way already is left alone.

        Raises:
            NotFound: The Pod is gone.
            Forbidden: RBAC, or the Pod is not one in which this would tell anything.
            Unavailable: No answer.
        """
        if pod.name in self._under_way:
            return
        path = f"{PODS.path(ref.namespace)}/{quote(ref.name, safe='')}"
        container = _container(await self._calls.get(path))
        if pod.name in self._under_way:
            return  # somebody was faster while the Pod was read
        task = asyncio.get_running_loop().create_task(
            self._run(f"{path}/exec", container, pod), name=pod.name
        )
        self._under_way[pod.name] = _UnderWay(run=pod.run, task=task, started_at=datetime.now(UTC))

    def state(self, name: str) -> ProbeState:
        """Say how far a command is."""
        found = self._under_way.get(name)
        if found is None:
            return ProbeState(phase="gone", why="the process that listened to the command has ended")
        return found.task.result() if found.task.done() else _running(found)

    async def sweep(self, run: str) -> int:
        """End the commands of one run; closing the stream ends them in the container too."""
        mine = {name: each for name, each in self._under_way.items() if each.run == run}
        for name, each in mine.items():
            each.task.cancel()
            del self._under_way[name]
        await asyncio.gather(*(each.task for each in mine.values()), return_exceptions=True)
        return len(mine)

    async def close(self) -> None:
        """End every command."""
        for run in {each.run for each in self._under_way.values()}:
            await self.sweep(run)

    async def _run(self, path: str, container: str, pod: ProbePod) -> ProbeState:
        began = datetime.now(UTC)
        # The script goes by standard input: an address of that length is refused by many a proxy.
        argv = ["sh", "-s", "--", str(pod.connections), _whole(pod.duration), _whole(pod.timeout)]
        query = [("container", container), *(("command", word) for word in (*argv, *pod.targets))]
        seconds = pod.duration + pod.timeout + _GRACE
        try:
            heard = await command(self._connection, path, query, typed=SCRIPT.encode(), seconds=seconds)
        except WorldError as error:
            return ProbeState(phase="failed", why=str(error))
        return _ended(pod.targets, heard, began)


def _running(found: _UnderWay) -> ProbeState:
    return ProbeState(phase="running", started_at=found.started_at)


def _container(pod: Mapping[str, Any]) -> str:
    """Choose the container: the Pod's default one, else the first.

    Raises:
        Forbidden: The Pod does not run, or a sidecar takes its connections over.
    """
    metadata, status = pod.get("metadata") or {}, pod.get("status") or {}
    if status.get("phase") != "Running" or metadata.get("deletionTimestamp"):
        raise Forbidden(f"the Pod {metadata.get('name')} does not run")
    spec = pod.get("spec") or {}
    names = [str(each.get("name")) for each in spec.get("containers") or []]
    sidecars = [str(each.get("name")) for each in spec.get("initContainers") or []]
    if mesh := next((name for name in (*names, *sidecars) if name in _MESH), ""):
        raise Forbidden(f"the sidecar {mesh} would answer in the load balancer's stead")
    wanted = (metadata.get("annotations") or {}).get(_DEFAULT)
    if not names:
        raise Forbidden(f"the Pod {metadata.get('name')} has no container")
    return wanted if wanted in names else names[0]


def _whole(seconds: float) -> str:
    return str(max(1, round(seconds)))


def _ended(targets: Sequence[str], heard: Heard, began: datetime) -> ProbeState:
    """Read what the command said. It comes from somebody's container: what is not exactly right is no result."""
    if why := _failure(heard):
        return ProbeState(phase="failed", why=why)
    lines = [line.split() for line in heard.output.decode("ascii", errors="replace").splitlines()]
    found = {line[1]: line[2:] for line in lines if len(line) == len(_RESULT) + 2 and line[0] == "result"}
    toolless = [target for target in targets if found.get(target, [""])[0] == "none"]
    if toolless:
        schemes = ", ".join(sorted({target.partition(":")[0] for target in toolless}))
        return ProbeState(phase="failed", why=f"the container has no tool that can connect by {schemes}")
    counts: dict[str, TargetCount] = {}
    with suppress(ValueError):
        counts = {target: _count(found[target][1:]) for target in targets if target in found}
    if len(counts) < len(targets):
        return ProbeState(phase="failed", why="the command ended without a result", started_at=began)
    return ProbeState(phase="done", started_at=began, finished_at=heard.at, counts=counts)


def _failure(heard: Heard) -> str:
    """Say why the command did not end well; nothing where it did."""
    status = heard.status
    if status.get("status") == "Success":
        return ""
    said = sentence(str(status.get("message") or "the stream ended before the command did"))
    said = f"{said} {sentence(heard.error.decode(errors='replace'))}".strip()
    if _exit_code(status) in _NO_SHELL or "executable file not found" in said or "no such file" in said:
        return "the container has no shell"
    return sentence(said)


def _exit_code(status: Mapping[str, Any]) -> int | None:
    causes = (status.get("details") or {}).get("causes") or []
    with suppress(ValueError, TypeError, AttributeError):
        return next((int(each["message"]) for each in causes if each.get("reason") == "ExitCode"), None)
    return None


def _count(words: Sequence[str]) -> TargetCount:
    attempts, connected, refused, timeout, other = (_number(word) for word in words)
    if connected + refused + timeout + other != attempts:
        raise ValueError("the counts contradict themselves")
    return TargetCount(
        attempts=attempts,
        connected=connected,
        errors={"refused": refused, "timeout": timeout, "other": other},
    )


def _number(word: str) -> int:
    if not (word.isascii() and word.isdigit() and len(word) <= _DIGITS):
        raise ValueError("no count")
    return int(word)
