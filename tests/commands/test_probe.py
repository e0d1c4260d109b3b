"""`elb-passthrough probe` against real sockets on the loopback interface."""

import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from bot.commands.probe import Plan, Target, UsageError, measure, plan
from bot.commands.probe import probe as unhurried

CERTIFICATE = Path(__file__).with_name("certificate.pem")
"""Signed by itself, for nobody, with its key; of no use but here."""
Handler = Callable[[socket.socket], None]


@contextmanager
def listening(handler: Handler) -> Iterator[int]:
    """Answer every connection by a function, on a port of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection, suppress(OSError):  # the probe may be gone already
                    handler(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def probe(variables: dict[str, str]) -> int:
    """Run a probe that does not pause between its connections, and so is never late."""
    return unhurried(variables, sleep=lambda _: None)


def quiet(_: socket.socket) -> None:
    """Accept and close."""


def reset(connection: socket.socket) -> None:
    """Break the connection off after the request came."""
    connection.recv(1)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_at_once(connection: socket.socket) -> None:
    """Accept and break off, before anything is said."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def redirect(connection: socket.socket) -> None:
    """Answer a HEAD with a redirect."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n")


def environment(tmp_path: Path, *targets: str, **changes: str) -> dict[str, str]:
    """Make what a probe Pod's container has."""
    return {
        "TARGETS": ",".join(targets),
        "CONNECTIONS": "6",
        "DURATION_SECONDS": "600",
        "TIMEOUT_SECONDS": "60",
        "TERMINATION_LOG": str(tmp_path / "log"),
    } | changes


def result(tmp_path: Path) -> dict[str, Any]:
    """Read the termination message."""
    text = (tmp_path / "log").read_text()
    assert len(text.encode()) <= 4096
    found: dict[str, Any] = json.loads(text)["targets"]
    return found


def test_connections_are_counted_and_timed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The contract's shape, in the termination message and on standard output."""
    with listening(quiet) as port:
        target = f"tcp://127.0.0.1:{port}"
        assert probe(environment(tmp_path, target)) == 0
    found = result(tmp_path)[target]
    assert found["attempts"] == found["connected"] == 6
    assert found["errors"] == {"refused": 0, "timeout": 0, "other": 0}
    assert 0 < found["p50_ms"] <= found["p99_ms"]
    assert json.loads(capsys.readouterr().out) == {"targets": {target: found}}


def test_refusals_are_counted_and_have_no_latency(tmp_path: Path, unused_tcp_port: int) -> None:
    """Nothing listens."""
    target = f"tcp://127.0.0.1:{unused_tcp_port}"
    assert probe(environment(tmp_path, target)) == 0
    found = result(tmp_path)[target]
    assert found == {"attempts": 6, "connected": 0, "errors": {"refused": 6, "timeout": 0, "other": 0}}


def test_what_never_answers_times_out(tmp_path: Path) -> None:
    """An HTTP server that accepts and says nothing; the next target is not held up."""
    hold = threading.Event()

    def silence(_: socket.socket) -> None:
        hold.wait()

    with listening(silence) as silent, listening(quiet) as port:
        targets = [f"http://127.0.0.1:{silent}", f"tcp://127.0.0.1:{port}"]
        probe(environment(tmp_path, *targets, CONNECTIONS="2", TIMEOUT_SECONDS="0.1"))
        hold.set()
    found = result(tmp_path)
    assert found[targets[0]]["errors"]["timeout"] == found[targets[0]]["attempts"] > 0
    assert found[targets[1]]["connected"] == 2


def test_a_run_of_resets_ends_the_connections(tmp_path: Path) -> None:
    """Databases lock out a host whose connections break off; five in a row are enough to know."""
    with listening(reset) as port:
        target = f"http://127.0.0.1:{port}"
        probe(environment(tmp_path, target, CONNECTIONS="50"))
    found = result(tmp_path)[target]
    assert found["attempts"] == found["errors"]["other"] == 5


@pytest.mark.parametrize("scheme", ["tcp", "http"])
def test_a_server_that_accepts_and_resets_is_no_connection(tmp_path: Path, scheme: str) -> None:
    """Of bare TCP too, on which nothing is said: the first run of them ends it."""
    with listening(reset_at_once) as port:
        target = f"{scheme}://127.0.0.1:{port}"
        probe(environment(tmp_path, target, CONNECTIONS="20"))
    found = result(tmp_path)[target]
    assert (found["attempts"], found["connected"], found["errors"]["other"]) == (5, 0, 5)


def test_a_server_that_keeps_a_connection_and_says_nothing_has_answered(tmp_path: Path) -> None:
    """Most databases wait for their client; nobody waits long for them, and it is no part of the latency."""
    hold = threading.Event()

    def silence(_: socket.socket) -> None:
        hold.wait()

    with listening(silence) as port:
        target = f"tcp://127.0.0.1:{port}"
        probe(environment(tmp_path, target, CONNECTIONS="2"))
        hold.set()
    assert result(tmp_path)[target]["connected"] == 2


def test_http_is_a_head_request_whose_redirect_is_not_followed(tmp_path: Path) -> None:
    """A status line is an answer, whatever it says."""
    asked: list[bytes] = []

    def answer(connection: socket.socket) -> None:
        asked.append(connection.recv(4096))
        connection.sendall(b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\r\n")

    with listening(answer) as port:
        target = f"http://127.0.0.1:{port}"
        probe(environment(tmp_path, target, CONNECTIONS="1"))
    assert result(tmp_path)[target]["connected"] == 1
    assert asked[0].startswith(b"HEAD / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    assert asked[0].endswith(b"\r\n\r\n")


def test_https_needs_no_valid_certificate(tmp_path: Path) -> None:
    """Whether it answers is asked, not who answers."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            redirect(secured)

    with listening(answer) as port:
        target = f"https://127.0.0.1:{port}"
        probe(environment(tmp_path, target, CONNECTIONS="2"))
    assert result(tmp_path)[target]["connected"] == 2


def test_a_tls_that_fails_is_an_error_of_its_own(tmp_path: Path) -> None:
    """A plain server behind an https target."""
    with listening(lambda connection: connection.sendall(b"220 hello\r\n")) as port:
        target = f"https://127.0.0.1:{port}"
        probe(environment(tmp_path, target, CONNECTIONS="2"))
    found = result(tmp_path)[target]
    assert found["errors"]["other"] == 2


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"TARGETS": ""}, "not set: TARGETS"),
        ({"TARGETS": " , "}, "TARGETS is empty"),
        ({"TARGETS": "udp://10.0.0.9:53"}, "is not tcp|http|https://ADDRESS:PORT"),
        ({"TARGETS": "tcp://10.0.0.9"}, "is not tcp|http|https://ADDRESS:PORT"),
        ({"TARGETS": "tcp://10.0.0.9:0"}, "no port from 1 to 65535"),
        ({"TARGETS": "tcp://10.0.0.9:70000"}, "no port from 1 to 65535"),
        ({"TARGETS": ",".join(["tcp://10.0.0.9:80"] * 33)}, "more than 32"),
        ({"CONNECTIONS": "many"}, "CONNECTIONS is 'many', not a number"),
        ({"CONNECTIONS": "0"}, "CONNECTIONS is 0"),
        ({"TIMEOUT_SECONDS": "nan"}, "TIMEOUT_SECONDS is nan"),
    ],
)
def test_a_wrong_environment_is_one_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], changes: dict[str, str], told: str
) -> None:
    """Exit status 2, the variable's name, and no result."""
    assert probe(environment(tmp_path, "tcp://127.0.0.1:1", **changes)) == 2
    assert told in capsys.readouterr().err
    assert not (tmp_path / "log").exists()


def test_every_missing_variable_is_named() -> None:
    """All in one sentence; nothing is assumed."""
    with pytest.raises(UsageError, match=r"not set: CONNECTIONS, TIMEOUT_SECONDS$"):
        plan({"TARGETS": "tcp://10.0.0.9:80", "DURATION_SECONDS": "1", "TIMEOUT_SECONDS": ""})


def test_ipv6_addresses_are_read() -> None:
    """In brackets, as in a URL."""
    asked = plan(
        {"TARGETS": "tcp://[::1]:80", "CONNECTIONS": "1", "DURATION_SECONDS": "1", "TIMEOUT_SECONDS": "1"}
    )
    assert asked.targets == (Target("tcp://[::1]:80", "tcp", "::1", 80),)


def test_connections_are_spread_over_the_duration() -> None:
    """Even gaps, by a clock that only sleeping moves."""
    now, slept = [0.0], []

    def sleep(seconds: float) -> None:
        slept.append(round(seconds, 6))
        now[0] += seconds

    with listening(quiet) as port:
        target = Target("t", "tcp", "127.0.0.1", port)
        asked = Plan(targets=(target,), connections=4, duration=60.0, timeout=1.0)
        tallies = measure(asked, clock=lambda: now[0], sleep=sleep)
    assert slept == [0.0, 15.0, 15.0, 15.0]
    assert tallies["t"].connected == 4


def test_a_target_that_uses_up_the_time_gets_fewer_attempts() -> None:
    """The probe ends in time, and says how many it made."""
    ticks = iter(range(0, 1000, 7))
    target = Target("t", "tcp", "127.0.0.1", 1)
    asked = Plan(targets=(target,), connections=100, duration=30.0, timeout=1.0)
    tallies = measure(asked, clock=lambda: float(next(ticks)), sleep=lambda _: None)
    assert 0 < tallies["t"].attempts < 100


def test_outside_a_pod_the_result_is_only_printed(unused_tcp_port: int, tmp_path: Path) -> None:
    """As a program of its own: the standard library suffices, and the exit status is 0."""
    variables = environment(tmp_path, f"tcp://127.0.0.1:{unused_tcp_port}", DURATION_SECONDS="0.05")
    heavy = ("aiohttp", "kubernetes", "pydantic", "slack_bolt", "sqlalchemy", "yaml")
    code = f"""
import os, sys
from bot.commands.probe import probe
status = probe(os.environ)
print(sorted(set({heavy}) & sys.modules.keys()), file=sys.stderr)
sys.exit(status)
"""
    done = subprocess.run(  # noqa: S603 - our own interpreter, our own code
        [sys.executable, "-c", code], env=variables, capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr.strip()) == (0, "[]")
    assert json.loads(done.stdout)["targets"]
