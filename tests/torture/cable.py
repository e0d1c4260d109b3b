"""A cable: what stands between one replica and PostgreSQL; it knows a commit that moves a change, and can be pulled."""

import asyncio

from tests.torture.ambush import AFTER, BEFORE, MOVE, Ambush

_COMMIT = b"COMMIT\0"
_MOVING = b'"digest"'
"""Stands in every event of a change, and in nothing else that is written."""


class Cable:
    """A TCP proxy."""

    def __init__(self, replica: int, *, host: str, port: int, ambush: Ambush) -> None:
        self._replica = replica
        self._target = (host, port)
        self._ambush = ambush
        self._server: asyncio.Server | None = None
        self._lines: set[_Line] = set()

    async def start(self) -> int:
        """Listen on loopback; return the port."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening, and pull what is connected."""
        if self._server is not None:
            self._server.close()
        self.pull()

    def pull(self) -> int:
        """Break every connection, as a restart of the server would; return how many."""
        lines = list(self._lines)
        for line in lines:
            line.cut()
        return len(lines)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection(*self._target)
        line = _Line(writer, back)
        self._lines.add(line)
        try:
            await asyncio.gather(self._up(line, reader), self._down(line, there))
        finally:
            self._lines.discard(line)
            line.cut()

    async def _up(self, line: "_Line", reader: asyncio.StreamReader) -> None:
        """From the replica to the database."""
        while data := await _read(reader):
            line.since += data
            if _COMMIT in data:
                line.moving = _MOVING in line.since
                line.since.clear()
                if line.moving and self._ambush.falls(self._replica, BEFORE, MOVE):
                    break
            line.database.write(data)
        line.cut()

    async def _down(self, line: "_Line", reader: asyncio.StreamReader) -> None:
        """From the database to the replica."""
        while data := await _read(reader):
            moved, line.moving = line.moving, False
            if moved and self._ambush.falls(self._replica, AFTER, MOVE):
                break
            line.replica.write(data)
        line.cut()


class _Line:
    """One connection: both its ends, and what was said since the last commit."""

    def __init__(self, replica: asyncio.StreamWriter, database: asyncio.StreamWriter) -> None:
        self.replica = replica
        self.database = database
        self.since = bytearray()
        self.moving = False

    def cut(self) -> None:
        """Break both ends."""
        for end in (self.replica, self.database):
            end.transport.abort()


async def _read(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.read(65536)
    except OSError:
        return b""
