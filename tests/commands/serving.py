"""`serve` in a process of its own, watched by what it logs."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).parents[2]
BOT_TOKEN, APP_TOKEN, SECRET = "xoxb-served", "xapp-served", "served-secret"
PATIENCE = 60.0


class Serving:
    """One `serve` process: its environment, its log, its end."""

    def __init__(self, home: Path, *, environ: Mapping[str, str], config: Mapping[str, Any]) -> None:
        self._home = home
        self._environ = environ
        (home / "elb-passthrough.yaml").write_text(json.dumps(config), encoding="utf-8")
        self.lines: list[dict[str, Any]] = []
        self.other: list[str] = []
        """What was printed and is no line of the log."""
        self._process: Process | None = None
        self._more = asyncio.Condition()
        self._reading: asyncio.Task[None] | None = None
        self.url = ""

    async def start(self, *options: str) -> None:
        """Start it, and wait until its web server listens."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *options,
            "-m",
            "bot",
            "serve",
            cwd=self._home,
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "HOME": str(self._home),
                "PORT": "0",
                "SLACK_BOT_TOKEN": BOT_TOKEN,
                "DATABASE_URL": f"sqlite:///{self._home / 'bot.sqlite3'}",
                **self._environ,
            },
            stdout=asyncio.subprocess.DEVNULL,
            stderr=PIPE,
        )
        self._reading = asyncio.create_task(self._read())
        line = await self.logged(r"listening on (\S+)")
        self.url = line.partition("listening on ")[2]

    async def _read(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        async for raw in self._process.stderr:
            async with self._more:
                self._keep(raw.decode())
                self._more.notify_all()
        async with self._more:
            await self._process.wait()
            self._more.notify_all()

    def _keep(self, text: str) -> None:
        try:
            self.lines.append(json.loads(text))
        except ValueError:
            self.other.append(text.rstrip("\n"))

    async def logged(self, pattern: str, *, within: float = PATIENCE) -> str:
        """Wait for a line of the log."""
        async with asyncio.timeout(within), self._more:
            await self._more.wait_for(lambda: self._found(pattern) or self.status is not None)
        found = self._found(pattern)
        assert found, f"it ended with {self.status}: {self.other[-5:]} {self.lines[-3:]}"
        return found

    def _found(self, pattern: str) -> str:
        said = (str(line["message"]) for line in self.lines)
        return next((text for text in said if re.search(pattern, text)), "")

    @property
    def status(self) -> int | None:
        """The exit status, once it has ended."""
        return self._process.returncode if self._process else None

    async def ended(self) -> int:
        """Wait for its end; return the exit status."""
        assert self._process is not None
        assert self._reading is not None
        async with asyncio.timeout(PATIENCE):
            status = await self._process.wait()
            await self._reading
        return status

    def terminate(self) -> None:
        """Ask it to end."""
        if self._process is not None and self.status is None:
            self._process.terminate()

    async def stop(self) -> None:
        """End it, whatever it does."""
        if self._process is None:
            return
        self.terminate()
        try:
            await self.ended()
        except TimeoutError:
            self._process.kill()
            await self.ended()

    async def get(self, path: str) -> tuple[int, str]:
        """Ask its web server."""
        async with aiohttp.ClientSession() as session, session.get(self.url + path) as answer:
            return answer.status, await answer.text()
