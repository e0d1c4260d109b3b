"""The bot in the demo: the ordinary `serve` in a process of its own, told by its ordinary configuration."""

import asyncio
import json
import os
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any

STARTS_WITHIN = 120.0
"""Seconds in which the bot must be ready."""


class BotProcess:
    """One `serve` process; may be killed and started again over the same database."""

    def __init__(
        self,
        directory: Path,
        *,
        config: Mapping[str, Any],
        kubeconfig: Mapping[str, Any],
        environ: Mapping[str, str],
    ) -> None:
        self._directory = directory
        self.port = free_port()
        # JSON is YAML, so the standard library can write both files.
        (directory / "kubeconfig").write_text(json.dumps(kubeconfig), encoding="utf-8")
        (directory / "elb-passthrough.yaml").write_text(json.dumps(config, indent=2), encoding="utf-8")
        self._environ = {
            **{name: value for name, value in os.environ.items() if name in _KEPT},
            "PORT": str(self.port),
            "KUBECONFIG": str(directory / "kubeconfig"),
            "ELB_PASSTHROUGH_CONFIG": str(directory / "elb-passthrough.yaml"),
            "DATABASE_URL": f"sqlite:///{directory / 'bot.sqlite3'}",
            **environ,
        }
        self.log = directory / "bot.log"
        self._process: Process | None = None

    @property
    def request_url(self) -> str:
        """Where Slack sends its requests."""
        return f"http://127.0.0.1:{self.port}/slack/events"

    @property
    def pid(self) -> int:
        """The process's id; 0 before it was started."""
        return self._process.pid if self._process is not None else 0

    async def start(self) -> None:
        """Start the bot and wait until it is ready.

        Raises:
            BotNotReadyError: it ended, or was not ready in time; the message ends with its log's last lines.
        """
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                "serve",
                cwd=self._directory,
                env=self._environ,
                stdout=log,
                stderr=log,
            )
        try:
            async with asyncio.timeout(STARTS_WITHIN):
                while not await self._ready():
                    if self._process.returncode is not None:
                        raise BotNotReadyError(
                            f"the bot ended with status {self._process.returncode}: {self._tail()}"
                        )
                    await asyncio.sleep(0.1)
        except TimeoutError as error:
            raise BotNotReadyError(
                f"the bot was not ready within {STARTS_WITHIN:.0f} s: {self._tail()}"
            ) from error

    async def _ready(self) -> bool:
        """Whether /readyz answers 200 and every cluster is fine."""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(b"GET /readyz HTTP/1.1\r\nHost: bot\r\nConnection: close\r\n\r\n")
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
            writer.close()
        except OSError:
            return False
        if b" 200 " not in head.partition(b"\r\n")[0] + b" ":
            return False
        clusters: dict[str, str] = json.loads(body).get("clusters", {})
        return all(state == "ok" for state in clusters.values())

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def stop(self) -> None:
        """Ask it to end, and wait for it."""
        if self._process is None:
            return
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(10):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    async def gone(self) -> None:
        """Wait until a killed process is gone."""
        if self._process is not None:
            await self._process.wait()

    def _tail(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return " | ".join(lines[-5:]) or "it said nothing"


class BotNotReadyError(Exception):
    """The bot did not start."""


_KEPT = frozenset(
    {
        "PATH",
        "HOME",
        "LANG",
        "LC_ALL",
        "PYTHONPATH",
        "PYTHONDONTWRITEBYTECODE",
        "VIRTUAL_ENV",
        "COVERAGE_PROCESS_START",
        "TMPDIR",
        "SYSTEMROOT",
    }
)


def free_port() -> int:
    """Return a loopback port that is free now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port
