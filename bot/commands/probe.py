"""`elb-passthrough probe`: what a probe Pod runs.

Opens short connections to a few addresses at an even rate and counts what became of each. Standard library only, so
that it starts at once in a small Pod. Nothing is sent but a HEAD request, nothing is read but its status line or, of
bare TCP, one byte, no redirect is followed, and a target's first run of resets ends the connections to it: some
databases lock out a host whose connections break off.
"""

import argparse
import json
import os
import socket
import ssl
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NamedTuple

from bot import __version__

RESULT = "/dev/termination-log"
_LARGEST = 4096
"""Bytes that the kubelet keeps of a termination message."""
_RESETS = 5
"""Resets in a row that end a target."""
_LINGER = 0.1
"""Seconds in which a bare TCP connection may be reset right after it was accepted; at most half a gap."""
_STATUS = 256
"""Bytes in which a status line must end."""
_MOST = 100_000
_TARGETS = 32


class UsageError(Exception):
    """The environment is not as the contract says; the message names the variable."""


class Target(NamedTuple):
    """One address to connect to; `text` is how it was given, and how it is reported."""

    text: str
    scheme: str
    host: str
    port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What the environment asks for; times in seconds."""

    targets: tuple[Target, ...]
    connections: int
    """To each target."""
    duration: float
    timeout: float


@dataclass(slots=True)
class Tally:
    """What became of the connections to one target."""

    attempts: int = 0
    connected: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    resets: int = 0
    """In a row, up to now."""

    def as_json(self) -> dict[str, object]:
        """Give the contract's entry."""
        found: dict[str, object] = {
            "attempts": self.attempts,
            "connected": self.connected,
            "errors": {kind: self.errors[kind] for kind in ("refused", "timeout", "other")},
        }
        if self.milliseconds:
            found["p50_ms"] = _percentile(self.milliseconds, 0.50)
            found["p99_ms"] = _percentile(self.milliseconds, 0.99)
        return found


_ASKED = ("TARGETS", "CONNECTIONS", "DURATION_SECONDS", "TIMEOUT_SECONDS")


def plan(environment: Mapping[str, str]) -> Plan:
    """Read the environment.

    Raises:
        UsageError: A variable is missing or malformed.
    """
    if missing := [name for name in _ASKED if not environment.get(name)]:
        raise UsageError(f"not set: {', '.join(missing)}")
    targets = tuple(
        _target(text.strip()) for text in environment.get("TARGETS", "").split(",") if text.strip()
    )
    if not targets:
        raise UsageError("TARGETS is empty; give tcp|http|https://ADDRESS:PORT, separated by commas")
    if len(targets) > _TARGETS:
        raise UsageError(f"TARGETS has more than {_TARGETS} targets")
    return Plan(
        targets=targets,
        connections=int(_number(environment, "CONNECTIONS", most=_MOST)),
        duration=_number(environment, "DURATION_SECONDS", most=86_400),
        timeout=_number(environment, "TIMEOUT_SECONDS", most=600),
    )


def measure(
    asked: Plan,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> dict[str, Tally]:
    """Open the connections, evenly spread over the duration; a target that is slow to answer delays no other."""
    with ThreadPoolExecutor(len(asked.targets)) as threads:
        tallies = threads.map(lambda target: _measured(target, asked, clock, sleep), asked.targets)
        return {target.text: tally for target, tally in zip(asked.targets, tallies, strict=True)}


def _measured(
    target: Target, asked: Plan, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Tally:
    tally, started = Tally(), clock()
    for number in range(asked.connections):
        sleep(max(0.0, started + asked.duration * number / asked.connections - clock()))
        if tally.resets >= _RESETS or clock() - started > asked.duration:
            break  # a target that times out every time uses the time up before the connections
        _attempt(target, asked, tally, clock)
    return tally


def run(args: argparse.Namespace) -> int:
    """Do what the environment asks; there is nothing to say on the command line."""
    del args
    return probe(os.environ)


def probe(environment: Mapping[str, str], *, sleep: Callable[[float], None] = time.sleep) -> int:
    """Do what `environment` asks; write the result where the kubelet looks, and to standard output."""
    try:
        tallies = measure(plan(environment), sleep=sleep)
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    result = json.dumps({"targets": {text: tally.as_json() for text, tally in tallies.items()}})
    print(result)
    if len(result.encode()) > _LARGEST:
        print(f"the result is larger than {_LARGEST} bytes: too many targets", file=sys.stderr)
        return 2
    return _written(environment.get("TERMINATION_LOG", RESULT), result)


def _written(path: str, result: str) -> int:
    try:
        # The kubelet makes the file; nothing else is to be made anywhere.
        descriptor = os.open(path, os.O_WRONLY | os.O_TRUNC | (os.O_CREAT if path != RESULT else 0), 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(result)
    except OSError as error:
        print(f"{path} cannot be written: {error.strerror}", file=sys.stderr)
        return 0 if path == RESULT else 2  # outside a Pod there is none; the result is printed
    return 0


def _attempt(target: Target, asked: Plan, tally: Tally, clock: Callable[[], float]) -> None:
    tally.attempts += 1
    began = clock()
    try:
        there = _connect(target, asked, clock)
    except TimeoutError:
        tally.errors["timeout"] += 1
        tally.resets = 0
    except ConnectionRefusedError:
        tally.errors["refused"] += 1
        tally.resets = 0
    except OSError as error:
        tally.errors["other"] += 1
        tally.resets = tally.resets + 1 if isinstance(error, ConnectionError) else 0
    else:
        tally.connected += 1
        tally.resets = 0
        tally.milliseconds.append((there - began) * 1000)


def _connect(target: Target, asked: Plan, clock: Callable[[], float]) -> float:
    """Open one connection and close it, for HTTP with a status line in between; return when it was there."""
    with socket.create_connection((target.host, target.port), asked.timeout) as connection:
        if target.scheme == "tcp":
            there = clock()
            _linger(connection, min(_LINGER, asked.duration / asked.connections / 2))
            return there
        if target.scheme == "https":
            with _unverified().wrap_socket(connection) as secured:
                _head(secured, target)
        else:
            _head(connection, target)
        return clock()


def _linger(connection: socket.socket, seconds: float) -> None:
    """Wait whether a server that accepted resets at once; one that says nothing, something, or goodbye has answered.

    Raises:
        ConnectionError: It was reset.
    """
    connection.settimeout(max(seconds, 1e-3))
    with suppress(TimeoutError):
        connection.recv(1)


def _head(connection: socket.socket, target: Target) -> None:
    host = f"[{target.host}]" if ":" in target.host else target.host
    connection.sendall(
        f"HEAD / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: elb-passthrough-probe/{__version__}\r\n"
        "Accept: */*\r\nConnection: close\r\n\r\n".encode()
    )
    line = b""
    while b"\n" not in line and len(line) < _STATUS:
        piece = connection.recv(_STATUS - len(line))
        if not piece:
            break
        line += piece
    if not line.startswith(b"HTTP/"):
        raise ConnectionResetError("closed before a status line")


def _unverified() -> ssl.SSLContext:
    """TLS without names or authorities: whether the address answers is asked, not who, and nothing is confided."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _target(text: str) -> Target:
    scheme, separator, rest = text.partition("://")
    host, colon, port = rest.rpartition(":")
    if not separator or scheme not in ("tcp", "http", "https") or not colon or not host:
        raise UsageError(f"TARGETS: {text!r} is not tcp|http|https://ADDRESS:PORT")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 2**16):
        raise UsageError(f"TARGETS: {text!r} has no port from 1 to 65535")
    return Target(text, scheme, host.removeprefix("[").removesuffix("]"), int(port))


def _number(environment: Mapping[str, str], name: str, *, most: float) -> float:
    try:
        value = float(environment[name])
    except ValueError:
        raise UsageError(f"{name} is {environment[name]!r}, not a number") from None
    if not 0 < value <= most:
        raise UsageError(f"{name} is {value:g}, not above 0 and at most {most:g}")
    return value


def _percentile(values: list[float], share: float) -> float:
    """Return the nearest-rank percentile, to the tenth of a microsecond that a clock can tell."""
    ordered = sorted(values)
    rank = max(1, -(-len(ordered) * round(share * 100) // 100))
    return round(ordered[rank - 1], 3)
